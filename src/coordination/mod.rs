//! What nodes agree on and tell each other: who runs which room, and what every node must hear at once.
//!
//! Ports and their adapters; [`local`] is the one for a hub that is a single process. Nothing here decides a bid.

pub mod local;

use tokio::sync::broadcast;

use crate::domain::{AccountId, AuctionId};
use crate::journal::Lease;

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

/// Says who may run the room of an auction.
#[async_trait::async_trait]
pub trait Leases: Send + Sync + 'static {
    /// The right to run the room of `auction`, for this node alone.
    async fn acquire(&self, auction: AuctionId) -> Result<Lease, LeaseError>;
    /// Gives the right back; the room has fallen silent.
    async fn release(&self, auction: AuctionId, lease: Lease);
}

/// The right could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// This process has lost its right to run any room.
    #[error("another process runs the rooms")]
    Lost,
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
