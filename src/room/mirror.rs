//! A mirror: the committed state of a room and those who watch it. It applies the same events as the actor, after their
//! commit, and serves joins, resumes and views from memory. It decides nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::fanout::{Frame, Watcher};
use super::recovery::{Base, Fresh, Recovered};
use crate::domain::auction::view::{OwnView, PublicState};
use crate::domain::auction::{Event, Phase, State, Terms};
use crate::domain::{AccountId, AuctionId, LogId, Seq};
use crate::journal::{Head, Packed, Record};
use crate::live::LiveFrame;

/// How many events a mirror keeps for those who come back.
const RECENT_MAX: usize = 1_024;

/// A room's committed side.
pub(super) struct Mirror {
    auction: AuctionId,
    coalesce: Duration,
    /// How many records it keeps whole, should the journal lose them.
    tail_max: usize,
    inner: Mutex<Inner>,
}

struct Inner {
    log: LogId,
    state: State,
    head: Head,
    /// The epoch of the last record.
    epoch: u64,
    tail: Tail,
    recent: VecDeque<Arc<str>>,
    pending: Vec<Arc<str>>,
    pending_since: Option<Instant>,
    flushed_at: Option<Instant>,
    watchers: HashMap<u64, Arc<dyn Watcher>>,
    closed: bool,
}

/// Where a client left off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resume {
    /// The last event that it has.
    pub after: Seq,
    /// The history that it has it from, if it said so.
    pub log: Option<LogId>,
}

/// What somebody may see of a room at one position.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View {
    /// The position.
    pub seq: Seq,
    /// The history.
    pub log: LogId,
    /// What everyone may see.
    pub public: PublicState,
    /// What the one who asks may see besides.
    pub own: Option<OwnView>,
}

/// The terms in force at one position.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InForce {
    /// The terms.
    pub terms: Terms,
    /// The amendment that made them so; 0 if they are as they were at first.
    pub amended: Seq,
    /// The position.
    pub seq: Seq,
    /// Whether bidding has opened.
    pub opened: bool,
}

/// The answer to a join: the events that were missed, or else the state.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The state at the position; the next event pushed is the one after.
    pub view: View,
    /// The events after the position given, if all of them are at hand and of the same history.
    pub missed: Option<Vec<Arc<str>>>,
}

impl Mirror {
    pub(super) fn new(auction: AuctionId, recovered: &Recovered, coalesce: Duration, tail_max: usize) -> Self {
        let inner = Inner {
            log: recovered.log,
            state: recovered.state.clone(),
            head: recovered.chain.head(),
            epoch: 0,
            tail: Tail::default(),
            recent: match &recovered.fresh {
                Fresh::Whole(recent) => recent.clone(),
                Fresh::Since(..) => VecDeque::new(),
            },
            pending: Vec::new(),
            pending_since: None,
            flushed_at: None,
            watchers: HashMap::new(),
            closed: false,
        };
        Self { auction, coalesce, tail_max, inner: Mutex::new(inner) }
    }

    /// Takes committed events in, and sends them on: at once if the last frame was long enough ago, else by the moment
    /// that this returns.
    pub(super) fn commit(&self, events: &[Event], records: &Arc<[Record]>) -> Option<Instant> {
        let now = Instant::now();
        let mut inner = self.lock();
        for event in events {
            inner.state.apply(event);
        }
        if let Some(last) = records.last() {
            let before = inner.head;
            inner.head = Head { seq: last.seq, digest: last.digest };
            inner.epoch = last.epoch;
            inner.tail.push(before, records, self.tail_max);
        }
        for public in records.iter().map(|record| record.public.clone()) {
            if inner.recent.len() >= RECENT_MAX {
                inner.recent.pop_front();
            }
            inner.recent.push_back(public.clone());
            if !inner.watchers.is_empty() {
                inner.pending.push(public);
            }
        }
        inner.pending_since.get_or_insert(now);
        match inner.flushed_at {
            Some(last) if now < last + self.coalesce && !inner.pending.is_empty() => Some(last + self.coalesce),
            _ => {
                self.flush_locked(&mut inner, now);
                None
            }
        }
    }

    /// Takes in what recovery has found. If that is not what this mirror had and something more, everyone who watches is
    /// sent to join again, which gives them a fresh state.
    pub(super) fn adopt(&self, recovered: &mut Recovered) -> Option<Instant> {
        match std::mem::replace(&mut recovered.fresh, Fresh::Since(Vec::new(), Vec::new())) {
            Fresh::Since(events, records) => self.commit(&events, &records.into()),
            Fresh::Whole(recent) => {
                let watchers = {
                    let mut inner = self.lock();
                    inner.log = recovered.log;
                    inner.state = recovered.state.clone();
                    inner.head = recovered.chain.head();
                    (inner.tail, inner.recent) = (Tail::default(), recent);
                    (inner.pending, inner.pending_since) = (Vec::new(), None);
                    std::mem::take(&mut inner.watchers)
                };
                if !watchers.is_empty() {
                    metrics::counter!("bidhub_mirror_resets_total").increment(1);
                }
                for watcher in watchers.values() {
                    watcher.abandoned(self.auction);
                }
                None
            }
        }
    }

