//! What people see at once though it need not be kept: a comment in a room, an answer to a ticket, how many watch.
//!
//! It is cast to all nodes, and each hands it to the sockets that it has. It may be lost: whoever was away reads the same
//! over REST. What must reach somebody is a notification, and what happens in an auction is an event of its log.

mod viewers;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::coordination::Bus;
use crate::domain::{AccountId, AuctionId, NodeId};

pub use viewers::Viewers;

/// How many messages may wait to be cast; one more is dropped.
const WAITING_MAX: usize = 4_096;
/// The longest message that is cast, in bytes.
const MESSAGE_MAX_BYTES: usize = 65_536;

/// Who is to see a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// Everyone in the room of an auction.
    Room(AuctionId),
    /// Every connection of an account.
    Account(AccountId),
    /// Every connection of staff.
    Staff,
    /// Every connection that follows the activity of the hub.
    Feed,
}

/// Casts messages to all nodes. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Live(mpsc::Sender<Bytes>);

/// A message on its way to sockets: JSON as it was cast, and in the other codec made by whoever needs it first.
#[derive(Debug)]
pub struct LiveFrame {
    /// The message, an object with a `type`.
    pub json: String,
    other: OnceLock<Bytes>,
}

/// The sockets of this node. Every call returns at once.
pub trait Stage: Send + Sync + 'static {
    /// How many watch each room from here, where anyone does.
    fn watching(&self) -> Vec<(AuctionId, usize)>;

    /// Hands a message to those of `audience` who are here.
    fn show(&self, audience: Audience, frame: &Arc<LiveFrame>);
}

/// An audience as it is cast.
#[derive(Serialize, Deserialize)]
enum Whom {
    #[serde(rename = "r")]
    Room(Uuid),
    #[serde(rename = "a")]
    Account(Uuid),
    #[serde(rename = "s")]
    Staff,
    #[serde(rename = "f")]
    Feed,
}

/// What is cast.
#[derive(Serialize, Deserialize)]
enum Cast {
    #[serde(rename = "l")]
    Message(Whom, String),
    /// How many watch rooms from the node that says so: all of them, or those that have changed.
    #[serde(rename = "v")]
    Viewers { node: Uuid, whole: bool, counts: Vec<(Uuid, u32)> },
}

impl Live {
    /// Begins to cast over `bus`, until `stop`.
    pub fn start(bus: Arc<dyn Bus>, stop: CancellationToken) -> Self {
        let (sender, mut waiting) = mpsc::channel(WAITING_MAX);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    message = waiting.recv() => match message {
                        Some(message) => bus.cast(message).await,
                        None => return,
                    },
                }
            }
        });
        Self(sender)
    }

    /// Shows `message`, an object with a `type`, to `audience` on every node. It never waits; call it after the commit of
    /// what it tells.
    pub fn cast(&self, audience: Audience, message: &impl Serialize) {
        let json = match serde_json::to_string(message) {
            Ok(json) if json.len() <= MESSAGE_MAX_BYTES => json,
            Ok(json) => return tracing::warn!(bytes = json.len(), "a live message is too long and was not sent"),
            Err(error) => return tracing::error!(%error, "a live message cannot be written: {error}"),
        };
        let written = rmp_serde::to_vec(&Cast::Message(audience.into(), json)).map(Bytes::from);
        if written.map(|bytes| self.0.try_send(bytes)).is_ok_and(|sent| sent.is_err()) {
            dropped("cast");
        }
    }
}

impl LiveFrame {
    /// A frame of `json` in its one encoding.
    pub fn new(json: String) -> Self {
        Self { json, other: OnceLock::new() }
    }

    /// The frame in the other codec, made by `encode` for the first who asks.
    pub fn other(&self, encode: impl FnOnce(&str) -> Bytes) -> Bytes {
        self.other.get_or_init(|| encode(&self.json)).clone()
    }
}

/// Notes that a message was dropped, and where.
pub fn dropped(at: &'static str) {
    metrics::counter!("bidhub_live_dropped_total", "at" => at).increment(1);
}

/// Brings what is cast to `stage` until `stop`, and counts in `viewers` who watches where.
pub async fn show(bus: Arc<dyn Bus>, stage: Arc<dyn Stage>, viewers: Viewers, stop: CancellationToken) {
    let mut casts = bus.casts();
    let mut look = tokio::time::interval(viewers::LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let cast = tokio::select! {
            () = stop.cancelled() => return,
            _ = look.tick() => {
                viewers.look(&*bus, &*stage).await;
                continue;
            }
            cast = casts.recv() => cast,
        };
        match cast {
            Ok(bytes) => match rmp_serde::from_slice(&bytes) {
                Ok(Cast::Message(whom, json)) => stage.show(whom.into(), &Arc::new(LiveFrame::new(json))),
                Ok(Cast::Viewers { node, whole, counts }) => viewers.heard(NodeId(node), whole, &counts),
                // A later version says more.
                Err(error) => tracing::debug!(%error, "something was cast that cannot be read: {error}"),
            },
            Err(broadcast::error::RecvError::Lagged(_)) => dropped("heard"),
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

impl From<Audience> for Whom {
    fn from(audience: Audience) -> Self {
        match audience {
            Audience::Room(auction) => Self::Room(auction.0),
            Audience::Account(account) => Self::Account(account.0),
            Audience::Staff => Self::Staff,
            Audience::Feed => Self::Feed,
        }
    }
}

impl From<Whom> for Audience {
    fn from(whom: Whom) -> Self {
        match whom {
            Whom::Room(auction) => Self::Room(AuctionId(auction)),
            Whom::Account(account) => Self::Account(AccountId(account)),
            Whom::Staff => Self::Staff,
            Whom::Feed => Self::Feed,
        }
    }
}
