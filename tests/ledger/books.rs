//! The proof of the books: what is right passes, and each rule, broken behind the ledger's back, is found.

use std::collections::HashMap;

use bidhub::domain::auction::{Event, EventKind, Outcome as Ending, Winner};
use bidhub::domain::{AccountId, Money, Seq};
use bidhub::ledger::books::{self, BREACHES_SHOWN, ClosedBook, Finding, OpenBook, OpenHold};
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

    /// Books a transfer as the ledger does, whatever it is.
    async fn move_money(&self, from: Account, to: Account, amount: i64) {
        let mut tx = self.begin().await;
        let transfers = vec![Transfer { from, to, amount: money(amount) }];
        let cause = format!("odd:{from:?}:{to:?}");
        let movement = Movement { kind: Kind::Hold, cause, currency: usd(), at: at(5), auction: None, transfers };
        assert!(post(&mut tx, &movement).await.unwrap());
        tx.commit().await.unwrap();
    }

    /// Ann has 450 available and 550 held for one auction; Ben bought another one and has 450 left.
    async fn with_history(&self) {
        let (ann, ben) = (person(1), person(2));
        for who in [ann, ben] {
            self.deposit(who, 1_000).await;
        }
        self.set(&book(1), ann, Target::ForBid(money(500))).await.unwrap();
        self.set(&book(2), ben, Target::ForBid(money(700))).await.unwrap();
        self.confirm(&book(1), ann, 500, 1).await;
        self.settle(&book(2), Outcome::Sold { winner: ben, price: money(500) }).await.unwrap();
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
            ("transactions", 6, 0),
            ("currencies", 1, 0),
            ("balances", 7, 0),
            ("overdrawn", 6, 0),
            ("holds", 1, 0),
            ("wanted", 2, 0),
            ("confirmed", 2, 0),
            ("held_accounts", 2, 0),
            ("settled", 1, 0),
        ];
        assert_eq!(counted, expected);
    })
    .await;
}

/// The rule, what breaks it, which others that breaks too, what is said.
const DAMAGES: [(&str, &str, &[&str], &str); 14] = [
    (
        "transactions",
        "insert into ledger_transfers (transaction_id, from_account, to_account, amount)
             select 1, 999, id, 5 from ledger_accounts where name like 'available:%1:USD'",
        &["balances"],
        "its entries sum to ",
    ),
    (
        "transactions",
        "insert into ledger_transfers (transaction_id, from_account, to_account, amount) values (999, 1, 2, 5)",
        &["balances"],
        "transaction 999: its entries sum to 0",
    ),
    ("transactions", "delete from ledger_transfers where id = 1", &["balances"], "its entries sum to nothing"),
    (
        "currencies",
        "update ledger_accounts set currency = 'EUR' where kind = 'house'",
        &["transactions"],
        "its balances sum to ",
    ),
    (
        "currencies",
        "update ledger_accounts set balance = balance + 5 where kind = 'house'",
        &["balances"],
        "USD: its balances sum to 5",
    ),
    (
        "balances",
        "update ledger_accounts set balance = case kind when 'house' then balance + 5 else balance - 5 end
             where kind in ('house', 'provider')",
        &[],
        "house:USD: its balance is 80, its entries sum to 75",
    ),
    (
        "overdrawn",
        "update ledger_accounts set balance = -balance where kind = 'house'",
        &["currencies", "balances"],
        "house:USD: its balance is -75",
    ),
    ("holds", "update holds set allowance = 501 where wanted = 500", &[], "550 is held where it must be 551"),
    ("holds", "update holds set allowance = 499 where wanted = 500", &["wanted"], "550 is held where it must be 548"),
    (
        "holds",
        "delete from auction_books where settled_seq is null",
        &["held_accounts"],
        "0 is held where it must be nothing",
    ),
    ("wanted", "update holds set wanted = 501 where wanted = 500", &[], "501 is asked for, and the allowance is 500"),
    (
        "confirmed",
        "update holds set confirmed = 2 where wanted = 500",
        &[],
        "version 2 is confirmed, and 1 was the last asked for",
    ),
    ("held_accounts", "delete from holds where wanted = 500", &[], "550 is held, and there is no hold"),
    (
        "settled",
        "update auction_books set settled_seq = 5 where settled_seq is null",
        &[],
        "550 is held, and the auction is settled",
    ),
];

