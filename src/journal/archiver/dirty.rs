//! Which logs have grown beyond the archive, as far as this node knows: one entry for each, however much it has grown.
//! It only counts; it reads and writes nothing.

use std::time::Duration;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry as Slot;
use tokio::time::Instant;

use crate::domain::{AuctionId, Seq, Timestamp};
use crate::journal::Head;

/// A log that cannot be archived for now is tried again after so long.
const PARKED: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Dirty {
    entries: DashMap<AuctionId, Entry>,
}

struct Entry {
    head: Head,
    due_at: Option<Timestamp>,
    /// Up to where it is archived; a guess unless it is `known`.
    base: Seq,
    known: bool,
    /// When the oldest record was noted that is not archived.
    since: Instant,
    failures: u32,
    retry_at: Option<Instant>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waits,
    Parked,
    Conflict,
}

/// A log whose turn it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Job {
    pub auction: AuctionId,
    pub head: Head,
    pub due_at: Option<Timestamp>,
}

/// Whether a record is archived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reach {
    Archived,
    Waits,
    Conflict,
    Unknown,
}

impl Dirty {
    pub(super) fn note(&self, auction: AuctionId, head: Head, due_at: Option<Timestamp>, now: Instant) {
        match self.entries.entry(auction) {
            Slot::Occupied(mut slot) => (slot.get_mut().head, slot.get_mut().due_at) = (head, due_at),
            Slot::Vacant(slot) => {
                let base = Seq(head.seq.0.saturating_sub(1));
                let (failures, retry_at, state) = (0, None, State::Waits);
                slot.insert(Entry { head, due_at, base, known: false, since: now, failures, retry_at, state });
            }
        }
    }

    /// Those whose turn it is, those that wait longest first, but no more than `limit`.
    pub(super) fn jobs(&self, now: Instant, limit: usize) -> Vec<Job> {
        let job = |auction, it: &Entry| Job { auction, head: it.head, due_at: it.due_at };
        let mut jobs: Vec<(Instant, Job)> = (self.entries.iter())
            .filter(|it| it.due_at().is_some_and(|at| at <= now))
            .map(|it| (it.since, job(*it.key(), &it)))
            .collect();
        jobs.sort_unstable_by_key(|(since, job)| (*since, job.auction.0));
        jobs.truncate(limit);
        jobs.into_iter().map(|(_, job)| job).collect()
    }

    /// When the next one has its turn; none if none ever has.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.entries.iter().filter_map(|it| it.due_at()).min()
    }

    /// True if nothing waits that could be archived.
    pub(super) fn is_clean(&self) -> bool {
        self.entries.iter().all(|it| it.state != State::Waits)
    }

    /// What stood in the live journal at `read_at` is archived up to `to`, and the end that `job` noted is confirmed if it
    /// lies there or before.
    pub(super) fn archived(&self, job: &Job, to: Head, read_at: Instant) {
        let whole = to.seq >= job.head.seq;
        let gone = |_: &AuctionId, it: &Entry| it.head == to || (whole && it.head == job.head);
        if self.entries.remove_if(&job.auction, gone).is_some() {
            return;
        }
        if let Some(mut it) = self.entries.get_mut(&job.auction) {
            (it.base, it.known) = (to.seq, true);
            (it.failures, it.retry_at, it.state) = (0, None, State::Waits);
            if whole {
                it.since = read_at;
            }
        }
    }

    /// It failed and is tried again after `wait(failures before)`. Gives how often it has failed now.
    pub(super) fn failed(&self, auction: AuctionId, wait: impl FnOnce(u32) -> Duration) -> u32 {
        let Some(mut it) = self.entries.get_mut(&auction) else { return 0 };
        it.retry_at = Some(Instant::now() + wait(it.failures));
        it.failures = it.failures.saturating_add(1);
        it.failures
    }

    /// It cannot be archived for now, and no longer counts.
    pub(super) fn park(&self, auction: AuctionId) {
        if let Some(mut it) = self.entries.get_mut(&auction) {
            (it.state, it.retry_at) = (State::Parked, Some(Instant::now() + PARKED));
        }
    }

    /// It must not be archived any more.
    pub(super) fn set_aside(&self, auction: AuctionId) {
        if let Some(mut it) = self.entries.get_mut(&auction) {
            it.state = State::Conflict;
        }
    }

    pub(super) fn reach(&self, auction: AuctionId, seq: Seq) -> Reach {
        match self.entries.get(&auction) {
            None => Reach::Unknown,
            Some(it) if it.state == State::Conflict => Reach::Conflict,
            Some(it) if it.known && it.base >= seq => Reach::Archived,
            Some(_) => Reach::Waits,
        }
    }

    /// How many records wait, and for how long the oldest has.
    pub(super) fn lag(&self, now: Instant) -> (u64, Duration) {
        let waits = self.entries.iter().filter(|it| it.state == State::Waits);
        waits.fold((0, Duration::ZERO), |(events, longest), it| {
            let events = events + it.head.seq.0.saturating_sub(it.base.0);
            (events, longest.max(now.saturating_duration_since(it.since)))
        })
    }
}

