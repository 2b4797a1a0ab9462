//! One clock for all nodes: Redis's. Each node measures by how much its own differs and corrects it little by little, so
//! that no moment jumps for a small difference.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::redis::Script;
use tokio_util::sync::CancellationToken;

use super::{NOTHING, every, keys, lua};
use crate::clock::{Clock, Offset};
use crate::persistence::RedisError;
use crate::persistence::redis::Redis;

/// How often the difference is measured.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// How many samples the first setting is the best of.
const FIRST_SAMPLES: usize = 5;
/// The most by which one sample moves the clock, in milliseconds.
const SLEW_MAX_MS: i64 = 20;
/// A difference that is not corrected little by little, in milliseconds: a clock was set, or another server keeps the time.
const STEP_MIN_MS: i64 = 1_000;

/// One measurement, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// By how much the shared clock is ahead of this machine's.
    pub ahead: i64,
    /// By how much that may be wrong: half the time of the round trip.
    pub error: i64,
}

impl Sample {
    /// From an answer `theirs` to a question that was sent at `sent` and took `took`, all in milliseconds.
    pub fn new(sent: i64, theirs: i64, took: i64) -> Self {
        let error = (took + 1) / 2;
        Self { ahead: theirs - (sent + took / 2), error }
    }
}

/// The offset after `sample`, if it was `current`: what the sample may have wrong is not corrected, a small difference
/// little by little, a great one at once.
pub fn corrected(current: i64, sample: Sample) -> i64 {
    let difference = sample.ahead - current;
    let sure = difference.signum() * (difference.abs() - sample.error).max(0);
    if sure.abs() >= STEP_MIN_MS { sample.ahead } else { current + sure.clamp(-SLEW_MAX_MS, SLEW_MAX_MS) }
}

/// Keeps an offset right.
pub struct SharedTime {
    redis: Redis,
    offset: Arc<Offset>,
    script: Script,
}

impl SharedTime {
    /// Measures a few times, sets the offset to the best of it, and keeps it right until `stop`. Fails if the time cannot be
    /// had at all.
    pub async fn start(redis: Redis, offset: Arc<Offset>, stop: CancellationToken) -> Result<(), RedisError> {
        let this = Self { redis, offset, script: lua!("time") };
        let mut best = this.sample().await?;
        for _ in 1..FIRST_SAMPLES {
            let sample = this.sample().await?;
            if sample.error < best.error {
                best = sample;
            }
        }
        this.set(best.ahead);
        tokio::spawn(async move { every(SAMPLE_EVERY, &stop, || this.correct()).await });
        Ok(())
    }

    async fn correct(&self) {
        match self.sample().await {
            Ok(sample) => {
                let (before, after) = (self.offset.millis(), corrected(self.offset.millis(), sample));
                if (after - before).abs() > SLEW_MAX_MS {
                    tracing::warn!(before, after, "the shared clock jumped by {} ms", after - before);
                }
                self.set(after);
            }
            Err(error) => tracing::debug!(%error, "the shared clock cannot be read now: {error}"),
        }
    }

    fn set(&self, ahead: i64) {
        self.offset.set(ahead);
        metrics::gauge!("bidhub_clock_offset_ms").set(ahead as f64);
    }

    async fn sample(&self) -> Result<Sample, RedisError> {
        let (started, sent) = (Instant::now(), Clock::System.now());
        let theirs: i64 = self.redis.script(&self.script, &[keys::PULSE], NOTHING).await?;
        let took = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX / 4);
        Ok(Sample::new(sent.millis(), theirs, took))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_differences_are_slewed_and_great_ones_are_not() {
        for (current, ahead, error, after) in [
            (0, 0, 0, 0),
            (0, 5, 0, 5),
            (0, 500, 0, 20),
            (0, -500, 1, -20),
            (0, 999, 0, 20),
            (0, 1_000, 0, 1_000),
            (100, -60_000, 2, -60_000),
            (10, 14, 4, 10),
            (10, 15, 4, 11),
            (0, 3_000, 5_000, 0),
        ] {
            assert_eq!(corrected(current, Sample { ahead, error }), after, "{current} {ahead} {error}");
        }
    }

    #[test]
    fn any_difference_below_a_step_is_gone_in_the_end() {
        for ahead in [-999, -20, -1, 1, 333, 999] {
            let sample = Sample { ahead, error: 0 };
            let offset = (0..50).fold(0, |offset, _| corrected(offset, sample));
            assert_eq!(offset, ahead);
        }
    }

    #[test]
    fn half_of_the_round_trip_is_the_way_there() {
        assert_eq!(Sample::new(1_000, 1_105, 10), Sample { ahead: 100, error: 5 });
        assert_eq!(Sample::new(1_000, 900, 1), Sample { ahead: -100, error: 1 });
    }
}
