//! What can be checked of the rules with public eyes: no ceiling, no reserve, no allowance. Every event must fit the
//! standing that the events before it left.

use std::collections::BTreeMap;

use crate::clock::{self, WireTime};
use crate::domain::auction::view::Reserve;
use crate::domain::increments::{Band, Increments};
use crate::domain::{AuctionId, Fees, Money, Span, Timestamp};
use crate::journal::public::{Alias, PublicRecord, TermsRecord};

/// A sentence on what does not fit.
type Misfit = String;

/// The public side of an auction, event by event. Its memory grows with the bids that count: two numbers for each.
#[derive(Debug)]
pub(super) struct PublicRules {
    terms: PublicTerms,
    phase: Phase,
    at: Timestamp,
    ends_at: Timestamp,
    cap: Timestamp,
    price: Option<Money>,
    leader: Option<u32>,
    reserve_met: bool,
    aliases: u32,
    ever_bid: bool,
    /// The bids that count: their seq, and whose they are.
    bids: BTreeMap<u64, u32>,
    owed: Owed,
}

/// The public part of the terms that decides something.
#[derive(Debug)]
struct PublicTerms {
    opening_price: Money,
    increments: Increments,
    buy_now: Option<Money>,
    has_reserve: bool,
    fees: Fees,
    starts_at: Timestamp,
    ends_at: Timestamp,
    /// Window, extension, total.
    soft_close: Option<(Span, Span, Span)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Scheduled,
    Open,
    Paused(Span),
    Over,
}

/// What the event before leaves open or asks for, within one decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Owed {
    Nothing,
    /// A bid: the reserve may be met by it, the end moved, or the auction ended at once.
    AfterBid,
    /// A bid that met the reserve: the end may be moved, or the auction ended at once.
    AfterReserve,
    /// An outage: the extension must follow.
    Extension,
}

impl PublicRules {
    /// The rules of the auction that `created` creates.
    pub(super) fn new(created: &PublicRecord) -> Result<(AuctionId, Self), Misfit> {
        let (Some(terms), Some(auction), "created") = (&created.terms, created.auction, &*created.kind) else {
            return Err("the first record is no creation".to_owned());
        };
        let terms = PublicTerms::new(terms)?;
        let rules = Self {
            phase: Phase::Scheduled,
            at: Timestamp::default(),
            ends_at: terms.ends_at,
            cap: terms.cap(),
            price: None,
            leader: None,
            reserve_met: false,
            aliases: 0,
            ever_bid: false,
            bids: BTreeMap::new(),
            owed: Owed::Nothing,
            terms,
        };
        Ok((AuctionId(auction), rules))
    }

