//! A town: several nodes, each with rooms of its own, over one journal and one table of leases in memory. What is said
//! between nodes can be lost, and a node can be cut off.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bidhub::chance::Chance;
use bidhub::clock::Clock;
use bidhub::coordination::*;
use bidhub::domain::auction::{Bid, Rejection, Terms, Verdict};
use bidhub::domain::{AuctionId, NodeId, Seq, Timestamp};
use bidhub::journal::*;
use bidhub::room::{Deps, Funding, Limits, NewAuction, NoFunding, Rooms};
use bytes::Bytes;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::house::listing;

/// How long a lease lasts without being renewed.
pub const TTL: Duration = Duration::from_millis(600);

/// What all nodes share.
#[derive(Default)]
pub struct Common {
    logs: Mutex<HashMap<AuctionId, Log>>,
    leases: Mutex<HashMap<AuctionId, (Lease, Instant)>>,
    epochs: Mutex<HashMap<AuctionId, u64>>,
    inboxes: Mutex<BTreeMap<NodeId, mpsc::Sender<(NodeId, Bytes)>>>,
    followers: Mutex<HashMap<AuctionId, Vec<Follower>>>,
    members: Mutex<Vec<NodeId>>,
    /// Nodes that reach nobody and nothing.
    cut: Mutex<HashSet<NodeId>>,
    /// So many of the next news are lost.
    pub lose_news: AtomicU64,
    /// So many of the next messages between nodes are lost.
    pub lose_messages: AtomicU64,
    /// Appends take as long as this holds.
    pub stalled: AtomicBool,
    /// So many appends take that long just now.
    pub waiting: AtomicU64,
}

/// Where a node hears of an auction.
type Follower = (NodeId, mpsc::Sender<News>);

struct Log {
    open: OpenLog,
    records: Vec<Record>,
    alive_at: Option<Timestamp>,
    silent_since: Option<Timestamp>,
}

/// One node.
pub struct Node {
    pub rooms: Rooms,
    pub id: NodeId,
    pub common: Arc<Common>,
}

/// `count` nodes.
pub fn town(count: u128, clock: &Clock) -> Vec<Node> {
    funded_town(count, clock, Limits::default(), Arc::new(NoFunding))
}

/// `count` nodes that ask for money at one place.
pub fn funded_town(count: u128, clock: &Clock, limits: Limits, funding: Arc<dyn Funding>) -> Vec<Node> {
    let common = Arc::new(Common::default());
    let ids: Vec<NodeId> = (1..=count).map(|number| NodeId(Uuid::from_u128(number))).collect();
    *common.members.lock().unwrap() = ids.clone();
    ids.into_iter().map(|id| Node::new(id, &common, clock, limits, &funding)).collect()
}

impl Node {
    fn new(id: NodeId, common: &Arc<Common>, clock: &Clock, limits: Limits, funding: &Arc<dyn Funding>) -> Self {
        let hand = Arc::new(Hand {
            node: id,
            common: common.clone(),
            clock: clock.clone(),
            held: Mutex::default(),
            notices: broadcast::channel(16).0,
        });
        let deps = Deps {
            journal: hand.clone(),
            leases: hand.clone(),
            bus: hand.clone(),
            funding: funding.clone(),
            clock: clock.clone(),
            chance: Chance::seeded(id.0.as_u128() as u64),
            limits: Limits { tail_max: 4_096, ..limits },
            lost: CancellationToken::new(),
        };
        let rooms = Rooms::new(deps);
        tokio::spawn(rooms.clone().listen());
        tokio::spawn(renew(hand));
        Self { rooms, id, common: common.clone() }
    }

    pub async fn auction(&self, terms: Terms) -> AuctionId {
        self.rooms.create(NewAuction { terms, listing: listing(), ack: AckLevel::default() }).await.unwrap()
    }

    pub async fn bid(&self, auction: AuctionId, bid: Bid) -> Result<Verdict, Rejection> {
        self.rooms.bid(auction, bid).await
    }

    /// Nothing gets from here to anyone or back, or again does.
    pub fn cut(&self, cut: bool) {
        let mut all = self.common.cut.lock().unwrap();
        if cut {
            all.insert(self.id)
        } else {
            all.remove(&self.id)
        };
    }

    /// Takes no rooms any more, and lets go of those that it has.
    pub async fn retire(&self) {
        self.common.members.lock().unwrap().retain(|node| *node != self.id);
        self.rooms.hand_over().await;
    }

    pub fn log(&self, auction: AuctionId) -> Vec<Record> {
        self.common.logs()[&auction].records.clone()
    }
}

