//! A lease in the hand of the room that holds it: until when it may speak, and whether it is at work or stuck.
//!
//! All times are of the steady clock of this process, and counted from before a renewal was sent, so that a process that
//! was paused finds its right expired and not the other way round.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::domain::{Span, Timestamp};
use crate::journal::{Lease, Outage};

/// A lease that was acquired. Clones share what is known of it.
#[derive(Clone, Debug)]
pub struct Holding {
    /// The right itself.
    pub lease: Lease,
    shared: Arc<Shared>,
}

/// A lease as whoever renews it knows it: it does not keep the lease alive once the room has forgotten it.
#[derive(Clone, Debug)]
pub struct WeakHolding {
    /// The right itself.
    pub lease: Lease,
    shared: Weak<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// How long one renewal lasts for speaking; none if the right lasts until it is taken away.
    term: Option<Duration>,
    state: Mutex<State>,
    /// When the last renewal was sent, in milliseconds of the hub's clock.
    alive_at: AtomicI64,
}

#[derive(Debug)]
struct State {
    speaks_until: Instant,
    busy_since: Option<Instant>,
    lapse: Option<Outage>,
    revoked: bool,
}

impl Holding {
    /// A right that lasts until it is taken away.
    pub fn lasting(lease: Lease) -> Self {
        Self::new(lease, None, Instant::now(), Timestamp::from_millis(0))
    }

    /// A right that was asked for at `sent` (by the hub's clock at `at`) and must be renewed within `term` of it.
    pub fn expiring(lease: Lease, term: Duration, sent: Instant, at: Timestamp) -> Self {
        Self::new(lease, Some(term), sent, at)
    }

    fn new(lease: Lease, term: Option<Duration>, sent: Instant, at: Timestamp) -> Self {
        let state =
            State { speaks_until: sent + term.unwrap_or_default(), busy_since: None, lapse: None, revoked: false };
        let alive_at = AtomicI64::new(at.millis());
        Self { lease, shared: Arc::new(Shared { term, state: Mutex::new(state), alive_at }) }
    }

    /// The same right, as long as anyone else knows it.
    pub fn downgrade(&self) -> WeakHolding {
        WeakHolding { lease: self.lease, shared: Arc::downgrade(&self.shared) }
    }

    /// True while the room may answer in the name of the auction without asking anyone.
    pub fn speaks(&self) -> bool {
        let state = self.lock();
        !state.revoked && (self.shared.term.is_none() || Instant::now() < state.speaks_until)
    }

    /// Renewed by something that was sent at `sent`, at `at` by the hub's clock. If the renewal before had run out by then,
    /// nobody could bid in between: see [`Holding::take_lapse`].
    pub fn renewed(&self, sent: Instant, at: Timestamp) {
        let Some(term) = self.shared.term else { return };
        let mut state = self.lock();
        let lapsed = sent > state.speaks_until;
        state.speaks_until = state.speaks_until.max(sent + term);
        let before = Timestamp::from_millis(self.shared.alive_at.fetch_max(at.millis(), Ordering::SeqCst));
        if lapsed && at.since(before) > Span::ZERO {
            let from = state.lapse.map_or(before, |lapse| lapse.from);
            state.lapse = Some(Outage { from, until: at });
        }
    }

    /// The time in which the right had run out though it was renewed afterwards, told once.
    pub fn take_lapse(&self) -> Option<Outage> {
        self.lock().lapse.take()
    }

    /// When it was last known that this right was held, by the hub's clock; none if it never has to be renewed.
    pub fn alive_at(&self) -> Option<Timestamp> {
        self.shared.term.map(|_| Timestamp::from_millis(self.shared.alive_at.load(Ordering::SeqCst)))
    }

    /// Since when it was not renewed, if that is unusually long at `now`, by the hub's clock.
    pub fn silent_since(&self, now: Timestamp) -> Option<Timestamp> {
        let term = i64::try_from(self.shared.term?.as_millis()).unwrap_or(i64::MAX);
        self.alive_at().filter(|alive| now.since(*alive).millis() > term / 4 * 3)
    }

    /// The right is gone: another has it, or it was given back.
    pub fn revoke(&self) {
        self.lock().revoked = true;
    }

    /// The room begins (true) or ends (false) something that it must not be stuck in.
    pub fn work(&self, begins: bool) {
        self.lock().busy_since = begins.then(Instant::now);
    }

    /// True if it should be renewed: it is not gone, and the room is not stuck for as long as `limit`.
    pub fn deserves_renewal(&self, limit: Duration) -> bool {
        let state = self.lock();
        !state.revoked && state.busy_since.is_none_or(|since| since.elapsed() < limit)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WeakHolding {
    /// The right; none if the room has forgotten it.
    pub fn upgrade(&self) -> Option<Holding> {
        self.shared.upgrade().map(|shared| Holding { lease: self.lease, shared })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> Lease {
        Lease { epoch: 1, holder: uuid::Uuid::from_u128(1), nonce: 7 }
    }

    #[test]
    fn an_expired_right_is_silent_until_it_is_renewed_and_tells_of_the_time_between() {
        let now = Instant::now();
        let at = Timestamp::from_millis;
        let long_ago = now.checked_sub(Duration::from_secs(10)).expect("the machine is up for longer");
        let holding = Holding::expiring(lease(), Duration::from_secs(4), long_ago, at(0));
        assert!(!holding.speaks());
        holding.renewed(now, at(10_000));
        assert_eq!(holding.take_lapse(), Some(Outage { from: at(0), until: at(10_000) }));
        assert!(holding.speaks());
        holding.renewed(now, at(10_000));
        assert_eq!(holding.take_lapse(), None);
        assert!(holding.deserves_renewal(Duration::from_secs(1)));
        holding.work(true);
        assert!(!holding.deserves_renewal(Duration::ZERO));
        holding.work(false);
        holding.revoke();
        assert!(!holding.speaks() && !holding.deserves_renewal(Duration::from_secs(1)));
        assert!(Holding::lasting(lease()).speaks());
        let weak = holding.downgrade();
        assert_eq!(weak.upgrade().map(|holding| holding.lease), Some(lease()));
        drop(holding);
        assert!(weak.upgrade().is_none(), "a room that forgot its right is not renewed for ever");
    }

    #[test]
    fn a_lease_is_written_and_read_back() {
        let text = lease().to_string();
        assert_eq!(text, "1:00000000-0000-0000-0000-000000000001:0000000000000007");
        assert_eq!(text.parse(), Ok(lease()));
        for wrong in ["", "1", "1:2:3", "x:00000000-0000-0000-0000-000000000001:7"] {
            assert!(wrong.parse::<Lease>().is_err(), "{wrong}");
        }
    }
}
