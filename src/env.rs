//! What the hub takes from the world around it: the time and randomness. Nothing else in it asks the world for either.

use crate::chance::Chance;
use crate::clock::Clock;

/// The world as the hub sees it, so that a test can hand in its own.
#[derive(Debug, Clone, Default)]
pub struct Env {
    /// What time it is.
    pub clock: Clock,
    /// Randomness.
    pub chance: Chance,
}
