//! A small world of rooms, wallets and a projector, on either engine, and a hub on what it leaves behind.

use std::sync::Arc;
use std::time::Duration;

use bidhub::auth::token_id;
use bidhub::chance::Chance;
use bidhub::clock::{self, Clock, to_datetime};
use bidhub::coordination::Leases;
use bidhub::coordination::local::{LocalBus, LocalLeases};
use bidhub::domain::auction::{Bid, Funds, Listing, Offer, Terms};
use bidhub::domain::formats::{English, Format, english::BuyNowUntil};
use bidhub::domain::increments::Increments;
use bidhub::domain::{AccountId, AuctionId, BidKey, Currency, Fees, Money, NodeId, Seq, Span};
use bidhub::features::sales::SalesProjection;
use bidhub::journal::AckLevel;
use bidhub::journal::sql::SqlJournal;
use bidhub::ledger::{self, Account, Book, Target};
use bidhub::persistence::{Db, Durability, Tx, migrate};
use bidhub::projection::{Deps, Projected, Projection, Projector};
use bidhub::room::{self, Act, NewAuction, Rooms};
use bidhub::sql;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::deposits;
use crate::harness::{Hub, User};
use crate::postgres::server::Server;

/// The premium of 10 % and the commission of 5 %.
pub const FEES: Fees = Fees { premium_bp: 1_000, commission_bp: 500 };

pub struct World {
    pub db: Db,
    pub rooms: Rooms,
    pub clock: Clock,
    journal: SqlJournal,
    leases: Arc<dyn Leases>,
    chance: Chance,
    dir: TempDir,
    server: Option<Server>,
    _sweeping: DropGuard,
}

/// Runs `test` on SQLite, and on PostgreSQL where it is installed.
pub async fn on_both<F: Future<Output = ()>>(test: impl Fn(World) -> F) {
    test(World::new(None).await).await;
    if let Some(server) = Server::start().await {
        test(World::new(Some(server)).await).await;
    }
}

pub fn money(minor: i64) -> Money {
    Money::or_zero(minor).unwrap()
}

pub fn usd() -> Currency {
    Currency::new("USD").unwrap()
}

/// Who is signed up as `number`: the seller is 0.
pub fn person(number: u64) -> AccountId {
    AccountId(format!("01938b5e-0000-7000-8000-{number:012}").parse().unwrap())
}

pub const SELLER: u64 = 0;
pub const NAMES: [&str; 5] = ["Sella", "Ann", "Ben", "Cleo", "Sam"];

impl World {
    async fn new(server: Option<Server>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let open = async |file: &str| match &server {
            Some(server) => Db::postgres(&server.url()).await.unwrap(),
            None => Db::sqlite(&dir.path().join(file), Durability::Normal).await.unwrap(),
        };
        let (db, log) = (open("bidhub.db").await, open("journal.db").await);
        migrate(&db).await.unwrap();
        let clock = Clock::manual(clock::parse("2026-11-20T09:30:00.000Z").unwrap());
        let (lost, chance) = (CancellationToken::new(), Chance::seeded(7));
        let holder = chance.uuid(clock.now());
        let journal = SqlJournal::take_over(log, holder, &clock, lost.clone()).await.unwrap();
        let leases: Arc<dyn Leases> = Arc::new(LocalLeases::new(journal.lease(), lost.clone()));
        let rooms = Rooms::new(room::Deps {
            journal: Arc::new(journal.clone()),
            leases: leases.clone(),
            bus: Arc::new(LocalBus::new(NodeId(holder))),
            funding: Arc::new(room::NoFunding),
            clock: clock.clone(),
            chance: chance.clone(),
            limits: room::Limits::default(),
            lost: lost.clone(),
        });
        let (sweeping, stop) = (rooms.clone(), lost.clone());
        tokio::spawn(async move { stop.run_until_cancelled(room::sweep(sweeping)).await });
        let guard = lost.drop_guard();
        let world = Self { db, rooms, clock, journal, leases, chance, dir, server, _sweeping: guard };
        for (number, name) in NAMES.iter().enumerate() {
            let text = "insert into accounts (id, display_name, created_at) values ($1, $2, $3)";
            let at = to_datetime(world.clock.now());
            sql!(world.db.write(), exec, text, person(number as u64).0, *name, at).unwrap();
        }
        world
    }

