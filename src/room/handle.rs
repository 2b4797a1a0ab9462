//! The handle of a room: what can be asked of it, from any task. Cloning it is cheap. Nothing here blocks or waits,
//! except where a reply is awaited.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::act::Act;
use super::fanout::Watcher;
use super::funding::Raise;
use super::mirror::{InForce, Joined, Mirror, Resume, View};
use crate::clock::Clock;
use crate::domain::auction::{Bid, Rejection, Terms, Verdict};
use crate::domain::{AccountId, AuctionId, Seq, Span, Timestamp};
use crate::journal::AckLevel;
use crate::trace::Trail;

/// What a room answers to what it has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// To a bid.
    Verdict(Verdict),
    /// To an act: the number of its event, which is that of the first asking if its key came before.
    Done(Seq),
}

/// Where an answer goes. It is given exactly once: a reply that is dropped answers `unavailable`. A bid counts as in flight
/// for as long as its reply waits.
pub struct Reply {
    give: Option<Box<Give>>,
    slot: Option<InFlight>,
}

type Give = dyn FnOnce(Result<Answer, Rejection>, Option<InFlight>) + Send;

impl Reply {
    /// A reply that calls `give`.
    pub fn new(give: impl FnOnce(Result<Answer, Rejection>) + Send + 'static) -> Self {
        Self::with_slot(move |answer, _slot| give(answer))
    }

    /// A reply that also hands on the bid's slot, for a bid that may not be over with this answer.
    pub(super) fn with_slot(give: impl FnOnce(Result<Answer, Rejection>, Option<InFlight>) + Send + 'static) -> Self {
        Self { give: Some(Box::new(give)), slot: None }
    }

    /// The same reply, which keeps `slot` until it is given.
    pub(super) fn holding(mut self, slot: Option<InFlight>) -> Self {
        self.slot = slot;
        self
    }

    /// Gives the answer.
    pub fn give(mut self, answer: Result<Answer, Rejection>) {
        self.give_once(answer);
    }

    fn give_once(&mut self, answer: Result<Answer, Rejection>) {
        if let Some(give) = self.give.take() {
            give(answer, self.slot.take());
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.give_once(Err(Rejection::Unavailable));
    }
}

/// Something in a room's mailbox.
pub(super) struct Envelope {
    pub ask: Ask,
    pub entered: Timestamp,
    pub deadline: Timestamp,
    pub reply: Reply,
    /// It came from another node, and goes no further if this one cannot decide it.
    pub forwarded: bool,
    /// If the bid is followed.
    pub trail: Option<Box<Trail>>,
}

#[derive(Clone)]
pub(super) enum Ask {
    /// With what was set aside for it, if it comes for the second time.
    Bid(Bid, Option<Raise>),
    Act(Act),
    /// Time has passed: look what is due.
    Look,
    /// Let another node run the room, and go on as its mirror.
    HandOver,
    Shutdown,
}

/// How many bids of one bidder may wait in one room.
#[derive(Clone, Copy, Debug)]
pub struct InFlightLimit(pub u8);

impl Default for InFlightLimit {
    fn default() -> Self {
        Self(16)
    }
}

/// A bid that waits, counted for its bidder until this is dropped.
pub(super) struct InFlight {
    counts: Arc<Counts>,
    bidder: AccountId,
}

type Counts = Mutex<HashMap<AccountId, u8>>;

impl InFlight {
    fn take(counts: &Arc<Counts>, bidder: AccountId, limit: InFlightLimit) -> Option<Self> {
        let mut waiting = counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.entry(bidder).or_insert(0);
        if *count >= limit.0 {
            return None;
        }
        *count += 1;
        Some(Self { counts: counts.clone(), bidder })
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut waiting = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = waiting.get_mut(&self.bidder) {
            *count -= 1;
            if *count == 0 {
                waiting.remove(&self.bidder);
            }
        }
    }
}

/// A room, from outside.
#[derive(Clone)]
pub struct RoomHandle {
    pub(super) auction: AuctionId,
    pub(super) ack: AckLevel,
    pub(super) mailbox: mpsc::Sender<Envelope>,
    pub(super) mirror: Arc<Mirror>,
    pub(super) gone: CancellationToken,
    pub(super) owned: Arc<AtomicBool>,
    pub(super) clock: Clock,
    pub(super) in_flight: Arc<Counts>,
    pub(super) in_flight_max: InFlightLimit,
    pub(super) deadline: Span,
}

impl RoomHandle {
    /// Whose room.
    pub fn auction(&self) -> AuctionId {
        self.auction
    }

    /// True while this node runs the room; else it follows the node that does.
    pub fn is_owned(&self) -> bool {
        self.owned.load(Ordering::Relaxed)
    }

    /// How long an answer may take; after that the one who asked gives up.
    pub fn deadline(&self) -> Span {
        self.deadline
    }

