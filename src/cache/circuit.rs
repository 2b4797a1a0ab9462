//! Whether it is worth asking a server that may be away. After a few failures in a row nobody asks it for a while; then one
//! does, and its answer decides for all.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many failures in a row mean that it is away.
const FAILURES_MAX: u32 = 3;
/// For how long nobody asks.
const PAUSE: Duration = Duration::from_secs(1);
/// How long what it says is not believed once it is back: others may have changed things meanwhile and could not tell it. It
/// is longer than they need to come back too.
const SETTLE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Circuit(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    closed_until: Option<Instant>,
    doubted_until: Option<Instant>,
}

impl Circuit {
    /// True if the caller may ask at `now`. Whoever did must say what came of it.
    pub fn may_ask(&self, now: Instant) -> bool {
        let mut state = self.state();
        match state.closed_until {
            Some(until) if now < until => false,
            Some(_) => {
                // This one finds out; the others wait for it, but not for ever.
                state.closed_until = Some(now + PAUSE);
                true
            }
            None => true,
        }
    }

    /// True if what it says at `now` is as new as anything.
    pub fn is_trusted(&self, now: Instant) -> bool {
        self.state().doubted_until.is_none_or(|until| now >= until)
    }

    /// It answered, at `now`.
    pub fn answered(&self, now: Instant) {
        let mut state = self.state();
        if state.failures > 0 {
            *state = State { doubted_until: Some(now + SETTLE), ..State::default() };
        }
    }

    /// It did not answer, at `now`.
    pub fn failed(&self, now: Instant) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES_MAX {
            state.closed_until = Some(now + PAUSE);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_away_is_asked_by_one_at_a_time_until_it_answers() {
        let (circuit, start) = (Circuit::default(), Instant::now());
        for _ in 0..FAILURES_MAX {
            assert!(circuit.may_ask(start));
            circuit.failed(start);
        }
        assert!(!circuit.may_ask(start + PAUSE / 2));
        let later = start + PAUSE;
        assert!(circuit.may_ask(later), "one may try");
        assert!(!circuit.may_ask(later), "and no other meanwhile");
        circuit.failed(later);
        assert!(!circuit.may_ask(later + PAUSE / 2));
        assert!(circuit.may_ask(later + PAUSE));
        circuit.answered(later + PAUSE);
        assert!(circuit.may_ask(later + PAUSE) && circuit.may_ask(later + PAUSE));
    }

    #[test]
    fn who_comes_back_is_not_believed_at_once() {
        let (circuit, start) = (Circuit::default(), Instant::now());
        circuit.answered(start);
        assert!(circuit.is_trusted(start), "nothing was missed");
        circuit.failed(start);
        circuit.answered(start);
        circuit.answered(start + SETTLE / 2);
        assert!(!circuit.is_trusted(start) && !circuit.is_trusted(start + SETTLE / 2));
        assert!(circuit.is_trusted(start + SETTLE));
    }
}