    /// The kind of event that must still follow.
    pub(super) fn owes(&self) -> Option<&'static str> {
        (self.owed == Owed::Extension).then_some("extended")
    }

    /// Checks the next event and takes it in.
    pub(super) fn check(&mut self, event: &PublicRecord) -> Result<(), Misfit> {
        let at = event.at.0;
        ensure(at >= self.at, || "it is dated before the one it follows".to_owned())?;
        let owed = std::mem::replace(&mut self.owed, Owed::Nothing);
        let kind = &*event.kind;
        ensure(owed != Owed::Extension || kind == "extended", || format!("extended must follow, not {kind}"))?;
        ensure(self.phase != Phase::Over, || format!("{kind} comes after the end"))?;
        match kind {
            "private" => Ok(()),
            "opened" => self.opened(event),
            "bid" => self.bid(event),
            "reserve_met" => self.reserve_met(event, owed),
            "extended" => self.extended(event, owed),
            "paused" => self.paused(at),
            "resumed" => self.resumed(event),
            "suspended" => self.suspended(event),
            "bid_voided" => self.voided(event),
            "stopped" => {
                self.phase = Phase::Over;
                Ok(())
            }
            "ended" => self.ended(event, owed),
            "amended" => self.amended(event),
            _ => Err(format!("unknown kind {kind:?}")),
        }?;
        self.at = at;
        Ok(())
    }

    fn opened(&mut self, event: &PublicRecord) -> Result<(), Misfit> {
        ensure(self.phase == Phase::Scheduled, || "it opened before".to_owned())?;
        ensure(event.at.0 >= self.terms.starts_at, || "it opens before its time".to_owned())?;
        same_time("ends_at", event.ends_at, self.ends_at)?;
        self.phase = Phase::Open;
        Ok(())
    }

    fn bid(&mut self, event: &PublicRecord) -> Result<(), Misfit> {
        self.ensure_open(event.at.0)?;
        let price = need(money(event.price.flatten()), "price")?;
        let amount = need(money(event.amount), "amount")?;
        let bidder = need(event.bidder, "bidder")?.0;
        let leader = need(event.leader.flatten(), "leader")?.0;
        let floor = self.price.unwrap_or(self.terms.opening_price);
        ensure(price >= floor, || format!("the price falls from {floor} to {price}, which only a void may do"))?;
        ensure((1..=self.aliases.saturating_add(1)).contains(&bidder), || {
            format!("Bidder {bidder} comes before Bidder {}", self.aliases + 1)
        })?;
        if leader == bidder {
            ensure(amount == price, || format!("the bid that leads shows {amount}, but the price is {price}"))?;
        } else {
            same("leader", Some(leader), self.leader)?;
            ensure(amount <= price, || {
                format!("the bid shows {amount} above the price of {price}, and does not lead")
            })?;
        }
        let minimum = self.terms.minimum_bid(self.price);
        // A leader may raise the own ceiling by less than a step, and buy-now costs what it costs.
        let free = self.leader == Some(bidder) || leader == bidder && self.terms.buy_now == Some(amount);
        ensure(free || amount >= minimum, || format!("{amount} lies below the minimum bid of {minimum}"))?;
        self.ever_bid = true;
        self.aliases = self.aliases.max(bidder);
        self.bids.insert(event.seq, bidder);
        (self.price, self.leader) = (Some(price), Some(leader));
        self.check_standing(event)?;
        same_time("ends_at", event.ends_at, self.ends_at)?;
        self.owed = Owed::AfterBid;
        Ok(())
    }

    fn reserve_met(&mut self, event: &PublicRecord, owed: Owed) -> Result<(), Misfit> {
        ensure(owed == Owed::AfterBid, || "reserve_met only ever follows a bid".to_owned())?;
        ensure(self.terms.has_reserve && !self.reserve_met, || "there is no reserve left to meet".to_owned())?;
        same("price", money(event.price.flatten()), self.price)?;
        self.reserve_met = true;
        self.owed = Owed::AfterReserve;
        Ok(())
    }

    fn extended(&mut self, event: &PublicRecord, owed: Owed) -> Result<(), Misfit> {
        let ends_at = need(event.ends_at, "ends_at")?.0;
        ensure(ends_at > self.ends_at, || "the end moves, but not forward".to_owned())?;
        match (owed, event.cause.as_deref()) {
            (Owed::AfterBid | Owed::AfterReserve, Some("soft_close")) => {
                let (window, extension, _) = need(self.terms.soft_close, "soft close in the terms")?;
                let in_window = event.at.0.plus(window) >= self.ends_at;
                ensure(in_window, || "the bid before it lies outside the closing window".to_owned())?;
                same_time("ends_at", event.ends_at, event.at.0.plus(extension).min(self.cap))?;
            }
            (Owed::Extension, Some("outage")) => self.cap = self.cap.plus(ends_at.since(self.ends_at)),
            (_, cause) => {
                return Err(format!("extended by {}, which did not come before it", cause.unwrap_or("nothing")));
            }
        }
        self.ends_at = ends_at;
        Ok(())
    }

    fn paused(&mut self, at: Timestamp) -> Result<(), Misfit> {
        self.ensure_open(at)?;
        self.phase = Phase::Paused(self.ends_at.since(at));
        Ok(())
    }

    fn resumed(&mut self, event: &PublicRecord) -> Result<(), Misfit> {
        let Phase::Paused(time_left) = self.phase else {
            return Err("it was not paused".to_owned());
        };
        let ends_at = event.at.0.plus(time_left);
        same_time("ends_at", event.ends_at, ends_at)?;
        self.cap = self.cap.plus(ends_at.since(self.ends_at));
        self.ends_at = ends_at;
        self.phase = Phase::Open;
        Ok(())
    }

    fn suspended(&mut self, event: &PublicRecord) -> Result<(), Misfit> {
        ensure(self.phase == Phase::Open, || "bidding was not open".to_owned())?;
        let (since, until) = (need(event.since, "since")?.0, need(event.until, "until")?.0);
        ensure(since < until && since < self.ends_at, || "no time was lost before the end".to_owned())?;
        self.owed = Owed::Extension;
        Ok(())
    }

    fn voided(&mut self, event: &PublicRecord) -> Result<(), Misfit> {
        if !matches!(self.phase, Phase::Paused(_)) {
            self.ensure_open(event.at.0)?;
        }
        let voided = need(event.voided, "voided")?;
        let bidder = self.bids.remove(&voided);
        ensure(bidder.is_some(), || format!("no bid that counts has seq {voided}"))?;
        same("bidder", event.bidder.map(|Alias(number)| number), bidder)?;
        let leader = event.leader.flatten().map(|Alias(number)| number);
        let known = leader.is_none_or(|leader| self.bids.values().any(|&bidder| bidder == leader));
        ensure(known, || "who leads now has no bid that counts".to_owned())?;
        (self.price, self.leader) = (money(event.price.flatten()), leader);
        ensure(self.price.is_some() == leader.is_some(), || "a price without a leader, or the reverse".to_owned())?;
        let met = event.reserve.as_deref() == Some(Reserve::Met.name());
        ensure(self.reserve_met || !met, || "a void cannot meet the reserve".to_owned())?;
        self.reserve_met = met;
        let word = match (self.terms.has_reserve, self.reserve_met) {
            (false, _) => Reserve::None,
            (true, false) => Reserve::NotMet,
            (true, true) => Reserve::Met,
        };
        same("reserve", event.reserve.as_deref(), Some(word.name()))?;
        self.check_standing(event)
    }

    fn ended(&mut self, event: &PublicRecord, owed: Owed) -> Result<(), Misfit> {
        ensure(self.phase == Phase::Open, || "bidding was not open".to_owned())?;
        let price = money(event.price.flatten());
        let winner = event.winner.flatten().map(|Alias(number)| number);
        let outcome = event.outcome.as_deref();
        if outcome == Some("bought_now") {
            let follows = matches!(owed, Owed::AfterBid | Owed::AfterReserve);
            ensure(follows && self.terms.buy_now.is_some(), || "nobody bought it at once".to_owned())?;
            same("price", price, self.terms.buy_now)?;
        } else {
            ensure(event.at.0 >= self.ends_at, || "it ends before its time".to_owned())?;
        }
        let sells = self.leader.is_some() && (!self.terms.has_reserve || self.reserve_met);
        ensure(sells == (outcome != Some("unsold")), || {
            format!("the outcome is {}, which the standing does not give", outcome.unwrap_or("nothing"))
        })?;
        same("price", price, self.price.filter(|_| sells))?;
        same("winner", winner, self.leader.filter(|_| sells))?;
        self.phase = Phase::Over;
        Ok(())
    }

    fn amended(&mut self, event: &PublicRecord) -> Result<(), Misfit> {
        ensure(!self.ever_bid, || "the terms change after a bid".to_owned())?;
        let terms = PublicTerms::new(need(event.terms.as_deref(), "terms")?)?;
        ensure(terms.fees == self.terms.fees, || "the fees change, which they never do".to_owned())?;
        self.terms = terms;
        (self.ends_at, self.cap) = (self.terms.ends_at, self.terms.cap());
        if matches!(self.phase, Phase::Paused(_)) {
            self.phase = Phase::Paused(self.ends_at.since(event.at.0));
        }
        Ok(())
    }

    fn ensure_open(&self, at: Timestamp) -> Result<(), Misfit> {
        ensure(self.phase == Phase::Open, || "bidding was not open".to_owned())?;
        ensure(at < self.ends_at, || "bidding had ended".to_owned())
    }

    /// The minimum bid and the count that an event states, against the standing after it.
    fn check_standing(&self, event: &PublicRecord) -> Result<(), Misfit> {
        same("minimum_bid", money(event.minimum_bid), Some(self.terms.minimum_bid(self.price)))?;
        same("bid_count", event.bid_count.map(u64::from), Some(self.bids.len() as u64))
    }
}

