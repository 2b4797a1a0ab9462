//! Runs of the scheduler: one node does each, whatever others do at the same time and whoever dies in it.

use std::sync::Arc;
use std::time::Duration;

use bidhub::chance::Chance;
use bidhub::clock::{self, Clock};
use bidhub::coordination::local::LocalLeases;
use bidhub::domain::{NodeId, Span};
use bidhub::features::customers::{Customers, Parts, Run};
use bidhub::journal::Lease;
use bidhub::persistence::{Db, Durability, On, migrate};
use bidhub::sql;
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::postgres::server::Server;

/// A database that several nodes share, each with a pool of its own.
enum Place {
    Lite(TempDir),
    Pg(Server),
}

impl Place {
    async fn all() -> Vec<Self> {
        let lite = Self::Lite(tempfile::tempdir().unwrap());
        std::iter::once(lite).chain(Server::start().await.map(Self::Pg)).collect()
    }

    async fn open(&self) -> Db {
        let db = match self {
            Self::Lite(dir) => Db::sqlite(&dir.path().join("hub.db"), Durability::Normal).await.unwrap(),
            Self::Pg(server) => Db::postgres(&server.url()).await.unwrap(),
        };
        migrate(&db).await.unwrap();
        db
    }
}

fn clock() -> Clock {
    Clock::manual(clock::parse("2026-11-20T09:31:00.000Z").unwrap())
}

fn node(number: u128, db: &Db, clock: &Clock) -> Customers {
    let node = NodeId(Uuid::from_u128(number));
    let lease = Lease { epoch: 1, holder: node.0, nonce: 1 };
    Customers::new(Parts {
        db: db.clone(),
        leases: Arc::new(LocalLeases::new(lease, CancellationToken::new())),
        node,
        schedule: "*/10 * * * *".parse().unwrap(),
        keep_days: 1,
        clock: clock.clone(),
        chance: Chance::seeded(1),
    })
}

/// Two who bid.
async fn bidders(db: &Db) {
    let at = clock::to_datetime(clock::parse("2026-11-20T09:31:00.000Z").unwrap());
    for number in [1_u128, 2] {
        let id = Uuid::from_u128(number);
        let account = "insert into accounts (id, display_name, created_at) values ($1, 'bidder', $2)";
        sql!(db.write(), exec, account, id, at).unwrap();
        let bid = "insert into bids (auction, seq, at, bidder, alias, amount, price, voided)
             values ($1, $2, $3, $4, 1, 100, 100, $5)";
        sql!(db.write(), exec, bid, Uuid::nil(), number as i64, at, id, false).unwrap();
    }
}

async fn count(db: &Db, what: &'static str) -> i64 {
    match what {
        "runs" => sql!(db.read(), scalar i64, "select count(*) from scheduled_runs").unwrap(),
        _ => sql!(db.read(), scalar i64, "select count(*) from customer_snapshots").unwrap(),
    }
}

fn figures(run: Option<Run>) -> Option<(String, i64, u64)> {
    run.map(|run| (clock::format(run.due.at), run.due.skipped, run.customers))
}

fn moment(time: &str) -> DateTime<Utc> {
    clock::to_datetime(clock::parse(&format!("2026-11-20T{time}:00.000Z")).unwrap())
}

/// A bid of one of the two, perhaps taken out later.
async fn bid(db: &Db, (seq, bidder): (i64, u128), at: &str, voided_at: Option<&str>) {
    let text = "insert into bids (auction, seq, at, bidder, alias, amount, price, voided, voided_at)
         values ($1, $2, $3, $4, 1, 100, 100, $5, $6)";
    let (id, at, voided_at) = (Uuid::from_u128(bidder), moment(at), voided_at.map(moment));
    sql!(db.write(), exec, text, Uuid::nil(), seq, at, id, voided_at.is_some(), voided_at).unwrap();
}

