//! How what has changed is forgotten: first where nodes keep values together, then here, then by word to all nodes.
//!
//! In this order no node can read the old value from the others after it has forgotten its own. What could not be forgotten
//! there because Redis was away is tried again, and until then this node does not read it there.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::key::{TTL_MAX, Tag};
use super::{Cache, Inner};

/// How often what could not be forgotten is tried again.
const RETRY_EVERY: Duration = Duration::from_millis(300);
/// How many tags may wait for that; one more is left to the end of its values' time.
const LATE_MAX: usize = 10_000;
/// How many tags one message names.
const TAGS_AT_ONCE: usize = 200;
/// With what a message begins: a byte that begins no MessagePack, so that nobody else on the channel takes it for theirs.
const OPENING: &[u8] = b"\xc1cache ";

/// A promise to forget, made before a change is committed. It is kept when this is dropped, whatever became of the change
/// and of whoever made it: to forget what has not changed costs a look-up and nothing else.
#[must_use = "what is forgotten at once is looked up again before the change"]
#[derive(Debug)]
pub struct Forgetting {
    cache: Cache,
    tags: Vec<Tag>,
}

/// What is still to be forgotten where nodes keep values together.
#[derive(Default)]
pub(super) struct Late {
    any: AtomicBool,
    tags: Mutex<HashMap<Tag, Instant>>,
}

impl Forgetting {
    pub(super) fn new(cache: Cache, tags: Vec<Tag>) -> Self {
        Self { cache, tags }
    }

    /// Forgets now. When it returns, this node has.
    pub async fn now(mut self) {
        if let Some(task) = self.begin() {
            // On a task of its own it goes to its end even if nobody waits for it any more.
            let _ = task.await;
        }
    }

    fn begin(&mut self) -> Option<tokio::task::JoinHandle<()>> {
        let tags = std::mem::take(&mut self.tags);
        let inner = self.cache.0.clone().filter(|_| !tags.is_empty())?;
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        Some(runtime.spawn(async move { inner.forget(tags).await }))
    }
}

impl Drop for Forgetting {
    fn drop(&mut self) {
        drop(self.begin());
    }
}

impl Inner {
    async fn forget(&self, tags: Vec<Tag>) {
        let Some((shared, bus)) = &self.others else {
            tags.iter().for_each(|tag| self.near.forget(tag));
            return;
        };
        let given = tags.iter().map(|tag| async {
            if !shared.forget(tag, &self.new_word()).await {
                self.late.add(tag);
            }
        });
        futures_util::future::join_all(given).await;
        tags.iter().for_each(|tag| self.near.forget(tag));
        for some in tags.chunks(TAGS_AT_ONCE) {
            bus.cast(written(some)).await;
        }
    }

    /// Forgets what other nodes say has changed, and tries again what could not be forgotten, until `stop`.
    pub(super) async fn listen(self: Arc<Self>, casts: Option<broadcast::Receiver<Bytes>>, stop: CancellationToken) {
        let (Some((shared, _)), Some(mut casts)) = (&self.others, casts) else { return };
        let mut retry = tokio::time::interval(RETRY_EVERY);
        retry.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = retry.tick() => self.forget_late().await,
                cast = casts.recv() => match cast {
                    Ok(bytes) => read(&bytes).iter().for_each(|tag| self.near.forget(tag)),
                    Err(broadcast::error::RecvError::Lagged(_)) => self.near.forget_all(),
                    Err(broadcast::error::RecvError::Closed) => break,
                },
            }
        }
        shared.quit().await;
    }

    async fn forget_late(&self) {
        let Some((shared, bus)) = &self.others else { return };
        for tag in self.late.due() {
            if !shared.forget(&tag, &self.new_word()).await {
                return;
            }
            self.late.remove(&tag);
            self.near.forget(&tag);
            bus.cast(written(std::slice::from_ref(&tag))).await;
        }
    }

    fn new_word(&self) -> String {
        self.chance.uuid(self.clock.now()).to_string()
    }
}

impl Late {
    /// True if `tag` waits.
    pub fn has(&self, tag: &Tag) -> bool {
        self.any.load(Ordering::SeqCst) && self.tags().contains_key(tag)
    }

    fn add(&self, tag: &Tag) {
        let mut tags = self.tags();
        if tags.len() >= LATE_MAX && !tags.contains_key(tag) {
            metrics::counter!("bidhub_cache_away_total", "call" => "forget_never").increment(1);
            return;
        }
        tags.insert(tag.clone(), Instant::now());
        self.any.store(true, Ordering::SeqCst);
    }

    fn remove(&self, tag: &Tag) {
        let mut tags = self.tags();
        tags.remove(tag);
        self.any.store(!tags.is_empty(), Ordering::SeqCst);
    }

    /// Those that wait. What was to be forgotten before anything that is kept now began to be kept need no longer be.
    fn due(&self) -> Vec<Tag> {
        if !self.any.load(Ordering::SeqCst) {
            return Vec::new();
        }
        let mut tags = self.tags();
        tags.retain(|_, since| since.elapsed() < TTL_MAX + super::shared::LOOK_UP_MAX);
        self.any.store(!tags.is_empty(), Ordering::SeqCst);
        tags.keys().cloned().collect()
    }

    fn tags(&self) -> MutexGuard<'_, HashMap<Tag, Instant>> {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn written(tags: &[Tag]) -> Bytes {
    let names: Vec<&str> = tags.iter().map(Tag::as_str).collect();
    [OPENING, names.join("\n").as_bytes()].concat().into()
}

/// The tags of a message; none if it is not about any.
fn read(bytes: &[u8]) -> Vec<Tag> {
    let names = bytes.strip_prefix(OPENING).and_then(|names| std::str::from_utf8(names).ok());
    names.map(|names| names.lines().map(Tag::all).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_tags_and_whatever_else_is_cast_names_none() {
        let tags = [Tag::all("auctions"), Tag::one("comments", 7)];
        assert_eq!(read(&written(&tags)), tags);
        assert!(read(&rmp_serde::to_vec(&("l", "text")).unwrap()).is_empty() && read(b"").is_empty());
    }
}
