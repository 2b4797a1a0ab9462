//! Randomness. The one module that draws it, so that a test can hand in a seed and see the same run again.

use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng, TryRng};

use crate::domain::Timestamp;

/// A source of random bytes: the operating system's, or a seeded one for tests.
#[derive(Clone, Default)]
pub enum Chance {
    /// The operating system's generator.
    #[default]
    System,
    /// A generator that gives the same bytes for the same seed. Never for secrets.
    Seeded(Arc<Mutex<StdRng>>),
}

impl Chance {
    /// A source that repeats itself for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// `N` random bytes.
    ///
    /// # Panics
    /// If the operating system has no randomness to give: nothing safe can be done without it.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            #[allow(clippy::expect_used, reason = "see Panics")]
            Self::System => SysRng.try_fill_bytes(&mut bytes).expect("the operating system gives random bytes"),
            Self::Seeded(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes),
        }
        bytes
    }

    /// A whole number in 0 .. `bound` (0 if `bound` is 0), for jitter and choices, not for secrets.
    pub fn below(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { u64::from_le_bytes(self.bytes()) % bound }
    }

    /// A new UUIDv7 whose time part is `now`.
    pub fn uuid(&self, now: Timestamp) -> uuid::Uuid {
        uuid::Builder::from_unix_timestamp_millis(now.millis().unsigned_abs(), &self.bytes()).into_uuid()
    }
}

impl std::fmt::Debug for Chance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::System => "Chance::System",
            Self::Seeded(_) => "Chance::Seeded",
        })
    }
}
