//! Who follows which auction, and the channels that are listened to for them. One task alone subscribes and unsubscribes,
//! so that the two never cross: it compares what is wanted with what it has, whatever happened in between.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::wire::{Reconnects, Wire};
use super::{keys, message};
use crate::coordination::News;
use crate::domain::AuctionId;
use crate::persistence::RedisError;

/// How many changes may wait, and are made together.
const CHANGES_MAX: usize = 1_024;
/// How long to wait before what failed is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Those who follow auctions on this node.
pub(super) struct Followers {
    wanted: Mutex<Wanted>,
    changes: mpsc::Sender<Change>,
    capacity: usize,
}

#[derive(Default)]
struct Wanted {
    followers: HashMap<AuctionId, Vec<(u64, mpsc::Sender<News>)>>,
    next: u64,
}

/// An auction whose followers changed, and who waits until that has taken effect.
pub(super) struct Change {
    auction: AuctionId,
    done: Option<oneshot::Sender<bool>>,
}

impl Followers {
    /// Nobody yet. Each follower may leave up to `capacity` news waiting.
    pub fn new(capacity: usize) -> (Arc<Self>, mpsc::Receiver<Change>) {
        let (changes, changed) = mpsc::channel(CHANGES_MAX);
        (Arc::new(Self { wanted: Default::default(), changes, capacity }), changed)
    }

    /// From here on, the news of `auction`; none if its channel could not be had.
    pub async fn follow(self: &Arc<Self>, auction: AuctionId) -> Option<mpsc::Receiver<News>> {
        let (sender, receiver) = mpsc::channel(self.capacity);
        let number = {
            let mut wanted = self.lock();
            wanted.next += 1;
            let number = wanted.next;
            wanted.followers.entry(auction).or_default().push((number, sender.clone()));
            number
        };
        // Ends when the receiver is dropped, also if that is before this call is over.
        let this = self.clone();
        tokio::spawn(async move {
            sender.closed().await;
            drop(sender);
            if this.forget(auction, number) {
                let _ = this.changes.send(Change { auction, done: None }).await;
            }
        });
        let (done, is_done) = oneshot::channel();
        self.changes.send(Change { auction, done: Some(done) }).await.ok()?;
        is_done.await.ok().filter(|done| *done).map(|_| receiver)
    }

    /// Hands news to all that follow the auction. Who is too slow loses them.
    pub fn hand_out(&self, auction: AuctionId, bytes: &Bytes) {
        let Some(news) = message::read_news(bytes) else {
            tracing::warn!(%auction, "news of auction {auction} that this program does not know were left out");
            return;
        };
        for (_, follower) in self.lock().followers.get(&auction).into_iter().flatten() {
            if let Err(mpsc::error::TrySendError::Full(_)) = follower.try_send(news.clone()) {
                metrics::counter!("bidhub_bus_news_lost_total").increment(1);
            }
        }
    }

    /// True if it was the last one.
    fn forget(&self, auction: AuctionId, number: u64) -> bool {
        let mut wanted = self.lock();
        let Some(followers) = wanted.followers.get_mut(&auction) else { return false };
        followers.retain(|(other, _)| *other != number);
        let last = followers.is_empty();
        if last {
            wanted.followers.remove(&auction);
        }
        last
    }

    fn is_wanted(&self, auction: AuctionId) -> bool {
        self.lock().followers.contains_key(&auction)
    }

    fn all(&self) -> HashSet<AuctionId> {
        self.lock().followers.keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that subscribes.
pub(super) struct Subscriber {
    pub wire: Arc<Wire>,
    pub followers: Arc<Followers>,
    /// The channels that are always listened to.
    pub fixed: Vec<String>,
    /// Told each time that all channels are listened to again.
    pub resubscribed: Arc<Notify>,
}

impl Subscriber {
    /// Listens to the fixed channels. Fails if that cannot be done.
    pub async fn begin(&self) -> Result<(), RedisError> {
        self.wire.subscribe(&self.fixed).await
    }

    /// Keeps what is listened to as it is wanted, until `stop`.
    pub async fn run(self, mut changed: mpsc::Receiver<Change>, mut reconnects: Reconnects, stop: CancellationToken) {
        let mut has: HashSet<AuctionId> = HashSet::new();
        let mut changes = Vec::new();
        let mut whole = true;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                reconnected = reconnects.recv() => match reconnected {
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => whole = false,
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                count = changed.recv_many(&mut changes, CHANGES_MAX), if whole => {
                    if count == 0 {
                        return;
                    }
                    whole = self.apply(&mut has, std::mem::take(&mut changes)).await;
                }
                () = std::future::ready(()), if !whole => {
                    whole = self.subscribe_all(&mut has).await;
                    if !whole {
                        tokio::time::sleep(AGAIN_AFTER).await;
                    }
                }
            }
        }
    }

    /// Makes changes take effect. False if what is listened to is now unknown.
    async fn apply(&self, has: &mut HashSet<AuctionId>, changes: Vec<Change>) -> bool {
        let (mut more, mut less) = (HashSet::new(), HashSet::new());
        for Change { auction, .. } in &changes {
            match (self.followers.is_wanted(*auction), has.contains(auction)) {
                (true, false) => more.insert(*auction),
                (false, true) => less.insert(*auction),
                _ => false,
            };
        }
        let named = |auctions: &HashSet<AuctionId>| auctions.iter().map(|one| keys::news(*one)).collect::<Vec<_>>();
        let mut well = true;
        if !less.is_empty() {
            well &= self.wire.unsubscribe(&named(&less)).await.is_ok();
            has.retain(|auction| !less.contains(auction));
        }
        if !more.is_empty() {
            let subscribed = self.wire.subscribe(&named(&more)).await;
            if let Err(error) = &subscribed {
                tracing::warn!(%error, "{} auctions cannot be followed now: {error}", more.len());
            }
            well &= subscribed.is_ok();
            if subscribed.is_ok() {
                has.extend(&more);
            }
        }
        for Change { auction, done } in changes {
            if let Some(done) = done {
                let _ = done.send(has.contains(&auction));
            }
        }
        well
    }

    /// Listens to everything that is wanted. False if that failed.
    async fn subscribe_all(&self, has: &mut HashSet<AuctionId>) -> bool {
        let wanted = self.followers.all();
        let mut channels = self.fixed.clone();
        channels.extend(wanted.iter().map(|auction| keys::news(*auction)));
        match self.wire.subscribe(&channels).await {
            Ok(()) => {
                tracing::info!(channels = channels.len(), "listening again to {} channels", channels.len());
                *has = wanted;
                self.resubscribed.notify_one();
                true
            }
            Err(error) => {
                tracing::debug!(%error, "still deaf: {error}");
                false
            }
        }
    }
}
