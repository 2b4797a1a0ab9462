//! Notices reach every node, late rather than never: beside being said at once they are kept in a short stream, which each
//! node reads after it may have missed something, and every few seconds.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::redis::cmd;
use bytes::Bytes;
use tokio::sync::broadcast;

use super::wire::{Sent, Wire};
use super::{keys, message};
use crate::coordination::{BusError, Notice};
use crate::persistence::RedisError;
use crate::persistence::redis::Redis;

/// About so many notices are kept.
const KEPT: usize = 8_192;
/// How many are read at once.
const READ_AT_ONCE: usize = 500;
/// How many that were heard before they were read are remembered.
const REMEMBERED_MAX: usize = 20_000;

/// An entry of the stream: its id, then its one field and what is in it.
type Entry = (String, Vec<Vec<u8>>);

/// The notices of this node.
pub(super) struct Notices {
    redis: Redis,
    heard: broadcast::Sender<Notice>,
    /// Everything in the stream up to here was heard. Held by whoever reads it or adds to it.
    last: tokio::sync::Mutex<String>,
    /// And these after it.
    since: Mutex<HashSet<String>>,
}

impl Notices {
    /// From here on; those who listen may leave up to `capacity` notices waiting.
    pub async fn start(redis: Redis, capacity: usize) -> Result<Self, RedisError> {
        let mut newest = cmd("XREVRANGE");
        newest.arg(keys::NOTICES).arg("+").arg("-").arg("COUNT").arg(1);
        let newest: Vec<Entry> = redis.run(&newest).await?;
        let last = newest.into_iter().next().map_or_else(|| "0-0".to_owned(), |(id, _)| id);
        let heard = broadcast::channel(capacity).0;
        Ok(Self { redis, heard, last: tokio::sync::Mutex::new(last), since: Default::default() })
    }

    /// From here on, every notice.
    pub fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.heard.subscribe()
    }

    /// Tells this node at once, then all.
    pub async fn publish(&self, wire: &Wire, notice: Notice) -> Result<(), BusError> {
        self.hear(notice);
        let bytes = message::write_notice(notice);
        let mut keep = cmd("XADD");
        keep.arg(keys::NOTICES).arg("MAXLEN").arg("~").arg(KEPT).arg("*").arg("n").arg(&bytes[..]);
        // Held so that catching up does not find it before it is known as heard.
        let alone = self.last.lock().await;
        let kept: Result<String, _> = self.redis.run(&keep).await;
        if let Ok(id) = &kept {
            self.since().insert(id.clone());
        }
        drop(alone);
        let id = kept.as_deref().unwrap_or_default();
        let said = [id.as_bytes(), b" ", &bytes].concat();
        let sent = wire.publish(keys::ALL.to_owned(), said.into()).await;
        match kept {
            Ok(_) => Ok(()),
            Err(error) if matches!(sent, Sent::To(_)) => {
                tracing::warn!(%error, "a notice was said but not kept: {error}");
                Ok(())
            }
            Err(error) => Err(BusError(error.to_string())),
        }
    }

    /// A notice was said by some node.
    pub fn said(&self, bytes: &Bytes) {
        let Some(at) = bytes.iter().position(|byte| *byte == b' ') else { return };
        let (id, notice) = (String::from_utf8_lossy(&bytes[..at]).into_owned(), message::read_notice(&bytes[at + 1..]));
        let Some(notice) = notice else {
            tracing::warn!("a notice that this program does not know was left out");
            return;
        };
        if id.is_empty() || self.since().insert(id) {
            self.hear(notice);
        }
    }

    /// Reads what was kept and not heard yet.
    pub async fn catch_up(&self) -> Result<(), RedisError> {
        let mut last = self.last.lock().await;
        loop {
            let mut range = cmd("XRANGE");
            range.arg(keys::NOTICES).arg(format!("({last}")).arg("+").arg("COUNT").arg(READ_AT_ONCE);
            let read: Vec<Entry> = self.redis.run(&range).await?;
            let count = read.len();
            for (id, fields) in read {
                let notice = fields.get(1).and_then(|bytes| message::read_notice(bytes));
                if !self.since().remove(&id)
                    && let Some(notice) = notice
                {
                    metrics::counter!("bidhub_bus_notices_late_total").increment(1);
                    self.hear(notice);
                }
                *last = id;
            }
            if count < READ_AT_ONCE {
                break;
            }
        }
        let mut since = self.since();
        if since.len() > REMEMBERED_MAX {
            // Said, but never found in the stream: lost with a server.
            since.clear();
        }
        Ok(())
    }

    fn since(&self) -> MutexGuard<'_, HashSet<String>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, notice: Notice) {
        // An error means that nobody listens, which is no failure.
        let _ = self.heard.send(notice);
    }
}
