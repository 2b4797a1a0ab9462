//! Work that comes round on one node: whether it is this one, asked every few seconds and remembered in between, so that the
//! others need not look for work that is not theirs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Leases;

/// How long an answer counts. Well below the time for which the right to a task is given.
const ASK_EVERY: Duration = Duration::from_secs(3);

/// A task, and whether this node does it.
pub struct Duty {
    leases: Arc<dyn Leases>,
    task: &'static str,
    /// When it was asked last, and the answer.
    known: Mutex<Option<(Instant, bool)>>,
}

impl Duty {
    /// The task of this name, by which nodes agree on it.
    pub fn new(leases: Arc<dyn Leases>, task: &'static str) -> Self {
        Self { leases, task, known: Mutex::new(None) }
    }

    /// True if this node does it. While nobody can say, it does not.
    pub async fn is_ours(&self) -> bool {
        let known = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((asked_at, ours)) = known
            && asked_at.elapsed() < ASK_EVERY
        {
            return ours;
        }
        let asked_at = Instant::now();
        let ours = self.leases.task(self.task).await.unwrap_or_else(|error| {
            tracing::warn!(task = self.task, %error, "whether this node does a task cannot be learned: {error}");
            false
        });
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((asked_at, ours));
        ours
    }
}

impl std::fmt::Debug for Duty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Duty").field("task", &self.task).finish_non_exhaustive()
    }
}