    /// Hands a bid in, with the raise that was made for it if there was one. The answer comes by `reply`, at the latest when
    /// the room goes away. If the room is closing, the bid and its reply come back, to be handed to the room that follows.
    pub(super) fn submit(
        &self,
        bid: Bid,
        raise: Option<Raise>,
        deadline: Timestamp,
        reply: Reply,
    ) -> Result<(), (Bid, Reply)> {
        let Some(reply) = self.counted(bid.bidder, reply) else { return Ok(()) };
        match self.send(Ask::Bid(bid, raise), deadline, reply, false) {
            Err((Ask::Bid(bid, _), reply)) => Err((bid, reply)),
            _ => Ok(()),
        }
    }

    /// The reply with a slot of this bidder's, unless it has one already. If none is left it says so, and there is none.
    fn counted(&self, bidder: AccountId, reply: Reply) -> Option<Reply> {
        if reply.slot.is_some() {
            return Some(reply);
        }
        match InFlight::take(&self.in_flight, bidder, self.in_flight_max) {
            Some(slot) => Some(reply.holding(Some(slot))),
            None => {
                reply.give(Err(Rejection::BidInFlight));
                None
            }
        }
    }

    /// Hands an act in; comes back if the room is closing.
    pub(super) fn submit_act(&self, act: Act, reply: Reply) -> Result<(), (Act, Reply)> {
        match self.send(Ask::Act(act), self.own_deadline(), reply, false) {
            Err((Ask::Act(act), reply)) => Err((act, reply)),
            _ => Ok(()),
        }
    }

    /// Asks the room to look at the clock, which may have been set. A room too busy to be asked looks by itself.
    pub(super) fn nudge(&self) {
        let _ = self.send(Ask::Look, self.own_deadline(), Reply::new(|_| ()), false);
    }

    /// Hands in what another node asks for; a room that cannot decide it says `unavailable` at once.
    pub(super) fn submit_forwarded(&self, ask: Ask, deadline: Timestamp, reply: Reply) -> Result<(), (Ask, Reply)> {
        let mut reply = reply;
        if let Ask::Bid(bid, _) = &ask {
            let Some(counted) = self.counted(bid.bidder, reply) else { return Ok(()) };
            reply = counted;
        }
        self.send(ask, deadline.min(self.own_deadline()), reply, true)
    }

    /// Asks the room to let another node run it.
    pub(super) async fn hand_over(&self) {
        self.order(Ask::HandOver).await;
    }

    /// Asks the room to finish what it has and go away.
    pub(super) async fn shutdown(&self) {
        self.order(Ask::Shutdown).await;
    }

    async fn order(&self, ask: Ask) {
        let (entered, reply) = (self.clock.now(), Reply::new(|_| ()));
        let envelope = Envelope { ask, entered, deadline: Timestamp::MAX, reply, forwarded: false, trail: None };
        let _ = self.mailbox.send(envelope).await;
    }

    fn own_deadline(&self) -> Timestamp {
        self.clock.now().plus(self.deadline)
    }

    fn send(&self, ask: Ask, deadline: Timestamp, reply: Reply, forwarded: bool) -> Result<(), (Ask, Reply)> {
        let entered = self.clock.now();
        let envelope = Envelope { ask, entered, deadline, reply, forwarded, trail: Trail::here() };
        match self.mailbox.try_send(envelope) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(envelope)) => {
                envelope.reply.give(Err(Rejection::Busy));
                Ok(())
            }
            Err(mpsc::error::TrySendError::Closed(envelope)) => Err((envelope.ask, envelope.reply)),
        }
    }

    /// Joins `watcher` to the room; none if the room is going away. See [`Mirror::join`].
    pub(super) fn join<T>(
        &self,
        watcher: &Arc<dyn Watcher>,
        account: Option<AccountId>,
        resume: Option<Resume>,
        announce: impl FnOnce(Joined) -> T,
    ) -> Option<T> {
        self.mirror.join(watcher, account, resume, announce)
    }

    /// The watcher with this id no longer watches.
    pub fn leave(&self, watcher: u64) {
        self.mirror.leave(watcher);
    }

    /// What `account`, or anyone, may see now.
    pub fn view(&self, account: Option<AccountId>) -> View {
        self.mirror.view(account)
    }

    /// How safe its bids are before anyone hears of them.
    pub fn ack(&self) -> AckLevel {
        self.ack
    }

    /// The terms in force.
    pub fn terms(&self) -> Terms {
        self.mirror.terms()
    }

    /// The terms in force, and what made them so.
    pub fn in_force(&self) -> InForce {
        self.mirror.in_force()
    }

    /// The number of the last committed event.
    pub fn seq(&self) -> Seq {
        self.mirror.seq()
    }
}

/// A reply that can be awaited, for at most `patience`.
pub(super) fn awaited() -> (Reply, oneshot::Receiver<Result<Answer, Rejection>>) {
    let (sender, receiver) = oneshot::channel();
    let give = move |answer| {
        // Whoever asked may have given up by now.
        let _ = sender.send(answer);
    };
    (Reply::new(give), receiver)
}

/// Waits for an answer, but not for ever.
pub(super) async fn wait(
    receiver: oneshot::Receiver<Result<Answer, Rejection>>,
    patience: Span,
) -> Result<Answer, Rejection> {
    let patience = Duration::from_millis(patience.millis().unsigned_abs());
    match tokio::time::timeout(patience, receiver).await {
        Ok(Ok(answer)) => answer,
        _ => Err(Rejection::Unavailable),
    }
}
