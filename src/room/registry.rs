//! Every room that this node runs. A room is loaded by the first who asks and goes away when it is idle.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use dashmap::DashMap;
use tokio::sync::{OnceCell, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::act::Act;
use super::assume::assume;
use super::fanout::Watcher;
use super::forward::{self, Item, decode};
use super::funding::{Funding, Raises};
use super::handle::{Answer, Ask, InFlightLimit, Reply, RoomHandle, awaited, wait};
use super::life::{Core, live};
use super::mirror::{Joined, Mirror, Resume};
use super::post::Post;
use super::recovery::RoomError;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::coordination::{Bus, Leases};
use crate::domain::auction::{Listing, Rejection, Terms};
use crate::domain::{AccountId, AuctionId, BidKey, LogId, NodeId, Seq, Span, Timestamp};
use crate::journal::record::seal_genesis;
use crate::journal::{AckLevel, Chain, Journal, NewLog, Secret};
use crate::live::LiveFrame;
use crate::trace;

/// The epoch of a creation, which comes before anyone holds the log.
const NOBODYS_EPOCH: u64 = 0;

/// What rooms need.
pub struct Deps {
    /// Where logs are kept.
    pub journal: Arc<dyn Journal>,
    /// Who may run a room.
    pub leases: Arc<dyn Leases>,
    /// What other nodes say, and how they are told.
    pub bus: Arc<dyn Bus>,
    /// Where money is set aside for bids.
    pub funding: Arc<dyn Funding>,
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
    /// How many records a mirror keeps whole, should the journal lose them; 0 where it cannot.
    pub tail_max: usize,
    /// For how many bids money is asked for at once, over all rooms.
    pub raises_max: usize,
    /// How many more wait for that; one more is `busy`.
    pub raises_waiting_max: usize,
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
            tail_max: 0,
            // Fewer than the database has connections: raises wait for wallets, and other work must not wait for raises.
            raises_max: 8,
            raises_waiting_max: 4_096,
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
    post: Arc<Post>,
    entries: DashMap<AuctionId, Entry>,
    raises: Raises,
    tasks: TaskTracker,
    closed: CancellationToken,
}

type Entry = Arc<OnceCell<RoomHandle>>;

impl Rooms {
    /// No rooms yet.
    pub fn new(deps: Deps) -> Self {
        let (entries, tasks, closed) = (DashMap::new(), TaskTracker::new(), CancellationToken::new());
        let post = Arc::new(Post::new(deps.bus.clone(), u64::from_le_bytes(deps.chance.bytes()) >> 1));
        let raises = Raises::new(deps.limits.raises_max, deps.limits.raises_waiting_max);
        Self { inner: Arc::new(Inner { deps: Arc::new(deps), post, entries, raises, tasks, closed }) }
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
        let Inner { deps, post, .. } = &*self.inner;
        let mut part = assume(deps, post, auction, None, None).await?;
        let Limits { coalesce, tail_max, mailbox_capacity, in_flight_max, bid_deadline, .. } = deps.limits;
        let mirror = Arc::new(Mirror::new(auction, part.recovered(), coalesce, tail_max));
        let (mailbox, letters) = mpsc::channel(mailbox_capacity);
        let (gone, owned) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
        let handle = RoomHandle {
            auction,
            ack: part.recovered().ack,
            mailbox,
            mirror: mirror.clone(),
            gone: gone.clone(),
            owned: owned.clone(),
            clock: deps.clock.clone(),
            in_flight: Arc::default(),
            in_flight_max,
            deadline: bid_deadline,
        };
        let core = Core {
            auction,
            deps: deps.clone(),
            post: post.clone(),
            mailbox: letters,
            held: VecDeque::new(),
            mirror: mirror.clone(),
            owned,
            active_at: Instant::now(),
            former: None,
            closing: false,
            flush_at: None,
            _departure: Departure { inner: self.inner.clone(), auction, mirror, gone },
        };
        self.inner.tasks.spawn(live(core, part));
        metrics::histogram!("bidhub_room_load_seconds").record(started.elapsed());
        metrics::gauge!("bidhub_rooms_loaded").increment(1.0);
        Ok(handle)
    }

    /// Heeds what other nodes say, until the rooms are closed.
    pub async fn listen(self) {
        let Some(mut told) = self.inner.post.bus.told() else { return };
        loop {
            tokio::select! {
                () = self.inner.closed.cancelled() => return,
                message = told.recv() => match message {
                    Some((from, bytes)) => match decode(&bytes) {
                        Some(items) => items.into_iter().for_each(|item| self.heed(from, item)),
                        None => tracing::warn!(node = %from, "a message that cannot be read"),
                    },
                    None => return,
                },
            }
        }
    }

    fn heed(&self, from: NodeId, item: Item) {
        let post = &self.inner.post;
        post.heard(from);
        match item {
            Item::Answer { id, answer } => post.answered(id, answer),
            Item::Vacant { auction } => {
                let rooms = self.clone();
                self.inner.tasks.spawn(async move {
                    if let Err(error) = rooms.get(AuctionId(auction)).await {
                        tracing::debug!(%error, "a room that nobody runs cannot be taken: {error}");
                    }
                });
            }
            Item::Tail { id, packed } => post.tail_came(from, id, packed.as_deref().map(|bytes| bytes.as_slice())),
            Item::TailWanted { id, auction, epoch, seq, digest } => {
                let head = forward::head(seq, digest);
                let room = self.loaded(AuctionId(auction));
                post.tail(from, id, room.and_then(|room| room.mirror.tail_beyond(epoch, head)));
            }
            Item::Command { id, auction, deadline, command, trace } => {
                let post = post.clone();
                let auction = AuctionId(auction);
                let span = trace::forwarded(trace.map(|place| place.into_array()), auction);
                let followed = span.clone();
                let reply = Reply::new(move |answer| {
                    match &answer {
                        Ok(_) => trace::ended(&followed, "accepted", None),
                        Err(rejection) => trace::ended(&followed, rejection.code(), None),
                    }
                    post.answer(from, id, answer);
                });
                match command.into_ask() {
                    Some(ask) => {
                        span.in_scope(|| self.forwarded(auction, ask, Timestamp::from_millis(deadline), reply))
                    }
                    None => drop(reply),
                }
            }
        }
    }

    /// Hands in what another node asks for. A room that is not loaded is, for that node takes this one for its owner.
    fn forwarded(&self, auction: AuctionId, ask: Ask, deadline: Timestamp, reply: Reply) {
        let given = match self.loaded(auction) {
            Some(room) => room.submit_forwarded(ask, deadline, reply),
            None => Err((ask, reply)),
        };
        if let Err((ask, reply)) = given {
            let rooms = self.clone();
            let submit = async move {
                if let Ok(room) = rooms.get(auction).await {
                    // If it is going away again the reply says so as it is dropped.
                    let _ = room.submit_forwarded(ask, deadline, reply);
                }
            };
            self.inner.tasks.spawn(submit.instrument(trace::current()));
        }
    }

    pub(super) fn loaded(&self, auction: AuctionId) -> Option<RoomHandle> {
        self.inner.entries.get(&auction).and_then(|entry| entry.get().cloned())
    }

    /// Acts and waits until it is done. Gives the number of the last event.
    pub async fn act(&self, auction: AuctionId, act: Act) -> Result<Seq, Rejection> {
        let (mut reply, receiver) = awaited();
        // Under a key it can be handed in again, should its reply be lost on the way.
        let mut act = act.keyed(|| BidKey::generated(self.inner.deps.chance.uuid(self.inner.deps.clock.now())));
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

    /// Shows those who watch a room from this node something beside its events.
    pub fn aside(&self, auction: AuctionId, frame: &Arc<LiveFrame>) {
        if let Some(room) = self.loaded(auction) {
            room.mirror.aside(frame);
        }
    }

    /// How many watch each room from this node, where anyone does.
    pub fn watching(&self) -> Vec<(AuctionId, usize)> {
        let rooms = self.all().into_iter().map(|room| (room.auction(), room.mirror.watching()));
        rooms.filter(|(_, count)| *count > 0).collect()
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

    /// Lets other nodes run the rooms that this one runs. It goes on as their mirror.
    pub async fn hand_over(&self) {
        for room in self.all() {
            if room.is_owned() {
                room.hand_over().await;
            }
        }
    }

    /// The auctions whose rooms this node runs.
    pub fn owned(&self) -> Vec<AuctionId> {
        self.all().into_iter().filter(RoomHandle::is_owned).map(|room| room.auction()).collect()
    }

    fn all(&self) -> Vec<RoomHandle> {
        self.inner.entries.iter().filter_map(|it| it.value().get().cloned()).collect()
    }

    /// Lets every room finish what it has and go away. No room can be had afterwards.
    pub async fn close(&self) {
        self.inner.closed.cancel();
        for room in self.all() {
            room.shutdown().await;
        }
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    pub(super) fn deps(&self) -> &Deps {
        &self.inner.deps
    }

    pub(super) fn raises(&self) -> &Raises {
        &self.inner.raises
    }

    /// Runs `work` beside the rooms; they are not closed before it is done.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.inner.tasks.spawn(work);
    }

    pub(super) fn bus(&self) -> &dyn Bus {
        &*self.inner.deps.bus
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
