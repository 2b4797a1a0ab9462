//! Snapshots: the state at a position of a log, so that recovery need not begin at the beginning. A snapshot is a cache:
//! one that is damaged or of another version is passed over, and the whole log is read.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::Head;
use super::public::TermsRecord;
use crate::domain::auction::view::PublicTerms;
use crate::domain::auction::*;
use crate::domain::{AccountId, BidKey, Money, Seq, Span, Timestamp};

const VERSION: u16 = 4;

/// A state, written down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// The position at which the state was so.
    pub head: Head,
    /// The state in MessagePack, behind its own SHA-256.
    pub body: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Body {
    version: u16,
    /// A [`TermsRecord`] as text.
    terms: String,
    reserve: Option<i64>,
    last_at: i64,
    amended: u64,
    phase: PhaseBody,
    ends_at: i64,
    cap: i64,
    leader: Option<(Uuid, u32, i64)>,
    price: Option<i64>,
    bid_count: u32,
    reserve_met: bool,
    ever_bid: bool,
    aliases: u32,
    bidders: Vec<BidderBody>,
    acts: Vec<ActBody>,
}

#[derive(Serialize, Deserialize)]
enum PhaseBody {
    Scheduled,
    Open,
    Paused(i64),
    Suspended,
    Ended(u8, Option<(Uuid, u32)>),
    Stopped,
}

#[derive(Serialize, Deserialize)]
struct BidderBody {
    account: Uuid,
    alias: Option<u32>,
    max: Option<i64>,
    allowance: i64,
    allowance_version: u64,
    keys: Vec<KeyBody>,
}

#[derive(Serialize, Deserialize)]
struct ActBody {
    by: Uuid,
    key: String,
    asked: AskedBody,
    at: i64,
    seq: u64,
}

#[derive(Serialize, Deserialize)]
enum AskedBody {
    Pause(String),
    Resume(Option<String>),
    Stop(String),
    Void(String, u64),
    Amend,
}

#[derive(Serialize, Deserialize)]
struct KeyBody {
    key: String,
    offer: (u8, i64),
    at: i64,
    seq: u64,
    leading: bool,
    price: i64,
    minimum_bid: i64,
    your_max: i64,
}

impl Snapshot {
    /// Writes `state` down, which is that at `head`.
    pub fn take(state: &State, head: Head) -> Self {
        let standing = &state.standing;
        let nothing = Listing { title: "".into(), description: "".into(), category: "".into(), image_url: None };
        let body = Body {
            version: VERSION,
            terms: TermsRecord::new(&PublicTerms::new(&state.terms, &nothing)).to_json(),
            reserve: state.terms.format.reserve().map(Money::minor_units),
            last_at: state.last_at.millis(),
            amended: state.amended.0,
            phase: match state.phase {
                Phase::Scheduled => PhaseBody::Scheduled,
                Phase::Open => PhaseBody::Open,
                Phase::Paused { time_left } => PhaseBody::Paused(time_left.millis()),
                Phase::Suspended => PhaseBody::Suspended,
                Phase::Ended { outcome, winner } => {
                    PhaseBody::Ended(outcome as u8, winner.map(|winner| (winner.account.0, winner.alias)))
                }
                Phase::Stopped => PhaseBody::Stopped,
            },
            ends_at: state.ends_at.millis(),
            cap: state.cap.millis(),
            leader: standing.leader.map(|it| (it.account.0, it.alias, it.ceiling.minor_units())),
            price: standing.price.map(Money::minor_units),
            bid_count: standing.bid_count,
            reserve_met: standing.reserve_met,
            ever_bid: state.ever_bid,
            aliases: state.aliases,
            bidders: state.bidders().map(|(account, bidder)| bidder_body(account, bidder)).collect(),
            acts: state.acts().map(act_body).collect(),
        };
        let packed = rmp_serde::to_vec(&body).unwrap_or_default();
        let mut sealed = Sha256::digest(&packed).to_vec();
        sealed.extend_from_slice(&packed);
        Self { head, body: sealed }
    }