impl Common {
    fn logs(&self) -> MutexGuard<'_, HashMap<AuctionId, Log>> {
        self.logs.lock().unwrap()
    }

    fn tell(&self, auction: AuctionId, news: &News) {
        if self.lose_news.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return;
        }
        let cut = self.cut.lock().unwrap();
        let followers = self.followers.lock().unwrap();
        for (_, follower) in followers.get(&auction).into_iter().flatten().filter(|(node, _)| !cut.contains(node)) {
            // A follower that is full or gone misses it.
            let _ = follower.try_send(news.clone());
        }
    }

    /// The lease that stands now.
    fn lease(&self, auction: AuctionId) -> Option<Lease> {
        let leases = self.leases.lock().unwrap();
        leases.get(&auction).filter(|(_, until)| Instant::now() < *until).map(|(lease, _)| *lease)
    }

    /// The journal forgets everything after `seq`, and with it the lease.
    pub fn rewind(&self, auction: AuctionId, seq: u64) {
        let mut logs = self.logs();
        let log = logs.get_mut(&auction).unwrap();
        log.records.truncate(seq as usize);
        let last = log.records.last().unwrap_or(&log.open.genesis);
        log.open.head = Head { seq: last.seq, digest: last.digest };
        self.leases.lock().unwrap().remove(&auction);
    }
}

/// The hand of one node on what all share.
struct Hand {
    node: NodeId,
    common: Arc<Common>,
    clock: Clock,
    held: Mutex<HashMap<AuctionId, Holding>>,
    notices: broadcast::Sender<Notice>,
}

impl Hand {
    fn is_cut(&self) -> bool {
        self.common.cut.lock().unwrap().contains(&self.node)
    }

    fn reach(&self) -> Result<(), LeaseError> {
        if self.is_cut() { Err(LeaseError::Unavailable("cut off".to_owned())) } else { Ok(()) }
    }

    fn journal(&self) -> Result<MutexGuard<'_, HashMap<AuctionId, Log>>, JournalError> {
        if self.is_cut() { Err(JournalError::Closed) } else { Ok(self.common.logs()) }
    }
}

async fn renew(hand: Arc<Hand>) {
    loop {
        tokio::time::sleep(TTL / 3).await;
        let held: Vec<_> = hand.held.lock().unwrap().iter().map(|(auction, it)| (*auction, it.clone())).collect();
        for (auction, holding) in held {
            if hand.is_cut() || !holding.deserves_renewal(TTL / 2) {
                continue;
            }
            let (sent, at) = (Instant::now(), hand.clock.now());
            if hand.common.lease(auction) != Some(holding.lease) {
                holding.revoke();
                continue;
            }
            hand.common.leases.lock().unwrap().insert(auction, (holding.lease, sent + TTL));
            holding.renewed(sent, at);
            let head = {
                let mut logs = hand.common.logs();
                let log = logs.get_mut(&auction).unwrap();
                log.alive_at = Some(at);
                log.open.head
            };
            hand.common.tell(auction, &News::Alive(holding.lease, head));
        }
    }
}

#[async_trait::async_trait]
impl Leases for Hand {
    async fn acquire(&self, auction: AuctionId, floor: u64) -> Result<Holding, LeaseError> {
        self.reach()?;
        let (sent, at) = (Instant::now(), self.clock.now());
        if let Some(lease) = self.common.lease(auction).filter(|lease| lease.holder != self.node.0) {
            return Err(LeaseError::Held(NodeId(lease.holder)));
        }
        let mut epochs = self.common.epochs.lock().unwrap();
        let epoch = epochs.entry(auction).or_default();
        *epoch = floor.max(*epoch) + 1;
        let lease = Lease { epoch: *epoch, holder: self.node.0, nonce: *epoch };
        self.common.leases.lock().unwrap().insert(auction, (lease, sent + TTL));
        if let Some(log) = self.common.logs().get_mut(&auction) {
            log.silent_since = log.silent_since.or(log.alive_at);
        }
        let holding = Holding::expiring(lease, TTL - Duration::from_millis(100), sent, at);
        self.held.lock().unwrap().insert(auction, holding.clone());
        Ok(holding)
    }

    async fn release(&self, auction: AuctionId, holding: &Holding, _wake_at: Option<Timestamp>) {
        if self.is_cut() || self.common.lease(auction) != Some(holding.lease) {
            return;
        }
        self.common.leases.lock().unwrap().remove(&auction);
        if let Some(log) = self.common.logs().get_mut(&auction) {
            (log.alive_at, log.silent_since) = (None, None);
        }
        self.common.tell(auction, &News::Released);
    }

    async fn owner(&self, auction: AuctionId) -> Result<Option<NodeId>, LeaseError> {
        self.reach()?;
        Ok(self.common.lease(auction).map(|lease| NodeId(lease.holder)))
    }

    async fn unattended(&self, _by: Timestamp, _limit: usize) -> Result<Vec<AuctionId>, LeaseError> {
        Ok(Vec::new())
    }

    async fn attend(&self, _auction: AuctionId, _wake_at: Timestamp) -> Result<(), LeaseError> {
        Ok(())
    }

    async fn task(&self, _task: &'static str) -> Result<bool, LeaseError> {
        Ok(true)
    }
}

#[async_trait::async_trait]
impl Bus for Hand {
    fn node(&self) -> NodeId {
        self.node
    }

    fn members(&self) -> Arc<[NodeId]> {
        self.common.members.lock().unwrap().clone().into()
    }

    async fn publish(&self, _notice: Notice) -> Result<(), BusError> {
        Ok(())
    }

    fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    async fn cast(&self, _message: Bytes) {}

