//! Notices reach every node, late rather than never: beside being said at once they are kept in short streams, which each
//! node reads after it may have missed something, and every few seconds. What ends has a stream of its own, so that no
//! number of notifications pushes it out.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::redis::cmd;
use bytes::Bytes;
use tokio::sync::broadcast;

use super::wire::Wire;
use super::{keys, message};
use crate::coordination::{BusError, Notice};
use crate::persistence::RedisError;
use crate::persistence::redis::Redis;

/// About so many notices are kept in each stream.
const KEPT: usize = 8_192;
/// How many are read at once.
const READ_AT_ONCE: usize = 500;
/// How often it is tried to keep a notice.
const TRIES: usize = 2;
/// How many that were heard before they were read are remembered.
const REMEMBERED_MAX: usize = 20_000;

/// An entry of a stream: its id, then its one field and what is in it.
type Entry = (String, Vec<Vec<u8>>);

/// The notices of this node.
pub(super) struct Notices {
    redis: Redis,
    heard: broadcast::Sender<Notice>,
    ends: Kept,
    notes: Kept,
}

/// A stream of notices, as far as this node has come in it.
struct Kept {
    key: &'static str,
    /// Everything in the stream up to here was heard. Held by whoever reads it or adds to it.
    last: tokio::sync::Mutex<String>,
    /// And these after it.
    since: Mutex<HashSet<String>>,
}

impl Notices {
    /// From here on; those who listen may leave up to `capacity` notices waiting.
    pub async fn start(redis: Redis, capacity: usize) -> Result<Self, RedisError> {
        let heard = broadcast::channel(capacity).0;
        let (ends, notes) = (Kept::open(&redis, keys::NOTICES).await?, Kept::open(&redis, keys::NOTES).await?);
        Ok(Self { redis, heard, ends, notes })
    }

    /// From here on, every notice.
    pub fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.heard.subscribe()
    }

    /// Tells this node at once, then all. Fails if it could not be kept where it must be: who did not listen just now is then
    /// not told.
    pub async fn publish(&self, wire: &Wire, notice: Notice) -> Result<(), BusError> {
        self.hear(notice);
        let bytes = message::write_notice(notice);
        let kept = match self.stream(notice) {
            Some(stream) => stream.keep(&self.redis, &bytes).await,
            None => Ok(String::new()),
        };
        let id = kept.as_deref().unwrap_or_default();
        let said = [id.as_bytes(), b" ", &bytes].concat();
        wire.publish(keys::ALL.to_owned(), said.into()).await;
        kept.map(|_| ()).map_err(|error| BusError(error.to_string()))
    }

    /// A notice was said by some node.
    pub fn said(&self, bytes: &Bytes) {
        let Some(at) = bytes.iter().position(|byte| *byte == b' ') else { return };
        let (id, notice) = (String::from_utf8_lossy(&bytes[..at]).into_owned(), message::read_notice(&bytes[at + 1..]));
        let Some(notice) = notice else {
            tracing::warn!("a notice that this program does not know was left out");
            return;
        };
        let stream = self.stream(notice).filter(|_| !id.is_empty());
        if stream.is_none_or(|stream| stream.since().insert(id)) {
            self.hear(notice);
        }
    }

    /// Reads what was kept and not heard yet.
    pub async fn catch_up(&self) -> Result<(), RedisError> {
        self.ends.catch_up(&self.redis, |notice| self.hear(notice)).await?;
        self.notes.catch_up(&self.redis, |notice| self.hear(notice)).await
    }

    /// Where a notice is kept; none if it may be lost.
    fn stream(&self, notice: Notice) -> Option<&Kept> {
        match notice {
            Notice::SessionEnded(_) | Notice::AccountEnded(_) => Some(&self.ends),
            Notice::PushNotes(_) => Some(&self.notes),
            Notice::NotesWritten => None,
        }
    }

    fn hear(&self, notice: Notice) {
        // An error means that nobody listens, which is no failure.
        let _ = self.heard.send(notice);
    }
}

impl Kept {
    /// The stream, from its present end on.
    async fn open(redis: &Redis, key: &'static str) -> Result<Self, RedisError> {
        let newest: Vec<Entry> = redis.run(cmd("XREVRANGE").arg(key).arg("+").arg("-").arg("COUNT").arg(1)).await?;
        let last = newest.into_iter().next().map_or_else(|| "0-0".to_owned(), |(id, _)| id);
        Ok(Self { key, last: tokio::sync::Mutex::new(last), since: Mutex::default() })
    }

    /// Adds a notice that this node has heard; gives its id.
    async fn keep(&self, redis: &Redis, bytes: &Bytes) -> Result<String, RedisError> {
        let mut add = cmd("XADD");
        add.arg(self.key).arg("MAXLEN").arg("~").arg(KEPT).arg("*").arg("n").arg(&bytes[..]);
        // Held so that catching up does not find it before it is known as heard.
        let _alone = self.last.lock().await;
        let mut kept: Result<String, _> = redis.run(&add).await;
        for _ in 1..TRIES {
            if kept.is_err() {
                // If it was kept all the same, it is heard twice.
                kept = redis.run(&add).await;
            }
        }
        if let Ok(id) = &kept {
            self.since().insert(id.clone());
        }
        kept
    }

    async fn catch_up(&self, redis: &Redis, hear: impl Fn(Notice)) -> Result<(), RedisError> {
        let mut last = self.last.lock().await;
        loop {
            let mut range = cmd("XRANGE");
            range.arg(self.key).arg(format!("({last}")).arg("+").arg("COUNT").arg(READ_AT_ONCE);
            let read: Vec<Entry> = redis.run(&range).await?;
            let count = read.len();
            for (id, fields) in read {
                let notice = fields.get(1).and_then(|bytes| message::read_notice(bytes));
                if !self.since().remove(&id)
                    && let Some(notice) = notice
                {
                    metrics::counter!("bidhub_bus_notices_late_total").increment(1);
                    hear(notice);
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
}
