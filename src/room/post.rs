//! The post between the rooms of different nodes: one outbox for each node, which sends what has gathered as one message.
//! It promises nothing: what is lost is missed by whoever waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dashmap::DashMap;
use tokio::sync::mpsc;

use super::forward::{AnswerItem, CommandItem, Item, encode};
use super::handle::{Answer, Ask};
use crate::coordination::Bus;
use crate::domain::auction::Rejection;
use crate::domain::{AuctionId, NodeId, Timestamp};
use crate::journal::{Head, Packed};
use crate::trace::TraceContext;

/// How many items may wait for one node; more are lost.
const OUTBOX_CAPACITY: usize = 16_384;
/// How many items one message takes at most.
const MESSAGE_ITEMS_MAX: usize = 512;
/// An outbox that has nothing to send goes away.
const OUTBOX_IDLE: Duration = Duration::from_secs(60);
/// How long others may take to say what they hold.
const TAILS_PATIENCE: Duration = Duration::from_millis(300);
/// After so long who has not answered is asked again: what makes them be asked, such as a failover, breaks their connections
/// as well.
const TAILS_ASK_EVERY: Duration = Duration::from_millis(50);
/// A node that was heard from in this time is asked though it is not listed: after a failover the list may be of long ago.
const HEARD_FOR: Duration = Duration::from_secs(30);

/// Where the answers to a room's forwarded commands go, with the numbers of those.
pub(super) type Answers = mpsc::UnboundedSender<(u64, Result<Answer, Rejection>)>;

/// The post of this node.
pub(super) struct Post {
    pub bus: Arc<dyn Bus>,
    outboxes: DashMap<NodeId, mpsc::Sender<Item>>,
    waiting: DashMap<u64, Answers>,
    tails: DashMap<u64, mpsc::Sender<(NodeId, Option<Packed>)>>,
    /// When each other node was last heard from.
    heard: DashMap<NodeId, Instant>,
    next: AtomicU64,
}

/// A command that was sent; its answer is no longer waited for once this is dropped.
pub(super) struct Ticket {
    pub id: u64,
    post: Arc<Post>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.post.waiting.remove(&self.id);
    }
}

impl Post {
    /// A post with nothing in it. Numbers begin anywhere, so that those of a former process are not taken for its own.
    pub(super) fn new(bus: Arc<dyn Bus>, first: u64) -> Self {
        let (outboxes, waiting, tails, heard) = Default::default();
        Self { bus, outboxes, waiting, tails, heard, next: AtomicU64::new(first) }
    }

    /// This node.
    pub(super) fn node(&self) -> NodeId {
        self.bus.node()
    }

    /// Notes that a node has just said something.
    pub(super) fn heard(&self, from: NodeId) {
        if from != self.node() {
            self.heard.insert(from, Instant::now());
        }
    }

    /// Takes a number for a command whose answer is to go to `answers`.
    pub(super) fn ticket(self: &Arc<Self>, answers: &Answers) -> Ticket {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.waiting.insert(id, answers.clone());
        Ticket { id, post: self.clone() }
    }

    /// Sends a command to the node that should decide it. False if it surely was not sent.
    pub(super) fn command(
        self: &Arc<Self>,
        to: NodeId,
        id: u64,
        auction: AuctionId,
        deadline: Timestamp,
        ask: &Ask,
        trace: Option<TraceContext>,
    ) -> bool {
        let Some(command) = CommandItem::new(ask) else { return false };
        let trace = trace.map(serde_bytes::ByteArray::new);
        self.send(to, Item::Command { id, auction: auction.0, deadline: deadline.millis(), command, trace })
    }

    /// Tells a node that nobody runs a room for which it comes first.
    pub(super) fn vacant(self: &Arc<Self>, to: NodeId, auction: AuctionId) {
        self.send(to, Item::Vacant { auction: auction.0 });
    }

    /// Sends an answer back.
    pub(super) fn answer(self: &Arc<Self>, to: NodeId, id: u64, answer: Result<Answer, Rejection>) {
        self.send(to, Item::Answer { id, answer: AnswerItem::new(answer) });
    }

