//! What can be asked of a room besides bids. An act becomes a command once the room has read what the command needs.

use std::sync::Arc;

use crate::domain::auction::{Command, Listing, PriorBid, Terms};
use crate::domain::{AccountId, BidKey, Money, Seq};

/// What is asked of a room besides bids.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the fields are those of Command")]
pub enum Act {
    /// Halt the bidding.
    Pause { by: AccountId, key: Option<BidKey>, reason: Arc<str> },
    /// Let it go on.
    Resume { by: AccountId, key: Option<BidKey>, reason: Option<Arc<str>> },
    /// End it for good.
    Stop { by: AccountId, key: Option<BidKey>, reason: Arc<str>, only_without_bids: bool },
    /// Take a bid out of the race.
    Void { by: AccountId, key: Option<BidKey>, reason: Arc<str>, seq: Seq },
    /// Change what is offered.
    Amend { by: AccountId, key: Option<BidKey>, terms: Box<Terms>, listing: Box<Listing>, over: Option<Seq> },
    /// Set what a bidder has set aside here.
    SetAllowance { bidder: AccountId, amount: Money, version: u64 },
}

impl Act {
    /// The command; `bids` are those that count, which only a void needs.
    pub(super) fn with(self, bids: Vec<PriorBid>) -> Command {
        match self {
            Self::Pause { by, key, reason } => Command::Pause { by, key, reason },
            Self::Resume { by, key, reason } => Command::Resume { by, key, reason },
            Self::Stop { by, key, reason, only_without_bids } => Command::Stop { by, key, reason, only_without_bids },
            Self::Void { by, key, reason, seq } => Command::Void { by, key, reason, seq, bids },
            Self::Amend { by, key, terms, listing, over } => Command::Amend { by, key, terms, listing, over },
            Self::SetAllowance { bidder, amount, version } => Command::SetAllowance { bidder, amount, version },
        }
    }

    /// The same act, under a key from `make` if it had none: it can then be handed in more than once and is done once. An
    /// allowance has the version of its hold instead.
    #[must_use]
    pub fn keyed(mut self, make: impl FnOnce() -> BidKey) -> Self {
        match &mut self {
            Self::Pause { key, .. }
            | Self::Resume { key, .. }
            | Self::Stop { key, .. }
            | Self::Void { key, .. }
            | Self::Amend { key, .. } => {
                key.get_or_insert_with(make);
            }
            Self::SetAllowance { .. } => {}
        }
        self
    }
}
