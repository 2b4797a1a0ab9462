//! `check-books`: right books pass beside a running hub, and what no rule of the database shows is found by the log.

use std::path::Path;
use std::sync::Arc;

use bidhub::chance::Chance;
use bidhub::clock::Clock;
use bidhub::coordination::local::{LocalBus, LocalLeases};
use bidhub::domain::auction::Funds;
use bidhub::domain::{AuctionId, Fees, NodeId, Seq};
use bidhub::journal::AckLevel;
use bidhub::journal::sql::SqlJournal;
use bidhub::ledger::{self, Account, Book, Kind, Movement, Target, Transfer};
use bidhub::persistence::{Db, Durability, Tx, migrate};
use bidhub::room::{Act, Deps, Limits, NewAuction, Rooms};
use bidhub::sql;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::journal::{account, listing, money, start, terms};
use super::{Hub, deposits, postgres, redis, run, said};

/// A hub's directory with one auction, in which one bidder has an allowance of 500, so that 550 is held.
async fn kept(dir: &Path) -> (Db, Book) {
    let (clock, chance, lost) = (Clock::manual(start()), Chance::seeded(7), CancellationToken::new());
    let journal = Db::sqlite(&dir.join("journal.db"), Durability::Full).await.unwrap();
    let holder = chance.uuid(clock.now());
    let journal = SqlJournal::take_over(journal, holder, &clock, lost.clone()).await.unwrap();
    let rooms = Rooms::new(Deps {
        journal: Arc::new(journal.clone()),
        leases: Arc::new(LocalLeases::new(journal.lease(), lost.clone())),
        bus: Arc::new(LocalBus::new(NodeId(holder))),
        funding: Arc::new(bidhub::room::NoFunding),
        clock: clock.clone(),
        chance,
        limits: Limits::default(),
        lost,
    });
    let terms = bidhub::domain::auction::Terms { funds: Funds::Required, ..terms() };
    let book = |auction: AuctionId| {
        let fees = Fees { premium_bp: 1_000, commission_bp: 0 };
        Book { auction, seller: terms.seller, currency: terms.currency, fees }
    };
    let new = NewAuction { terms: terms.clone(), listing: listing(), ack: AckLevel::default() };
    let book = book(rooms.create(new).await.unwrap());

    let main = Db::sqlite(&dir.join("bidhub.db"), Durability::Full).await.unwrap();
    migrate(&main).await.unwrap();
    let id = uuid::Uuid::from_u128(5);
    deposits::deposit(&main, id, account(2), (money(1_000), book.currency), start()).await;
    let mut tx = main.begin().await.unwrap();
    let target = Target::ForBid(money(500));
    let set = ledger::set_allowance(&mut tx, &book, account(2), target, None, start()).await.unwrap();
    tx.commit().await.unwrap();
    let act = Act::SetAllowance { bidder: account(2), amount: set.allowance, version: set.version };
    rooms.act(book.auction, act).await.unwrap();
    let mut tx = main.begin().await.unwrap();
    let told = (set.allowance, set.version);
    ledger::confirm(&mut tx, book.auction, account(2), told, (Seq(1), start())).await.unwrap();
    tx.commit().await.unwrap();
    rooms.close().await;
    (main, book)
}

async fn transfer(tx: &mut Tx, book: &Book, from: Account, to: Account, amount: i64) {
    let transfers = vec![Transfer { from, to, amount: money(amount) }];
    let cause = format!("test:{from:?}:{to:?}");
    let (currency, at) = (book.currency, start());
    let movement = Movement { kind: Kind::Release, cause, currency, at, auction: None, transfers };
    assert!(ledger::post(tx, &movement).await.unwrap());
}

#[tokio::test]
async fn right_books_pass_beside_a_running_hub_and_a_hold_given_back_too_soon_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let (main, book) = kept(dir.path()).await;
    let (code, text) = said(&run(dir.path(), &["check-books"]));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.lines().all(|line| line.starts_with("ok      ") || line.starts_with("sound: ")), "{text}");
    assert!(text.contains("what the room of the auction may let its bidder bid: 1 holds\n"), "{text}");

    let (hub, _) = Hub::start(dir.path(), &["serve"], "bidhub listens on ");
    let (code, text) = said(&run(dir.path(), &["check-books", "--json"]));
    assert_eq!(code, Some(0), "{text}");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&report["sound"], &report["logs"]), (&json!(true), &json!("journal")), "{report}");
    assert_eq!(hub.stop(), Some(0));

    // What is held is lowered with its allowance, and the room was told nothing of it.
    let mut tx = main.begin().await.unwrap();
    let held = Account::Held(account(2), book.auction);
    transfer(&mut tx, &book, held, Account::Available(account(2)), 110).await;
    let text = "update holds set allowance = 400, wanted = 400, version = 2";
    sql!(tx.on(), exec, text).unwrap();
    tx.commit().await.unwrap();
    let (code, text) = said(&run(dir.path(), &["check-books"]));
    assert_eq!(code, Some(1), "{text}");
    let wrong: Vec<&str> = text.lines().filter(|line| !line.starts_with("ok ")).collect();
    let what = format!(
        "          auction {}, bidder {}: the room may have an allowance of 500 at version 1, and 440 is held with the premium",
        book.auction,
        account(2)
    );
    assert_eq!(wrong.len(), 3, "{text}");
    assert!(wrong[0].starts_with("BROKEN  ") && wrong[0].ends_with(": 1 of 1 holds"), "{text}");
    assert_eq!(wrong[1], what);
    assert!(wrong[2].starts_with("NOT SOUND: "), "{text}");
    let (code, text) = said(&run(dir.path(), &["check-books", "--json"]));
    assert_eq!(code, Some(1), "{text}");
    let report: Value = serde_json::from_str(&text).unwrap();
    let broken: Vec<&Value> =
        report["rules"].as_array().unwrap().iter().filter(|rule| rule["sound"] == false).collect();
    assert_eq!((broken.len(), &broken[0]["rule"], &broken[0]["broken"]), (1, &json!("rooms"), &json!(1)), "{report}");
    assert_eq!(broken[0]["breaches"][0]["auction"], json!(book.auction.to_string()));
}

#[tokio::test]
async fn of_many_nodes_the_live_logs_are_read() {
    let Some(redis) = redis::Server::start().await else { return };
    let Some(postgres) = postgres::Server::start().await else { return };
    let (url, database, dir) = (redis.url(), postgres.url(), tempfile::tempdir().unwrap());
    let node = ["serve", "--redis-url", &url, "--database-url", &database];
    let (hub, _) = Hub::start(dir.path(), &node, "bidhub listens on ");
    for (redis_url, place) in [(Some(&url), "live"), (None, "archive")] {
        let mut arguments = vec!["check-books", "--json", "--database-url", &database];
        arguments.extend(redis_url.into_iter().flat_map(|url| ["--redis-url", url]));
        let (code, text) = said(&run(dir.path(), &arguments));
        assert_eq!(code, Some(0), "{text}");
        let report: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&report["sound"], &report["logs"]), (&json!(true), &json!(place)), "{report}");
    }
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn where_there_is_no_hub_it_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["check-books"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no hub in"));
}
