//! What the hub takes from the world around it: the time and randomness; nothing else in it asks the world for either. And
//! how it tells the world that it is there.

use tokio_util::sync::CancellationToken;

use crate::chance::Chance;
use crate::clock::Clock;

/// The world as the hub sees it, so that a test can hand in its own.
#[derive(Debug, Clone, Default)]
pub struct Env {
    /// What time it is.
    pub clock: Clock,
    /// Randomness.
    pub chance: Chance,
    /// Cancelled by the hub once it holds its place and serves.
    pub ready: CancellationToken,
}
