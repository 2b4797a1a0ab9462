//! The memory of refused bids and acts by their keys. A refusal is no event, so it is not in the log; it is kept for as
//! long as a copy of its command may still arrive, so that the copy is not decided anew.

use std::collections::{HashMap, VecDeque};

use crate::domain::auction::Rejection;
use crate::domain::{AccountId, BidKey, Timestamp};

/// How many refusals are remembered in one room; the oldest is forgotten first.
const REJECTED_MAX: usize = 16_384;

/// Refusals of commands whose content is a `C`.
pub(super) struct RejectedKeys<C> {
    by_key: HashMap<(AccountId, BidKey), (C, Rejection)>,
    order: VecDeque<(Timestamp, AccountId, BidKey)>,
}

impl<C> Default for RejectedKeys<C> {
    fn default() -> Self {
        Self { by_key: HashMap::new(), order: VecDeque::new() }
    }
}

impl<C: PartialEq> RejectedKeys<C> {
    /// The refusal that this command got before.
    pub(super) fn get(&self, by: AccountId, key: &BidKey, content: &C) -> Option<Rejection> {
        let (first, rejection) = self.by_key.get(&(by, key.clone()))?;
        Some(if first == content { *rejection } else { Rejection::KeyReused })
    }

    /// Remembers a refusal until `until`, if it is final. True if it is.
    pub(super) fn remember(
        &mut self,
        (by, key): (AccountId, &BidKey),
        content: C,
        rejection: Rejection,
        until: Timestamp,
    ) -> bool {
        if !rejection.is_final() || rejection == Rejection::KeyReused {
            return false;
        }
        if self.order.len() >= REJECTED_MAX {
            self.forget_oldest();
        }
        if self.by_key.insert((by, key.clone()), (content, rejection)).is_none() {
            self.order.push_back((until, by, key.clone()));
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
