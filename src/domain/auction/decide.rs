//! Deciding: every check, each with its own refusal, and then the facts. Nothing is changed here.

use super::event::{BidPlaced, BidVoided};
use super::*;
use crate::domain::{AccountId, BidKey, Money, Seq, Span, Timestamp};

/// The facts of one decision, numbered and dated as they are added.
struct Facts {
    next: Seq,
    at: Timestamp,
    events: Vec<Event>,
}

impl Facts {
    fn after(seq: Seq, at: Timestamp) -> Self {
        Self { next: seq.next(), at, events: Vec::new() }
    }

    fn push(&mut self, kind: EventKind) {
        self.events.push(Event { seq: self.next, at: self.at, kind });
        self.next = self.next.next();
    }
}

impl State {
    /// Decides `command` at the moment `now`. No events and no refusal means that nothing is to be done: time brought
    /// nothing, the allowance is so already, or the key was accepted before and [`State::verdict`] or [`State::done`] has
    /// the answer.
    ///
    /// `now` may lie before the last event (clocks differ); an event is never dated before the one it follows.
    pub fn decide(&self, command: &Command, now: Timestamp) -> Result<Vec<Event>, Rejection> {
        let now = now.max(self.last_at);
        let mut facts = Facts::after(self.seq, now);
        if let Some((by, key, asked)) = command.keyed()
            && self.acts.find(by, key, &asked, now)?.is_some()
        {
            return Ok(facts.events);
        }
        match command {
            Command::Bid(bid) => self.decide_bid(bid, now, &mut facts)?,
            Command::Tick => self.decide_tick(now, &mut facts),
            Command::Outage { from, until } => self.decide_outage(*from, *until, &mut facts),
            Command::Pause { by, key, reason } => {
                self.check_open(now)?;
                let time_left = self.ends_at.since(now);
                facts.push(EventKind::Paused { by: *by, key: key.clone(), reason: reason.clone(), time_left });
            }
            Command::Resume { by, key, reason } => {
                let ends_at = now.plus(self.check_paused()?);
                facts.push(EventKind::Resumed { by: *by, key: key.clone(), reason: reason.clone(), ends_at });
            }
            Command::Stop { by, key, reason, only_without_bids } => {
                self.check_not_over(now)?;
                if *only_without_bids && self.ever_bid {
                    return Err(Rejection::HasBids);
                }
                facts.push(EventKind::Stopped { by: *by, key: key.clone(), reason: reason.clone() });
            }
            Command::Void { by, key, reason, seq, bids } => {
                let signed = (*by, key.clone(), reason.clone());
                facts.push(EventKind::BidVoided(self.decide_void(*seq, bids, now, signed)?));
            }
            Command::Amend { by, key, terms, listing, over } => {
                self.check_amendment(terms, *over, now)?;
                let (by, key) = (*by, key.clone());
                facts.push(EventKind::Amended { by, key, terms: terms.clone(), listing: listing.clone() });
            }
            Command::SetAllowance { bidder, amount, version } => {
                if self.check_allowance(*bidder, *amount, *version, now)? {
                    facts.push(EventKind::AllowanceSet { bidder: *bidder, amount: *amount, version: *version });
                }
            }
        }
        Ok(facts.events)
    }

    fn decide_bid(&self, bid: &Bid, now: Timestamp, facts: &mut Facts) -> Result<(), Rejection> {
        let bidder = self.bidder(bid.bidder);
        match bidder.and_then(|bidder| bidder.keys.get(&bid.key)) {
            Some(first) if first.offer == bid.offer => return Ok(()),
            Some(_) => return Err(Rejection::KeyReused),
            None => {}
        }
        self.check_open(now)?;
        if bid.bidder == self.terms.seller {
            return Err(Rejection::OwnAuction);
        }
        match bid.barred {
            Some(Barred::Banned) => return Err(Rejection::Banned),
            Some(Barred::Frozen) => return Err(Rejection::AccountFrozen),
            None => {}
        }
        if bid.offer.amount() == Some(Money::ZERO) {
            return Err(Rejection::InvalidAmount);
        }
        let judgement = self.terms.format.judge(&self.standing, bid.bidder, bid.offer)?;
        let allowance = bidder.map_or(Money::ZERO, |bidder| bidder.allowance);
        if self.terms.funds == Funds::Required && judgement.ceiling > allowance {
            return Err(Rejection::InsufficientFunds { allowance });
        }
        if let Some(bidder) = bidder {
            bidder.keys.check_room(now)?;
        }
        let alias = bidder.and_then(|bidder| bidder.alias).unwrap_or(self.aliases + 1);
        self.bid_placed(bid, alias, judgement, now, facts);
        Ok(())
    }

