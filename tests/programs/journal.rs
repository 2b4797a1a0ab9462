//! A journal on the disk, written by rooms, and ways to damage it.

use std::sync::Arc;

use bidhub::chance::Chance;
use bidhub::clock::{self, Clock};
use bidhub::coordination::local::{LocalBus, LocalLeases};
use bidhub::domain::auction::{Bid, Funds, Listing, Offer, Terms};
use bidhub::domain::formats::{English, Format, SoftClose, english::BuyNowUntil};
use bidhub::domain::increments::Increments;
use bidhub::domain::{AccountId, AuctionId, BidKey, Currency, Fees, Money, Seq, Span, Timestamp};
use bidhub::journal::AckLevel;
use bidhub::journal::sql::SqlJournal;
use bidhub::persistence::{Db, Durability, On};
use bidhub::room::{Act, Deps, Limits, NewAuction, Rooms};
use sqlx::SqlitePool;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The directory of a hub that ran, and the auction that it held to the end.
pub struct Journal {
    pub dir: TempDir,
    pub auction: AuctionId,
    /// The number of its last event.
    pub last: u64,
    db: Db,
}

pub fn start() -> Timestamp {
    clock::parse("2026-11-20T09:30:00.000Z").unwrap()
}

pub fn account(number: u128) -> AccountId {
    AccountId(Uuid::from_u128(number))
}

pub fn money(minor: i64) -> Money {
    Money::new(minor).unwrap()
}

pub fn terms() -> Terms {
    let soft =
        SoftClose { window: Span::from_secs(60), extension: Span::from_secs(60), max_total: Span::from_secs(600) };
    Terms {
        seller: account(1),
        currency: Currency::new("USD").unwrap(),
        starts_at: start(),
        ends_at: start().plus(Span::from_secs(3_600)),
        funds: Funds::None,
        fees: Fees::default(),
        grace: Span::from_secs(30),
        format: Format::English(English {
            opening_price: money(100),
            increments: Increments::default(),
            reserve: Some(money(900)),
            buy_now: None,
            buy_now_until: BuyNowUntil::FirstBid,
            soft_close: Some(soft),
        }),
    }
}

pub fn listing() -> Listing {
    Listing { title: "Lamp".into(), description: "".into(), category: "home".into(), image_url: None }
}

impl Journal {
    /// Two auctions: one just created, one with bids, a reserve, a void and a soft close, sold at its end.
    pub async fn written() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (clock, chance, lost) = (Clock::manual(start()), Chance::seeded(7), CancellationToken::new());
        let db = Db::sqlite(&dir.path().join("journal.db"), Durability::Full).await.unwrap();
        let holder = chance.uuid(clock.now());
        let journal = SqlJournal::take_over(db.clone(), holder, &clock, lost.clone()).await.unwrap();
        let rooms = Rooms::new(Deps {
            journal: Arc::new(journal.clone()),
            leases: Arc::new(LocalLeases::new(journal.lease(), lost.clone())),
            bus: Arc::new(LocalBus::new(bidhub::domain::NodeId(holder))),
            funding: Arc::new(bidhub::room::NoFunding),
            clock: clock.clone(),
            chance,
            limits: Limits::default(),
            lost,
        });
        let new = NewAuction { terms: terms(), listing: listing(), ack: AckLevel::default() };
        rooms.create(new.clone()).await.unwrap();
        let auction = rooms.create(new).await.unwrap();

        let bid = async |bidder, key: &str, minor| {
            let key = BidKey::new(key).unwrap();
            let bid = Bid { bidder: account(bidder), barred: None, key, offer: Offer::Max(money(minor)) };
            rooms.bid(auction, bid).await.unwrap()
        };
        bid(2, "first", 500).await;
        let second = bid(3, "second", 1_000).await;
        let act = Act::Void { by: account(9), key: None, reason: "a slip of the hand".into(), seq: second.seq };
        rooms.act(auction, act).await.unwrap();
        bid(4, "third", 2_000).await;
        clock.advance(Span::from_secs(3_580));
        bid(2, "late", 3_000).await;
        clock.advance(Span::from_secs(3_600));
        // A bid too late is refused, and closes the auction on its way.
        let too_late = Bid {
            bidder: account(3),
            barred: None,
            key: BidKey::new("too-late").unwrap(),
            offer: Offer::Max(money(9_000)),
        };
        rooms.bid(auction, too_late).await.unwrap_err();
        let room = rooms.get(auction).await.unwrap();
        let Seq(last) = room.seq();
        assert_eq!(room.view(None).public.status, "ended");
        rooms.close().await;
        Self { dir, auction, last, db }
    }

    pub fn pool(&self) -> &SqlitePool {
        match self.db.write() {
            On::Lite(pool) => pool,
            On::Pg(_) => unreachable!("the journal is a file"),
        }
    }

    /// Runs a statement on the journal behind the hub's back; `$1` is the auction, `$2` is `seq`.
    pub async fn damage(&self, statement: &'static str, seq: u64) {
        let seq = i64::try_from(seq).unwrap();
        let done = sqlx::query(statement).bind(self.auction.0).bind(seq).execute(self.pool()).await.unwrap();
        assert_eq!(done.rows_affected(), 1, "{statement}");
    }

    pub fn id(&self) -> String {
        self.auction.to_string()
    }
}