#[tokio::test]
async fn each_rule_that_is_broken_is_found() {
    on_both(|bench| async move {
        bench.with_history().await;
        for (rule, text, others, said) in DAMAGES {
            let found = broken(bench.forced(text).await);
            let first = found.iter().find(|(name, _)| *name == rule).map_or("", |(_, first)| first);
            assert!(first.contains(said), "{text}: {found:?}");
            assert!(found.iter().all(|(name, _)| *name == rule || others.contains(name)), "{text}: {found:?}");
        }
        assert_eq!(bench.broken().await, [], "all is undone");
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

/// A hold at `version` of which the log is known to have `confirmed`: `held` for an allowance of `wanted`.
fn hold(version: u64, confirmed: u64, wanted: i64, held: i64) -> OpenHold {
    let (auction, bidder) = (book(1).auction, person(1));
    OpenHold { auction, bidder, version, wanted: money(wanted), confirmed, held: money(held) }
}

type Log<'a> = &'a [(u64, i64)];

fn told(log: Log<'_>) -> HashMap<bidhub::domain::AuctionId, books::Told> {
    let all: Vec<(u64, Money)> = log.iter().map(|(version, amount)| (*version, money(*amount))).collect();
    let bidders: HashMap<AccountId, _> = if all.is_empty() { HashMap::new() } else { [(person(1), all)].into() };
    [(book(1).auction, bidders)].into()
}

fn rooms(holds: &[OpenHold], before: Log<'_>, after: Log<'_>) -> Option<String> {
    let books = [OpenBook { auction: book(1).auction, fees: book(1).fees }];
    let finding = books::rooms(&books, holds, &told(before), &told(after));
    assert!(finding.counted <= 1);
    finding.breaches.first().map(|breach| breach.detail.clone())
}

#[test]
fn a_log_that_moves_on_while_one_looks_is_no_breach() {
    let cases: [(OpenHold, Log<'_>, Log<'_>); 10] = [
        (hold(1, 1, 100, 110), &[(1, 100)], &[(1, 100)]),
        // Set aside, and the room does not know yet; or learned it meanwhile; or long after.
        (hold(1, 0, 100, 110), &[], &[]),
        (hold(1, 0, 100, 110), &[], &[(1, 100)]),
        (hold(1, 0, 100, 110), &[], &[(1, 100), (2, 500)]),
        // A lower allowance is on its way: all is held still.
        (hold(2, 1, 10, 110), &[(1, 100)], &[(1, 100)]),
        (hold(2, 1, 10, 110), &[(1, 100)], &[(1, 100), (2, 10)]),
        // It was in the log before the snapshot, and is released.
        (hold(2, 2, 10, 11), &[(1, 100)], &[(1, 100), (2, 10)]),
        (hold(2, 2, 10, 11), &[(1, 100), (2, 10)], &[(1, 100), (2, 10), (3, 700)]),
        // A raise came after the lower one was asked for, so nothing was released; a version was passed over.
        (hold(4, 2, 50, 110), &[(1, 100), (2, 10)], &[(1, 100), (2, 10), (4, 50)]),
        (hold(3, 1, 90, 110), &[(1, 100)], &[(1, 100), (3, 90)]),
    ];
    for (hold, before, after) in cases {
        assert_eq!(rooms(&[hold], before, after), None, "{hold:?} {before:?} {after:?}");
    }
}

#[test]
fn what_a_room_may_allow_and_nothing_covers_is_found() {
    let cases: [(Option<OpenHold>, Log<'_>, Log<'_>, &str); 9] = [
        (Some(hold(1, 1, 100, 109)), &[(1, 100)], &[(1, 100)], "allowance of 100 at version 1, and 109 is held"),
        // Released before the room lowered, seen at each moment.
        (Some(hold(2, 1, 10, 11)), &[(1, 100)], &[(1, 100)], "allowance of 100 at version 1"),
        (Some(hold(2, 1, 10, 11)), &[(1, 100)], &[(1, 100), (2, 10)], "allowance of 100 at version 1"),
        // Released though something newer was asked for, which the room learned meanwhile.
        (Some(hold(3, 2, 90, 11)), &[(1, 100), (2, 10)], &[(1, 100), (2, 10), (3, 90)], "allowance of 90 at version 3"),
        (
            Some(hold(1, 1, 100, 110)),
            &[(1, 100), (2, 100)],
            &[(1, 100), (2, 100)],
            "has version 2, the hold stands at 1",
        ),
        (Some(hold(2, 2, 10, 11)), &[(1, 100)], &[(1, 100)], "version 2 is confirmed, and the log does not have it"),
        (Some(hold(2, 1, 10, 110)), &[(1, 100)], &[(1, 100), (2, 20)], "has 20 at version 2, where 10 was asked for"),
        (None, &[(1, 100)], &[(1, 100)], "has version 1, the hold stands at 0"),
        (None, &[], &[(0, 100)], "has 100 at version 0, where 0 was asked for"),
    ];
    for (hold, before, after, said) in cases {
        let found = rooms(hold.as_slice(), before, after).unwrap_or_default();
        assert!(found.contains(said), "{hold:?} {before:?} {after:?}: {found}");
    }
    let books = [OpenBook { auction: book(1).auction, fees: book(1).fees }];
    let lost = books::rooms(&books, &[hold(1, 0, 100, 110)], &HashMap::new(), &HashMap::new());
    assert_eq!(lost.breaches[0].detail, "the auction has no log");
    let closed = books::rooms(&[], &[], &told(&[(1, 100)]), &told(&[(1, 100)]));
    assert_eq!((closed.counted, closed.broken), (0, 0), "what was settled meanwhile is another rule's");
}

#[test]
fn an_auction_settled_otherwise_than_it_ended_is_found() {
    let ended = |winner: Option<u128>, price| {
        let winner = winner.map(|number| Winner { account: person(number), alias: 1 });
        let outcome = if winner.is_some() { Ending::Sold } else { Ending::Unsold };
        EventKind::Ended { outcome, price: winner.map(|_| money(price)), winner }
    };
    let stopped = || EventKind::Stopped { by: person(9), key: None, reason: "because".into() };
    let opened = || EventKind::Opened { ends_at: at(9) };
    let cases = [
        (Some(ended(Some(1), 500)), Some((1, 550)), None),
        (Some(ended(Some(1), 500)), None, None),
        (Some(ended(None, 0)), None, None),
        (Some(stopped()), None, None),
        (Some(ended(Some(1), 500)), Some((2, 550)), Some("has won")),
        (Some(ended(Some(1), 500)), Some((1, 549)), Some("549 was paid, and the price was 500")),
        (Some(ended(None, 0)), Some((1, 550)), Some("550 was paid, and it was not sold")),
        (Some(stopped()), Some((1, 550)), Some("550 was paid, and it was not sold")),
        (Some(opened()), None, Some("which does not end it")),
        (None, None, Some("which its log does not have")),
    ];
    for (kind, sale, said) in cases {
        let (auction, fees) = (book(1).auction, book(1).fees);
        let sale = sale.map(|(payer, amount)| (person(payer), money(amount)));
        let ends: HashMap<_, _> =
            kind.iter().map(|kind| (auction, Event { seq: Seq(7), at: at(7), kind: kind.clone() })).collect();
        let finding = books::outcomes(&[ClosedBook { auction, seq: Seq(7), fees, sale }], &ends);
        let found = finding.breaches.first().map(|breach| breach.detail.as_str());
        assert_eq!(found.is_some(), said.is_some(), "{kind:?} {sale:?}: {found:?}");
        assert!(found.unwrap_or_default().contains(said.unwrap_or_default()), "{kind:?} {sale:?}: {found:?}");
    }
}
