//! What this process keeps, and which of it still counts.
//!
//! A value is kept under its place and the generation that its tag had before it was looked up. Forgetting a tag raises its
//! generation: what was kept, and what is still being looked up, is then under a number that nobody asks for any more. So a
//! look-up that began before a change can never pass for one that began after it, however long it takes.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use moka::Expiry;
use moka::future::Cache;

use super::key::Tag;

/// How many generations are counted. Tags that share one are forgotten together, which costs a look-up and nothing else.
const MARKS: usize = 4_096;
/// What keeping a value takes beside its bytes, about.
const OVERHEAD_BYTES: usize = 256;

/// Where a value is and under which generation of its tag.
pub(super) type Slot = (Arc<str>, u64);

/// A value that is kept.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// The value as JSON.
    pub json: Bytes,
    /// True if another node had looked it up.
    pub shared: bool,
    /// For how long it is kept.
    pub ttl: Duration,
}

pub(super) struct Near {
    slots: Cache<Slot, Held>,
    marks: Box<[AtomicU64]>,
    hasher: RandomState,
}

struct Life;

impl Expiry<Slot, Held> for Life {
    fn expire_after_create(&self, _: &Slot, held: &Held, _: Instant) -> Option<Duration> {
        Some(held.ttl)
    }
}

impl Near {
    /// Keeps up to `bytes`.
    pub fn new(bytes: u64) -> Self {
        let weight = |(place, _): &Slot, held: &Held| {
            u32::try_from(place.len() + held.json.len() + OVERHEAD_BYTES).unwrap_or(u32::MAX)
        };
        let slots = Cache::builder().max_capacity(bytes).weigher(weight).expire_after(Life).build();
        let marks = (0..MARKS).map(|_| AtomicU64::new(0)).collect();
        Self { slots, marks, hasher: RandomState::new() }
    }

    /// The generation of a tag. Ask before looking up what depends on it.
    pub fn generation(&self, tag: &Tag) -> u64 {
        self.mark(tag).load(Ordering::SeqCst)
    }

    /// What is kept in `slot`, or what `find` gives, which only one of those who ask at the same time runs. True if it was
    /// this one. An error goes to all of them and is not kept.
    pub async fn get_or<E: Send + Sync + 'static>(
        &self,
        slot: Slot,
        find: impl Future<Output = Result<Held, E>>,
    ) -> Result<(Held, bool), Arc<E>> {
        let entry = self.slots.entry(slot).or_try_insert_with(find).await?;
        let fresh = entry.is_fresh();
        Ok((entry.into_value(), fresh))
    }

    /// From here on nothing counts that depends on `tag`.
    pub fn forget(&self, tag: &Tag) {
        self.mark(tag).fetch_add(1, Ordering::SeqCst);
    }

    /// From here on nothing counts.
    pub fn forget_all(&self) {
        for mark in &self.marks {
            mark.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn mark(&self, tag: &Tag) -> &AtomicU64 {
        let place = self.hasher.hash_one(tag) % self.marks.len() as u64;
        &self.marks[place as usize]
    }
}
