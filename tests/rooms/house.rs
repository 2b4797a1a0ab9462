//! A house with rooms: one journal in a temporary directory, rooms on it, and a way to read the log back from the disk.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bidhub::chance::Chance;
use bidhub::clock::{self, Clock};
use bidhub::coordination::local::{LocalBus, LocalLeases};
use bidhub::domain::auction::{Audit, Bid, Event, EventKind, Funds, Listing, Offer, Rejection, State, Terms, Verdict};
use bidhub::domain::formats::{English, Format, english::BuyNowUntil};
use bidhub::domain::increments::Increments;
use bidhub::domain::{AccountId, AuctionId, BidKey, Currency, Fees, Money, NodeId, Seq, Span, Timestamp};
use bidhub::journal::AckLevel;
use bidhub::journal::sql::SqlJournal;
use bidhub::journal::{Chain, Journal as _, Record};
use bidhub::persistence::{Db, Durability};
use bidhub::room::{Answer, Deps, Frame, Funding, Limits, NewAuction, NoFunding, Reply, Rooms, Watcher};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::unruly::Unruly;

pub struct House {
    pub rooms: Rooms,
    pub journal: SqlJournal,
    pub door: Arc<Unruly>,
    pub clock: Clock,
    funding: Arc<dyn Funding>,
    dir: Arc<TempDir>,
}

/// The moment at which time stands still, unless a test moves it.
pub fn start() -> Timestamp {
    clock::parse("2026-11-20T09:30:00.000Z").unwrap()
}

impl House {
    /// A house whose time stands still.
    pub async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub async fn with(limits: Limits) -> Self {
        Self::at(limits, Clock::manual(start()), 1).await
    }

    /// A house with this clock; the same `seed` gives the same ids and secrets.
    pub async fn at(limits: Limits, clock: Clock, seed: u64) -> Self {
        Self::in_dir(limits, clock, seed, Arc::new(NoFunding), Arc::new(tempfile::tempdir().unwrap())).await
    }

    /// A house whose time stands still, with somewhere to ask for money.
    pub async fn funded(limits: Limits, funding: Arc<dyn Funding>) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        Self::in_dir(limits, Clock::manual(start()), 1, funding, dir).await
    }

    async fn in_dir(limits: Limits, clock: Clock, seed: u64, funding: Arc<dyn Funding>, dir: Arc<TempDir>) -> Self {
        let chance = Chance::seeded(seed);
        let lost = CancellationToken::new();
        let db = Db::sqlite(&dir.path().join("journal.db"), Durability::Full).await.unwrap();
        let holder = chance.uuid(clock.now());
        let journal = SqlJournal::take_over(db, holder, &clock, lost.clone()).await.unwrap();
        let door = Arc::new(Unruly::new(journal.clone()));
        let leases = Arc::new(LocalLeases::new(journal.lease(), lost.clone()));
        let bus = Arc::new(LocalBus::new(NodeId(holder)));
        let deps = Deps {
            journal: door.clone(),
            leases,
            bus,
            funding: funding.clone(),
            clock: clock.clone(),
            chance,
            limits,
            lost,
        };
        Self { rooms: Rooms::new(deps), journal, door, clock, funding, dir }
    }

    /// The same house after a stop and a start.
    pub async fn reopened(self) -> Self {
        self.rooms.close().await;
        Self::in_dir(Limits::default(), self.clock.clone(), 2, self.funding.clone(), self.dir.clone()).await
    }

    /// Another process takes the journal over. This one does not know it before it next writes.
    pub async fn usurped(&self) {
        let db = Db::sqlite(&self.dir.path().join("journal.db"), Durability::Full).await.unwrap();
        let holder = Chance::seeded(99).uuid(self.clock.now());
        SqlJournal::take_over(db, holder, &self.clock, CancellationToken::new()).await.unwrap();
    }

    pub async fn auction(&self, terms: Terms) -> AuctionId {
        self.rooms.create(NewAuction { terms, listing: listing(), ack: AckLevel::default() }).await.unwrap()
    }

    pub async fn bid(&self, auction: AuctionId, bid: Bid) -> Result<Verdict, Rejection> {
        self.rooms.bid(auction, bid).await
    }

    /// Every record of the log, read from the disk.
    pub async fn records(&self, auction: AuctionId) -> Vec<Record> {
        self.journal.read(auction, Seq(0), 1_000_000).await.unwrap()
    }

    /// Every event of the log.
    pub async fn events(&self, auction: AuctionId) -> Vec<Event> {
        self.records(auction).await.iter().map(|record| record.event().unwrap()).collect()
    }

    /// Follows the chain from the creation to the head and audits every event. Gives the state that they lead to.
    pub async fn verified(&self, auction: AuctionId) -> State {
        let open = self.journal.open(auction).await.unwrap().unwrap();
        let mut chain = Chain::origin(&open.secret);
        chain.follow(&open.genesis).unwrap();
        let mut audit = Audit::new(open.genesis.genesis().unwrap().2);
        for (index, record) in self.records(auction).await.iter().enumerate() {
            assert_eq!(record.seq, Seq(index as u64 + 1), "no gap");
            chain.follow(record).unwrap();
            audit.check(&record.event().unwrap()).unwrap();
        }
        assert_eq!(chain.head(), open.head, "the log ends at its head");
        audit.finish().unwrap()
    }

    /// The keys of the bids in the log, in order.
    pub async fn keys(&self, auction: AuctionId) -> Vec<String> {
        let key = |event: Event| match event.kind {
            EventKind::Bid(bid) => Some(bid.key.as_str().to_owned()),
            _ => None,
        };
        self.events(auction).await.into_iter().filter_map(key).collect()
    }

    /// The names of the events in the log, in order.
    pub async fn kinds(&self, auction: AuctionId) -> Vec<String> {
        let kind = |record: &Record| record.public().unwrap().kind.into_owned();
        self.records(auction).await.iter().map(kind).collect()
    }
}

