//! The memory of refused bids and acts by their keys. A refusal is no event, so it is not in the log; it is kept for as
//! long as a copy of its command may still arrive, so that the copy is not decided anew.

use std::collections::{HashMap, VecDeque};

use super::funding::Raise;
use crate::domain::auction::Rejection;
use crate::domain::{AccountId, BidKey, Timestamp};

/// How many refusals are remembered in one room; the oldest is forgotten first.
const REJECTED_MAX: usize = 16_384;

/// A refusal, and what it rested on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Refusal {
    pub rejection: Rejection,
    /// The version of the bidder's allowance at that time; 0 where there was none.
    pub allowance_version: u64,
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self { rejection, allowance_version: 0 }
    }
}

impl Refusal {
    /// True if it was for want of funds, and `raise` is news to it. What was decided with this raise, or a later one, in
    /// view is not decided again because of it.
    pub(super) fn is_lifted_by(self, raise: Option<Raise>) -> bool {
        let funds = matches!(self.rejection, Rejection::InsufficientFunds { .. });
        funds && raise.is_some_and(|raise| raise.version > self.allowance_version)
    }
}

/// Refusals of commands whose content is a `C`.
pub(super) struct RejectedKeys<C> {
    by_key: HashMap<(AccountId, BidKey), Kept<C>>,
    /// When each is forgotten. One that was refused again, for another reason, stands here twice, and counts last.
    order: VecDeque<(Timestamp, AccountId, BidKey)>,
}

struct Kept<C> {
    content: C,
    refusal: Refusal,
    until: Timestamp,
}

impl<C> Default for RejectedKeys<C> {
    fn default() -> Self {
        Self { by_key: HashMap::new(), order: VecDeque::new() }
    }
}

impl<C: PartialEq> RejectedKeys<C> {
    /// The refusal that this command got before.
    pub(super) fn get(&self, by: AccountId, key: &BidKey, content: &C) -> Option<Refusal> {
        let first = self.by_key.get(&(by, key.clone()))?;
        Some(if first.content == *content { first.refusal } else { Rejection::KeyReused.into() })
    }

    /// Remembers a refusal until `until`, if it is final. True if it is.
    pub(super) fn remember(
        &mut self,
        (by, key): (AccountId, &BidKey),
        content: C,
        refusal: Refusal,
        until: Timestamp,
    ) -> bool {
        if !refusal.rejection.is_final() || refusal.rejection == Rejection::KeyReused {
            return false;
        }
        if self.order.len() >= REJECTED_MAX {
            self.forget_oldest();
        }
        self.by_key.insert((by, key.clone()), Kept { content, refusal, until });
        self.order.push_back((until, by, key.clone()));
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
        if let Some((until, bidder, key)) = self.order.pop_front() {
            let name = (bidder, key);
            if self.by_key.get(&name).is_some_and(|kept| kept.until <= until) {
                self.by_key.remove(&name);
            }
        }
    }
}
