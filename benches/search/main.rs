//! Search over a whole hub: how long a mix of queries takes with 20,000 and with 200,000 auctions to find, on PostgreSQL and
//! on SQLite. The auctions are made up from a seed: words by Zipf's law, titles of 3 to 9 words, descriptions of 10 to 320; every
//! other one has a comment of 5 to 40.
//!
//! `cargo bench --bench search` runs all; `-- postgres` or `-- sqlite` one of them. `BIDHUB_BENCH_AUCTIONS` (20000,200000) says
//! over how many auctions, `BIDHUB_BENCH_QUERIES` (3000) how much is asked. The hub runs in this process; queries come one after
//! the other over loopback HTTP.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench that cannot go on has failed")]

mod corpus;
mod fill;
mod mix;
mod table;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bidhub::app;
use bidhub::cache::Cache;
use bidhub::chance::Chance;
use bidhub::config::{Settings, Switch};
use bidhub::coordination::local::LocalLeases;
use bidhub::env::Env;
use bidhub::features::search::CommentIndex;
use bidhub::journal::Lease;
use bidhub::persistence::{Db, migrate};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[path = "../../tests/support/postgres.rs"]
mod postgres;

use corpus::Corpus;
use table::Table;

/// As much as a server has that is given some memory; durability makes no difference to reads.
const POSTGRES: &[&str] = &["-c", "fsync=off", "-c", "shared_buffers=1GB", "-c", "max_wal_size=4GB"];
const SEED: u64 = 20_261_120;

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|word| word == name);
    let setting = |name: &str, otherwise: &str| std::env::var(name).unwrap_or_else(|_| otherwise.to_owned());
    let sizes = setting("BIDHUB_BENCH_AUCTIONS", "20000,200000");
    let sizes: Vec<usize> = sizes.split(',').map(|size| size.parse().expect("numbers with commas between")).collect();
    let queries: usize = setting("BIDHUB_BENCH_QUERIES", "3000").parse().expect("a number");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        if wanted("postgres") {
            let server = postgres::Server::start_with(POSTGRES).await.expect("PostgreSQL is installed");
            run("PostgreSQL", &sizes, queries, |settings| settings.server.database_url = Some(server.url().into()))
                .await;
        }
        if wanted("sqlite") {
            run("SQLite", &sizes, queries, |_| ()).await;
        }
    });
}

/// Fills a database step by step, and at each step asks a hub over it.
async fn run(engine: &'static str, sizes: &[usize], queries: usize, change: impl FnOnce(&mut Settings)) {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.server.data_dir = dir.path().to_owned();
    settings.connections.rate_limits = Switch::Off;
    // Every query is asked of the database, also one that was asked a moment ago.
    settings.cache.cache = Switch::Off;
    change(&mut settings);
    let db = app::open_database(&settings).await.unwrap();
    migrate(&db).await.unwrap();
    let lease = Lease { epoch: 1, holder: uuid::Uuid::nil(), nonce: 0 };
    let comments = CommentIndex::new(&db, Arc::new(LocalLeases::new(lease, CancellationToken::new())), Cache::off());
    let mut corpus = Corpus::new(SEED);
    let mut table = Table::new(engine);
    let mut filled = 0;
    for size in sizes {
        let began = Instant::now();
        fill::fill(&db, &comments, &mut corpus, filled, *size).await;
        let each = began.elapsed() / u32::try_from(size - filled).unwrap();
        filled = *size;
        eprintln!("{engine}: {filled} auctions, {each:?} for each one more");
        table.add(*size, ask(&db, &settings, &corpus, queries).await);
    }
    table.print();
    db.close().await;
}

/// How long each query of the mix takes, by its kind.
async fn ask(db: &Db, settings: &Settings, corpus: &Corpus, queries: usize) -> Vec<(&'static str, Duration)> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let env = Env { chance: Chance::System, ..Env::default() };
    let hub = tokio::spawn(app::serve(listener, settings.clone(), env, shutdown.clone()));
    fill::settle(db).await;
    let client = reqwest::Client::new();
    let mut times = Vec::new();
    // The first ones warm what a hub that has run for a while has warm.
    let (warming, asked) = (mix::queries(corpus, SEED + 1, queries / 10), mix::queries(corpus, SEED + 2, queries));
    for (at, (kind, query)) in warming.iter().chain(&asked).enumerate() {
        let url = url::Url::parse_with_params(&format!("http://{address}/api/search"), query).unwrap();
        let began = Instant::now();
        let answer = client.get(url).send().await.unwrap();
        let good = answer.status().is_success();
        let body = answer.bytes().await.unwrap();
        assert!(good, "{query:?}: {}", String::from_utf8_lossy(&body));
        let took = began.elapsed();
        if took > Duration::from_millis(100) && std::env::var_os("BIDHUB_BENCH_SLOW").is_some() {
            eprintln!("{took:?} {kind} {query:?}");
        }
        if at >= warming.len() {
            times.push((*kind, took));
        }
    }
    shutdown.cancel();
    hub.await.unwrap().unwrap();
    times
}
