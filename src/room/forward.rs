//! What rooms on different nodes say to each other, and how it is written: MessagePack, a list of items in one message.
//! A message may be lost or come twice; whoever sends a command keeps it until it is answered, and sends it again.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::act::Act;
use super::funding::Raise;
use super::handle::{Answer, Ask};
use crate::domain::auction::view::PublicTerms;
use crate::domain::auction::{Barred, Bid, Offer, Rejection, Verdict};
use crate::domain::{AccountId, AuctionId, BidKey, Money, Seq};
use crate::journal::public::TermsRecord;
use crate::journal::{Digest, Head};

/// The version of these messages; a node that meets another one does not guess.
const VERSION: u16 = 2;

#[derive(Serialize, Deserialize)]
struct Message(u16, Vec<Item>);

/// One thing said.
#[derive(Serialize, Deserialize)]
pub(super) enum Item {
    /// Decide this. The number is the sender's own; the trace is that of a bid which is followed.
    Command { id: u64, auction: Uuid, deadline: i64, command: CommandItem, trace: Option<serde_bytes::ByteArray<25>> },
    /// The answer to a command.
    Answer { id: u64, answer: AnswerItem },
    /// Nobody runs this room, and you come first for it.
    Vacant { auction: Uuid },
    /// Who holds records beyond this position?
    TailWanted { id: u64, auction: Uuid, epoch: u64, seq: u64, digest: serde_bytes::ByteArray<32> },
    /// These are held: packed records, or none.
    Tail { id: u64, packed: Option<serde_bytes::ByteBuf> },
}

/// A command on its way to the owner. The terms of an amendment are a [`TermsRecord`] as text.
#[derive(Serialize, Deserialize)]
pub(super) enum CommandItem {
    Bid {
        bidder: Uuid,
        barred: Option<BarredItem>,
        key: Cow<'static, str>,
        offer: OfferItem,
        raise: Option<(i64, u64)>,
    },
    Pause {
        by: Uuid,
        key: Option<String>,
        reason: Arc<str>,
    },
    Resume {
        by: Uuid,
        key: Option<String>,
        /// Left out where there is none, as it was before acts of this kind had reasons.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Arc<str>>,
    },
    Stop {
        by: Uuid,
        key: Option<String>,
        reason: Arc<str>,
        only_without_bids: bool,
    },
    Void {
        by: Uuid,
        key: Option<String>,
        reason: Arc<str>,
        seq: u64,
    },
    Amend {
        by: Uuid,
        key: Option<String>,
        terms: String,
        reserve: Option<i64>,
        /// A node of the version before leaves it out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        over: Option<u64>,
    },
    SetAllowance {
        bidder: Uuid,
        amount: i64,
        version: u64,
    },
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) enum BarredItem {
    Banned,
    Frozen,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) enum OfferItem {
    Straight(i64),
    Max(i64),
    BuyNow,
}

/// An answer on its way back.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum AnswerItem {
    Verdict { seq: u64, leading: bool, price: i64, minimum_bid: i64, your_max: i64 },
    Done(u64),
    Rejected(Cow<'static, str>, Option<i64>),
}

/// Writes a message.
pub(super) fn encode(items: Vec<Item>) -> Bytes {
    // Writing plain numbers and strings to memory cannot fail; empty bytes would not be read back.
    rmp_serde::to_vec(&Message(VERSION, items)).unwrap_or_default().into()
}

/// Reads a message; none if it is not one of this version.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<Item>> {
    let Message(version, items) = rmp_serde::from_slice(bytes).ok()?;
    (version == VERSION).then_some(items)
}

impl Item {
    pub(super) fn tail_wanted(id: u64, auction: AuctionId, epoch: u64, head: Head) -> Self {
        let digest = serde_bytes::ByteArray::new(head.digest.0);
        Self::TailWanted { id, auction: auction.0, epoch, seq: head.seq.0, digest }
    }
}

/// The position in a [`Item::TailWanted`].
pub(super) fn head(seq: u64, digest: serde_bytes::ByteArray<32>) -> Head {
    Head { seq: Seq(seq), digest: Digest(digest.into_array()) }
}

impl CommandItem {
    /// The command, if what is asked can be asked of another node.
    pub(super) fn new(ask: &Ask) -> Option<Self> {
        Some(match ask {
            Ask::Bid(bid, raise) => Self::Bid {
                bidder: bid.bidder.0,
                barred: bid.barred.map(|barred| match barred {
                    Barred::Banned => BarredItem::Banned,
                    Barred::Frozen => BarredItem::Frozen,
                }),
                key: bid.key.as_str().to_owned().into(),
                offer: match bid.offer {
                    Offer::Straight(amount) => OfferItem::Straight(amount.minor_units()),
                    Offer::Max(max) => OfferItem::Max(max.minor_units()),
                    Offer::BuyNow => OfferItem::BuyNow,
                },
                raise: raise.map(|raise| (raise.amount.minor_units(), raise.version)),
            },
            Ask::Act(act) => Self::act(act),
            Ask::Look | Ask::HandOver | Ask::Shutdown => return None,
        })
    }

