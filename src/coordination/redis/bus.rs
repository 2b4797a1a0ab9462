//! The bus of a hub of many nodes: what one node says, others hear by Redis channels.
//!
//! Nothing that is said here is the truth; whoever misses something finds out by positions, heartbeats and deadlines.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use super::follow::{Followers, Subscriber};
use super::notices::Notices;
use super::presence::{FiguresNow, NodeInfo, Presence};
use super::probe::Probe;
use super::wire::{Messages, Sent, Wire};
use super::{every, keys, message};
use crate::clock::WireTime;
use crate::coordination::{Bus, BusError, News, Notice};
use crate::domain::{AuctionId, NodeId, Timestamp};
use crate::persistence::RedisError;
use crate::persistence::redis::{Redis, RedisUrl};

/// How often what was said to all is looked up, besides after every reconnection.
const CATCH_UP_EVERY: Duration = Duration::from_secs(5);
/// How often this node checks that it hears itself.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// For whom, and how patiently.
#[derive(Clone, Debug)]
pub struct BusSettings {
    /// This node.
    pub node: NodeId,
    /// Its name, for people.
    pub name: Option<String>,
    /// When it started.
    pub started_at: Timestamp,
    /// Where Redis is.
    pub url: RedisUrl,
    /// PEM text of the authorities to trust in place of the public ones.
    pub ca: Option<Vec<u8>>,
    /// How long any answer may take.
    pub timeout: Duration,
    /// How often this node says that it is there; it counts as gone after three times as long.
    pub beat: Duration,
    /// How many news may wait for one follower.
    pub news_capacity: usize,
    /// How many messages of other nodes may wait.
    pub told_capacity: usize,
    /// How many notices may wait for a listener.
    pub notice_capacity: usize,
    /// How much of what is cast may wait for a listener.
    pub cast_capacity: usize,
}

impl BusSettings {
    /// What is usual for `node`, which started at `started_at`.
    pub fn new(node: NodeId, started_at: Timestamp, url: RedisUrl) -> Self {
        Self {
            node,
            name: None,
            started_at,
            url,
            ca: None,
            timeout: Duration::from_secs(2),
            beat: Duration::from_secs(1),
            news_capacity: 1_024,
            told_capacity: 8_192,
            notice_capacity: 1_024,
            cast_capacity: 4_096,
        }
    }
}

/// The bus of one node.
pub struct RedisBus {
    node: NodeId,
    patience: Duration,
    wire: Arc<Wire>,
    followers: Arc<Followers>,
    notices: Arc<Notices>,
    casts: broadcast::Sender<Bytes>,
    presence: Arc<Presence>,
    probe: Arc<Probe>,
    told: mpsc::Sender<(NodeId, Bytes)>,
    listener: Mutex<Option<mpsc::Receiver<(NodeId, Bytes)>>>,
}

impl RedisBus {
    /// Connects, listens, and is there until `stop`, with what `figures` says when it is asked. Commands beside the channels
    /// go by `redis`.
    pub async fn start(
        settings: BusSettings,
        redis: Redis,
        figures: FiguresNow,
        stop: CancellationToken,
    ) -> Result<Arc<Self>, RedisError> {
        let wire = Arc::new(Wire::connect(&settings.url, settings.ca.as_deref(), settings.timeout).await?);
        let (messages, reconnects) = (wire.messages(), wire.reconnects());
        let (followers, changed) = Followers::new(settings.news_capacity);
        let (told, listener) = mpsc::channel(settings.told_capacity);
        let node = settings.node;
        let resubscribed = Arc::new(Notify::new());
        let probe = Arc::new(Probe::new(keys::probe(node)));
        let fixed = vec![keys::ALL.to_owned(), keys::CASTS.to_owned(), keys::to(node), keys::probe(node)];
        let subscriber =
            Subscriber { wire: wire.clone(), followers: followers.clone(), fixed, resubscribed: resubscribed.clone() };
        let notices = Arc::new(Notices::start(redis.clone(), settings.notice_capacity).await?);
        subscriber.begin().await?;
        let about = NodeInfo {
            id: node.0,
            name: settings.name,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: WireTime(settings.started_at),
            draining: false,
            figures: Default::default(),
        };
        let presence = Arc::new(Presence::new(redis, about, figures, settings.beat));
        presence.beat().await;
        presence.look().await;
        let bus = Arc::new(Self {
            node,
            patience: settings.timeout * 2,
            wire,
            followers,
            notices,
            casts: broadcast::channel(settings.cast_capacity).0,
            presence,
            probe,
            told,
            listener: Mutex::new(Some(listener)),
        });
        tokio::spawn(subscriber.run(changed, reconnects, stop.clone()));
        tokio::spawn(bus.clone().listen(messages, resubscribed.clone(), stop.clone()));
        tokio::spawn(bus.clone().watch(resubscribed, stop.clone()));
        tokio::spawn(bus.clone().be_there(settings.beat, stop));
        Ok(bus)
    }

