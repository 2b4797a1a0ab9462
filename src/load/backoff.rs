//! How long to wait before the same is tried again.

use std::time::Duration;

use crate::chance::Chance;

const FIRST_MS: u64 = 25;
const LONGEST_MS: u64 = 2_000;

/// Waits that double up to a limit, each somewhere between half of itself and the whole, so that many who failed together
/// do not come back together.
#[derive(Debug, Clone)]
pub struct Backoff {
    chance: Chance,
    next_ms: u64,
    tries_left: u32,
}

impl Backoff {
    /// At most `tries` waits.
    pub fn new(chance: Chance, tries: u32) -> Self {
        Self { chance, next_ms: FIRST_MS, tries_left: tries }
    }

    /// The next wait, at least `least`; none once all tries are used up.
    pub fn next(&mut self, least: Duration) -> Option<Duration> {
        self.tries_left = self.tries_left.checked_sub(1)?;
        let half = self.next_ms / 2;
        let wait_ms = half + self.chance.below(half + 1);
        self.next_ms = (self.next_ms * 2).min(LONGEST_MS);
        Some(Duration::from_millis(wait_ms).max(least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_come_to_an_end() {
        let mut backoff = Backoff::new(Chance::seeded(1), 20);
        let waits: Vec<u128> =
            std::iter::from_fn(|| backoff.next(Duration::ZERO)).map(|wait| wait.as_millis()).collect();
        assert_eq!(waits.len(), 20);
        assert!((12..=25).contains(&waits[0]), "{waits:?}");
        assert!(waits[10..].iter().all(|wait| (1_000..=2_000).contains(wait)), "{waits:?}");
    }

    #[test]
    fn a_wait_that_was_asked_for_is_kept() {
        let least = Duration::from_secs(7);
        assert_eq!(Backoff::new(Chance::seeded(1), 1).next(least), Some(least));
    }
}