/// Something that one of the two has won, and what became of it at a moment.
async fn win(db: &Db, (number, winner): (i64, u128), at: &str, (status, then): (&str, &str)) {
    let text = "insert into invoices (number, id, auction, seq, at, seller, winner, currency, title, price, premium,
            commission, payout, status, paid_at)
         values ($1, $2, $3, 1, $4, $5, $6, 'USD', 'a desk', 100, 5, 0, 100, $7, $8)";
    let (auction, winner) = (Uuid::from_u128(100 + number as u128), Uuid::from_u128(winner));
    let (id, nobody, at, then) = (auction, Uuid::nil(), moment(at), moment(then));
    let paid_at = (status == "paid").then_some(then);
    sql!(db.write(), exec, text, number, id, auction, at, nobody, winner, status, paid_at).unwrap();
    if status == "cancelled" {
        let text =
            "insert into staff_cases (id, kind, cause, account, auction, seq, currency, amount, reason, opened_at,
                closed_at, closed_by, resolution)
             values ($1, 'capture_failed', $2, $3, $1, 1, 'USD', 105, 'short', $4, $5, $6, 'release')";
        sql!(db.write(), exec, text, auction, auction.to_string(), winner, at, then, nobody).unwrap();
    }
}

async fn seen(db: &Db, account: u128, watched_ms: i64, at: &str) {
    let text = "insert into customer_presence (account, watched_ms, last_seen, noted_at) values ($1, $2, $3, $3)";
    sql!(db.write(), exec, text, Uuid::from_u128(account), watched_ms, moment(at)).unwrap();
}

type Row = (DateTime<Utc>, Uuid, i64, i64, Option<i64>, Option<DateTime<Utc>>);

/// Every snapshot as text: when, of whom, bids, wins, spent, watched, last seen.
async fn told(db: &Db) -> Vec<String> {
    let text = "select due_at, account, bids, wins, watched_ms, last_seen from customer_snapshots order by 1, 2";
    let mut lines = Vec::new();
    for (due, account, bids, wins, watched, last) in sql!(db.read(), all Row, text).unwrap() {
        let text = "select amount from customer_spend where due_at = $1 and account = $2";
        let spent = sql!(db.read(), opt_scalar i64, text, due, account).unwrap().unwrap_or(0);
        let (watched, last) = (watched.map_or("?".into(), |it| it.to_string()), last.map(|at| at.format("%H:%M")));
        let last = last.map_or("?".into(), |it| it.to_string());
        let (due, who) = (due.format("%H:%M"), account.as_u128());
        lines.push(format!("{due} {who}: {bids} {wins} {spent} {watched} {last}"));
    }
    lines
}