impl PublicTerms {
    fn new(terms: &TermsRecord) -> Result<Self, Misfit> {
        let amount = |minor| need(Money::or_zero(minor), "amount within range");
        let bands: Vec<Band> = terms
            .increments
            .iter()
            .map(|band| Ok(Band { from: amount(band.from)?, step: amount(band.step)? }))
            .collect::<Result<_, Misfit>>()?;
        let span = Span::from_millis;
        Ok(Self {
            opening_price: amount(terms.opening_price)?,
            increments: Increments::new(&bands)?,
            buy_now: terms.buy_now.map(amount).transpose()?,
            has_reserve: terms.has_reserve,
            fees: Fees { premium_bp: terms.premium_bp, commission_bp: terms.commission_bp },
            starts_at: terms.starts_at.0,
            ends_at: terms.ends_at.0,
            soft_close: terms
                .soft_close
                .map(|soft| (span(soft.window_ms), span(soft.extension_ms), span(soft.max_total_ms))),
        })
    }

    fn minimum_bid(&self, price: Option<Money>) -> Money {
        price.map_or(self.opening_price, |price| self.increments.next(price))
    }

    fn cap(&self) -> Timestamp {
        self.soft_close.map_or(self.ends_at, |(_, _, total)| self.ends_at.plus(total))
    }
}

fn money(minor: Option<i64>) -> Option<Money> {
    minor.and_then(Money::new)
}

fn need<T>(value: Option<T>, name: &str) -> Result<T, Misfit> {
    value.ok_or_else(|| format!("there is no {name}"))
}

fn ensure(holds: bool, misfit: impl FnOnce() -> Misfit) -> Result<(), Misfit> {
    if holds { Ok(()) } else { Err(misfit()) }
}

fn same<T: PartialEq + std::fmt::Display>(name: &str, found: Option<T>, expected: Option<T>) -> Result<(), Misfit> {
    let show = |value: &Option<T>| value.as_ref().map_or_else(|| "nothing".to_owned(), T::to_string);
    ensure(found == expected, || format!("{name} is {}, where {} follows", show(&found), show(&expected)))
}

fn same_time(name: &str, found: Option<WireTime>, expected: Timestamp) -> Result<(), Misfit> {
    same(name, found.map(|at| clock::format(at.0)), Some(clock::format(expected)))
}
