//! The memory of accepted bids by their keys, one for each bidder: the same key gets the same verdict, once decided.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, DefaultHasher};

use super::{Offer, Rejection};
use crate::domain::{BidKey, Money, Seq, Span, Timestamp};

/// How many accepted keys are remembered for each bidder. The oldest is forgotten first.
pub const KEYS_PER_BIDDER: usize = 8_192;

/// A key younger than this is never forgotten: a copy of its command may still arrive. It must exceed the deadline
/// that a command carries. A bidder whose memory is full of such young keys has to wait.
pub const KEY_RETENTION: Span = Span::from_secs(15);

/// What an accepted bid led to, as it is told to its bidder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// The number of the bid.
    pub seq: Seq,
    /// Whether the bidder led after it.
    pub leading: bool,
    /// The price after it.
    pub price: Money,
    /// The least that the next bid had to offer.
    pub minimum_bid: Money,
    /// The bidder's own ceiling.
    pub your_max: Money,
}

/// An accepted bid in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Remembered {
    /// What was offered under the key.
    pub offer: Offer,
    /// When it was decided.
    pub at: Timestamp,
    /// What was answered.
    pub verdict: Verdict,
}

// Fixed hashing keys: the core has no randomness. A bidder who made keys collide would slow down only the own bids,
// and by no more than a look through the own few thousand keys.
type ByKey = HashMap<BidKey, Remembered, BuildHasherDefault<DefaultHasher>>;

/// Accepted keys of one bidder, oldest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KeyMemory {
    by_key: ByKey,
    order: VecDeque<BidKey>,
}

impl KeyMemory {
    /// What was answered to `key`, if it was accepted.
    pub fn get(&self, key: &BidKey) -> Option<&Remembered> {
        self.by_key.get(key)
    }

    /// Refuses if one key more would mean forgetting a young one.
    pub(super) fn check_room(&self, now: Timestamp) -> Result<(), Rejection> {
        if self.order.len() < KEYS_PER_BIDDER {
            return Ok(());
        }
        let oldest = self.order.front().and_then(|key| self.by_key.get(key));
        match oldest {
            Some(oldest) if oldest.at.plus(KEY_RETENTION) > now => Err(Rejection::RateLimited),
            _ => Ok(()),
        }
    }

    /// Remembers an accepted key, forgetting the oldest if need be.
    pub fn remember(&mut self, key: BidKey, remembered: Remembered) {
        if self.order.len() >= KEYS_PER_BIDDER
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_key.remove(&oldest);
        }
        if self.by_key.insert(key.clone(), remembered).is_none() {
            self.order.push_back(key);
        }
    }

    /// Every remembered key, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (&BidKey, &Remembered)> {
        self.order.iter().filter_map(|key| self.by_key.get_key_value(key))
    }

    /// How many keys are remembered.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// True if no key is remembered.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}
