//! A ledger to test, with a few people and auctions, and the way in which all tests run on both engines.

use std::future::Future;

use bidhub::chance::Chance;
use bidhub::domain::{AccountId, AuctionId, Currency, Fees, Money, Seq, Timestamp};
use bidhub::ledger::*;
use bidhub::persistence::{Db, Durability, Tx, migrate};
use bidhub::sql;
use uuid::Uuid;

use crate::deposits;
use crate::postgres::Server;

/// Runs `test` on SQLite, and on PostgreSQL where it is installed.
pub async fn on_both<F: Future<Output = ()>>(test: impl Fn(Bench) -> F) {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::sqlite(&dir.path().join("hub.db"), Durability::Normal).await.unwrap();
    test(Bench::new(db).await).await;
    if let Some(server) = Server::start().await {
        let db = Db::postgres(&server.url()).await.unwrap();
        test(Bench::new(db).await).await;
    }
}

#[derive(Clone)]
pub struct Bench {
    pub db: Db,
}

pub fn money(minor: i64) -> Money {
    Money::or_zero(minor).unwrap()
}

pub fn usd() -> Currency {
    Currency::new("USD").unwrap()
}

pub fn person(number: u128) -> AccountId {
    AccountId(Uuid::from_u128(number))
}

pub const SELLER: u128 = 1_000;

