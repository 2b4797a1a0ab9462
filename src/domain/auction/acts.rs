//! The memory of acts that were asked for under a key, one for each auction: an act that is asked for again under the same
//! key, by the same account, is done once and answered as it was at first. It rests on the log alone, so it survives a
//! lost reply, a crash of the owner and a change of owner.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::EventKind;
use super::{KEY_RETENTION, Rejection};
use crate::domain::{AccountId, BidKey, Seq, Timestamp};

/// How many acts with a key are remembered for each auction. The oldest is forgotten first.
pub const ACTS_REMEMBERED: usize = 256;

/// What was asked for, as far as it stands in the log. An amendment is told from other acts, but not from another
/// amendment: its key is made by the hub, for one amendment alone.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Asked {
    /// To halt the bidding.
    Pause {
        /// Why.
        reason: Arc<str>,
    },
    /// To let it go on.
    Resume {
        /// Why, if that was said.
        reason: Option<Arc<str>>,
    },
    /// To end it for good.
    Stop {
        /// Why.
        reason: Arc<str>,
    },
    /// To take a bid out of the race.
    Void {
        /// Why.
        reason: Arc<str>,
        /// The bid.
        seq: Seq,
    },
    /// To change what is offered.
    Amend,
}

/// An act in memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyedAct {
    /// Who acted.
    pub by: AccountId,
    /// Under which key.
    pub key: BidKey,
    /// What was asked for.
    pub asked: Asked,
    /// When it was decided.
    pub at: Timestamp,
    /// The number of its event.
    pub seq: Seq,
}

/// The acts of an auction that came with a key, oldest first.
// So few that looking through them costs less than a table would.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ActMemory(VecDeque<KeyedAct>);

impl ActMemory {
    /// What was done under this key.
    pub fn get(&self, by: AccountId, key: &BidKey) -> Option<&KeyedAct> {
        self.0.iter().find(|act| act.by == by && act.key == *key)
    }

    /// Remembers an act, forgetting the oldest if need be.
    pub fn remember(&mut self, act: KeyedAct) {
        if self.0.len() >= ACTS_REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(act);
    }

    /// The event of the act that is asked for, if it was done before; none if it is new. Refuses a key that was used for
    /// something else, and a new key if remembering it would mean forgetting a young one.
    pub(super) fn find(
        &self,
        by: AccountId,
        key: &BidKey,
        asked: &Asked,
        now: Timestamp,
    ) -> Result<Option<Seq>, Rejection> {
        match self.get(by, key) {
            Some(first) if first.asked == *asked => return Ok(Some(first.seq)),
            Some(_) => return Err(Rejection::KeyReused),
            None => {}
        }
        let oldest = self.0.front().filter(|_| self.0.len() >= ACTS_REMEMBERED);
        match oldest {
            Some(oldest) if oldest.at.plus(KEY_RETENTION) > now => Err(Rejection::RateLimited),
            _ => Ok(None),
        }
    }

    /// Every act in memory, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &KeyedAct> {
        self.0.iter()
    }

    /// How many acts are in memory.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if no act is in memory.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl EventKind {
    /// The account, key and content of the act that this is the event of, if it came with a key.
    pub(super) fn keyed(&self) -> Option<(AccountId, BidKey, Asked)> {
        let (by, key, asked) = match self {
            Self::Paused { by, key, reason, .. } => (by, key, Asked::Pause { reason: reason.clone() }),
            Self::Resumed { by, key, reason, .. } => (by, key, Asked::Resume { reason: reason.clone() }),
            Self::Stopped { by, key, reason } => (by, key, Asked::Stop { reason: reason.clone() }),
            Self::BidVoided(void) => {
                (&void.by, &void.key, Asked::Void { reason: void.reason.clone(), seq: void.voided })
            }
            Self::Amended { by, key, .. } => (by, key, Asked::Amend),
            _ => return None,
        };
        key.clone().map(|key| (*by, key, asked))
    }
}
