//! Coordination for a hub that is one process: everything is here already.

use tokio::sync::broadcast;

use super::{Bus, BusError, Notice};

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
