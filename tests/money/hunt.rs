//! Many runs; of one that fails, the fewest steps that still do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bidhub::persistence::{Db, Durability, migrate};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::dice::Dice;
use crate::world::{Seen, World};

/// How many steps a run has at least and at most.
const STEPS: (i64, i64) = (40, 300);
/// How many runs go on at once.
const AT_ONCE: usize = 4;
/// How long a failure is made smaller.
const SHRINK_FOR: Duration = Duration::from_secs(60);

/// What must happen somewhere in many runs, or they would show little.
const SEEN: [&str; 18] = [
    "a bid that had to be funded",
    "a bid voided",
    "a debt",
    "a leader voided",
    "a leader who may not lower",
    "a raise after the end",
    "a raise of somebody frozen",
    "a release of what a room has lowered",
    "a sale",
    "a sale called off",
    "a sale paid late",
    "a wallet with too little",
    "a wallet with too much set aside",
    "a withdrawal",
    "an allowance lowered",
    "an allowance raised",
    "an allowance that comes too late",
    "an allowance that overtakes another",
];
/// After so many runs all of it was seen.
const SEEN_AFTER: u64 = 100;

/// Where runs take their databases from.
pub struct Hunt {
    dir: TempDir,
}

/// A run that failed: how many steps were made until then, what is wrong, and what happened.
struct Failure {
    made: usize,
    wrong: String,
    story: Vec<String>,
}

impl Hunt {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&dir.path().join("empty.db"), Durability::Normal).await.unwrap();
        migrate(&db).await.unwrap();
        db.close().await;
        Self { dir }
    }

    /// Makes runs with the seeds from `first` on. Panics at the first that fails.
    pub async fn over(self: Arc<Self>, first: u64, runs: u64) {
        println!("runs from BIDHUB_SEED={first} on: {runs}");
        let (began, mut made, mut seen) = (Instant::now(), 0, Seen::new());
        let mut going = JoinSet::new();
        let mut seeds = first..first + runs;
        loop {
            while going.len() < AT_ONCE
                && let Some(seed) = seeds.next()
            {
                let hunt = self.clone();
                going.spawn(async move {
                    let steps = steps(seed);
                    (seed, steps.len(), hunt.run(seed, &steps).await)
                });
            }
            let Some(done) = going.join_next().await else { break };
            let (seed, steps, outcome) = done.unwrap();
            made += steps;
            match outcome {
                Ok(saw) => saw.into_iter().for_each(|(what, times)| *seen.entry(what).or_default() += times),
                Err(failure) => {
                    going.shutdown().await;
                    self.report(seed, failure).await;
                }
            }
        }
        println!("{runs} runs, {made} steps, {:.1} s: {seen:#?}", began.elapsed().as_secs_f64());
        let missing: Vec<_> = SEEN.iter().filter(|what| !seen.contains_key(**what)).collect();
        assert!(runs < SEEN_AFTER || missing.is_empty(), "never seen: {missing:?}");
    }

    /// One run in a database of its own.
    async fn run(&self, seed: u64, steps: &[u64]) -> Result<Seen, Failure> {
        let dir = tempfile::tempdir_in(self.dir.path()).unwrap();
        let file = dir.path().join("hub.db");
        std::fs::copy(self.dir.path().join("empty.db"), &file).unwrap();
        let mut world = World::new(&file, seed).await;
        let mut made = 0;
        let outcome = async {
            for step in steps {
                world.step(*step).await?;
                made += 1;
                world.check().await?;
            }
            world.recover(seed).await
        };
        let outcome = outcome.await;
        world.db.close().await;
        match outcome {
            Ok(()) => Ok(world.seen),
            Err(wrong) => Err(Failure { made, wrong, story: world.story }),
        }
    }

    async fn report(&self, seed: u64, first: Failure) -> ! {
        let (mut steps, mut failure) = (steps(seed), first);
        let (until, asked) = (Instant::now() + SHRINK_FOR, steps.len());
        let mut chunk = steps.len();
        // Whole stretches are left out first, then ever shorter ones.
        while chunk > 0 && Instant::now() < until {
            steps.truncate(failure.made + 1);
            let mut from = 0;
            while from < steps.len() && Instant::now() < until {
                let mut fewer = steps.clone();
                fewer.drain(from..(from + chunk).min(steps.len()));
                match self.run(seed, &fewer).await {
                    Err(found) => (steps, failure) = (fewer, found),
                    Ok(_) => from += chunk,
                }
            }
            chunk /= 2;
        }
        let Failure { wrong, story, .. } = failure;
        let (left, story) = (steps.len(), story.join("\n  "));
        panic!("BIDHUB_SEED={seed} fails; of its {asked} steps {left} are enough:\n  {story}\n{wrong}");
    }
}

/// The steps of the run with this seed. Each is a seed of its own, so that any may be left out.
fn steps(seed: u64) -> Vec<u64> {
    let mut dice = Dice::new(!seed);
    (0..dice.between(STEPS.0, STEPS.1)).map(|_| dice.next()).collect()
}
