//! The one task of a room. It runs the room or follows the node that does, and changes from one to the other without
//! those who watch or ask noticing more than a moment's delay: the mailbox and the mirror stay.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::assume::{Assumed, assume};
use super::follower::Follower;
use super::handle::{Ask, Envelope};
use super::mirror::Mirror;
use super::owner::Owner;
use super::post::Post;
use super::recovery::RoomError;
use super::registry::{Departure, Deps};
use crate::domain::auction::Rejection;
use crate::domain::{AuctionId, NodeId, Timestamp};

const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(2);
/// Parts do not follow each other faster than this, should one of them end at once.
const PART_MIN: Duration = Duration::from_millis(20);
const EXPIRE_EVERY: Duration = Duration::from_millis(200);

/// What stays while the part changes.
pub(super) struct Core {
    pub auction: AuctionId,
    pub deps: Arc<Deps>,
    pub post: Arc<Post>,
    pub mailbox: mpsc::Receiver<Envelope>,
    /// What was taken from the mailbox and is not answered; it comes before what is in there.
    pub held: VecDeque<Envelope>,
    pub mirror: Arc<Mirror>,
    pub owned: Arc<AtomicBool>,
    pub active_at: Instant,
    /// Who has just let the room go in good order.
    pub former: Option<NodeId>,
    /// The room goes away when the present part ends.
    pub closing: bool,
    /// When frames that wait must be sent on.
    pub flush_at: Option<Instant>,
    pub _departure: Departure,
}

/// Plays one part after the other until the room goes away.
pub(super) async fn live(mut core: Core, first: Assumed) {
    let mut part = first;
    loop {
        let began = Instant::now();
        core = match part {
            Assumed::Owner(owned) => {
                core.set_owned(true);
                let mut core = Owner::new(core, owned).run().await;
                core.set_owned(false);
                core
            }
            Assumed::Follower(following) => {
                metrics::gauge!("bidhub_rooms_followed").increment(1.0);
                let core = Follower::new(core, following).run().await;
                metrics::gauge!("bidhub_rooms_followed").decrement(1.0);
                core
            }
        };
        if core.closing {
            break;
        }
        let rest = PART_MIN.saturating_sub(began.elapsed());
        if !rest.is_zero() && core.while_waiting(tokio::time::sleep(rest)).await.is_none() {
            break;
        }
        match core.assume_again().await {
            Some(next) => part = next,
            None => break,
        }
    }
    core.mirror.flush();
}

impl Core {
    fn set_owned(&mut self, owned: bool) {
        self.owned.store(owned, Ordering::Relaxed);
        metrics::gauge!("bidhub_rooms_owned").increment(if owned { 1.0 } else { -1.0 });
    }

    /// Finds the next part, however long it takes, and keeps what is asked meanwhile. None if the room goes away.
    async fn assume_again(&mut self) -> Option<Assumed> {
        let mut pause = RETRY_FIRST;
        loop {
            let (deps, post, auction) = (self.deps.clone(), self.post.clone(), self.auction);
            let mirror = self.mirror.clone();
            let former = self.former.take();
            let attempt = async move { assume(&deps, &post, auction, Some(&mirror), former).await };
            match self.while_waiting(attempt).await? {
                Ok(mut assumed) => {
                    self.flush_at = self.mirror.adopt(assumed.recovered()).or(self.flush_at);
                    return Some(assumed);
                }
                Err(RoomError::Unknown) => {
                    tracing::error!(auction = %self.auction, "the log of a running room is gone");
                    return None;
                }
                Err(error) => {
                    tracing::warn!(auction = %self.auction, %error, "nobody runs the room yet: {error}");
                    let jitter = Duration::from_millis(self.deps.chance.below(pause.as_millis() as u64));
                    self.while_waiting(tokio::time::sleep(pause / 2 + jitter / 2)).await?;
                    pause = (pause * 2).min(RETRY_MAX);
                }
            }
        }
    }

    /// Awaits `work`, keeping what is asked meanwhile, for as long as it may wait. None if the room goes away.
    async fn while_waiting<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        let lost = self.deps.lost.clone();
        let mut ticks = tokio::time::interval(EXPIRE_EVERY);
        loop {
            let flush_at = self.flush_at;
            tokio::select! {
                done = &mut work => return Some(done),
                () = lost.cancelled() => return None,
                _ = ticks.tick() => self.expire_held(),
                () = sleep_until(flush_at), if flush_at.is_some() => self.flush(),
                envelope = self.mailbox.recv() => match envelope {
                    None => return None,
                    Some(envelope) => match envelope.ask {
                        Ask::Shutdown => return None,
                        Ask::Look | Ask::HandOver => {}
                        Ask::Bid(..) | Ask::Act(_) => self.hold(envelope),
                    },
                },
            }
        }
    }

    /// Keeps an envelope for later, unless another node waits for it, which can ask elsewhere.
    pub(super) fn hold(&mut self, envelope: Envelope) {
        if envelope.forwarded {
            envelope.reply.give(Err(Rejection::Unavailable));
        } else if self.held.len() >= self.deps.limits.mailbox_capacity {
            envelope.reply.give(Err(Rejection::Busy));
        } else {
            self.held.push_back(envelope);
        }
    }

    /// Answers those whose time is over.
    fn expire_held(&mut self) {
        let now = self.deps.clock.now();
        while self.held.front().is_some_and(|envelope| is_late(envelope, now)) {
            if let Some(envelope) = self.held.pop_front() {
                envelope.reply.give(Err(Rejection::Unavailable));
            }
        }
    }

    pub(super) fn flush(&mut self) {
        self.flush_at = None;
        self.mirror.flush();
    }
}

/// True if nobody waits for it any more.
pub(super) fn is_late(envelope: &Envelope, now: Timestamp) -> bool {
    now > envelope.deadline
}

/// Sleeps until then, or for ever.
pub(super) async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