#[tokio::test]
async fn each_run_that_was_missed_is_done_as_of_its_moment() {
    for place in Place::all().await {
        let (db, clock) = (place.open().await, clock());
        bidders(&db).await;
        let hub = node(1, &db, &clock);
        assert_eq!(hub.run_due().await.unwrap(), None, "nothing was due since it began");
        clock.advance(Span::from_secs(9 * 60));
        let first = figures(hub.run_due().await.unwrap());
        assert_eq!(first, Some(("2026-11-20T09:40:00.000Z".into(), 0, 2)));
        assert_eq!(hub.run_due().await.unwrap(), None);
        assert_eq!(told(&db).await, ["09:40 1: 1 0 0 0 09:31", "09:40 2: 1 0 0 0 09:31"]);
        // Nobody is there for an hour and a half, in which all of this happens.
        seen(&db, 2, 7_000, "09:52").await;
        bid(&db, (3, 1), "09:55", None).await;
        win(&db, (1, 1), "10:05", ("paid", "10:25")).await;
        win(&db, (2, 2), "10:06", ("cancelled", "10:33")).await;
        bid(&db, (4, 2), "10:15", Some("10:33")).await;
        bid(&db, (5, 2), "10:34", None).await;
        bid(&db, (6, 1), "10:34", None).await;
        bid(&db, (7, 1), "10:34", Some("10:34")).await;
        seen(&db, 1, 5_000, "11:14").await;
        clock.advance(Span::from_secs(95 * 60));
        let other = node(2, &db, &clock);
        let mut runs = Vec::new();
        while let Some(run) = figures([&hub, &other][runs.len() % 2].run_due().await.unwrap()) {
            runs.push(run);
        }
        let due = ["09:50", "10:00", "10:10", "10:20", "10:30", "10:40", "10:50", "11:00", "11:10"];
        let found: Vec<_> = runs.iter().map(|(at, skipped, _)| (&at[11..16], *skipped)).collect();
        assert_eq!(found, due.map(|at| (at, 0)), "each has its own, the oldest first");
        assert_eq!(
            told(&db).await[2..],
            [
                "10:00 1: 2 0 0 ? ?",
                "10:00 2: 1 0 0 7000 09:52",
                "10:10 1: 2 1 0 ? ?",
                "10:10 2: 1 1 0 7000 10:06",
                "10:20 1: 2 1 0 ? ?",
                "10:20 2: 2 1 0 7000 10:15",
                "10:30 2: 2 1 0 7000 10:15",
                "10:40 1: 3 1 105 ? ?",
                "10:40 2: 2 0 0 7000 10:34",
            ]
        );
        clock.advance(Span::from_secs(5 * 60));
        other.run_due().await.unwrap().unwrap();
        assert_eq!(told(&db).await.last().unwrap(), "11:20 1: 3 1 105 5000 11:14");
        db.close().await;
    }
}

#[tokio::test]
async fn what_was_missed_long_ago_is_skipped_and_said() {
    for place in Place::all().await {
        let (db, clock) = (place.open().await, clock());
        bidders(&db).await;
        let hub = node(1, &db, &clock);
        hub.run_due().await.unwrap();
        clock.advance(Span::from_secs(3 * 86_400));
        let first = hub.run_due().await.unwrap().unwrap();
        assert_eq!(first.due.skipped, 3 * 144 - 145, "the newest day of what was missed is done, and what is due now");
        assert_eq!(first.due.skipped_from.map(clock::format).as_deref(), Some("2026-11-20T09:40:00.000Z"));
        assert_eq!(clock::format(first.due.at), "2026-11-22T09:30:00.000Z");
        let mut last = first;
        while let Some(run) = hub.run_due().await.unwrap() {
            assert_eq!((run.due.at.since(last.due.at), run.due.skipped), (Span::from_secs(600), 0));
            last = run;
        }
        assert_eq!(clock::format(last.due.at), "2026-11-23T09:30:00.000Z");
        assert_eq!(count(&db, "runs").await, 145);
        clock.advance(Span::from_secs(12 * 3_600));
        assert_eq!(hub.sweep().await.unwrap(), 73, "what is older than a day goes");
        clock.advance(Span::from_secs(7 * 24 * 3_600));
        hub.sweep().await.unwrap();
        assert_eq!(count(&db, "runs").await, 1, "the last run stays");
        assert_eq!(count(&db, "snapshots").await, 0);
        db.close().await;
    }
}

#[tokio::test]
async fn a_look_at_which_nothing_is_due_writes_nothing() {
    for place in Place::all().await {
        let (db, clock) = (place.open().await, clock());
        let hub = node(1, &db, &clock);
        assert_eq!(hub.run_due().await.unwrap(), None, "the job is known from now on");
        let text = "select count(*) from scheduled_jobs";
        assert_eq!(sql!(db.read(), scalar i64, text).unwrap(), 1);
        // Somebody else writes and takes their time: on SQLite nobody can write meanwhile, on PostgreSQL nobody here.
        let other = place.open().await;
        let mut tx = other.begin().await.unwrap();
        if let On::Pg(on) = tx.on() {
            sqlx::query("lock table scheduled_jobs in exclusive mode").execute(on).await.unwrap();
        }
        let looked = tokio::time::timeout(Duration::from_secs(2), hub.run_due()).await;
        assert_eq!(looked.expect("it waits for nobody").unwrap(), None);
        drop(tx);
        other.close().await;
        db.close().await;
    }
}

