//! The English auction: open and ascending, with straight bids and proxies, a hidden reserve and buy-now.
//! It never looks at the clock and never asks who may bid.

use super::SoftClose;
use crate::domain::auction::{Judgement, Leader, Offer, PriorBid, Rejection, Standing, TermsError};
use crate::domain::increments::Increments;
use crate::domain::{AccountId, Money, Span};

const WINDOW_MAX: Span = Span::from_secs(24 * 3_600);
const TOTAL_MAX: Span = Span::from_secs(7 * 24 * 3_600);

/// The terms of an English auction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct English {
    /// The least first bid.
    pub opening_price: Money,
    /// The steps.
    pub increments: Increments,
    /// The hidden least price; below it the auction ends unsold.
    pub reserve: Option<Money>,
    /// The price at which the first comer may end the auction.
    pub buy_now: Option<Money>,
    /// Until when that is offered.
    pub buy_now_until: BuyNowUntil,
    /// How late bids move the end; without it the end stands.
    pub soft_close: Option<SoftClose>,
}

/// Until when buy-now is offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum BuyNowUntil {
    /// Until somebody bids.
    #[default]
    FirstBid,
    /// Until the bidding reaches the reserve.
    ReserveMet,
}

impl English {
    /// Checks the amounts and spans against each other.
    pub fn validate(&self) -> Result<(), TermsError> {
        let refuse = |field, message| Err(TermsError { field, message });
        if self.opening_price == Money::ZERO {
            return refuse("opening_price", "must be at least 1");
        }
        if self.reserve.is_some_and(|reserve| reserve < self.opening_price) {
            return refuse("reserve", "must not lie below the opening price");
        }
        let floor = self.reserve.unwrap_or(self.opening_price);
        if self.buy_now.is_some_and(|price| price < floor) {
            return refuse("buy_now", "must not lie below the opening price or the reserve");
        }
        if self.buy_now_until == BuyNowUntil::ReserveMet && (self.reserve.is_none() || self.buy_now.is_none()) {
            return refuse("buy_now_until", "\"reserve_met\" needs a reserve and a buy-now price");
        }
        if let Some(soft) = self.soft_close {
            if soft.window == Span::ZERO || soft.window > WINDOW_MAX {
                return refuse("soft_close.window_s", "must be 1 second to 1 day");
            }
            if soft.extension == Span::ZERO || soft.extension > WINDOW_MAX {
                return refuse("soft_close.extension_s", "must be 1 second to 1 day");
            }
            if soft.max_total < soft.extension || soft.max_total > TOTAL_MAX {
                return refuse("soft_close.max_total_s", "must be at least the extension and at most 7 days");
            }
        }
        Ok(())
    }

    /// The opening price while there is no bid, then one step above the price.
    pub fn minimum_bid(&self, price: Option<Money>) -> Money {
        price.map_or(self.opening_price, |price| self.increments.next(price))
    }

    /// The buy-now price while it is offered.
    pub fn buy_now_offered(&self, standing: &Standing) -> Option<Money> {
        let offered = match self.buy_now_until {
            BuyNowUntil::FirstBid => standing.leader.is_none(),
            BuyNowUntil::ReserveMet => !standing.reserve_met,
        };
        self.buy_now.filter(|_| offered)
    }

    /// What becomes of an offer.
    pub fn judge(&self, standing: &Standing, bidder: AccountId, offer: Offer) -> Result<Judgement, Rejection> {
        let (ceiling, straight) = match offer {
            Offer::BuyNow => {
                let price = self.buy_now_offered(standing).ok_or(Rejection::BuyNowUnavailable)?;
                return Ok(Judgement { leading: true, ceiling: price, amount: price, price });
            }
            Offer::Straight(amount) => (amount, true),
            Offer::Max(max) => (max, false),
        };
        let minimum = self.minimum_bid(standing.price);
        match standing.leader {
            Some(leader) if leader.account == bidder && ceiling <= leader.ceiling => {
                return Err(Rejection::MaxNotRaised { your_max: leader.ceiling });
            }
            Some(leader) if leader.account == bidder => {}
            _ if ceiling < minimum => return Err(Rejection::BidTooLow { minimum }),
            _ => {}
        }
        Ok(self.meet(standing, bidder, ceiling, straight))
    }

    /// Replays `bids` without minimum checks, for a void: what was acceptable once stays in the race.
    pub fn recompute(&self, bids: &[PriorBid], clip: impl Fn(AccountId, Money) -> Money) -> Standing {
        let mut standing = Standing::default();
        for bid in bids {
            let (offered, straight) = match bid.offer {
                Offer::Straight(amount) => (amount, true),
                Offer::Max(max) => (max, false),
                Offer::BuyNow => continue,
            };
            let ceiling = clip(bid.bidder, offered);
            let own_lead = standing.leader.filter(|leader| leader.account == bid.bidder);
            if ceiling < self.opening_price || own_lead.is_some_and(|leader| ceiling <= leader.ceiling) {
                continue;
            }
            let outcome = self.meet(&standing, bid.bidder, ceiling, straight);
            let price = standing.price.map_or(outcome.price, |price| price.max(outcome.price));
            if outcome.leading {
                standing.leader = Some(Leader { account: bid.bidder, alias: bid.alias, ceiling });
            }
            standing.price = Some(price);
            standing.reserve_met = self.reserve.is_some_and(|reserve| price >= reserve);
        }
        standing.bid_count = u32::try_from(bids.len()).unwrap_or(u32::MAX);
        standing
    }

    /// A ceiling that may stand meets the leader's. Second-price with steps: the higher ceiling leads, at one step
    /// above the lower one; the earlier wins a tie; a straight bid that leads is paid in full.
    fn meet(&self, standing: &Standing, bidder: AccountId, ceiling: Money, straight: bool) -> Judgement {
        let (leading, leading_ceiling, price) = match (standing.leader, standing.price) {
            (Some(leader), Some(price)) if leader.account == bidder => {
                (true, ceiling, if straight { ceiling } else { price })
            }
            (Some(leader), Some(price)) if ceiling > leader.ceiling => {
                let minimum = self.minimum_bid(Some(price)).min(ceiling);
                let one_above = ceiling.min(self.increments.next(leader.ceiling));
                (true, ceiling, if straight { ceiling } else { one_above.max(minimum) })
            }
            (Some(leader), Some(_)) => (false, leader.ceiling, leader.ceiling.min(self.increments.next(ceiling))),
            _ => (true, ceiling, if straight { ceiling } else { self.opening_price }),
        };
        let price = match self.reserve {
            Some(reserve) if leading_ceiling >= reserve => price.max(reserve),
            _ => price,
        };
        let amount = if leading && !straight { price } else { ceiling };
        Judgement { leading, ceiling, amount, price }
    }
}
