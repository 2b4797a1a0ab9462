//! The memory of refused bids by their keys. A refusal is no event, so it is not in the log; it is kept for as long as a
//! copy of its command may still arrive, so that the copy is not decided anew.

use std::collections::{HashMap, VecDeque};

use crate::domain::auction::{Bid, Offer, Rejection};
use crate::domain::{AccountId, BidKey, Timestamp};

/// How many refusals are remembered in one room; the oldest is forgotten first.
const REJECTED_MAX: usize = 16_384;

#[derive(Default)]
pub(super) struct RejectedKeys {
    by_key: HashMap<(AccountId, BidKey), (Offer, Rejection)>,
    order: VecDeque<(Timestamp, AccountId, BidKey)>,
}

impl RejectedKeys {
    /// The refusal that this bid got before.
    pub(super) fn get(&self, bid: &Bid) -> Option<Rejection> {
        let (offer, rejection) = self.by_key.get(&(bid.bidder, bid.key.clone()))?;
        Some(if *offer == bid.offer { *rejection } else { Rejection::KeyReused })
    }

    /// Remembers a refusal until `until`, if it is final. True if it is.
    pub(super) fn remember(&mut self, bid: &Bid, rejection: Rejection, until: Timestamp) -> bool {
        if !rejection.is_final() || rejection == Rejection::KeyReused {
            return false;
        }
        if self.order.len() >= REJECTED_MAX {
            self.forget_oldest();
        }
        if self.by_key.insert((bid.bidder, bid.key.clone()), (bid.offer, rejection)).is_none() {
            self.order.push_back((until, bid.bidder, bid.key.clone()));
        }
        true
    }

    /// Forgets refusals that nobody was told.
    pub(super) fn forget(&mut self, keys: &[(AccountId, BidKey)]) {
        for key in keys {
            self.by_key.remove(key);
        }
        let by_key = &self.by_key;
        self.order.retain(|(_, bidder, key)| by_key.contains_key(&(*bidder, key.clone())));
    }

    /// Forgets what no copy can ask for any more.
    pub(super) fn expire(&mut self, now: Timestamp) {
        while self.order.front().is_some_and(|(until, ..)| *until < now) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, bidder, key)) = self.order.pop_front() {
            self.by_key.remove(&(bidder, key));
        }
    }
}