#[tokio::test]
async fn of_many_nodes_one_does_a_run() {
    for place in Place::all().await {
        let (clock, first) = (clock(), place.open().await);
        bidders(&first).await;
        let dbs = [first, place.open().await, place.open().await];
        let nodes: Vec<Customers> = (0..9).map(|number| node(number, &dbs[number as usize % 3], &clock)).collect();
        nodes[0].run_due().await.unwrap();
        for round in 1..=6 {
            clock.advance(Span::from_secs(600));
            let runs = join_all(nodes.iter().map(|node| {
                let node = node.clone();
                tokio::spawn(async move { node.run_due().await.unwrap() })
            }));
            let done = runs.await.into_iter().filter_map(Result::unwrap).count();
            assert_eq!((done as i64, count(&dbs[0], "runs").await), (1, round));
        }
        for db in &dbs {
            db.close().await;
        }
    }
}

#[tokio::test]
async fn a_run_that_dies_leaves_nothing_and_is_done_again() {
    for place in Place::all().await {
        let (clock, db) = (clock(), place.open().await);
        bidders(&db).await;
        let (dying, other) = (place.open().await, node(2, &db, &clock));
        other.run_due().await.unwrap();
        clock.advance(Span::from_secs(600));
        // A node has written its run and what it found, and dies before it commits.
        let mut tx = dying.begin().await.unwrap();
        let due = clock::to_datetime(clock::parse("2026-11-20T09:40:00.000Z").unwrap());
        sql!(tx.on(), exec, "update scheduled_jobs set revision = revision + 1").unwrap();
        let run = "insert into scheduled_runs (job, due_at, started_at, node, found, skipped)
             values ('customers_snapshot', $1, $1, $2, 1, 0)";
        sql!(tx.on(), exec, run, due, Uuid::nil()).unwrap();
        let found = "insert into customer_snapshots (due_at, account, bids, wins, watched_ms, last_seen)
             values ($1, $2, 1, 1, 1, $1)";
        sql!(tx.on(), exec, found, due, Uuid::from_u128(1)).unwrap();
        let waiting = tokio::spawn({
            let other = other.clone();
            async move { other.run_due().await.unwrap() }
        });
        if let On::Pg(pool) = db.read() {
            // It waits for the one that holds the job, and for nothing else.
            let text = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'";
            while sqlx::query_scalar::<_, i64>(text).fetch_one(pool).await.unwrap() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        assert!(!waiting.is_finished());
        drop(tx);
        dying.close().await;
        let done = figures(waiting.await.unwrap());
        assert_eq!(done, Some(("2026-11-20T09:40:00.000Z".into(), 0, 2)));
        assert_eq!((count(&db, "runs").await, count(&db, "snapshots").await), (1, 2));
        db.close().await;
    }
}

#[tokio::test]
async fn a_run_cut_off_anywhere_is_done_once_in_the_end() {
    let seed = std::env::var("BIDHUB_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(17);
    eprintln!("BIDHUB_SEED={seed}");
    let chance = Chance::seeded(seed);
    for place in Place::all().await {
        let (clock, db) = (clock(), place.open().await);
        bidders(&db).await;
        node(1, &db, &clock).run_due().await.unwrap();
        for round in 1..=4 {
            clock.advance(Span::from_secs(600));
            for number in 0..6 {
                let node = node(number, &db, &clock);
                let run = tokio::spawn(async move { node.run_due().await });
                tokio::time::sleep(Duration::from_micros(chance.below(4_000))).await;
                run.abort();
                let _ = run.await;
            }
            node(9, &db, &clock).run_due().await.unwrap();
            assert_eq!(count(&db, "runs").await, round);
        }
        let text = "select count(*) from scheduled_runs where skipped > 0";
        assert_eq!(sql!(db.read(), scalar i64, text).unwrap(), 0);
        db.close().await;
    }
}
