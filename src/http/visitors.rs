//! Who called of late, so that whoever only calls is known to be there as well as who is signed in on a socket.
//!
//! It is kept in memory, and bounded: a request does no more than note a moment. Whoever keeps it for good takes it from here
//! every now and then, each account once a minute at most.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;
use crate::domain::{AccountId, Span, Timestamp};

/// How often an account is handed on at most.
const HAND_ON_EVERY: Span = Span::from_secs(60);
/// How many accounts are remembered at most; one more is not seen. As large as what counts those who are on sockets.
const ACCOUNTS_MAX: usize = 200_000;

/// Who called of late. Clones are the same.
#[derive(Debug, Clone)]
pub struct Visitors(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    visits: Mutex<HashMap<AccountId, Visit>>,
}

#[derive(Debug, Clone, Copy)]
struct Visit {
    last: Timestamp,
    /// What was handed on last, and when.
    handed_on: Option<(Timestamp, Timestamp)>,
}

impl Visitors {
    /// Nobody, by this clock.
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Inner { clock, visits: Mutex::default() }))
    }

    /// Notes that an account calls now.
    pub fn note(&self, account: AccountId) {
        let now = self.0.clock.now();
        let mut visits = self.visits();
        let is_full = visits.len() >= ACCOUNTS_MAX;
        match visits.entry(account) {
            Entry::Occupied(mut visit) => visit.get_mut().last = visit.get().last.max(now),
            Entry::Vacant(_) if is_full => {}
            Entry::Vacant(place) => {
                place.insert(Visit { last: now, handed_on: None });
            }
        }
    }

    /// Hands on who called since they were handed on, and when they did last; who was within the last minute is for later.
    pub fn take(&self) -> Vec<(AccountId, Timestamp)> {
        let now = self.0.clock.now();
        let mut taken = Vec::new();
        let mut visits = self.visits();
        visits.retain(|account, visit| {
            let is_new = visit.handed_on.is_none_or(|(last, _)| last < visit.last);
            let is_time = visit.handed_on.is_none_or(|(_, at)| now < at || now.since(at) >= HAND_ON_EVERY);
            if is_new && is_time {
                taken.push((*account, visit.last));
                visit.handed_on = Some((visit.last, now));
            }
            is_new || !is_time
        });
        if visits.capacity() > 1_024 && visits.len() < visits.capacity() / 4 {
            let kept = visits.len() * 2;
            visits.shrink_to(kept);
        }
        taken
    }

    fn visits(&self) -> MutexGuard<'_, HashMap<AccountId, Visit>> {
        self.0.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn account(number: u128) -> AccountId {
        AccountId(Uuid::from_u128(number))
    }

    #[test]
    fn who_calls_is_handed_on_once_a_minute_with_the_last_moment_and_then_forgotten() {
        let clock = Clock::manual(Timestamp::from_millis(1_000_000));
        let visitors = Visitors::new(clock.clone());
        let at = |seconds: i64| Timestamp::from_millis(1_000_000 + seconds * 1_000);
        let later = |seconds| clock.advance(Span::from_secs(seconds));
        visitors.note(account(1));
        later(5);
        visitors.note(account(1));
        assert_eq!(visitors.take(), [(account(1), at(5))]);
        assert_eq!(visitors.take(), []);
        later(30);
        visitors.note(account(1));
        visitors.note(account(2));
        assert_eq!(visitors.take(), [(account(2), at(35))], "the other was within the minute");
        later(30);
        assert_eq!(visitors.take(), [(account(1), at(35))], "and is not lost");
        later(60);
        assert_eq!(visitors.take(), []);
        assert!(visitors.visits().is_empty());
    }

    #[test]
    fn however_many_call_memory_is_bounded() {
        let clock = Clock::manual(Timestamp::from_millis(1_000_000));
        let visitors = Visitors::new(clock.clone());
        for number in 0..ACCOUNTS_MAX as u128 + 10 {
            visitors.note(account(number));
        }
        assert_eq!(visitors.take().len(), ACCOUNTS_MAX);
        clock.advance(Span::from_secs(60));
        assert_eq!(visitors.take(), []);
        assert!(visitors.visits().capacity() < 2_048);
    }
}
