//! Coordination for a hub that is one process: everything is here already.

use tokio::sync::broadcast;

use super::{Bus, BusError, LeaseError, Leases, Notice};
use crate::domain::AuctionId;
use crate::journal::Lease;
use tokio_util::sync::CancellationToken;

const NOTICE_CAPACITY: usize = 1_024;

/// A bus within the process.
#[derive(Debug)]
pub struct LocalBus {
    notices: broadcast::Sender<Notice>,
}

impl Default for LocalBus {
    fn default() -> Self {
        Self { notices: broadcast::channel(NOTICE_CAPACITY).0 }
    }
}

#[async_trait::async_trait]
impl Bus for LocalBus {
    async fn publish(&self, notice: Notice) -> Result<(), BusError> {
        // An error means that nobody listens, which is no failure.
        let _ = self.notices.send(notice);
        Ok(())
    }

    fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
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
}

#[async_trait::async_trait]
impl Leases for LocalLeases {
    async fn acquire(&self, _auction: AuctionId) -> Result<Lease, LeaseError> {
        if self.lost.is_cancelled() { Err(LeaseError::Lost) } else { Ok(self.lease) }
    }

    async fn release(&self, _auction: AuctionId, _lease: Lease) {}
}