/// An auction of the seller, with a premium of 10 % and a commission of 5 %.
pub fn book(number: u128) -> Book {
    let fees = Fees { premium_bp: 1_000, commission_bp: 500 };
    Book { auction: AuctionId(Uuid::from_u128(9_000 + number)), seller: person(SELLER), currency: usd(), fees }
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

impl Bench {
    async fn new(db: Db) -> Self {
        migrate(&db).await.unwrap();
        Self { db }
    }

    pub async fn begin(&self) -> Tx {
        self.db.begin().await.unwrap()
    }

    pub async fn deposit(&self, owner: AccountId, amount: i64) {
        deposits::deposit(&self.db, Chance::System.uuid(at(0)), owner, (money(amount), usd()), at(0)).await;
    }

    /// Makes `owner` owe so much: a deposit that was spent is taken back.
    pub async fn owe(&self, owner: AccountId, amount: i64) {
        let mut tx = self.begin().await;
        lock_wallet(&mut tx, owner, usd()).await.unwrap();
        let transfers = vec![Transfer { from: Account::Owed(owner), to: deposits::PROVIDER, amount: money(amount) }];
        let (kind, cause) = (Kind::DepositReversal, format!("reversal:{owner}:{amount}"));
        let movement = Movement { kind, cause, currency: usd(), at: at(0), auction: None, transfers };
        assert!(post(&mut tx, &movement).await.unwrap(), "it is new");
        tx.commit().await.unwrap();
    }

    /// What `owner` was told that they no longer owe, in minor units, in the order in which it was written.
    pub async fn debts_paid(&self, owner: AccountId) -> Vec<i64> {
        let text = "select cast(data as text) from notifications where account = $1 and kind = 'debt_paid' order by id";
        let told: Vec<String> = sql!(self.db.read(), scalars String, text, owner.0).unwrap();
        let amount =
            |data: &String| serde_json::from_str::<serde_json::Value>(data).unwrap()["amount"].as_i64().unwrap();
        told.iter().map(amount).collect()
    }

    /// An order to bring money in or take it out, as it stands. Gives its id.
    pub async fn order(&self, kind: &str, owner: AccountId, amount: i64, status: &str) -> Uuid {
        let (id, mut tx) = (Chance::System.uuid(at(0)), self.begin().await);
        deposits::order(&mut tx, (id, kind, status), owner, (money(amount), usd()), at(0)).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// The invoice of a sale of the seller's, with the fees of the book.
    pub async fn bill(&self, book: &Book, winner: AccountId, price: i64, status: &str) {
        let text =
            "insert into invoices (id, number, auction, seq, at, seller, winner, currency, title, price, premium,
                commission, payout, status, paid_at)
             values ($1, (select coalesce(max(number), 0) + 1 from invoices), $1, 99, $2, $3, $4, 'USD', 'Lamp', $5, $6,
                $7, $8, $9, $10)";
        let (premium, commission) = (book.fees.premium(money(price)), book.fees.commission(money(price)));
        let (premium, commission) = (premium.minor_units(), commission.minor_units());
        let now = bidhub::clock::to_datetime(at(0));
        let paid_at = (status == "paid").then_some(now);
        let (auction, seller, payout) = (book.auction.0, book.seller.0, price - commission);
        sql!(
            self.db.write(),
            exec,
            text,
            auction,
            now,
            seller,
            winner.0,
            price,
            premium,
            commission,
            payout,
            status,
            paid_at
        )
        .unwrap();
    }

    /// Sets an allowance; begins anew as long as it is in another's way.
    pub async fn set(&self, book: &Book, bidder: AccountId, target: Target) -> Result<Set, Refusal> {
        loop {
            let mut tx = self.begin().await;
            match set_allowance(&mut tx, book, bidder, target, None, at(1)).await {
                Ok(set) => match tx.commit().await {
                    Err(error) if error.is_passing() => continue,
                    done => return done.map(|()| set).map_err(Refusal::from),
                },
                Err(Refusal::Store(error)) if error.is_passing() => continue,
                Err(refusal) => return Err(refusal),
            }
        }
    }

    pub async fn confirm(&self, book: &Book, bidder: AccountId, amount: i64, version: u64) -> Money {
        let mut tx = self.begin().await;
        lock_wallet(&mut tx, bidder, usd()).await.unwrap();
        let freed =
            confirm(&mut tx, book.auction, bidder, (money(amount), version), (Seq(version), at(2))).await.unwrap();
        tx.commit().await.unwrap();
        freed
    }

    pub async fn settle(&self, book: &Book, outcome: Outcome) -> Option<Settled> {
        let mut tx = self.begin().await;
        lock_books(&mut tx, &[book.auction]).await.unwrap();
        let owners = holders_in(&mut tx, book.auction).await.unwrap();
        lock_wallets(&mut tx, &owners.into_iter().collect()).await.unwrap();
        let settled = settle(&mut tx, book.auction, outcome, (Seq(99), at(3))).await.unwrap();
        tx.commit().await.unwrap();
        settled
    }

    /// What is available and held, in minor units.
    pub async fn wallet(&self, owner: AccountId) -> (i64, i64) {
        let wallet = wallet(&self.db, owner, usd()).await.unwrap();
        (wallet.available.minor_units(), wallet.held.minor_units())
    }

    pub async fn house(&self) -> i64 {
        let mut tx = self.begin().await;
        balance(&mut tx, &Account::House, usd()).await.unwrap().minor_units()
    }

    /// The sum of all balances, and of all entries whose account has another balance.
    pub async fn assert_balanced(&self) {
        let sum = "select cast(coalesce(sum(balance), 0) as bigint) from ledger_accounts";
        assert_eq!(sql!(self.db.read(), scalar i64, sum).unwrap(), 0, "all balances sum to zero");
        let odd = "select name from ledger_accounts account where balance <>
            (select cast(coalesce(sum(amount), 0) as bigint) from ledger_entries where account = account.id)";
        assert_eq!(sql!(self.db.read(), scalars String, odd).unwrap(), Vec::<String>::new(), "balances are entries");
    }

    pub async fn insert_account(&self, owner: AccountId) {
        let text = "insert into accounts (id, display_name, created_at) values ($1, 'A bidder', $2)";
        sql!(self.db.write(), exec, text, owner.0, bidhub::clock::to_datetime(at(0))).unwrap();
    }

    pub async fn freeze(&self, owner: AccountId, frozen: bool) {
        let when = frozen.then(|| bidhub::clock::to_datetime(at(0)));
        sql!(self.db.write(), exec, "update accounts set frozen_at = $2 where id = $1", owner.0, when).unwrap();
    }
}
