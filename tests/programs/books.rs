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

use super::in_an_hour;
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
    let fees = Fees { premium_bp: 1_000, commission_bp: 0 };
    let terms = bidhub::domain::auction::Terms { funds: Funds::Required, fees, ..terms() };
    let book = |auction: AuctionId| Book { auction, seller: terms.seller, currency: terms.currency, fees };
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_busy_nodes_the_live_logs_are_read() {
    let Some(redis) = redis::Server::start().await else { return };
    let Some(postgres) = postgres::Server::start().await else { return };
    let (url, database, dir) = (redis.url(), postgres.url(), tempfile::tempdir().unwrap());
    let node = ["serve", "--redis-url", &url, "--database-url", &database, "--premium-bp", "1000"];
    let start = || Hub::start(dir.path(), &node, "bidhub listens on ");
    let ((east, at_east), (west, at_west)) = (start(), start());
    let mut tokens = Vec::new();
    for name in ["seller", "ann", "ben"] {
        let who =
            json!({"email": format!("{name}@example.com"), "password": "correct horse battery", "display_name": name});
        let made = ask("POST", &at_east, "/api/auth/register", "", "k", who).await.1;
        tokens.push(made["token"].as_str().unwrap().to_owned());
        ask("POST", &at_east, "/api/wallet/deposits", tokens.last().unwrap(), "k", json!({"amount": 90_000})).await;
    }
    let lot = json!({"title": "Desk", "description": "", "category": "desks", "currency": "USD",
        "opening_price": 1_000, "ends_at": in_an_hour(), "funds": "required"});
    let auction =
        ask("POST", &at_east, "/api/auctions", &tokens[0], "k", lot).await.1["id"].as_str().unwrap().to_owned();

    let busy = async |node: &str, token: &str| {
        for turn in 0_i64.. {
            let key = format!("{node}-{turn}");
            let bids = format!("/api/auctions/{auction}/bids");
            ask("POST", node, &bids, token, &key, json!({"max": 1_000 + turn * 100})).await;
            let amount = json!({"amount": 5_000 - turn % 50 * 100});
            ask("PUT", node, &format!("/api/auctions/{auction}/allowance"), token, &key, amount).await;
        }
    };
    let looks = async {
        let mut holds = 0;
        for (redis_url, place) in [(Some(&url), "live"), (None, "archive"), (Some(&url), "live"), (Some(&url), "live")]
        {
            let mut arguments = vec!["check-books", "--json", "--database-url", &database];
            arguments.extend(redis_url.into_iter().flat_map(|url| ["--redis-url", url]));
            let mut look = super::bidhub(dir.path(), &arguments);
            let output = tokio::task::spawn_blocking(move || look.output().unwrap()).await.unwrap();
            let (code, text) = said(&output);
            assert_eq!(code, Some(0), "{text}");
            let report: Value = serde_json::from_str(&text).unwrap();
            assert_eq!((&report["sound"], &report["logs"]), (&json!(true), &json!(place)), "{report}");
            let rooms = report["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == "rooms").unwrap();
            holds += rooms["counted"].as_u64().unwrap();
        }
        holds
    };
    let holds = tokio::select! {
        holds = looks => holds,
        _ = async { tokio::join!(busy(&at_east, &tokens[1]), busy(&at_west, &tokens[2])) } => 0,
    };
    assert!(holds > 0, "nobody has set anything aside");
    assert_eq!((east.stop(), west.stop()), (Some(0), Some(0)));
}

async fn ask(method: &str, node: &str, path: &str, token: &str, key: &str, body: Value) -> (u16, Value) {
    let request = reqwest::Client::new().request(method.parse().unwrap(), format!("{node}{path}"));
    let answer = request.bearer_auth(token).header("Idempotency-Key", key).json(&body).send().await.unwrap();
    let status = answer.status().as_u16();
    assert!(status < 500, "{path}: {status}");
    (status, answer.json().await.unwrap_or_default())
}

#[test]
fn where_there_is_no_hub_it_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["check-books"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no hub in"));
}
