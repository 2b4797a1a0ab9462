//! The endpoints that are served at the moment, each by a task of its own, and those that are left alone for a while. A task
//! that panics costs its endpoint a pause, which is longer each time, and nobody else anything.

use std::collections::HashMap;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::Instant;
use uuid::Uuid;

use super::attempts::Served;
use super::schedule::rest;
use crate::chance::Chance;

/// How many endpoints are served at once.
const ENDPOINTS_AT_ONCE: usize = 64;
/// How long an endpoint is passed over of which all that is due waits behind something that is not.
const BLOCKED_PAUSE: Duration = Duration::from_secs(1);
/// How long after its pause an endpoint counts as one that panicked, if it was not served meanwhile.
const PANICS_KEPT: Duration = Duration::from_secs(3_600);

/// See the module.
pub(super) struct Places {
    running: JoinSet<Served>,
    served: HashMap<Id, Uuid>,
    resting: HashMap<Uuid, Rest>,
    chance: Chance,
}

/// A pause of an endpoint.
struct Rest {
    until: Instant,
    /// How many tasks in a row panicked over it.
    panics: i64,
}

impl Places {
    pub(super) fn new(chance: Chance) -> Self {
        Self { running: JoinSet::new(), served: HashMap::new(), resting: HashMap::new(), chance }
    }

    /// True if no endpoint can be taken on.
    pub(super) fn are_full(&self) -> bool {
        self.served.len() >= ENDPOINTS_AT_ONCE
    }

    /// True if somebody serves this endpoint.
    pub(super) fn serve(&self, endpoint: Uuid) -> bool {
        self.served.values().any(|served| *served == endpoint)
    }

    /// True if this endpoint is to be left alone at `now`.
    pub(super) fn rest(&self, endpoint: Uuid, now: Instant) -> bool {
        self.resting.get(&endpoint).is_some_and(|rest| rest.until > now)
    }

    /// Begins to serve an endpoint.
    pub(super) fn take(&mut self, endpoint: Uuid, serving: impl Future<Output = Served> + Send + 'static) {
        let task = self.running.spawn(serving);
        self.served.insert(task.id(), endpoint);
    }

    /// Waits until an endpoint was served, and gives how far; none if the task panicked. Never ends while none is served.
    /// Being cut off is harmless.
    pub(super) async fn ended(&mut self) -> Option<Served> {
        let Some(ended) = self.running.join_next_with_id().await else { return std::future::pending().await };
        let now = Instant::now();
        match ended {
            Ok((task, served)) => {
                if let Some(endpoint) = self.served.remove(&task) {
                    self.resting.remove(&endpoint);
                    if served == Served::Not {
                        self.resting.insert(endpoint, Rest { until: now + BLOCKED_PAUSE, panics: 0 });
                    }
                }
                Some(served)
            }
            Err(error) => {
                if let Some(endpoint) = self.served.remove(&error.id()) {
                    let panics = self.resting.get(&endpoint).map_or(0, |rest| rest.panics).saturating_add(1);
                    let pause = Duration::from_millis(rest(panics, None, &self.chance).millis().unsigned_abs());
                    let pause_ms = pause.as_millis() as u64;
                    tracing::error!(%endpoint, %error, panics, pause_ms, "serving endpoint {endpoint} panicked: {error}");
                    self.resting.insert(endpoint, Rest { until: now + pause, panics });
                }
                None
            }
        }
    }

    /// Forgets pauses that are over at `now`.
    pub(super) fn forget(&mut self, now: Instant) {
        let kept = |rest: &Rest| if rest.panics > 0 { PANICS_KEPT } else { Duration::ZERO };
        self.resting.retain(|_, rest| rest.until + kept(rest) > now);
    }

    /// Waits until nothing is under way.
    pub(super) async fn finish(mut self) {
        while self.running.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn places() -> Places {
        Places::new(Chance::seeded(1))
    }

    /// Has a task panic over this endpoint. Gives how long it is then left alone at least and at most, in seconds.
    async fn panic_over(places: &mut Places, endpoint: Uuid) -> (f32, f32) {
        let before = Instant::now();
        places.take(endpoint, async { panic!("a mistake") });
        assert!(places.serve(endpoint));
        assert_eq!(places.ended().await, None);
        assert!(!places.serve(endpoint) && places.rest(endpoint, Instant::now()), "given back, though not at once");
        let until = places.resting[&endpoint].until;
        assert!(!places.rest(endpoint, until));
        places.forget(until + SECOND);
        ((until - Instant::now()).as_secs_f32(), (until - before).as_secs_f32())
    }

    #[tokio::test]
    async fn who_panics_gives_its_endpoint_back_after_a_pause_that_grows() {
        let (mut places, endpoint, other) = (places(), Uuid::from_u128(1), Uuid::from_u128(2));
        places.take(other, std::future::pending());
        for pause in [5.0, 10.0, 20.0, 40.0] {
            let (least, most) = panic_over(&mut places, endpoint).await;
            assert!(most >= pause && least <= pause * 1.2, "{least} to {most} s, not {pause} and a fifth more at most");
            assert!(places.serve(other) && !places.rest(other, Instant::now()), "nobody else is touched");
        }
        // Once it was served, it begins anew.
        places.take(endpoint, async { Served::Whole });
        assert_eq!(places.ended().await, Some(Served::Whole));
        assert!(!places.rest(endpoint, Instant::now()));
        let (least, most) = panic_over(&mut places, endpoint).await;
        assert!(most >= 5.0 && least <= 6.0, "{least} to {most} s");
        places.forget(Instant::now() + PANICS_KEPT + 7 * SECOND);
        assert!(places.resting.is_empty(), "what happened long ago is forgotten");
    }

    #[tokio::test]
    async fn who_could_be_sent_nothing_is_passed_over_for_a_second() {
        let (mut places, endpoint) = (places(), Uuid::from_u128(1));
        places.take(endpoint, async { Served::Not });
        assert_eq!(places.ended().await, Some(Served::Not));
        let now = Instant::now();
        assert!(places.resting[&endpoint].until <= now + BLOCKED_PAUSE);
        places.forget(now + BLOCKED_PAUSE);
        assert!(places.resting.is_empty() && places.served.is_empty());
    }
}
