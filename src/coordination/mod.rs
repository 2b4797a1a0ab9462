//! What nodes agree on and tell each other: who runs which room, who is there, and what every node must hear at once.
//!
//! Ports and their adapters: [`local`] for a hub that is a single process, [`redis`] for one of many nodes. Nothing here
//! decides a bid, and nothing here is the truth about one: messages may be lost, and a right is only a right as far as the
//! journal agrees.

mod duty;
pub mod holding;
pub mod local;
mod note_ids;
pub mod redis;
pub mod rendezvous;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{broadcast, mpsc};

use crate::domain::{AccountId, AuctionId, NodeId, Timestamp};
use crate::journal::{Head, Lease};

pub use duty::Duty;
pub use holding::{Holding, WeakHolding};
pub use note_ids::NoteIds;
pub use rendezvous::rank;

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
    /// These notifications go to the connections of their accounts.
    PushNotes(NoteIds),
    /// Notifications were written: whoever pushes them need not wait until it looks by itself. This one may be lost.
    NotesWritten,
}

/// Says who may run the room of an auction.
#[async_trait::async_trait]
pub trait Leases: Send + Sync + 'static {
    /// The right to run the room of `auction`, for this node alone, under an epoch greater than `floor` and than every
    /// epoch before. Succeeds if nobody holds it, or if this node does: then under a new lease, and the one before is void.
    async fn acquire(&self, auction: AuctionId, floor: u64) -> Result<Holding, LeaseError>;

    /// Gives the right back in good order; the room has fallen silent, and all it has committed is told. `wake_at` is when
    /// somebody must look at the auction again; none if nothing can happen in it any more. Does nothing if the lease is
    /// no longer held.
    async fn release(&self, auction: AuctionId, holding: &Holding, wake_at: Option<Timestamp>);

    /// Who runs the room now; none if nobody does.
    async fn owner(&self, auction: AuctionId) -> Result<Option<NodeId>, LeaseError>;

    /// Auctions that somebody should look at by `by`, the earliest first: something falls due, or the node that ran their
    /// room has not said for some time that it still does.
    async fn unattended(&self, by: Timestamp, limit: usize) -> Result<Vec<AuctionId>, LeaseError>;

    /// Notes when somebody must look at an auction that nobody runs yet.
    async fn attend(&self, auction: AuctionId, wake_at: Timestamp) -> Result<(), LeaseError>;

    /// True if this node is the one to do `task` for the next ten seconds; asking again in time keeps it so. For work that
    /// would be wasted, though not wrong, if two nodes did it.
    async fn task(&self, task: &'static str) -> Result<bool, LeaseError>;
}

/// The right could not be had.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LeaseError {
    /// This process has lost its right to run any room.
    #[error("another process runs the rooms")]
    Lost,
    /// Another node runs the room.
    #[error("node {0} runs the room")]
    Held(NodeId),
    /// Whoever keeps the leases cannot be asked.
    #[error("leases: {0}")]
    Unavailable(String),
}

/// Carries messages between nodes. Any may be lost, some may come twice, none is changed; those between two nodes keep
/// their order.
#[async_trait::async_trait]
pub trait Bus: Send + Sync + 'static {
    /// This node.
    fn node(&self) -> NodeId;

    /// The nodes that are there and not about to leave, this one among them unless it is leaving, in no order.
    fn members(&self) -> Arc<[NodeId]>;

    /// Tells all nodes, this one included.
    async fn publish(&self, notice: Notice) -> Result<(), BusError>;

    /// From here on, every notice. A receiver that lags must treat all it knows as doubtful and check again.
    fn subscribe(&self) -> broadcast::Receiver<Notice>;

    /// Says something to all nodes that need not be heard by any: it is said once and never again.
    async fn cast(&self, message: Bytes);

    /// From here on, what is cast, by this node too. A receiver that lags loses it.
    fn casts(&self) -> broadcast::Receiver<Bytes>;

    /// Tells one node something. An error means that it was surely not told.
    async fn tell(&self, node: NodeId, message: Bytes) -> Result<(), BusError>;

    /// What this node is told, with who says it. One receiver alone can be had.
    fn told(&self) -> Option<mpsc::Receiver<(NodeId, Bytes)>>;

    /// From here on, the news of an auction. It ends when the receiver is dropped; news that it does not take in time
    /// are lost, which shows by their positions.
    async fn follow(&self, auction: AuctionId) -> Result<mpsc::Receiver<News>, BusError>;

    /// This node stops taking rooms and says so.
    async fn leave(&self);

    /// Answers if a message to itself came back just now.
    async fn probe(&self) -> Result<(), BusError>;
}

/// What is told of an auction to all nodes that follow it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum News {
    /// A batch was committed: [`crate::journal::Packed`] records.
    Committed(Bytes),
    /// The room is run under this lease and its log ends here, said anew every few seconds.
    Alive(Lease, Head),
    /// The room was let go in good order.
    Released,
}

/// The bus could not take a message.
#[derive(Clone, Debug, thiserror::Error)]
#[error("bus: {0}")]
pub struct BusError(pub String);
