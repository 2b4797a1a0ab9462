//! How the hub ends: a signal, a token that everyone watches, a tracker that says when all background work is done.

use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Cancels `shutdown` at the first SIGTERM or SIGINT. A second one ends the process at once.
pub fn on_signal(shutdown: CancellationToken) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        let signal = either(&mut terminate, &mut interrupt).await;
        tracing::info!(signal, "stopping on {signal}: the hub finishes what it has begun");
        shutdown.cancel();
        let signal = either(&mut terminate, &mut interrupt).await;
        tracing::warn!(signal, "stopping at once on {signal}: a second signal does not wait");
        std::process::exit(1);
    });
    Ok(())
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

/// The moment by which a stop must have come to its end, whatever takes how long.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    pub fn after(limit: Duration) -> Self {
        Self(Instant::now() + limit)
    }

    /// What is left until then.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Waits for `work`, for no longer than half of what is left. True if it is done.
    pub async fn half(self, work: impl Future<Output = ()>) -> bool {
        tokio::time::timeout(self.left() / 2, work).await.is_ok()
    }
}

/// The background work of a hub: tasks that are told to end together and waited for.
#[derive(Debug, Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    shutdown: CancellationToken,
}

impl Tasks {
    /// No tasks yet; they are told to end when `shutdown` is cancelled.
    pub fn new(shutdown: CancellationToken) -> Self {
        Self { tracker: TaskTracker::new(), shutdown }
    }

    /// The token that says that the hub ends.
    pub fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    /// Runs `task` beside everything else. It must end soon after the token of [`Tasks::shutdown`] is cancelled.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(task);
    }

    /// Runs `work` every `period` until the hub ends. Work that takes longer than the period delays the next run; what runs
    /// when the hub ends is dropped.
    pub fn every<F, W>(&self, period: Duration, mut work: W)
    where
        F: Future<Output = ()> + Send + 'static,
        W: FnMut() -> F + Send + 'static,
    {
        let shutdown = self.shutdown.clone();
        self.spawn(async move {
            let mut ticks = tokio::time::interval(period);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                let round = async {
                    ticks.tick().await;
                    work().await;
                };
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = round => {}
                }
            }
        });
    }

    /// Waits until every task has ended.
    pub async fn finished(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_end_with_the_token_and_a_stuck_one_is_told_of() {
        let tasks = Tasks::new(CancellationToken::new());
        let (ran, mut runs) = tokio::sync::mpsc::channel(1);
        tasks.every(Duration::from_millis(1), move || {
            let ran = ran.clone();
            async move {
                let _ = ran.try_send(());
            }
        });
        runs.recv().await.expect("the work runs");
        assert!(
            !Deadline::after(Duration::from_millis(10)).half(tasks.finished()).await,
            "it runs until it is told to end"
        );
        tasks.shutdown().cancel();
        assert!(Deadline::after(Duration::from_secs(10)).half(tasks.finished()).await);
    }
}