impl Entry {
    /// When it has its turn; none if never.
    fn due_at(&self) -> Option<Instant> {
        (self.state != State::Conflict).then(|| self.retry_at.unwrap_or(self.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Digest;

    fn auction(number: u128) -> AuctionId {
        AuctionId(uuid::Uuid::from_u128(number))
    }

    fn head(seq: u64) -> Head {
        Head { seq: Seq(seq), digest: Digest([seq as u8; 32]) }
    }

    #[test]
    fn a_log_waits_from_its_first_note_until_all_that_is_noted_is_archived() {
        let (dirty, start) = (Dirty::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        dirty.note(auction(1), head(5), None, at(0));
        dirty.note(auction(2), head(1), None, at(1));
        dirty.note(auction(1), head(9), None, at(2));
        assert_eq!(dirty.jobs(at(2), 1)[0].auction, auction(1), "the oldest first");
        let job = dirty.jobs(at(2), 9)[0];
        assert_eq!((job.head, dirty.lag(at(10))), (head(9), (6, Duration::from_secs(10))));
        assert_eq!(dirty.reach(auction(1), Seq(4)), Reach::Waits, "nothing is known before the first look");
        // In part; then all of it, while it grows on.
        dirty.archived(&job, head(7), at(3));
        assert_eq!(dirty.lag(at(10)), (3, Duration::from_secs(10)));
        assert_eq!((dirty.reach(auction(1), Seq(7)), dirty.reach(auction(1), Seq(8))), (Reach::Archived, Reach::Waits));
        dirty.note(auction(1), head(11), None, at(5));
        dirty.archived(&job, head(9), at(4));
        assert_eq!(dirty.lag(at(10)), (3, Duration::from_secs(9)), "the other one waits longer now");
        let job = dirty.jobs(at(5), 9)[1];
        dirty.archived(&job, head(12), at(6));
        assert_eq!((dirty.reach(auction(1), Seq(11)), dirty.jobs(at(9), 9).len()), (Reach::Unknown, 1));
    }

    #[test]
    fn what_cannot_be_archived_waits_its_time_and_does_not_count() {
        let (dirty, now) = (Dirty::default(), Instant::now());
        dirty.note(auction(1), head(5), None, now);
        assert_eq!(dirty.failed(auction(1), |_| Duration::from_secs(10)), 1);
        assert!(dirty.jobs(now, 9).is_empty() && !dirty.is_clean());
        assert_eq!(dirty.jobs(now + Duration::from_secs(11), 9).len(), 1);
        dirty.park(auction(1));
        assert!(dirty.is_clean() && dirty.next_at() > Some(now + Duration::from_secs(50)));
        dirty.set_aside(auction(1));
        dirty.note(auction(1), head(6), None, now);
        assert_eq!((dirty.next_at(), dirty.lag(now).0), (None, 0));
        assert_eq!(dirty.reach(auction(1), Seq(1)), Reach::Conflict);
    }
}
