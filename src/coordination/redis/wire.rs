//! The two connections of the bus, one to listen and one to speak. They come back by themselves, for ever; what was under
//! way is not sent again.

use std::time::Duration;

use bytes::Bytes;
use fred::clients::Client;
use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::types::config::{Options, Server};
use fred::types::{ClusterHash, Message};
use tokio::sync::broadcast::Receiver;

use super::client::{self, Ground};
use crate::persistence::RedisError;
use crate::persistence::redis::RedisUrl;

/// How many messages may wait between the connection and the bus.
const MESSAGES_MAX: usize = 65_536;
/// How many channels one command names.
const CHANNELS_AT_ONCE: usize = 500;

/// Everything that is heard.
pub type Messages = Receiver<Message>;
/// A word each time that the listening connection was made anew.
pub type Reconnects = Receiver<Server>;

/// The connections.
pub struct Wire {
    listening: Client,
    speaking: Client,
    timeout: Duration,
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sent {
    /// It went out to so many listeners, as far as the server that took it can see.
    To(u64),
    /// It surely did not go out.
    Not,
    /// Nobody knows.
    Unknown,
}

impl Wire {
    /// Connects. Fails if that does not succeed within a few times `timeout`, which is how long any answer may take; later
    /// it is tried for ever.
    pub async fn connect(url: &RedisUrl, ca: Option<&[u8]>, timeout: Duration) -> Result<Self, RedisError> {
        let builder = client::builder(Ground { url, ca, timeout, messages_max: MESSAGES_MAX })?;
        let unreachable = |error: fred::error::Error| RedisError::Unreachable(error.to_string());
        let (listening, speaking) = (builder.build().map_err(unreachable)?, builder.build().map_err(unreachable)?);
        let wire = Self { listening, speaking, timeout };
        for client in [&wire.listening, &wire.speaking] {
            match tokio::time::timeout(timeout * 4, client.init()).await {
                Ok(connected) => connected.map_err(unreachable)?,
                Err(_) => return Err(RedisError::Unreachable("no connection in time".to_owned())),
            };
        }
        Ok(wire)
    }

    /// Everything that is heard from here on.
    pub fn messages(&self) -> Messages {
        self.listening.message_rx()
    }

    /// Gets a word each time that the listening connection was made anew, without its channels.
    pub fn reconnects(&self) -> Reconnects {
        self.listening.reconnect_rx()
    }

    /// Listens to `channels`; when it returns without an error, it does.
    pub async fn subscribe(&self, channels: &[String]) -> Result<(), RedisError> {
        for some in channels.chunks(CHANNELS_AT_ONCE) {
            self.listening.subscribe(some.to_vec()).await.map_err(unanswered)?;
        }
        self.barrier().await
    }

    /// No longer listens to `channels`.
    pub async fn unsubscribe(&self, channels: &[String]) -> Result<(), RedisError> {
        for some in channels.chunks(CHANNELS_AT_ONCE) {
            self.listening.unsubscribe(some.to_vec()).await.map_err(unanswered)?;
        }
        Ok(())
    }

    /// Says `message` on `channel`. What is said by one task keeps its order.
    pub async fn publish(&self, channel: String, message: Bytes) -> Sent {
        if !self.speaking.is_connected() {
            return Sent::Not;
        }
        match self.speaking.publish::<i64, _, _>(channel, message).await {
            Ok(listeners) => Sent::To(u64::try_from(listeners).unwrap_or(0)),
            Err(_) => Sent::Unknown,
        }
    }

    /// True while the listening connection is up, as far as it knows.
    pub fn is_connected(&self) -> bool {
        self.listening.is_connected()
    }

    /// True if a server sees only the listeners that are connected to itself.
    pub fn sees_only_some(&self) -> bool {
        self.speaking.is_clustered()
    }

    /// Makes both connections anew.
    pub async fn reconnect(&self) {
        for client in [&self.listening, &self.speaking] {
            let _ = tokio::time::timeout(self.timeout * 2, client.force_reconnection()).await;
        }
    }

    /// Ends both connections.
    pub async fn quit(&self) {
        for client in [&self.listening, &self.speaking] {
            let _ = tokio::time::timeout(self.timeout, client.quit()).await;
        }
    }

    /// Waits until what was sent before on the listening connection is done: the client does not wait for the answer to a
    /// subscription, but answers come in order.
    async fn barrier(&self) -> Result<(), RedisError> {
        let slot = fred::util::redis_keyslot(self.listening.id().as_bytes());
        let options = Options { cluster_hash: Some(ClusterHash::Custom(slot)), ..Default::default() };
        self.listening.with_options(&options).ping::<()>(None).await.map_err(unanswered)
    }
}

fn unanswered(error: fred::error::Error) -> RedisError {
    RedisError::Unanswered(error.to_string())
}