    /// Offers an auction that ends after an hour.
    pub async fn offer(&self, funds: Funds, buy_now: Option<i64>) -> AuctionId {
        let listing = Listing {
            title: "Walnut <b>desk</b> & chair".into(),
            description: "".into(),
            category: "furniture".into(),
            image_url: None,
        };
        let terms = self.terms(funds, buy_now);
        self.rooms.create(NewAuction { terms, listing, ack: AckLevel::default() }).await.unwrap()
    }

    pub fn terms(&self, funds: Funds, buy_now: Option<i64>) -> Terms {
        let english = English {
            opening_price: money(1_000),
            increments: Increments::default(),
            reserve: None,
            buy_now: buy_now.map(money),
            buy_now_until: BuyNowUntil::FirstBid,
            soft_close: None,
        };
        let now = self.clock.now();
        Terms {
            seller: person(SELLER),
            currency: usd(),
            starts_at: now,
            ends_at: now.plus(Span::from_secs(3_600)),
            funds,
            fees: FEES,
            grace: Span::ZERO,
            format: Format::English(english),
        }
    }

    pub fn book(&self, auction: AuctionId) -> Book {
        Book { auction, seller: person(SELLER), currency: usd(), fees: FEES }
    }

    pub async fn deposit(&self, owner: AccountId, amount: i64) {
        let (id, at) = (self.chance.uuid(self.clock.now()), self.clock.now());
        deposits::deposit(&self.db, id, owner, (money(amount), usd()), at).await;
    }

