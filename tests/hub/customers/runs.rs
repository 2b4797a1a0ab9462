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

#[tokio::test]
async fn what_was_missed_is_caught_up_once_and_said() {
    for place in Place::all().await {
        let (db, clock) = (place.open().await, clock());
        bidders(&db).await;
        let hub = node(1, &db, &clock);
        assert_eq!(hub.run_due().await.unwrap(), None, "nothing was due since it began");
        clock.advance(Span::from_secs(9 * 60));
        let first = figures(hub.run_due().await.unwrap());
        assert_eq!(first, Some(("2026-11-20T09:40:00.000Z".into(), 0, 2)));
        assert_eq!(hub.run_due().await.unwrap(), None);
        // Nobody is there for an hour and a half.
        clock.advance(Span::from_secs(95 * 60));
        let late = figures(node(2, &db, &clock).run_due().await.unwrap());
        assert_eq!(late, Some(("2026-11-20T11:10:00.000Z".into(), 8, 0)), "who did nothing is not looked at");
        let text = "select skipped_from from scheduled_runs where skipped > 0";
        let from = sql!(db.read(), scalar chrono::DateTime<chrono::Utc>, text).unwrap();
        assert_eq!(clock::format(clock::from_datetime(from)), "2026-11-20T09:50:00.000Z");
        assert_eq!(hub.run_due().await.unwrap(), None);
        assert_eq!((count(&db, "runs").await, count(&db, "snapshots").await), (2, 2));
        // Another day.
        clock.advance(Span::from_secs(24 * 3_600));
        hub.run_due().await.unwrap().unwrap();
        assert_eq!(hub.sweep().await.unwrap(), 2, "what is older than a day goes");
        assert_eq!((count(&db, "runs").await, count(&db, "snapshots").await), (1, 0));
        clock.advance(Span::from_secs(7 * 24 * 3_600));
        assert_eq!(hub.sweep().await.unwrap(), 0, "the last run stays");
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
