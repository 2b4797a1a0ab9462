//! What nodes agree on and tell each other: who runs which room, and what every node must hear at once.
//!
//! Ports and their adapters; [`local`] is the one for a hub that is a single process. Nothing here decides a bid.

pub mod local;

use tokio::sync::broadcast;

use crate::domain::AccountId;

/// SHA-256 of a session's token or of a foreign token: names a session without being able to open it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 32]);

impl std::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionId({}…)", hex::encode(&self.0[..4]))
    }
}

/// What every node must hear at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notice {
    /// A session has ended: its sockets close.
    SessionEnded(SessionId),
    /// An account may no longer act: all its sockets close.
    AccountEnded(AccountId),
}

/// Carries notices to every node, this one included.
#[async_trait::async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Tells all nodes.
    async fn publish(&self, notice: Notice) -> Result<(), BusError>;
    /// From here on, every notice. A receiver that lags must treat all it knows as doubtful and check again.
    fn subscribe(&self) -> broadcast::Receiver<Notice>;
}

/// The bus could not take a notice.
#[derive(Debug, thiserror::Error)]
#[error("bus: {0}")]
pub struct BusError(pub String);
