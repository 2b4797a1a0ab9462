//! Every room that this node runs. A room is loaded by the first who asks and goes away when it is idle.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dashmap::DashMap;
use tokio::sync::{OnceCell, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::actor::Actor;
use super::fanout::Watcher;
use super::handle::{Act, Answer, InFlightLimit, Reply, RoomHandle, awaited, wait};
use super::mirror::{Joined, Mirror, Resume};
use super::recovery::{RoomError, recover};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::coordination::Leases;
use crate::domain::auction::{Bid, Listing, Rejection, Terms, Verdict};
use crate::domain::{AccountId, AuctionId, LogId, Seq, Span};
use crate::journal::record::seal_genesis;
use crate::journal::{AckLevel, Chain, Journal, NewLog, Outage, Secret};

/// The epoch of a creation, which comes before anyone holds the log.
const NOBODYS_EPOCH: u64 = 0;

/// What rooms need.
pub struct Deps {
    /// Where logs are kept.
    pub journal: Arc<dyn Journal>,
    /// Who may run a room.
    pub leases: Arc<dyn Leases>,
    /// The time.
    pub clock: Clock,
    /// Secrets, ids and jitter.
    pub chance: Chance,
    /// How much of everything.
    pub limits: Limits,
    /// Cancelled when this process may no longer run rooms.
    pub lost: CancellationToken,
}

/// Bounds of every room.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How much a mailbox holds; more is `busy`.
    pub mailbox_capacity: usize,
    /// How much one batch takes.
    pub batch_max: usize,
    /// How many rooms may be in memory; one more is `unavailable`, unless something falls due in it.
    pub rooms_max: usize,
    /// How long a room stays without being used.
    pub idle_unload: Duration,
    /// How long an answer may take. A bid older than this is dropped undecided.
    pub bid_deadline: Span,
    /// How many bids of one bidder may wait.
    pub in_flight_max: InFlightLimit,
    /// How long events gather for one frame once frames follow closely.
    pub coalesce: Duration,
    /// An append that takes longer counts as lost time.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            mailbox_capacity: 4_096,
            batch_max: 512,
            rooms_max: 50_000,
            idle_unload: Duration::from_secs(60),
            bid_deadline: Span::from_secs(10),
            in_flight_max: InFlightLimit::default(),
            coalesce: Duration::from_millis(4),
            stall: Duration::from_millis(500),
        }
    }
}

/// An auction to be created.
#[derive(Clone, Debug)]
pub struct NewAuction {
    /// Its terms, validated.
    pub terms: Terms,
    /// What is for sale.
    pub listing: Listing,
    /// How safe its bids must be before anyone hears of them.
    pub ack: AckLevel,
}

/// The rooms of this node.
#[derive(Clone)]
pub struct Rooms {
    inner: Arc<Inner>,
}

struct Inner {
    deps: Arc<Deps>,
    entries: DashMap<AuctionId, Entry>,
    tasks: TaskTracker,
    closed: CancellationToken,
}

type Entry = Arc<OnceCell<RoomHandle>>;

impl Rooms {
    /// No rooms yet.
    pub fn new(deps: Deps) -> Self {
        let (entries, tasks, closed) = (DashMap::new(), TaskTracker::new(), CancellationToken::new());
        Self { inner: Arc::new(Inner { deps: Arc::new(deps), entries, tasks, closed }) }
    }

    /// Creates an auction: its log, with the terms as the first record.
    pub async fn create(&self, auction: NewAuction) -> Result<AuctionId, RoomError> {
        let Deps { clock, chance, journal, leases, .. } = &*self.inner.deps;
        let now = clock.now();
        let id = AuctionId(chance.uuid(now));
        let secret = Secret(chance.bytes());
        let mut chain = Chain::origin(&secret);
        let genesis = seal_genesis(&mut chain, NOBODYS_EPOCH, id, now, &auction.terms, &auction.listing);
        let starts_at = auction.terms.starts_at;
        let log = LogId(chance.uuid(now));
        let due_at = Some(starts_at);
        journal.create(NewLog { auction: id, log, secret, genesis, due_at, ack: auction.ack }).await?;
        if let Err(error) = leases.attend(id, starts_at).await {
            // The archive knows when it is due, and is looked through too.
            tracing::warn!(auction = %id, %error, "the start of an auction could not be noted: {error}");
        }
        Ok(id)
    }