    /// Sets an allowance: first in the ledger, then in the room.
    pub async fn allow(&self, auction: AuctionId, bidder: AccountId, amount: i64) {
        let mut tx = self.db.begin().await.unwrap();
        let (book, target) = (self.book(auction), Target::Exactly(money(amount)));
        let set = ledger::set_allowance(&mut tx, &book, bidder, target, None, self.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        let act = Act::SetAllowance { bidder, amount: set.allowance, version: set.version };
        self.rooms.act(auction, act).await.unwrap();
    }

    /// Deposits what `allowance` takes, sets it, and bids it as a ceiling.
    pub async fn funded_bid(&self, auction: AuctionId, bidder: AccountId, allowance: i64) -> Seq {
        self.deposit(bidder, FEES.gross(money(allowance)).unwrap().minor_units()).await;
        self.allow(auction, bidder, allowance).await;
        self.bid(auction, bidder, Offer::Max(money(allowance))).await
    }

    pub async fn bid(&self, auction: AuctionId, bidder: AccountId, offer: Offer) -> Seq {
        let key = BidKey::generated(self.chance.uuid(self.clock.now()));
        self.rooms.bid(auction, Bid { bidder, barred: None, key, offer }).await.unwrap().seq
    }

    pub async fn freeze(&self, who: AccountId) {
        let text = "update accounts set frozen_at = $2 where id = $1";
        sql!(self.db.write(), exec, text, who.0, to_datetime(self.clock.now())).unwrap();
    }

    /// Lets an hour pass, and waits until the auction has ended.
    pub async fn end(&self, auction: AuctionId) {
        self.clock.advance(Span::from_secs(3_600));
        let ended = async {
            while self.rooms.get(auction).await.unwrap().view(None).public.status != "ended" {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), ended).await.expect("the auction ends");
    }

    pub async fn project(&self) {
        self.project_with(Arc::new(SalesProjection)).await;
    }

    pub async fn project_with(&self, projection: Arc<dyn Projection>) {
        let (db, feed, clock) = (self.db.clone(), self.journal.feed(), self.clock.clone());
        let deps = Deps { db, feed, leases: self.leases.clone(), clock, chance: Chance::seeded(1) };
        Projector::new(deps, vec![projection]).catch_up().await;
    }

    /// Has the projector begin at the first record once more.
    pub async fn forget_checkpoint(&self) {
        let text = "update projection_checkpoints set position = 0 where name = 'sales'";
        sql!(self.db.write(), exec, text).unwrap();
    }

    pub async fn checkpoint(&self) -> i64 {
        let text = "select coalesce(max(position), 0) from projection_checkpoints where name = 'sales'";
        sql!(self.db.read(), scalar i64, text).unwrap()
    }

    /// The position of the last record.
    pub async fn last_position(&self) -> i64 {
        self.journal.feed().last_position().await.unwrap()
    }

    /// Every record of every log, read, in the order of their commit.
    pub async fn records(&self) -> Vec<Projected> {
        let records = self.journal.feed().after(0, 10_000).await.unwrap();
        records.into_iter().map(|record| Projected::read(record).unwrap()).collect()
    }

    /// What is available and held, in minor units.
    pub async fn wallet(&self, owner: AccountId) -> (i64, i64) {
        let wallet = ledger::wallet(&self.db, owner, usd()).await.unwrap();
        (wallet.available.minor_units(), wallet.held.minor_units())
    }

    pub async fn house(&self) -> i64 {
        let mut tx: Tx = self.db.begin().await.unwrap();
        ledger::balance(&mut tx, &Account::House, usd()).await.unwrap().minor_units()
    }

    /// Invoices by number: status, price, premium, commission, payout.
    pub async fn invoices(&self) -> Vec<(i64, String, i64, i64, i64, i64)> {
        let text = "select number, status, price, premium, commission, payout from invoices order by number";
        sql!(self.db.read(), all(i64, String, i64, i64, i64, i64), text).unwrap()
    }

    /// Who was told of how much of their money, by name, kind and the amount of the currency.
    pub async fn notes(&self) -> Vec<(String, String, i64)> {
        let text = "select account.display_name, note.kind, note.data from notifications note
             join accounts account on account.id = note.account order by 1, 2, note.id";
        let rows = sql!(self.db.read(), all(String, String, Json<Value>), text).unwrap();
        // How races went is told too, by a hub.
        let read = |(name, kind, Json(data)): (String, String, Json<Value>)| {
            assert_eq!((&data["currency"], data["title"].is_string()), (&"USD".into(), true));
            Some((name, kind, data["amount"].as_i64()?))
        };
        rows.into_iter().filter_map(read).collect()
    }

    /// Everything that the projection writes, as text.
    pub async fn rows(&self) -> Vec<String> {
        let mut rows = Vec::new();
        macro_rules! add {
            ($text:literal, $($column:ty),+) => {
                let found = sql!(self.db.read(), all($($column),+), $text).unwrap();
                rows.extend(found.iter().map(|row| format!("{row:?}")));
            };
        }
        add!(
            "select id, number, auction, title, status from invoices order by number",
            Uuid,
            i64,
            Uuid,
            String,
            String
        );
        add!("select id, cause, amount, reason from staff_cases order by cause", Uuid, String, i64, String);
        add!("select auction, title, funded, seq from sale_terms order by auction", Uuid, String, bool, i64);
        add!("select account, kind, cause from notifications order by id", Uuid, String, String);
        add!("select name, balance from ledger_accounts order by name", String, i64);
        add!("select cause, at from ledger_transactions order by id", String, DateTime<Utc>);
        add!("select auction, bidder, allowance, confirmed from holds order by 1, 2", Uuid, Uuid, i64, i64);
        rows
    }

    /// The books are as they must be at every moment.
    pub async fn assert_balanced(&self) {
        let mut tx: Tx = self.db.begin().await.unwrap();
        for finding in ledger::books::audit(&mut tx).await.unwrap() {
            assert_eq!(finding.broken, 0, "{finding:?}");
        }
    }

    /// A hub on what this world has left, and someone signed in for each of its people; the last is staff.
    pub async fn hub(self) -> (Hub, Vec<User>, Self) {
        let mut users = Vec::new();
        for number in 0..NAMES.len() as u64 {
            let token = format!("bh_{}", Uuid::from_u128(u128::from(number) + 1).simple());
            let text = "insert into sessions (id, account_id, created_at, expires_at) values ($1, $2, $3, $4)";
            let id = token_id(&token).0;
            let (now, until) = (self.clock.now(), self.clock.now().plus(Span::from_secs(1_000_000)));
            let (now, until) = (to_datetime(now), to_datetime(until));
            sql!(self.db.write(), exec, text, &id[..], person(number).0, now, until).unwrap();
            users.push(User { id: person(number).to_string(), email: String::new(), token });
        }
        let text = "insert into account_roles (account_id, role, granted_at) values ($1, 'staff', $2)";
        sql!(self.db.write(), exec, text, person(4).0, to_datetime(self.clock.now())).unwrap();
        let hub = Hub::with(|settings| {
            settings.server.data_dir = self.dir.path().to_owned();
            settings.server.database_url = self.server.as_ref().map(|server| server.url().into());
        })
        .await;
        (hub, users, self)
    }
}
