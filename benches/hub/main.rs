//! The hub end to end, as a process of its own over real sockets: one hot auction, the same with money set aside, fan-out, and memory of idle
//! connections. Each figure stands beside a bound measured in the same run: a bare socket echo, a bare fsync'd append, a
//! bare broadcast. Load goes to the loopback interface alone and stops by itself.
//!
//! `cargo bench --bench hub` runs all; `cargo bench --bench hub -- hot funded fanout memory` some of them. `BIDHUB_BENCH_ROUNDS`
//! sets how often each is measured (the median is printed, default 3), `BIDHUB_BENCH_SECONDS` for how long (default 4).

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench that cannot go on has failed")]

mod bounds;
mod clients;
mod fanout;
mod funded;
mod hot;
mod memory;
mod process;

use std::time::Duration;

/// How much to measure.
#[derive(Clone, Copy)]
pub struct Plan {
    pub rounds: usize,
    pub time: Duration,
}

fn main() {
    if let Some(role) = std::env::var_os(bounds::ROLE) {
        return bounds::serve(&role.to_string_lossy());
    }
    let number =
        |name: &str, otherwise: u64| std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise);
    let time = Duration::from_secs(number("BIDHUB_BENCH_SECONDS", 4));
    let plan = Plan { rounds: number("BIDHUB_BENCH_ROUNDS", 3) as usize, time };
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|word| word == name);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        if wanted("hot") {
            hot::run(plan).await;
        }
        if wanted("funded") {
            funded::run(plan).await;
        }
        if wanted("fanout") {
            fanout::run(plan).await;
        }
        if wanted("memory") {
            memory::run(plan).await;
        }
    });
}

/// The middle one.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