    /// Hands an answer to the room that waits for it.
    pub(super) fn answered(&self, id: u64, answer: AnswerItem) {
        if let Some(answers) = self.waiting.get(&id) {
            // The room may be gone by now.
            let _ = answers.send((id, answer.into_answer()));
        }
    }

    /// Asks every other node for the records that it holds beyond the log that ends at `head` with a record of `epoch`.
    pub(super) async fn tails(self: &Arc<Self>, auction: AuctionId, epoch: u64, head: Head) -> Vec<Packed> {
        let listed = self.bus.members();
        self.heard.retain(|_, at| at.elapsed() < HEARD_FOR);
        let mut silent: Vec<NodeId> = self.heard.iter().map(|heard| *heard.key()).collect();
        silent.extend(listed.iter().copied().filter(|node| *node != self.node()));
        silent.sort_unstable_by_key(|node| node.0);
        silent.dedup();
        if silent.is_empty() {
            return Vec::new();
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, mut replies) = mpsc::channel(silent.len());
        self.tails.insert(id, sender);
        let mut tails = Vec::new();
        let deadline = tokio::time::Instant::now() + TAILS_PATIENCE;
        let mut asks = tokio::time::interval(TAILS_ASK_EVERY);
        while !silent.is_empty() {
            tokio::select! {
                reply = replies.recv() => {
                    let Some((from, packed)) = reply else { break };
                    // Who was asked twice may answer twice.
                    if let Some(place) = silent.iter().position(|node| *node == from) {
                        silent.swap_remove(place);
                        tails.extend(packed);
                    }
                }
                _ = asks.tick() => {
                    for node in &silent {
                        // If it cannot be sent now, it is sent with the next round.
                        let _ = self.send(*node, Item::tail_wanted(id, auction, epoch, head));
                    }
                }
                () = tokio::time::sleep_until(deadline) => break,
            }
        }
        self.tails.remove(&id);
        tails
    }

    /// Says what this node holds.
    pub(super) fn tail(self: &Arc<Self>, to: NodeId, id: u64, packed: Option<Packed>) {
        let packed = packed.map(|it| Packed::pack(it.log, it.onto, &it.records).to_vec().into());
        self.send(to, Item::Tail { id, packed });
    }

    /// Hands on what another node holds.
    pub(super) fn tail_came(&self, from: NodeId, id: u64, packed: Option<&[u8]>) {
        if let Some(waiting) = self.tails.get(&id) {
            let packed = packed.and_then(|bytes| Packed::unpack(bytes).ok());
            // What finds no place is asked for again.
            let _ = waiting.try_send((from, packed));
        }
    }

    fn send(self: &Arc<Self>, to: NodeId, item: Item) -> bool {
        let mut item = item;
        loop {
            let outbox = self.outboxes.entry(to).or_insert_with(|| self.open(to)).clone();
            match outbox.try_send(item) {
                Ok(()) => return true,
                Err(mpsc::error::TrySendError::Full(_)) => return false,
                Err(mpsc::error::TrySendError::Closed(back)) => {
                    item = back;
                    self.outboxes.remove_if(&to, |_, listed| listed.same_channel(&outbox));
                }
            }
        }
    }

    fn open(self: &Arc<Self>, to: NodeId) -> mpsc::Sender<Item> {
        let (sender, items) = mpsc::channel(OUTBOX_CAPACITY);
        tokio::spawn(deliver(self.bus.clone(), to, items));
        sender
    }
}

/// Sends what has gathered, again and again, until nothing comes for a while.
async fn deliver(bus: Arc<dyn Bus>, to: NodeId, mut items: mpsc::Receiver<Item>) {
    let mut gathered = Vec::new();
    loop {
        match tokio::time::timeout(OUTBOX_IDLE, items.recv_many(&mut gathered, MESSAGE_ITEMS_MAX)).await {
            Ok(0) => return,
            Ok(_) => {}
            // What slips in before the receiver is gone is lost, and so sent again by whoever waits for it.
            Err(_) => return,
        }
        if let Err(error) = bus.tell(to, encode(std::mem::take(&mut gathered))).await {
            tracing::debug!(node = %to, %error, "a message was not sent: {error}");
        }
    }
}