    fn casts(&self) -> broadcast::Receiver<Bytes> {
        broadcast::channel(1).1
    }

    async fn tell(&self, node: NodeId, message: Bytes) -> Result<(), BusError> {
        let lost = &self.common.lose_messages;
        let lost = lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        let cut = self.is_cut() || self.common.cut.lock().unwrap().contains(&node);
        let inbox = self.common.inboxes.lock().unwrap().get(&node).cloned();
        if let Some(inbox) = inbox.filter(|_| !lost && !cut) {
            // A full inbox loses it.
            let _ = inbox.try_send((self.node, message));
        }
        Ok(())
    }

    fn told(&self) -> Option<mpsc::Receiver<(NodeId, Bytes)>> {
        let (sender, receiver) = mpsc::channel(1_024);
        self.common.inboxes.lock().unwrap().insert(self.node, sender);
        Some(receiver)
    }

    async fn follow(&self, auction: AuctionId) -> Result<mpsc::Receiver<News>, BusError> {
        let (sender, receiver) = mpsc::channel(1_024);
        self.common.followers.lock().unwrap().entry(auction).or_default().push((self.node, sender));
        Ok(receiver)
    }

    async fn leave(&self) {}

    async fn probe(&self) -> Result<(), BusError> {
        Ok(())
    }
}

#[async_trait::async_trait]
impl Journal for Hand {
    async fn create(&self, log: NewLog) -> Result<(), JournalError> {
        let NewLog { auction, log, secret, genesis, ack, .. } = log;
        let head = Head { seq: genesis.seq, digest: genesis.digest };
        let open = OpenLog { log, secret, genesis, snapshot: None, head, ack };
        let log = Log { open, records: Vec::new(), alive_at: None, silent_since: None };
        self.journal()?.insert(auction, log);
        Ok(())
    }

    async fn epoch(&self, auction: AuctionId) -> Result<Option<u64>, JournalError> {
        Ok(self.journal()?.get(&auction).map(|log| log.records.last().map_or(0, |record| record.epoch)))
    }

    async fn take_over(
        &self,
        auction: AuctionId,
        lease: Lease,
        tails: Vec<Packed>,
    ) -> Result<Option<TakenOver>, JournalError> {
        let mut logs = self.journal()?;
        let Some(log) = logs.get_mut(&auction) else { return Ok(None) };
        if self.common.lease(auction) != Some(lease) {
            return Err(JournalError::Fenced);
        }
        for record in tails.into_iter().flat_map(|tail| tail.records) {
            if record.seq == log.open.head.seq.next() {
                log.open.head = Head { seq: record.seq, digest: record.digest };
                log.records.push(record);
            }
        }
        let silence = log.silent_since.map(|from| Outage { from, until: self.clock.now() });
        Ok(Some(TakenOver { log: log.open.clone(), silence, lost: false }))
    }

    async fn open(&self, auction: AuctionId) -> Result<Option<OpenLog>, JournalError> {
        Ok(self.journal()?.get(&auction).map(|log| log.open.clone()))
    }

    async fn read(&self, auction: AuctionId, after: Seq, limit: usize) -> Result<Vec<Record>, JournalError> {
        let logs = self.journal()?;
        let records = logs.get(&auction).map(|log| log.records.as_slice()).unwrap_or_default();
        Ok(records.iter().filter(|record| record.seq > after).take(limit).cloned().collect())
    }

    async fn append(&self, batch: Batch) -> Result<(), AppendError> {
        self.common.waiting.fetch_add(1, Ordering::SeqCst);
        while self.common.stalled.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.common.waiting.fetch_sub(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        let mut logs = self.journal().map_err(|error| AppendError::Unknown(error.to_string()))?;
        if self.common.lease(batch.auction) != Some(batch.lease) {
            return Err(AppendError::Fenced);
        }
        let log = logs.get_mut(&batch.auction).unwrap();
        if log.open.head != batch.onto {
            return Err(AppendError::HeadMoved);
        }
        (log.alive_at, log.silent_since) = (Some(self.clock.now()), None);
        if let Some(last) = batch.records.last() {
            log.open.head = Head { seq: last.seq, digest: last.digest };
            log.records.extend(batch.records.iter().cloned());
            let packed = Packed::pack(batch.log, batch.onto, &batch.records);
            self.common.tell(batch.auction, &News::Committed(packed));
        }
        Ok(())
    }

    async fn settle(&self, _auction: AuctionId, _head: Head, _limit: Duration) -> Result<(), JournalError> {
        Ok(())
    }

    async fn save_snapshot(&self, auction: AuctionId, snapshot: Snapshot) -> Result<(), JournalError> {
        if let Some(log) = self.journal()?.get_mut(&auction) {
            log.open.snapshot = Some(snapshot);
        }
        Ok(())
    }

    async fn due_by(&self, _at: Timestamp, _limit: usize) -> Result<Vec<AuctionId>, JournalError> {
        Ok(Vec::new())
    }

    async fn outages_after(&self, _after: Timestamp) -> Result<Vec<Outage>, JournalError> {
        Ok(Vec::new())
    }

    async fn probe(&self) -> Result<(), JournalError> {
        self.journal().map(drop)
    }
}