    /// The state, if the snapshot is whole and of this version.
    pub fn restore(&self) -> Option<State> {
        let (seal, packed) = self.body.split_at_checked(32)?;
        if Sha256::digest(packed).as_slice() != seal {
            return None;
        }
        let body: Body = rmp_serde::from_slice(packed).ok().filter(|body: &Body| body.version == VERSION)?;
        let money = |minor: i64| Money::or_zero(minor);
        let (terms, _) = TermsRecord::from_json(&body.terms)?.restore(body.reserve.and_then(money)).ok()?;
        let mut state = State::new(terms);
        state.seq = self.head.seq;
        state.last_at = Timestamp::from_millis(body.last_at);
        state.amended = Seq(body.amended);
        state.phase = match body.phase {
            PhaseBody::Scheduled => Phase::Scheduled,
            PhaseBody::Open => Phase::Open,
            PhaseBody::Paused(left) => Phase::Paused { time_left: Span::from_millis(left) },
            PhaseBody::Suspended => Phase::Suspended,
            PhaseBody::Ended(outcome, winner) => Phase::Ended {
                outcome: [Outcome::Sold, Outcome::Unsold, Outcome::BoughtNow]
                    .into_iter()
                    .find(|known| *known as u8 == outcome)?,
                winner: winner.map(|(account, alias)| Winner { account: AccountId(account), alias }),
            },
            PhaseBody::Stopped => Phase::Stopped,
        };
        state.ends_at = Timestamp::from_millis(body.ends_at);
        state.cap = Timestamp::from_millis(body.cap);
        state.standing.leader = match body.leader {
            Some((account, alias, ceiling)) => {
                Some(Leader { account: AccountId(account), alias, ceiling: money(ceiling)? })
            }
            None => None,
        };
        state.standing.price = body.price.and_then(money);
        state.standing.bid_count = body.bid_count;
        state.standing.reserve_met = body.reserve_met;
        state.ever_bid = body.ever_bid;
        state.aliases = body.aliases;
        for bidder in body.bidders {
            let account = AccountId(bidder.account);
            state.restore_bidder(account, restore_bidder(bidder)?);
        }
        for act in body.acts {
            state.restore_act(restore_act(act)?);
        }
        Some(state)
    }
}

fn act_body(act: &KeyedAct) -> ActBody {
    ActBody {
        by: act.by.0,
        key: act.key.as_str().to_owned(),
        asked: match &act.asked {
            Asked::Pause { reason } => AskedBody::Pause((**reason).to_owned()),
            Asked::Resume { reason } => AskedBody::Resume(reason.as_deref().map(str::to_owned)),
            Asked::Stop { reason } => AskedBody::Stop((**reason).to_owned()),
            Asked::Void { reason, seq } => AskedBody::Void((**reason).to_owned(), seq.0),
            Asked::Amend => AskedBody::Amend,
        },
        at: act.at.millis(),
        seq: act.seq.0,
    }
}

fn restore_act(body: ActBody) -> Option<KeyedAct> {
    let asked = match body.asked {
        AskedBody::Pause(reason) => Asked::Pause { reason: reason.into() },
        AskedBody::Resume(reason) => Asked::Resume { reason: reason.map(Into::into) },
        AskedBody::Stop(reason) => Asked::Stop { reason: reason.into() },
        AskedBody::Void(reason, seq) => Asked::Void { reason: reason.into(), seq: Seq(seq) },
        AskedBody::Amend => Asked::Amend,
    };
    let (by, key) = (AccountId(body.by), BidKey::new(&body.key)?);
    Some(KeyedAct { by, key, asked, at: Timestamp::from_millis(body.at), seq: Seq(body.seq) })
}

fn bidder_body(account: AccountId, bidder: &Bidder) -> BidderBody {
    let key_body = |(key, it): (&BidKey, &Remembered)| KeyBody {
        key: key.as_str().to_owned(),
        offer: match it.offer {
            Offer::Straight(amount) => (0, amount.minor_units()),
            Offer::Max(max) => (1, max.minor_units()),
            Offer::BuyNow => (2, 0),
        },
        at: it.at.millis(),
        seq: it.verdict.seq.0,
        leading: it.verdict.leading,
        price: it.verdict.price.minor_units(),
        minimum_bid: it.verdict.minimum_bid.minor_units(),
        your_max: it.verdict.your_max.minor_units(),
    };
    BidderBody {
        account: account.0,
        alias: bidder.alias,
        max: bidder.max.map(Money::minor_units),
        allowance: bidder.allowance.minor_units(),
        allowance_version: bidder.allowance_version,
        keys: bidder.keys.iter().map(key_body).collect(),
    }
}

fn restore_bidder(body: BidderBody) -> Option<Bidder> {
    let mut keys = KeyMemory::default();
    for key in body.keys {
        let offer = match key.offer {
            (0, amount) => Offer::Straight(Money::or_zero(amount)?),
            (1, max) => Offer::Max(Money::or_zero(max)?),
            (2, _) => Offer::BuyNow,
            _ => return None,
        };
        let verdict = Verdict {
            seq: Seq(key.seq),
            leading: key.leading,
            price: Money::or_zero(key.price)?,
            minimum_bid: Money::or_zero(key.minimum_bid)?,
            your_max: Money::or_zero(key.your_max)?,
        };
        keys.remember(BidKey::new(&key.key)?, Remembered { offer, at: Timestamp::from_millis(key.at), verdict });
    }
    Some(Bidder {
        alias: body.alias,
        max: body.max.and_then(Money::or_zero),
        allowance: Money::or_zero(body.allowance)?,
        allowance_version: body.allowance_version,
        keys,
    })
}
