//! The proof of the books: what is right passes, and each rule, broken behind the ledger's back, is found.

mod damage;
mod logs;

use bidhub::ledger::books::{self, BREACHES_SHOWN, Finding};
use bidhub::ledger::*;
use bidhub::persistence::On;
use bidhub::sql;

use crate::bench::{Bench, at, book, money, on_both, person, usd};

impl Bench {
    async fn findings(&self) -> Vec<Finding> {
        let mut tx = self.db.snapshot().await.unwrap();
        books::audit(&mut tx).await.unwrap()
    }

    /// The names of the rules that are broken, with what is said first.
    async fn broken(&self) -> Vec<(&'static str, String)> {
        broken(self.findings().await)
    }

    /// What is found after `text` was run with nothing to keep the tables as they must be. All is undone then.
    async fn forced(&self, text: &'static str) -> Vec<Finding> {
        if let On::Lite(pool) = self.db.write() {
            for text in ["pragma foreign_keys = off", "pragma ignore_check_constraints = on"] {
                sqlx::query(text).execute(pool).await.unwrap();
            }
        }
        let mut tx = self.begin().await;
        let freeing: Vec<String> = match tx.on() {
            On::Lite(on) => {
                let names = "select 'drop trigger ' || name from sqlite_master where type = 'trigger'";
                sqlx::query_scalar(names).fetch_all(on).await.unwrap()
            }
            On::Pg(_) => [
                "alter table ledger_accounts drop constraint ledger_never_overdrawn",
                "alter table holds drop constraint holds_check",
                "set local session_replication_role = replica",
            ]
            .map(str::to_owned)
            .to_vec(),
        };
        for text in freeing {
            sql!(tx.on(), exec, sqlx::AssertSqlSafe(text.clone())).unwrap();
        }
        assert!(sql!(tx.on(), exec, text).unwrap() > 0, "{text}");
        books::audit(&mut tx).await.unwrap()
    }

    /// Books transfers as the ledger does, whatever they are.
    async fn book(&self, kind: Kind, cause: String, transfers: Vec<Transfer>) {
        let mut tx = self.begin().await;
        let movement = Movement { kind, cause, currency: usd(), at: at(5), auction: None, transfers };
        assert!(post(&mut tx, &movement).await.unwrap());
        tx.commit().await.unwrap();
    }

    async fn move_money(&self, from: Account, to: Account, amount: i64) {
        let transfers = vec![Transfer { from, to, amount: money(amount) }];
        self.book(Kind::Hold, format!("odd:{from:?}:{to:?}"), transfers).await;
    }

    /// Ann has 450 available and 550 held for one auction; Ben bought another one and has 450 left, of which 50 are on their
    /// way out. Cid owes 30: of a deposit of 40 that was taken back 10 were still there.
    async fn with_history(&self) {
        let (ann, ben) = (person(1), person(2));
        for who in [ann, ben] {
            self.deposit(who, 1_000).await;
        }
        self.set(&book(1), ann, Target::ForBid(money(500))).await.unwrap();
        self.set(&book(2), ben, Target::ForBid(money(700))).await.unwrap();
        self.confirm(&book(1), ann, 500, 1).await;
        self.settle(&book(2), Outcome::Sold { winner: ben, price: money(500) }).await.unwrap();
        self.bill(&book(2), ben, 500, "paid").await;

        let order = self.order("withdrawal", ben, 50, "open").await;
        let out = |from, to| Transfer { from, to, amount: money(50) };
        let (available, withdrawing) = (Account::Available(ben), Account::Withdrawing(ben));
        self.book(Kind::Withdrawal, format!("withdrawal:{order}"), vec![out(available, withdrawing)]).await;
        let order = self.order("withdrawal", ben, 50, "failed").await;
        self.book(Kind::Withdrawal, format!("withdrawal:{order}"), vec![out(available, withdrawing)]).await;
        self.book(Kind::WithdrawalReturn, format!("failed:{order}"), vec![out(withdrawing, available)]).await;
        let order = self.order("withdrawal", ben, 50, "paid").await;
        self.book(Kind::Withdrawal, format!("withdrawal:{order}"), vec![out(available, withdrawing)]).await;
        let provider = Account::Provider("test");
        self.book(Kind::WithdrawalPaid, format!("paid:{order}"), vec![out(withdrawing, provider)]).await;
        for status in ["new", "failed"] {
            self.order("deposit", ben, 77, status).await;
        }

        let cid = person(3);
        self.deposit(cid, 10).await;
        let part = |from, minor| Transfer { from, to: provider, amount: money(minor) };
        let parts = vec![part(Account::Available(cid), 10), part(Account::Owed(cid), 30)];
        self.book(Kind::DepositReversal, "reversal:r1".to_owned(), parts).await;
        let text = "insert into deposit_reversals (provider, reversal, deposit, amount, taken, at)
             select 'test', 'r1', id, 40, 10, created_at from payment_orders where owner = $1";
        sql!(self.db.write(), exec, text, cid.0).unwrap();
    }
}

