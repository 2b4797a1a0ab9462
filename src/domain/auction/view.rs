//! What may be seen. The public sees bidders by their number in this auction and never a leader's ceiling or the
//! reserve; a bidder sees the own ceiling besides. These types hold nothing else, so nothing else can leak.

use std::sync::Arc;

use super::*;
use crate::domain::{AccountId, Currency, Money, Seq, Timestamp};

/// The state of an auction as everyone may see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicState {
    /// `scheduled`, `open`, `paused`, `suspended`, `ended` or `stopped`.
    pub status: &'static str,
    /// The currency of all amounts.
    pub currency: Currency,
    /// What the leader would pay now.
    pub price: Option<Money>,
    /// The least that the next bid must offer.
    pub minimum_bid: Money,
    /// The public number of who leads.
    pub leader: Option<u32>,
    /// How many bids count.
    pub bid_count: u32,
    /// When bidding opens.
    pub starts_at: Timestamp,
    /// When it ends, as things stand.
    pub ends_at: Timestamp,
    /// Whether there is a reserve and whether it is reached.
    pub reserve: Reserve,
    /// The buy-now price while it is offered.
    pub buy_now: Option<Money>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The public number of who won.
    pub winner: Option<u32>,
}

/// What the public may know of the reserve.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reserve {
    /// There is none.
    None,
    /// There is one, and the price lies below it.
    NotMet,
    /// The price has reached it.
    Met,
}

/// What a bidder may see of the own part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OwnView {
    /// The public number; none before the first accepted bid.
    pub alias: Option<u32>,
    /// Whether the bidder leads.
    pub leading: bool,
    /// The own highest ceiling; of a leader the one that leads, which a void may have cut to what is set aside.
    pub max: Option<Money>,
    /// What is set aside here.
    pub allowance: Money,
}

/// An event as everyone may see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicEvent {
    /// Its number.
    pub seq: Seq,
    /// When it was decided.
    pub at: Timestamp,
    /// What of it is public.
    pub kind: PublicKind,
}

/// The public parts of the kinds of events.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the fields are those of EventKind, less what is private")]
pub enum PublicKind {
    /// Something that only the hub and the bidder may see.
    Private,
    /// Bidding opened.
    Opened { ends_at: Timestamp },
    /// A bid was accepted.
    Bid {
        bidder: u32,
        amount: Money,
        price: Money,
        minimum_bid: Money,
        leader: u32,
        bid_count: u32,
        ends_at: Timestamp,
    },
    /// The price reached the reserve.
    ReserveMet { price: Money },
    /// The end moved.
    Extended { ends_at: Timestamp, cause: ExtensionCause },
    /// Staff halted the bidding.
    Paused { reason: Arc<str> },
    /// Bidding goes on.
    Resumed { reason: Option<Arc<str>>, ends_at: Timestamp },
    /// Bids could not be decided in between.
    Suspended { since: Timestamp, until: Timestamp },
    /// A bid no longer counts.
    BidVoided {
        voided: Seq,
        bidder: u32,
        reason: Arc<str>,
        leader: Option<u32>,
        price: Option<Money>,
        minimum_bid: Money,
        bid_count: u32,
        reserve: Reserve,
    },
    /// The auction was ended for good.
    Stopped { reason: Arc<str> },
    /// The auction ended.
    Ended { outcome: Outcome, price: Option<Money>, winner: Option<u32> },
    /// The seller changed what is offered.
    Amended { terms: Box<PublicTerms> },
}

/// The terms as everyone may see them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicTerms {
    /// The terms with the reserve's amount left out.
    pub terms: Terms,
    /// Whether there is a reserve.
    pub has_reserve: bool,
    /// What is for sale.
    pub listing: Listing,
}

impl PublicTerms {
    /// What of these terms is public.
    pub fn new(terms: &Terms, listing: &Listing) -> Self {
        let mut shown = terms.clone();
        let has_reserve = match &mut shown.format {
            crate::domain::formats::Format::English(english) => english.reserve.take().is_some(),
        };
        Self { terms: shown, has_reserve, listing: listing.clone() }
    }
}

impl State {
    /// The state as everyone may see it.
    pub fn public(&self) -> PublicState {
        let (outcome, winner) = match self.phase {
            Phase::Ended { outcome, winner } => (Some(outcome), winner.map(|winner| winner.alias)),
            _ => (None, None),
        };
        let on_offer = !self.is_over();
        PublicState {
            status: self.phase.name(),
            currency: self.terms.currency,
            price: self.standing.price,
            minimum_bid: self.minimum_bid(),
            leader: self.standing.leader.map(|leader| leader.alias),
            bid_count: self.standing.bid_count,
            starts_at: self.terms.starts_at,
            ends_at: self.ends_at,
            reserve: Reserve::of(&self.terms, self.standing.reserve_met),
            buy_now: self.terms.format.buy_now(&self.standing).filter(|_| on_offer),
            outcome,
            winner,
        }
    }

