//! Coordination for a hub that is one process: everything is here already.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use super::{Bus, BusError, Holding, LeaseError, Leases, News, Notice};
use crate::domain::{AuctionId, NodeId, Timestamp};
use crate::journal::Lease;

const NOTICE_CAPACITY: usize = 1_024;
const TOLD_CAPACITY: usize = 1_024;
const CAST_CAPACITY: usize = 4_096;

/// A bus within the process.
#[derive(Debug)]
pub struct LocalBus {
    node: NodeId,
    members: Arc<[NodeId]>,
    notices: broadcast::Sender<Notice>,
    casts: broadcast::Sender<Bytes>,
    told: mpsc::Sender<(NodeId, Bytes)>,
    listener: Mutex<Option<mpsc::Receiver<(NodeId, Bytes)>>>,
}

impl LocalBus {
    /// The bus of this one process.
    pub fn new(node: NodeId) -> Self {
        let (told, listener) = mpsc::channel(TOLD_CAPACITY);
        let listener = Mutex::new(Some(listener));
        let (notices, casts) = (broadcast::channel(NOTICE_CAPACITY).0, broadcast::channel(CAST_CAPACITY).0);
        Self { node, members: [node].into(), notices, casts, told, listener }
    }
}

#[async_trait::async_trait]
impl Bus for LocalBus {
    fn node(&self) -> NodeId {
        self.node
    }

    fn members(&self) -> Arc<[NodeId]> {
        self.members.clone()
    }

    async fn publish(&self, notice: Notice) -> Result<(), BusError> {
        // An error means that nobody listens, which is no failure.
        let _ = self.notices.send(notice);
        Ok(())
    }

    fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    async fn cast(&self, message: Bytes) {
        // An error means that nobody listens.
        let _ = self.casts.send(message);
    }

    fn casts(&self) -> broadcast::Receiver<Bytes> {
        self.casts.subscribe()
    }

    async fn tell(&self, node: NodeId, message: Bytes) -> Result<(), BusError> {
        if node != self.node {
            return Err(BusError(format!("there is no node {node}")));
        }
        self.told.try_send((node, message)).map_err(|error| BusError(error.to_string()))
    }

    fn told(&self) -> Option<mpsc::Receiver<(NodeId, Bytes)>> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn follow(&self, auction: AuctionId) -> Result<mpsc::Receiver<News>, BusError> {
        Err(BusError(format!("nobody else runs the room of {auction}")))
    }

    async fn leave(&self) {}

    async fn probe(&self) -> Result<(), BusError> {
        Ok(())
    }
}

/// The leases of a hub that is one process: who holds the journal holds every room.
#[derive(Debug)]
pub struct LocalLeases {
    lease: Lease,
    lost: CancellationToken,
}

impl LocalLeases {
    /// Every room under the `lease` on the journal, until `lost` is cancelled.
    pub fn new(lease: Lease, lost: CancellationToken) -> Self {
        Self { lease, lost }
    }

    fn check(&self) -> Result<(), LeaseError> {
        if self.lost.is_cancelled() { Err(LeaseError::Lost) } else { Ok(()) }
    }
}

#[async_trait::async_trait]
impl Leases for LocalLeases {
    async fn acquire(&self, _auction: AuctionId, _floor: u64) -> Result<Holding, LeaseError> {
        self.check().map(|()| Holding::lasting(self.lease))
    }

    async fn release(&self, _auction: AuctionId, _holding: &Holding, _wake_at: Option<Timestamp>) {}

    async fn owner(&self, _auction: AuctionId) -> Result<Option<NodeId>, LeaseError> {
        self.check().map(|()| Some(NodeId(self.lease.holder)))
    }

    /// None: the journal itself says what is due.
    async fn unattended(&self, _by: Timestamp, _limit: usize) -> Result<Vec<AuctionId>, LeaseError> {
        Ok(Vec::new())
    }

    async fn attend(&self, _auction: AuctionId, _wake_at: Timestamp) -> Result<(), LeaseError> {
        Ok(())
    }

    async fn task(&self, _task: &'static str) -> Result<bool, LeaseError> {
        self.check().map(|()| true)
    }
}