    /// The facts of a bid that stands, in their fixed order: the bid, the reserve, then what it does to the end.
    fn bid_placed(&self, bid: &Bid, alias: u32, judgement: Judgement, now: Timestamp, facts: &mut Facts) {
        let leader = match self.standing.leader {
            Some(leader) if !judgement.leading => leader.alias,
            _ => alias,
        };
        let price = judgement.price;
        facts.push(EventKind::Bid(BidPlaced {
            bidder: bid.bidder,
            alias,
            key: bid.key.clone(),
            offer: bid.offer,
            ceiling: judgement.ceiling,
            amount: judgement.amount,
            leading: judgement.leading,
            leader,
            price,
            minimum_bid: self.terms.format.minimum_bid(Some(price)),
            bid_count: self.standing.bid_count.saturating_add(1),
            ends_at: self.ends_at,
        }));
        if !self.standing.reserve_met && self.terms.format.reserve().is_some_and(|reserve| price >= reserve) {
            facts.push(EventKind::ReserveMet { price });
        }
        if bid.offer == Offer::BuyNow {
            let winner = Some(Winner { account: bid.bidder, alias });
            facts.push(EventKind::Ended { outcome: Outcome::BoughtNow, price: Some(price), winner });
        } else if let Some(ends_at) = self.soft_close(now) {
            facts.push(EventKind::Extended { ends_at, cause: ExtensionCause::SoftClose });
        }
    }

    /// The new end, if an accepted bid at `now` moves it.
    fn soft_close(&self, now: Timestamp) -> Option<Timestamp> {
        let soft = self.terms.format.soft_close()?;
        let late = now.plus(soft.window) >= self.ends_at && now < self.ends_at;
        let moved = now.plus(soft.extension).min(self.cap);
        (late && moved > self.ends_at).then_some(moved)
    }

    /// One step at a time: what is due for opening and for closing opens first, and closes when asked again. Between the
    /// two, lost time can be given back.
    fn decide_tick(&self, now: Timestamp, facts: &mut Facts) {
        match self.phase {
            Phase::Scheduled if now >= self.terms.starts_at => facts.push(EventKind::Opened { ends_at: self.ends_at }),
            Phase::Open if now >= self.ends_at => {
                let standing = &self.standing;
                let sold = standing.price.filter(|&price| self.terms.format.sells_at(price)).zip(standing.leader);
                facts.push(EventKind::Ended {
                    outcome: if sold.is_some() { Outcome::Sold } else { Outcome::Unsold },
                    price: sold.map(|(price, _)| price),
                    winner: sold.map(|(_, leader)| Winner { account: leader.account, alias: leader.alias }),
                });
            }
            _ => {}
        }
    }

    /// Lost time that reached into the last stretch before the end is given back, and with it at least the grace. Both
    /// ends of it stand in the log, so an audit comes to the same end.
    fn decide_outage(&self, from: Timestamp, until: Timestamp, facts: &mut Facts) {
        let since = from.max(self.terms.starts_at);
        let window = self.terms.format.soft_close().map_or(Span::ZERO, |soft| soft.window);
        let stretch = window.max(self.terms.grace);
        let lost = since < until && since < self.ends_at;
        if self.phase == Phase::Open && lost && until > self.ends_at.minus(stretch) {
            let ends_at = self.ends_at.plus(until.since(since)).max(until.plus(self.terms.grace));
            facts.push(EventKind::Suspended { since, until });
            facts.push(EventKind::Extended { ends_at, cause: ExtensionCause::Outage });
        }
    }

