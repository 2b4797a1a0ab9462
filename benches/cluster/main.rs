//! A hub of two nodes, end to end: its own Redis, its own PostgreSQL, nodes as processes of their own, real sockets. Each
//! figure stands beside what it is to be compared with, measured in the same run on the same machine. Load goes to the
//! loopback interface alone, and every process that is started ends with the run.
//!
//! - `lock`: one hot auction, against a hub that takes a lock for each bid and against a bare echo by way of both nodes.
//! - `journal`: events a second that the live journal takes.
//! - `takeover`: how long nobody decides when the owner of a room is killed, and when it is stopped.
//!
//! `cargo bench --bench cluster` runs all; `cargo bench --bench cluster -- lock journal` some of them. `BIDHUB_BENCH_ROUNDS`
//! sets how often each is measured (the median is printed, default 3), `BIDHUB_BENCH_SECONDS` for how long (default 3),
//! `BIDHUB_BENCH_TAKEOVERS` how many owners are killed and how many stopped (default 10).

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench that cannot go on has failed")]

mod bare;
#[path = "../hub/clients.rs"]
mod clients;
mod load;
mod lock;
mod process;
mod servers;
mod takeover;

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

/// How much to measure.
#[derive(Clone, Copy)]
pub struct Plan {
    pub rounds: usize,
    pub time: Duration,
    pub takeovers: usize,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let Ok(role) = std::env::var(process::ROLE) {
        return runtime.block_on(bare::serve(&role));
    }
    let number =
        |name: &str, otherwise: u64| std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise);
    let plan = Plan {
        rounds: number("BIDHUB_BENCH_ROUNDS", 3) as usize,
        time: Duration::from_secs(number("BIDHUB_BENCH_SECONDS", 3)),
        takeovers: number("BIDHUB_BENCH_TAKEOVERS", 10) as usize,
    };
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    runtime.block_on(async {
        // Whoever stops the run stops the servers too: what it started is dropped with it.
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt()).unwrap(), signal(SignalKind::terminate()).unwrap());
        tokio::select! {
            () = all(plan, &asked) => {}
            _ = interrupt.recv() => eprintln!("interrupted"),
            _ = terminate.recv() => eprintln!("terminated"),
        }
    });
}

async fn all(plan: Plan, asked: &[String]) {
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|word| word == name);
    if wanted("lock") {
        lock::run(plan).await;
    }
    if wanted("takeover") {
        takeover::run(plan).await;
    }
}

/// The middle one.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
