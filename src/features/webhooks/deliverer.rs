//! Sends what is due. Of many nodes one does it. Each endpoint is served by itself, one message at a time and those of one
//! auction in their order, so that who is slow holds up nobody else. What was sent is marked afterwards: a message whose
//! mark is lost is sent again, under the same name.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::attempts::{Attempts, Served};
use super::places::Places;
use super::schedule::WAITING_MAX;
use super::store::outbox;
use crate::coordination::Leases;
use crate::domain::Span;
use crate::persistence::StoreError;
use crate::projection::Progress;

/// The name under which nodes agree on which of them sends, and how often each asks whether it is the one.
const TASK: &str = "webhooks";
const ASK_EVERY: Duration = Duration::from_secs(3);
/// How often it is looked for what is due, besides whenever something was projected.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The least time between two looks, however much is projected.
const LOOK_PAUSE: Duration = Duration::from_millis(25);
/// How many endpoints are looked at to find those that are served next.
const ENDPOINTS_LOOKED_AT: usize = 256;
/// How long attempts that are under way may take when the hub stops.
const STOP_LIMIT: Duration = Duration::from_secs(2);

const SWEEP_EVERY: Duration = Duration::from_secs(60);
const SWEEP_ROWS: i64 = 5_000;
/// How long it can be seen what came of a delivery.
const KEPT: Span = Span::from_secs(7 * 24 * 3_600);
/// What stands with a delivery that has waited for too long.
const EXPIRED: &str = "expired";

/// Sends what is due, as long as this node is the one to do it.
pub struct Deliverer {
    attempts: Arc<Attempts>,
    leases: Arc<dyn Leases>,
    progress: Progress,
    wake: Arc<Notify>,
    places: Places,
    /// The endpoint that was taken last: the next look begins behind it.
    last: Uuid,
    asked: Option<(Instant, bool)>,
    swept_at: Option<Instant>,
}

impl Deliverer {
    pub(super) fn new(attempts: Attempts, leases: Arc<dyn Leases>, progress: Progress, wake: Arc<Notify>) -> Self {
        Self {
            places: Places::new(attempts.chance.clone()),
            attempts: Arc::new(attempts),
            leases,
            progress,
            wake,
            last: Uuid::nil(),
            asked: None,
            swept_at: None,
        }
    }

    /// Works until `stop` is cancelled, then waits a moment for what is under way.
    pub async fn run(mut self, stop: CancellationToken) {
        let work = async {
            loop {
                let until = Instant::now() + LOOK_EVERY;
                if self.holds_task().await
                    && let Err(error) = self.look().await
                {
                    tracing::warn!(%error, "what is to be sent to endpoints cannot be read: {error}");
                }
                tokio::time::sleep(LOOK_PAUSE).await;
                self.wait(until).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
        if tokio::time::timeout(STOP_LIMIT, self.places.finish()).await.is_err() {
            tracing::info!("messages to endpoints were cut off; they will be sent again");
        }
    }

    /// True if this node does the work. Asks again when the answer is a few seconds old; while nobody can say, it does not.
    async fn holds_task(&mut self) -> bool {
        if let Some((at, holds)) = self.asked
            && at.elapsed() < ASK_EVERY
        {
            return holds;
        }
        let now = Instant::now();
        let holds = self.leases.task(TASK).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "whether this node sends to endpoints cannot be learned: {error}");
            false
        });
        if !holds {
            // Whoever does the work now says how much there is.
            metrics::gauge!("bidhub_webhook_endpoints_waiting").set(0.0);
            metrics::gauge!("bidhub_webhook_waiting").set(0.0);
        }
        self.asked = Some((now, holds));
        holds
    }

    /// Waits until there may be more to do, but not beyond `until`.
    async fn wait(&mut self, until: Instant) {
        loop {
            tokio::select! {
                served = self.places.ended() => if served == Some(Served::InPart) { return },
                () = self.progress.moved() => return,
                () = tokio::time::sleep_until(until) => return,
                () = self.wake.notified() => return,
            }
        }
    }

    /// Begins to serve endpoints for which something is due.
    async fn look(&mut self) -> Result<(), StoreError> {
        let Attempts { db, clock, .. } = &*self.attempts;
        let found = outbox::due(db, clock.now(), self.last, ENDPOINTS_LOOKED_AT as i64).await?;
        let all = found.len() < ENDPOINTS_LOOKED_AT;
        let now = Instant::now();
        self.places.forget(now);
        let mut without_place = 0;
        for endpoint in found {
            if self.places.serve(endpoint) {
                continue;
            }
            if self.places.are_full() {
                without_place += 1;
                continue;
            }
            self.last = endpoint;
            if self.places.rest(endpoint, now) {
                continue;
            }
            let attempts = self.attempts.clone();
            self.places.take(endpoint, async move { attempts.serve(endpoint).await });
        }
        if all && without_place == 0 {
            self.last = Uuid::nil();
        }
        metrics::gauge!("bidhub_webhook_endpoints_waiting").set(f64::from(without_place));
        self.sweep().await
    }

    /// Gives up what has waited for too long, and forgets what ended long ago.
    async fn sweep(&mut self) -> Result<(), StoreError> {
        if self.swept_at.is_some_and(|at| at.elapsed() < SWEEP_EVERY) {
            return Ok(());
        }
        self.swept_at = Some(Instant::now());
        let Attempts { db, clock, .. } = &*self.attempts;
        let now = clock.now();
        let expired = outbox::expire(db, now.minus(WAITING_MAX), EXPIRED, now, SWEEP_ROWS).await?;
        if expired > 0 {
            metrics::counter!("bidhub_webhook_dead_total", "reason" => EXPIRED).increment(expired);
            tracing::warn!(expired, "{expired} deliveries to endpoints have waited for too long and are given up");
        }
        let swept = outbox::sweep(db, now.minus(KEPT), SWEEP_ROWS).await?;
        if expired.max(swept) >= SWEEP_ROWS.unsigned_abs() {
            // There is more: on with it at the next look.
            self.swept_at = None;
        }
        metrics::gauge!("bidhub_webhook_waiting").set(outbox::waiting(db).await? as f64);
        Ok(())
    }
}