    fn decide_void(
        &self,
        seq: Seq,
        bids: &[PriorBid],
        now: Timestamp,
        (by, key, reason): (AccountId, Option<BidKey>, std::sync::Arc<str>),
    ) -> Result<BidVoided, Rejection> {
        match self.phase {
            Phase::Paused { .. } => {}
            _ => self.check_open(now)?,
        }
        let target = bids.iter().find(|bid| bid.seq == seq).ok_or(Rejection::UnknownBid)?;
        let rest: Vec<PriorBid> = bids.iter().filter(|bid| bid.seq != seq).copied().collect();
        let standing = self.terms.format.recompute(&rest, |account, ceiling| self.clip(account, ceiling));
        let left = rest.iter().filter(|bid| bid.bidder == target.bidder);
        Ok(BidVoided {
            by,
            key,
            reason,
            voided: seq,
            bidder: target.bidder,
            alias: target.alias,
            bidder_max: left.filter_map(|bid| bid.offer.amount()).max(),
            leader: standing.leader,
            price: standing.price,
            minimum_bid: self.terms.format.minimum_bid(standing.price),
            bid_count: standing.bid_count,
            reserve_met: standing.reserve_met,
        })
    }

    /// Bidding is open at `now`, or why not.
    fn check_open(&self, now: Timestamp) -> Result<(), Rejection> {
        match self.phase {
            Phase::Scheduled => Err(Rejection::AuctionNotOpen),
            Phase::Paused { .. } => Err(Rejection::AuctionPaused),
            Phase::Suspended => Err(Rejection::Unavailable),
            Phase::Ended { .. } => Err(Rejection::AuctionClosed),
            Phase::Stopped => Err(Rejection::AuctionStopped),
            Phase::Open if now >= self.ends_at => Err(Rejection::AuctionClosed),
            Phase::Open => Ok(()),
        }
    }

    fn check_not_over(&self, now: Timestamp) -> Result<(), Rejection> {
        match self.check_open(now) {
            Err(over @ (Rejection::AuctionClosed | Rejection::AuctionStopped)) => Err(over),
            _ => Ok(()),
        }
    }

    /// Until somebody bids the terms may change, except for who sells, in which currency, for which fees, and a start that
    /// has been. They are written whole, so what was made from older ones would undo what came between.
    fn check_amendment(&self, terms: &Terms, over: Option<Seq>, now: Timestamp) -> Result<(), Rejection> {
        self.check_not_over(now)?;
        if self.ever_bid {
            return Err(Rejection::HasBids);
        }
        if over.is_some_and(|over| over != self.amended) {
            return Err(Rejection::TermsChanged);
        }
        let opened = !matches!(self.phase, Phase::Scheduled);
        let fixed = |terms: &Terms| (terms.seller, terms.currency, terms.fees);
        if fixed(terms) != fixed(&self.terms)
            || opened && terms.starts_at != self.terms.starts_at
            || terms.validate(now).is_err()
        {
            return Err(Rejection::InvalidTerms);
        }
        Ok(())
    }

    fn check_paused(&self) -> Result<Span, Rejection> {
        match self.phase {
            Phase::Paused { time_left } => Ok(time_left),
            Phase::Ended { .. } => Err(Rejection::AuctionClosed),
            Phase::Stopped => Err(Rejection::AuctionStopped),
            _ => Err(Rejection::NotPaused),
        }
    }

    /// Whether the allowance is to be set. It is not if it is so already: the same version with the same amount was sent
    /// twice. Before the opening and while bidding is halted it may change; after the end it decides nothing any more.
    fn check_allowance(
        &self,
        bidder: AccountId,
        amount: Money,
        version: u64,
        now: Timestamp,
    ) -> Result<bool, Rejection> {
        match self.bidder(bidder) {
            Some(known) if (version, amount) == (known.allowance_version, known.allowance) => return Ok(false),
            Some(known) if version <= known.allowance_version => return Err(Rejection::StaleAllowance),
            _ => {}
        }
        self.check_not_over(now)?;
        let leads = self.standing.leader.filter(|leader| leader.account == bidder);
        if self.terms.funds == Funds::Required && leads.is_some_and(|leader| leader.ceiling > amount) {
            return Err(Rejection::Leading);
        }
        Ok(true)
    }
}
