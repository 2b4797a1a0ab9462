//! A cache before what many read and few change: pages of lists, counts, the words of an auction.
//!
//! Each process keeps values in its own memory, bounded in bytes; nodes of many also share what one of them has looked up,
//! in Redis, and keep it for themselves for a second at most. Whoever changes something promises before the commit to forget
//! its [`Tag`]: see [`Cache::forgetting`]. A look-up that began before a change never passes for one that began after it, see
//! [`near`] and [`shared`]. The time that values are kept for is only for the change of which nobody could tell.
//!
//! A cache that is away slows, and breaks nothing: then everything is looked up. Nothing here is the truth, nothing that
//! one caller alone may see is ever kept here, and nobody decides anything by it. Of those who miss the same value at
//! the same time on one node, one looks it up. Over nodes there is no lock: as many look-ups as there are nodes is few, and
//! a lock would be one more thing to wait for when its holder dies.
//!
//! Values are JSON, with times in the one format of the wire.

mod circuit;
mod forgetting;
mod key;
mod near;
mod shared;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::chance::Chance;
use crate::clock::Clock;
use crate::coordination::Bus;

pub use forgetting::Forgetting;
use forgetting::Late;
pub use key::{Key, Kind, TTL_MAX, Tag};
use near::{Held, Near};
pub use shared::Shared;
use shared::{LOOK_UP_MAX, Looked};

/// How long a node of many keeps a value for itself: so long may it show what has changed, should the word of it be lost.
const NEAR_TTL_OF_NODES: Duration = Duration::from_secs(1);

/// What a cache is made of.
pub struct Parts {
    /// How much this process keeps, in bytes.
    pub bytes: u64,
    /// What nodes keep together, and how they tell each other; none for a hub of one process.
    pub others: Option<(Arc<Shared>, Arc<dyn Bus>)>,
    /// The time, for words that are used once.
    pub clock: Clock,
    /// Chance, for the same.
    pub chance: Chance,
}

/// The cache of a process. Cloning it is cheap.
#[derive(Clone, Default)]
pub struct Cache(Option<Arc<Inner>>);

struct Inner {
    near: Near,
    others: Option<(Arc<Shared>, Arc<dyn Bus>)>,
    late: Late,
    clock: Clock,
    chance: Chance,
}

/// Why there is nothing to keep.
enum Nothing<E> {
    /// There is no such thing.
    Absent,
    /// It could not be looked up.
    Failed(E),
    /// It cannot be written.
    Unwritten,
}

impl Cache {
    /// One that keeps nothing.
    pub fn off() -> Self {
        Self(None)
    }

    /// A cache, and what hears of changes at other nodes until `stop`, to be run beside it.
    pub fn new(parts: Parts, stop: CancellationToken) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let Parts { bytes, others, clock, chance } = parts;
        // Heard from here on, whenever the work begins.
        let casts = others.as_ref().map(|(_, bus)| bus.casts());
        let inner = Arc::new(Inner { near: Near::new(bytes), others, late: Late::default(), clock, chance });
        let listening = inner.clone().listen(casts, stop);
        (Self(Some(inner)), listening)
    }

    /// The value of `key`: as it is kept, or as `load` gives it. Where `load` gives nothing or fails, those who asked at
    /// the same time get the same, and nothing is kept: so nobody can fill the cache by asking for what is not there.
    /// A value that is found is as new as the last change that was forgotten before this was called.
    pub async fn get_or_load<T, E, F>(&self, key: &Key<T>, load: impl Fn() -> F) -> Result<Option<T>, E>
    where
        T: Serialize + DeserializeOwned,
        E: Clone + Send + Sync + 'static,
        F: Future<Output = Result<Option<T>, E>>,
    {
        let Some(inner) = &self.0 else { return load().await };
        // Taken before anything is looked up.
        let slot = (key.place.clone(), inner.near.generation(&key.tag));
        let found = inner.near.get_or(slot, inner.find(key, &load)).await;
        let outcome = match &found {
            Ok((_, false)) => "hit",
            Ok((held, true)) if held.shared => "shared",
            Ok(_) => "miss",
            Err(why) if matches!(**why, Nothing::Failed(_)) => "failed",
            Err(_) => "absent",
        };
        metrics::counter!("bidhub_cache_requests_total", "kind" => key.kind.name, "outcome" => outcome).increment(1);
        match found {
            Ok((held, _)) => match serde_json::from_slice(&held.json) {
                Ok(value) => Ok(Some(value)),
                Err(error) => {
                    tracing::error!(kind = key.kind.name, %error, "a value was kept that cannot be read: {error}");
                    load().await
                }
            },
            Err(why) => match &*why {
                Nothing::Absent => Ok(None),
                Nothing::Failed(error) => Err(error.clone()),
                Nothing::Unwritten => load().await,
            },
        }
    }

    /// Promises to forget all that depends on `tags`. Call it before the commit of what changes them, and
    /// [`Forgetting::now`] after it, before anyone is answered.
    pub fn forgetting(&self, tags: Vec<Tag>) -> Forgetting {
        Forgetting::new(self.clone(), tags)
    }
}

impl Inner {
    /// The value as nodes keep it together, else as `load` gives it.
    async fn find<T, E, F>(&self, key: &Key<T>, load: impl Fn() -> F) -> Result<Held, Nothing<E>>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<Option<T>, E>>,
    {
        let began = Instant::now();
        let ttl = match self.others {
            Some(_) => key.kind.ttl.min(NEAR_TTL_OF_NODES),
            None => key.kind.ttl,
        };
        let mut keep = None;
        if let Some((shared, _)) = &self.others
            && !self.late.has(&key.tag)
        {
            match shared.look(&key.tag, &key.place).await {
                // Another version of the program may have written something else.
                Looked::Found(json) if serde_json::from_slice::<T>(&json).is_ok() => {
                    return Ok(Held { json, shared: true, ttl });
                }
                Looked::Missing(word) => keep = Some((shared.clone(), word)),
                Looked::Found(_) | Looked::Away => {}
            }
        }
        let value = load().await.map_err(Nothing::Failed)?.ok_or(Nothing::Absent)?;
        let json = serde_json::to_vec(&value).map_err(|error| {
            tracing::error!(kind = key.kind.name, %error, "a value cannot be kept: {error}");
            Nothing::Unwritten
        })?;
        let json = bytes::Bytes::from(json);
        if let Some((shared, word)) = keep
            && began.elapsed() < LOOK_UP_MAX
        {
            let (kind, place, json) = (key.kind, key.place.clone(), json.clone());
            // Nobody waits for it; it has a limit of its own.
            tokio::spawn(async move { shared.keep(kind, &place, &word, &json).await });
        }
        Ok(Held { json, shared: false, ttl })
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Cache" } else { "Cache(off)" })
    }
}