/// A reply that comes out of the receiver.
pub fn reply_to(sender: tokio::sync::oneshot::Sender<Result<Answer, Rejection>>) -> Reply {
    Reply::new(move |answer| {
        // A test that has given up does not listen.
        let _ = sender.send(answer);
    })
}

pub fn account(number: u128) -> AccountId {
    AccountId(Uuid::from_u128(number))
}

pub fn money(minor: i64) -> Money {
    Money::new(minor).unwrap()
}

/// A key, with hyphens for spaces.
pub fn key(text: &str) -> BidKey {
    BidKey::new(&text.replace(' ', "-")).unwrap()
}

pub fn straight(bidder: u128, name: &str, minor: i64) -> Bid {
    Bid { bidder: account(bidder), barred: None, key: key(name), offer: Offer::Straight(money(minor)) }
}

pub fn max(bidder: u128, name: &str, minor: i64) -> Bid {
    Bid { bidder: account(bidder), barred: None, key: key(name), offer: Offer::Max(money(minor)) }
}

/// Open now for an hour, opening price 1.00, eBay's steps, a grace of 30 seconds.
pub fn terms(now: Timestamp) -> Terms {
    let english = English {
        opening_price: money(100),
        increments: Increments::default(),
        reserve: None,
        buy_now: None,
        buy_now_until: BuyNowUntil::FirstBid,
        soft_close: None,
    };
    Terms {
        seller: account(1),
        currency: Currency::new("USD").unwrap(),
        starts_at: now,
        ends_at: now.plus(Span::from_secs(3_600)),
        funds: Funds::None,
        fees: Fees::default(),
        grace: Span::from_secs(30),
        format: Format::English(english),
    }
}

pub fn listing() -> Listing {
    Listing { title: "Lamp".into(), description: "".into(), category: "home".into(), image_url: None }
}

/// Someone who watches and remembers.
#[derive(Default)]
pub struct Witness {
    pub number: u64,
    pub frames: Mutex<Vec<Arc<Frame>>>,
    pub abandoned: tokio::sync::Notify,
}

impl Witness {
    pub fn new(number: u64) -> Arc<Self> {
        Arc::new(Self { number, ..Self::default() })
    }

    /// The public bytes of all events seen.
    pub fn seen(&self) -> Vec<Arc<str>> {
        self.frames.lock().unwrap().iter().flat_map(|frame| frame.events.clone()).collect()
    }
}

impl Watcher for Witness {
    fn aside(&self, _frame: &Arc<bidhub::live::LiveFrame>) {}

    fn id(&self) -> u64 {
        self.number
    }

    fn offer(&self, frame: &Arc<Frame>) {
        self.frames.lock().unwrap().push(frame.clone());
    }

    fn abandoned(&self, _: AuctionId) {
        self.abandoned.notify_one();
    }
}

/// Waits until `holds`, for at most ten seconds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "still not: {what}");
}