    fn act(act: &Act) -> Self {
        let text = |key: &Option<BidKey>| key.as_ref().map(|key| key.as_str().to_owned());
        match act {
            Act::Pause { by, key, reason } => Self::Pause { by: by.0, key: text(key), reason: reason.clone() },
            Act::Resume { by, key, reason } => Self::Resume { by: by.0, key: text(key), reason: reason.clone() },
            Act::Stop { by, key, reason, only_without_bids } => {
                Self::Stop { by: by.0, key: text(key), reason: reason.clone(), only_without_bids: *only_without_bids }
            }
            Act::Void { by, key, reason, seq } => {
                Self::Void { by: by.0, key: text(key), reason: reason.clone(), seq: seq.0 }
            }
            Act::Amend { by, key, terms, listing, over } => Self::Amend {
                by: by.0,
                key: text(key),
                terms: TermsRecord::new(&PublicTerms::new(terms, listing)).to_json(),
                reserve: terms.format.reserve().map(Money::minor_units),
                over: over.map(|over| over.0),
            },
            Act::SetAllowance { bidder, amount, version } => {
                Self::SetAllowance { bidder: bidder.0, amount: amount.minor_units(), version: *version }
            }
        }
    }

    /// What is asked; none if it makes no sense.
    pub(super) fn into_ask(self) -> Option<Ask> {
        let act = match self {
            Self::Bid { bidder, barred, key, offer, raise } => {
                let barred = barred.map(|barred| match barred {
                    BarredItem::Banned => Barred::Banned,
                    BarredItem::Frozen => Barred::Frozen,
                });
                let offer = match offer {
                    OfferItem::Straight(amount) => Offer::Straight(Money::new(amount)?),
                    OfferItem::Max(max) => Offer::Max(Money::new(max)?),
                    OfferItem::BuyNow => Offer::BuyNow,
                };
                let raise = match raise {
                    Some((amount, version)) => Some(Raise { amount: Money::or_zero(amount)?, version }),
                    None => None,
                };
                let bid = Bid { bidder: AccountId(bidder), barred, key: BidKey::new(&key)?, offer };
                return Some(Ask::Bid(bid, raise));
            }
            Self::Pause { by, key, reason } => Act::Pause { by: AccountId(by), key: read_key(key)?, reason },
            Self::Resume { by, key, reason } => Act::Resume { by: AccountId(by), key: read_key(key)?, reason },
            Self::Stop { by, key, reason, only_without_bids } => {
                Act::Stop { by: AccountId(by), key: read_key(key)?, reason, only_without_bids }
            }
            Self::Void { by, key, reason, seq } => {
                Act::Void { by: AccountId(by), key: read_key(key)?, reason, seq: Seq(seq) }
            }
            Self::Amend { by, key, terms, reserve, over } => {
                let reserve = match reserve {
                    Some(minor) => Some(Money::or_zero(minor)?),
                    None => None,
                };
                let (terms, listing) = TermsRecord::from_json(&terms)?.restore(reserve).ok()?;
                let (terms, listing) = (Box::new(terms), Box::new(listing));
                Act::Amend { by: AccountId(by), key: read_key(key)?, terms, listing, over: over.map(Seq) }
            }
            Self::SetAllowance { bidder, amount, version } => {
                Act::SetAllowance { bidder: AccountId(bidder), amount: Money::or_zero(amount)?, version }
            }
        };
        Some(Ask::Act(act))
    }
}

/// The key, if there is one; none at all if it is no key.
fn read_key(key: Option<String>) -> Option<Option<BidKey>> {
    match key {
        Some(text) => BidKey::new(&text).map(Some),
        None => Some(None),
    }
}

impl AnswerItem {
    pub(super) fn new(answer: Result<Answer, Rejection>) -> Self {
        match answer {
            Ok(Answer::Verdict(verdict)) => Self::Verdict {
                seq: verdict.seq.0,
                leading: verdict.leading,
                price: verdict.price.minor_units(),
                minimum_bid: verdict.minimum_bid.minor_units(),
                your_max: verdict.your_max.minor_units(),
            },
            Ok(Answer::Done(seq)) => Self::Done(seq.0),
            Err(rejection) => Self::Rejected(rejection.code().into(), rejection.amount().map(Money::minor_units)),
        }
    }

    /// The answer; what makes no sense is no answer to rely on.
    pub(super) fn into_answer(self) -> Result<Answer, Rejection> {
        let read = |minor| Money::or_zero(minor).ok_or(Rejection::Unavailable);
        match self {
            Self::Verdict { seq, leading, price, minimum_bid, your_max } => Ok(Answer::Verdict(Verdict {
                seq: Seq(seq),
                leading,
                price: read(price)?,
                minimum_bid: read(minimum_bid)?,
                your_max: read(your_max)?,
            })),
            Self::Done(seq) => Ok(Answer::Done(Seq(seq))),
            Self::Rejected(code, amount) => {
                let amount = amount.and_then(Money::or_zero);
                Err(Rejection::from_code(&code, amount).unwrap_or(Rejection::Unavailable))
            }
        }
    }
}

#[cfg(test)]
mod tests;