    /// What recovery can build on.
    pub(super) fn base(&self) -> Base {
        let inner = self.lock();
        Base { log: inner.log, state: inner.state.clone(), head: inner.head }
    }

    /// The records that it still holds whole, if its log goes on beyond the one that ends at `head` with a record of
    /// `epoch`.
    pub(super) fn tail_beyond(&self, epoch: u64, head: Head) -> Option<Packed> {
        let inner = self.lock();
        let beyond = (inner.epoch, inner.head.seq) > (epoch, head.seq);
        beyond.then(|| inner.tail.packed(inner.log)).flatten()
    }

    /// Sends on what waits.
    pub(super) fn flush(&self) {
        self.flush_locked(&mut self.lock(), Instant::now());
    }

    fn flush_locked(&self, inner: &mut Inner, now: Instant) {
        let since = inner.pending_since.take().unwrap_or(now);
        if inner.pending.is_empty() {
            return;
        }
        inner.flushed_at = Some(now);
        let events = std::mem::take(&mut inner.pending);
        let frame = Arc::new(Frame::new(self.auction, inner.state.seq, events, since));
        metrics::counter!("bidhub_fanout_deliveries_total").increment(inner.watchers.len() as u64);
        for watcher in inner.watchers.values() {
            watcher.offer(&frame);
        }
    }

    /// Adds `watcher`, unless the mirror is closed. `announce` is called before any later event is offered, so that what
    /// it queues comes first.
    pub(super) fn join<T>(
        &self,
        watcher: &Arc<dyn Watcher>,
        account: Option<AccountId>,
        resume: Option<Resume>,
        announce: impl FnOnce(Joined) -> T,
    ) -> Option<T> {
        let mut inner = self.lock();
        if inner.closed {
            return None;
        }
        self.flush_locked(&mut inner, Instant::now());
        let missed = resume.and_then(|resume| inner.since(resume));
        let announced = announce(Joined { view: inner.view(account), missed });
        inner.watchers.insert(watcher.id(), watcher.clone());
        Some(announced)
    }

    /// Shows everyone who watches something beside the events.
    pub(super) fn aside(&self, frame: &Arc<LiveFrame>) {
        for watcher in self.lock().watchers.values() {
            watcher.aside(frame);
        }
    }

    /// How many watch.
    pub(super) fn watching(&self) -> usize {
        self.lock().watchers.len()
    }

    pub(super) fn leave(&self, watcher: u64) {
        self.lock().watchers.remove(&watcher);
    }

    pub(super) fn view(&self, account: Option<AccountId>) -> View {
        self.lock().view(account)
    }

    pub(super) fn terms(&self) -> Terms {
        self.lock().state.terms.clone()
    }

    pub(super) fn in_force(&self) -> InForce {
        let state = &self.lock().state;
        let opened = !matches!(state.phase, Phase::Scheduled);
        InForce { terms: state.terms.clone(), amended: state.amended, seq: state.seq, opened }
    }

    pub(super) fn seq(&self) -> Seq {
        self.lock().state.seq
    }

    /// Closes the mirror if nobody watches. No one can join it any more.
    pub(super) fn close_if_unwatched(&self) -> bool {
        let mut inner = self.lock();
        inner.closed |= inner.watchers.is_empty();
        inner.closed
    }

    /// Closes the mirror and tells everyone who watches to join again.
    pub(super) fn abandon(&self) {
        let watchers = {
            let mut inner = self.lock();
            inner.closed = true;
            std::mem::take(&mut inner.watchers)
        };
        for watcher in watchers.values() {
            watcher.abandoned(self.auction);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The newest records, whole, in the pieces in which they came.
#[derive(Default)]
struct Tail {
    onto: Option<Head>,
    pieces: VecDeque<Arc<[Record]>>,
    count: usize,
}

impl Tail {
    fn push(&mut self, onto: Head, records: &Arc<[Record]>, max: usize) {
        if max == 0 {
            return;
        }
        self.onto.get_or_insert(onto);
        self.pieces.push_back(records.clone());
        self.count += records.len();
        while self.count > max && self.pieces.len() > 1 {
            if let Some(oldest) = self.pieces.pop_front() {
                self.count -= oldest.len();
                self.onto = oldest.last().map(|last| Head { seq: last.seq, digest: last.digest });
            }
        }
    }

    fn packed(&self, log: LogId) -> Option<Packed> {
        let records = self.pieces.iter().flat_map(|piece| piece.iter().cloned()).collect();
        Some(Packed { log, onto: self.onto?, records })
    }
}

impl Inner {
    fn view(&self, account: Option<AccountId>) -> View {
        let (seq, log) = (self.state.seq, self.log);
        View { seq, log, public: self.state.public(), own: account.map(|account| self.state.own(account)) }
    }

    /// The events after a position, if it lies in this history and not too far back.
    fn since(&self, resume: Resume) -> Option<Vec<Arc<str>>> {
        if resume.log.is_some_and(|log| log != self.log) {
            return None;
        }
        let missed = usize::try_from(self.state.seq.0.checked_sub(resume.after.0)?).ok()?;
        let first = self.recent.len().checked_sub(missed)?;
        Some(self.recent.range(first..).cloned().collect())
    }
}