    /// The room of an auction, loaded if need be.
    pub async fn get(&self, auction: AuctionId) -> Result<RoomHandle, RoomError> {
        let full = self.inner.entries.len() >= self.inner.deps.limits.rooms_max;
        if full && !self.inner.entries.contains_key(&auction) {
            return Err(RoomError::Unavailable("as many rooms are loaded as may be".to_owned()));
        }
        self.get_due(auction).await
    }

    /// As [`Rooms::get`], however many rooms are loaded: what falls due must happen.
    pub(super) async fn get_due(&self, auction: AuctionId) -> Result<RoomHandle, RoomError> {
        loop {
            if self.inner.closed.is_cancelled() || self.inner.deps.lost.is_cancelled() {
                return Err(RoomError::Unavailable("the hub is stopping".to_owned()));
            }
            let visit = Visit::new(&self.inner, auction);
            let room = visit.entry.get_or_try_init(|| self.load(auction)).await?.clone();
            drop(visit);
            if self.inner.closed.is_cancelled() {
                // Loaded while all rooms were being closed, and so perhaps overlooked.
                room.shutdown().await;
            } else if !room.mailbox.is_closed() && !room.gone.is_cancelled() {
                return Ok(room);
            }
            // It is going away; the next one can be loaded once it has.
            room.gone.cancelled().await;
        }
    }

    async fn load(&self, auction: AuctionId) -> Result<RoomHandle, RoomError> {
        let started = Instant::now();
        let deps = self.inner.deps.clone();
        let floor = deps.journal.epoch(auction).await?;
        let holding = deps.leases.acquire(auction, floor).await;
        let holding = holding.map_err(|error| RoomError::Unavailable(error.to_string()))?;
        let recovered = recover(&*deps.journal, auction).await?;
        let last_at = recovered.state.last_at;
        // Where something was decided, nothing was lost before.
        let outages = deps.journal.outages_after(last_at).await?.into_iter();
        let outages = outages.map(|outage| Outage { from: outage.from.max(last_at), ..outage }).collect();
        let (log, state, recent) = (recovered.log, recovered.state.clone(), recovered.recent.clone());
        let mirror = Arc::new(Mirror::new(auction, log, state, recent, deps.limits.coalesce));
        let (mailbox, letters) = mpsc::channel(deps.limits.mailbox_capacity);
        let gone = CancellationToken::new();
        let departure = Departure { inner: self.inner.clone(), auction, mirror: mirror.clone(), gone: gone.clone() };
        let handle = RoomHandle {
            auction,
            ack: recovered.ack,
            mailbox,
            mirror: mirror.clone(),
            gone,
            clock: deps.clock.clone(),
            in_flight: Arc::default(),
            in_flight_max: deps.limits.in_flight_max,
            deadline: deps.limits.bid_deadline,
        };
        let actor = Actor::new(auction, deps, letters, mirror, holding, &recovered, departure);
        self.inner.tasks.spawn(actor.run(outages));
        metrics::histogram!("bidhub_room_load_seconds").record(started.elapsed());
        metrics::gauge!("bidhub_rooms_loaded").increment(1.0);
        Ok(handle)
    }

    /// Bids and waits for the verdict.
    pub async fn bid(&self, auction: AuctionId, bid: Bid) -> Result<Verdict, Rejection> {
        let (reply, receiver) = awaited();
        self.submit(auction, bid, reply).await;
        match wait(receiver, self.inner.deps.limits.bid_deadline).await? {
            Answer::Verdict(verdict) => Ok(verdict),
            Answer::Done(_) => Err(Rejection::Unavailable),
        }
    }

    /// Hands a bid to its room. The answer comes by `reply`.
    pub async fn submit(&self, auction: AuctionId, bid: Bid, reply: Reply) {
        let (mut bid, mut reply) = (bid, reply);
        loop {
            match self.get(auction).await {
                Ok(room) => match room.submit(bid, reply) {
                    Ok(()) => return,
                    Err(back) => (bid, reply) = back,
                },
                Err(error) => return reply.give(Err(error.rejection())),
            }
        }
    }

