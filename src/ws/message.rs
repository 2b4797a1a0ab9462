//! What the hub says on a socket: the answers and pushes of the contract.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::codec::Codec;
use crate::clock::WireTime;
use crate::journal::public::PublicRecord;
use crate::notify::Notification;
use crate::wire::{Accepted, Hints, State, You};

/// A message to a client.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Message<'a> {
    Authenticated {
        reply_to: i64,
        user: User,
        expires_at: WireTime,
    },
    Joined {
        reply_to: i64,
        auction: Uuid,
        seq: u64,
        log: Uuid,
        #[serde(skip_serializing_if = "Option::is_none")]
        resumed: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        events: Option<Vec<PublicEvent<'a>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<Box<State>>,
        /// The caller's own part, where no state carries it.
        #[serde(skip_serializing_if = "Option::is_none")]
        you: Option<Option<You>>,
        /// How many watch, as far as is known yet.
        viewers: u32,
    },
    Left {
        reply_to: i64,
        auction: Uuid,
    },
    BidAccepted {
        reply_to: i64,
        #[serde(flatten)]
        accepted: Accepted,
    },
    BidRejected {
        reply_to: i64,
        auction: &'a str,
        key: &'a str,
        code: &'static str,
        message: &'static str,
        #[serde(flatten)]
        hints: Hints,
    },
    Following {
        reply_to: i64,
        topic: &'static str,
    },
    Unfollowed {
        reply_to: i64,
        topic: &'static str,
    },
    Pong {
        reply_to: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        sent_at: Option<Value>,
        server_time: WireTime,
    },
    Error {
        reply_to: Option<i64>,
        code: &'static str,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        field: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry: Option<bool>,
    },
    Events {
        auction: Uuid,
        events: Vec<PublicEvent<'a>>,
    },
    State {
        auction: Uuid,
        seq: u64,
        log: Uuid,
        state: Box<State>,
    },
    Notification(&'a Notification),
    /// In place of notifications that this connection was too slow for, or that could not be read.
    NotificationsMissed {},
    Draining {
        reconnect_after_ms: u64,
    },
}

/// Who has signed in.
#[derive(Serialize)]
pub(super) struct User {
    pub id: Uuid,
    pub display_name: Arc<str>,
    pub roles: Vec<String>,
}

/// An event by its public bytes: in JSON they go out as they are, in MessagePack as the same map.
pub(super) struct PublicEvent<'a> {
    pub bytes: &'a str,
    pub codec: Codec,
}

impl Serialize for PublicEvent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error as _;
        match self.codec {
            Codec::Json => {
                serde_json::from_str::<&RawValue>(self.bytes).map_err(S::Error::custom)?.serialize(serializer)
            }
            Codec::MessagePack => {
                serde_json::from_str::<PublicRecord>(self.bytes).map_err(S::Error::custom)?.serialize(serializer)
            }
        }
    }
}