    /// What `account` may see of the own part.
    pub fn own(&self, account: AccountId) -> OwnView {
        let bidder = self.bidder(account);
        let leader = self.standing.leader.filter(|leader| leader.account == account);
        OwnView {
            alias: bidder.and_then(|bidder| bidder.alias),
            leading: leader.is_some(),
            max: leader.map(|leader| leader.ceiling).or(bidder.and_then(|bidder| bidder.max)),
            allowance: bidder.map_or(Money::ZERO, |bidder| bidder.allowance),
        }
    }
}

impl Phase {
    /// The status word of the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Open => "open",
            Self::Paused { .. } => "paused",
            Self::Suspended => "suspended",
            Self::Ended { .. } => "ended",
            Self::Stopped => "stopped",
        }
    }
}

impl Reserve {
    fn of(terms: &Terms, met: bool) -> Self {
        match (terms.format.reserve(), met) {
            (None, _) => Self::None,
            (Some(_), false) => Self::NotMet,
            (Some(_), true) => Self::Met,
        }
    }

    /// The word of the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::NotMet => "not_met",
            Self::Met => "met",
        }
    }
}

impl Outcome {
    /// The word of the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sold => "sold",
            Self::Unsold => "unsold",
            Self::BoughtNow => "bought_now",
        }
    }
}

impl ExtensionCause {
    /// The word of the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SoftClose => "soft_close",
            Self::Outage => "outage",
        }
    }
}

impl Event {
    /// What of it everyone may see; `terms` are those in force before it.
    pub fn public(&self, terms: &Terms) -> PublicEvent {
        PublicEvent { seq: self.seq, at: self.at, kind: self.kind.public(terms) }
    }
}

impl EventKind {
    fn public(&self, in_force: &Terms) -> PublicKind {
        match self {
            Self::Opened { ends_at } => PublicKind::Opened { ends_at: *ends_at },
            Self::Bid(bid) => PublicKind::Bid {
                bidder: bid.alias,
                amount: bid.amount,
                price: bid.price,
                minimum_bid: bid.minimum_bid,
                leader: bid.leader,
                bid_count: bid.bid_count,
                ends_at: bid.ends_at,
            },
            Self::ReserveMet { price } => PublicKind::ReserveMet { price: *price },
            Self::Extended { ends_at, cause } => PublicKind::Extended { ends_at: *ends_at, cause: *cause },
            Self::Paused { reason, .. } => PublicKind::Paused { reason: reason.clone() },
            Self::Resumed { reason, ends_at, .. } => PublicKind::Resumed { reason: reason.clone(), ends_at: *ends_at },
            Self::Suspended { since, until } => PublicKind::Suspended { since: *since, until: *until },
            Self::BidVoided(void) => PublicKind::BidVoided {
                voided: void.voided,
                bidder: void.alias,
                reason: void.reason.clone(),
                leader: void.leader.map(|leader| leader.alias),
                price: void.price,
                minimum_bid: void.minimum_bid,
                bid_count: void.bid_count,
                reserve: Reserve::of(in_force, void.reserve_met),
            },
            Self::Stopped { reason, .. } => PublicKind::Stopped { reason: reason.clone() },
            Self::Ended { outcome, price, winner } => {
                PublicKind::Ended { outcome: *outcome, price: *price, winner: winner.map(|winner| winner.alias) }
            }
            Self::Amended { terms, listing, .. } => {
                PublicKind::Amended { terms: Box::new(PublicTerms::new(terms, listing)) }
            }
            Self::AllowanceSet { .. } => PublicKind::Private,
        }
    }
}

impl PublicKind {
    /// The word of the contract for this kind.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Opened { .. } => "opened",
            Self::Bid { .. } => "bid",
            Self::ReserveMet { .. } => "reserve_met",
            Self::Extended { .. } => "extended",
            Self::Paused { .. } => "paused",
            Self::Resumed { .. } => "resumed",
            Self::Suspended { .. } => "suspended",
            Self::BidVoided { .. } => "bid_voided",
            Self::Stopped { .. } => "stopped",
            Self::Ended { .. } => "ended",
            Self::Amended { .. } => "amended",
        }
    }
}