fn broken(findings: Vec<Finding>) -> Vec<(&'static str, String)> {
    let broken = findings.into_iter().filter(|finding| finding.broken > 0);
    broken.map(|finding| (finding.rule.name, finding.breaches[0].to_string())).collect()
}

#[tokio::test]
async fn books_that_are_right_pass() {
    on_both(|bench| async move {
        assert_eq!(bench.broken().await, []);
        bench.with_history().await;
        let findings = bench.findings().await;
        let counted: Vec<_> = findings.iter().map(|it| (it.rule.name, it.counted, it.broken)).collect();
        let expected = [
            ("transactions", 13, 0),
            ("currencies", 1, 0),
            ("balances", 10, 0),
            ("overdrawn", 9, 0),
            ("holds", 1, 0),
            ("wanted", 2, 0),
            ("confirmed", 2, 0),
            ("held_accounts", 2, 0),
            ("settled", 1, 0),
            ("debts", 1, 0),
            ("withdrawing", 1, 0),
            ("orders", 8, 0),
            ("reversals", 1, 0),
            ("sales", 1, 0),
        ];
        assert_eq!(counted, expected);
    })
    .await;
}

#[tokio::test]
async fn money_that_was_moved_by_the_book_to_where_it_must_not_be_is_found() {
    on_both(|bench| async move {
        bench.with_history().await;
        let (ann, ben) = (person(1), person(2));
        let names = async || bench.broken().await.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        bench.move_money(Account::Held(ann, book(1).auction), Account::Available(ann), 50).await;
        assert_eq!(names().await, ["holds"]);
        bench.move_money(Account::Available(ann), Account::Held(ann, book(1).auction), 50).await;
        assert_eq!(names().await, [""; 0], "it is right again");
        bench.move_money(Account::Available(ben), Account::Held(ben, book(2).auction), 50).await;
        assert_eq!(names().await, ["settled"]);
        let case = async |closed: bool| {
            let text =
                "insert into staff_cases (id, kind, cause, account, auction, currency, amount, reason, opened_at,
                    closed_at, closed_by, resolution)
                 values ($1, 'capture_failed', 'test', $1, $2, 'USD', 5, 'test', $3, $4, $5, $6)
                 on conflict (cause) do update set closed_at = $4, closed_by = $5, resolution = $6";
            let now = bidhub::clock::to_datetime(at(0));
            let (by, resolution) = (closed.then_some(ben.0), closed.then_some("release"));
            let closed_at = closed.then_some(now);
            sql!(bench.db.write(), exec, text, ben.0, book(2).auction.0, now, closed_at, by, resolution).unwrap();
        };
        case(false).await;
        assert_eq!(names().await, [""; 0], "staff has a case");
        case(true).await;
        assert_eq!(names().await, ["settled"]);
        bench.move_money(Account::Available(ben), Account::Held(ben, book(3).auction), 50).await;
        assert_eq!(names().await, ["held_accounts", "settled"]);
    })
    .await;
}

#[tokio::test]
async fn of_many_breaches_the_first_are_shown_and_all_are_counted() {
    on_both(|bench| async move {
        bench.deposit(person(1), 100_000).await;
        for number in 0..25 {
            bench.set(&book(number), person(1), Target::Exactly(money(100))).await.unwrap();
        }
        let findings = bench.forced("update holds set confirmed = version + 1").await;
        let finding = findings.iter().find(|finding| finding.rule.name == "confirmed").unwrap();
        assert_eq!((finding.counted, finding.broken, finding.breaches.len()), (25, 25, BREACHES_SHOWN));
        assert!(finding.breaches.is_sorted_by_key(|breach| breach.auction));
    })
    .await;
}

/// While one looks, others write: what is seen is one moment.
#[tokio::test]
async fn a_snapshot_stands_still() {
    on_both(|bench| async move {
        bench.with_history().await;
        let mut tx = bench.db.snapshot().await.unwrap();
        let before = books::open_holds(&mut tx).await.unwrap();
        bench.set(&book(1), person(1), Target::ForBid(money(600))).await.unwrap();
        assert_eq!(books::open_holds(&mut tx).await.unwrap(), before);
        let write = "update holds set wanted = 0";
        assert!(sql!(tx.on(), exec, write).is_err(), "it only reads");
        drop(tx);
        let mut tx = bench.db.snapshot().await.unwrap();
        assert_ne!(books::open_holds(&mut tx).await.unwrap(), before);
    })
    .await;
}