    /// Acts and waits until it is done. Gives the number of the last event.
    pub async fn act(&self, auction: AuctionId, act: Act) -> Result<Seq, Rejection> {
        let (mut reply, receiver) = awaited();
        let mut act = act;
        loop {
            let room = self.get(auction).await.map_err(|error| error.rejection())?;
            match room.submit_act(act, reply) {
                Ok(()) => break,
                Err(back) => (act, reply) = back,
            }
        }
        match wait(receiver, self.inner.deps.limits.bid_deadline).await? {
            Answer::Done(seq) => Ok(seq),
            Answer::Verdict(_) => Err(Rejection::Unavailable),
        }
    }

    /// Joins a watcher to a room, which is loaded if need be. `announce` is called with what the watcher must be told
    /// before any event that follows, while none can follow.
    pub async fn join<T>(
        &self,
        auction: AuctionId,
        watcher: &Arc<dyn Watcher>,
        account: Option<AccountId>,
        resume: Option<Resume>,
        mut announce: impl FnMut(Joined) -> T,
    ) -> Result<(RoomHandle, T), RoomError> {
        loop {
            let room = self.get(auction).await?;
            if let Some(announced) = room.join(watcher, account, resume, &mut announce) {
                return Ok((room, announced));
            }
            room.gone.cancelled().await;
        }
    }

    /// True if the room is in memory.
    pub fn is_loaded(&self, auction: AuctionId) -> bool {
        self.inner.entries.get(&auction).is_some_and(|entry| entry.initialized())
    }

    /// How many rooms are in memory or on the way there.
    pub fn len(&self) -> usize {
        self.inner.entries.len()
    }

    /// True if no room is in memory or on the way there.
    pub fn is_empty(&self) -> bool {
        self.inner.entries.is_empty()
    }

    /// Lets every room finish what it has and go away. No room can be had afterwards.
    pub async fn close(&self) {
        self.inner.closed.cancel();
        let rooms: Vec<RoomHandle> = self.inner.entries.iter().filter_map(|it| it.value().get().cloned()).collect();
        for room in rooms {
            room.shutdown().await;
        }
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    pub(super) fn deps(&self) -> &Deps {
        &self.inner.deps
    }

    pub(super) fn closed(&self) -> &CancellationToken {
        &self.inner.closed
    }
}

impl RoomError {
    /// What a bidder is told.
    pub fn rejection(&self) -> Rejection {
        match self {
            Self::Unknown => Rejection::UnknownAuction,
            Self::Unavailable(detail) => {
                tracing::warn!(detail, "a room cannot be had: {detail}");
                Rejection::Unavailable
            }
        }
    }
}

/// Somebody who waits for a room. If the room is not had (it cannot be loaded, or whoever waits gives up), the last of
/// those who wait takes it off the list; were it the first, the next to come could load it beside those who still wait.
struct Visit<'a> {
    inner: &'a Inner,
    auction: AuctionId,
    entry: Entry,
}

impl<'a> Visit<'a> {
    fn new(inner: &'a Inner, auction: AuctionId) -> Self {
        Self { inner, auction, entry: inner.entries.entry(auction).or_default().clone() }
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        if self.entry.initialized() {
            return;
        }
        let entry = std::mem::take(&mut self.entry);
        self.inner.entries.remove_if(&self.auction, move |_, listed| {
            let same = Arc::ptr_eq(listed, &entry);
            drop(entry);
            // Nobody else can come to hold it now: that takes the lock under which this runs.
            same && Arc::strong_count(listed) == 1 && !listed.initialized()
        });
    }
}

/// Takes a room off the list when its actor ends, however it ends, and sends its watchers to the one that follows.
pub(super) struct Departure {
    inner: Arc<Inner>,
    auction: AuctionId,
    mirror: Arc<Mirror>,
    gone: CancellationToken,
}

impl Drop for Departure {
    fn drop(&mut self) {
        let same = |_: &AuctionId, entry: &Entry| {
            entry.get().is_some_and(|room| Arc::ptr_eq(&room.mirror, &self.mirror)) || !entry.initialized()
        };
        self.inner.entries.remove_if(&self.auction, same);
        self.gone.cancel();
        self.mirror.abandon();
        metrics::gauge!("bidhub_rooms_loaded").decrement(1.0);
    }
}