    /// Hands on what is heard.
    async fn listen(self: Arc<Self>, mut messages: Messages, missed: Arc<Notify>, stop: CancellationToken) {
        let own = keys::to(self.node);
        loop {
            let message = tokio::select! {
                () = stop.cancelled() => break,
                message = messages.recv() => message,
            };
            let message = match message {
                Ok(message) => message,
                Err(broadcast::error::RecvError::Lagged(count)) => {
                    tracing::warn!(count, "{count} messages came faster than they could be handed on");
                    metrics::counter!("bidhub_bus_lagged_total").increment(count);
                    missed.notify_one();
                    continue;
                }
                Err(broadcast::error::RecvError::Closed) => break,
            };
            let channel = message.channel;
            let Some(bytes) = message.value.into_bytes() else { continue };
            if channel == own.as_str() {
                self.hear(&bytes);
            } else if let Some(auction) = keys::of_news(&channel) {
                self.followers.hand_out(auction, &bytes);
            } else if channel == keys::CASTS {
                self.overhear(&bytes);
            } else if channel == keys::ALL {
                self.notices.said(&bytes);
            } else if channel == self.probe.channel() {
                self.probe.heard(&bytes);
            }
        }
        self.wire.quit().await;
    }

    fn hear(&self, bytes: &Bytes) {
        let Some(told) = message::read_message(bytes) else { return };
        if self.told.try_send(told).is_err() {
            metrics::counter!("bidhub_bus_told_lost_total").increment(1);
        }
    }

    fn overhear(&self, bytes: &Bytes) {
        if let Some((from, message)) = message::read_message(bytes)
            && from != self.node
        {
            // An error means that nobody listens.
            let _ = self.casts.send(message);
        }
    }

    /// Finds out what was missed, and whether anything is heard at all.
    async fn watch(self: Arc<Self>, missed: Arc<Notify>, stop: CancellationToken) {
        let probing = every(PROBE_EVERY, &stop, || self.probe.watch(&self.wire));
        let catching_up = async {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = missed.notified() => {}
                    () = tokio::time::sleep(CATCH_UP_EVERY) => {}
                }
                if let Err(error) = self.notices.catch_up().await {
                    tracing::debug!(%error, "notices are not read now: {error}");
                }
            }
        };
        tokio::join!(probing, catching_up);
    }

    async fn be_there(self: Arc<Self>, beat: Duration, stop: CancellationToken) {
        let presence = &self.presence;
        tokio::join!(every(beat, &stop, || presence.beat()), every(beat / 2, &stop, || presence.look()));
        presence.end().await;
    }
}

#[async_trait::async_trait]
impl Bus for RedisBus {
    fn node(&self) -> NodeId {
        self.node
    }

    fn members(&self) -> Arc<[NodeId]> {
        self.presence.members()
    }

    async fn publish(&self, notice: Notice) -> Result<(), BusError> {
        self.notices.publish(&self.wire, notice).await
    }

    fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    async fn cast(&self, message: Bytes) {
        let written = message::write_message(self.node, &message);
        // This node hears it whatever becomes of Redis; an error means that nobody listens.
        let _ = self.casts.send(message);
        if self.wire.publish(keys::CASTS.to_owned(), written).await == Sent::Not {
            metrics::counter!("bidhub_bus_casts_lost_total").increment(1);
        }
    }

    fn casts(&self) -> broadcast::Receiver<Bytes> {
        self.casts.subscribe()
    }

    async fn tell(&self, node: NodeId, message: Bytes) -> Result<(), BusError> {
        if node == self.node {
            return self.told.try_send((node, message)).map_err(|error| BusError(error.to_string()));
        }
        match self.wire.publish(keys::to(node), message::write_message(self.node, &message)).await {
            Sent::Not => Err(BusError("there is no connection".to_owned())),
            Sent::To(0) if !self.wire.sees_only_some() => Err(BusError(format!("there is no node {node}"))),
            Sent::To(_) => Ok(()),
            Sent::Unknown => {
                // It may have arrived, so it is not an error; whoever waits for an answer has a deadline.
                metrics::counter!("bidhub_bus_tell_unknown_total").increment(1);
                Ok(())
            }
        }
    }

    fn told(&self) -> Option<mpsc::Receiver<(NodeId, Bytes)>> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn follow(&self, auction: AuctionId) -> Result<mpsc::Receiver<News>, BusError> {
        match tokio::time::timeout(self.patience, self.followers.follow(auction)).await {
            Ok(Some(news)) => Ok(news),
            _ => Err(BusError(format!("the news of {auction} cannot be had now"))),
        }
    }

    async fn leave(&self) {
        self.presence.leave().await;
    }

    async fn probe(&self) -> Result<(), BusError> {
        self.probe.ask(&self.wire).await
    }
}
