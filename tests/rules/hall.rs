//! A small auction hall for tests: terms with defaults, named bidders, and a clock in seconds from the opening.

use bidhub::domain::auction::{
    Audit, Bid, Command, Event, EventKind, Funds, Listing, Offer, PriorBid, Rejection, State, Terms,
};
use bidhub::domain::formats::{English, Format, SoftClose, english::BuyNowUntil};
use bidhub::domain::increments::Increments;
use bidhub::domain::{AccountId, BidKey, Currency, Fees, Money, Seq, Span, Timestamp};
use uuid::Uuid;

pub const SELLER: u128 = 1;
pub const STAFF: u128 = 2;
pub const A: u128 = 10;
pub const B: u128 = 11;
pub const C: u128 = 12;

/// When the auction opens, unless a test says otherwise.
pub const OPENS_MS: i64 = 1_795_253_400_000;
/// How long it is planned to last.
pub const LASTS_S: i64 = 3_600;

pub fn account(number: u128) -> AccountId {
    AccountId(Uuid::from_u128(number))
}

pub fn money(minor: i64) -> Money {
    Money::or_zero(minor).unwrap()
}

/// So many seconds after the opening.
pub fn at(seconds: i64) -> Timestamp {
    at_ms(seconds * 1_000)
}

/// So many milliseconds after the opening.
pub fn at_ms(millis: i64) -> Timestamp {
    Timestamp::from_millis(OPENS_MS + millis)
}

pub fn max(minor: i64) -> Offer {
    Offer::Max(money(minor))
}

pub fn straight(minor: i64) -> Offer {
    Offer::Straight(money(minor))
}

pub fn key(text: &str) -> BidKey {
    BidKey::new(text).unwrap()
}

/// Opening price 1.00, eBay's steps, one hour, nothing else.
pub fn english() -> English {
    English {
        opening_price: money(1_00),
        increments: Increments::default(),
        reserve: None,
        buy_now: None,
        buy_now_until: BuyNowUntil::FirstBid,
        soft_close: None,
    }
}

/// Window 60 s, extension 60 s, by 150 s in all.
pub fn soft_close() -> SoftClose {
    SoftClose { window: Span::from_secs(60), extension: Span::from_secs(60), max_total: Span::from_secs(150) }
}

pub fn terms(format: English) -> Terms {
    Terms {
        seller: account(SELLER),
        currency: Currency::new("USD").unwrap(),
        starts_at: at(0),
        ends_at: at(LASTS_S),
        funds: Funds::None,
        fees: Fees::default(),
        grace: Span::from_secs(30),
        format: Format::English(format),
    }
}

pub fn listing() -> Listing {
    Listing { title: "Lamp".into(), description: "".into(), category: "home".into(), image_url: None }
}

/// An auction with everything that was asked of it.
#[derive(Clone)]
pub struct Hall {
    pub terms: Terms,
    pub state: State,
    pub log: Vec<Event>,
    pub prior: Vec<PriorBid>,
    keys: u32,
}

impl Hall {
    /// An auction that has not opened.
    pub fn scheduled(terms: Terms) -> Self {
        Self { state: State::new(terms.clone()), terms, log: Vec::new(), prior: Vec::new(), keys: 0 }
    }

    /// An auction that opened at second 0.
    pub fn open(terms: Terms) -> Self {
        let mut hall = Self::scheduled(terms);
        hall.ask(&Command::Tick, at(0)).unwrap();
        hall
    }

    /// Decides and applies; a refused command must change nothing.
    pub fn ask(&mut self, command: &Command, now: Timestamp) -> Result<Vec<EventKind>, Rejection> {
        let events = self.state.decide(command, now)?;
        for event in &events {
            self.state.apply(event);
            match &event.kind {
                EventKind::Bid(bid) => {
                    let (bidder, alias, offer) = (bid.bidder, bid.alias, bid.offer);
                    self.prior.push(PriorBid { seq: event.seq, bidder, alias, offer });
                }
                EventKind::BidVoided(void) => self.prior.retain(|bid| bid.seq != void.voided),
                _ => {}
            }
        }
        self.log.extend(events.iter().cloned());
        Ok(events.into_iter().map(|event| event.kind).collect())
    }

    /// A bid under a fresh key, ten seconds after the opening.
    pub fn bid(&mut self, bidder: u128, offer: Offer) -> Result<Vec<EventKind>, Rejection> {
        self.bid_at(bidder, offer, at(10))
    }

    /// A bid under a fresh key.
    pub fn bid_at(&mut self, bidder: u128, offer: Offer, now: Timestamp) -> Result<Vec<EventKind>, Rejection> {
        self.keys += 1;
        let key = key(&format!("k{}", self.keys));
        self.ask(&Command::Bid(Bid { bidder: account(bidder), barred: None, key, offer }), now)
    }

    pub fn pause(&mut self, now: Timestamp) -> Result<Vec<EventKind>, Rejection> {
        self.ask(&Command::Pause { by: account(STAFF), key: None, reason: "a look".into() }, now)
    }

    pub fn resume(&mut self, now: Timestamp) -> Result<Vec<EventKind>, Rejection> {
        self.ask(&Command::Resume { by: account(STAFF), key: None, reason: None }, now)
    }

    pub fn stop(&mut self, now: Timestamp, only_without_bids: bool) -> Result<Vec<EventKind>, Rejection> {
        self.ask(&Command::Stop { by: account(STAFF), key: None, reason: "a fake".into(), only_without_bids }, now)
    }

    pub fn amend(&mut self, terms: &Terms, now: Timestamp) -> Result<Vec<EventKind>, Rejection> {
        self.amend_over(None, terms, now)
    }

    pub fn amend_over(
        &mut self,
        over: Option<Seq>,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Vec<EventKind>, Rejection> {
        let (terms, listing) = (terms.clone().into(), listing().into());
        let command = Command::Amend { by: account(SELLER), key: None, terms, listing, over };
        self.ask(&command, now)
    }

    pub fn outage(&mut self, from: Timestamp, until: Timestamp) -> Result<Vec<EventKind>, Rejection> {
        self.ask(&Command::Outage { from, until }, until)
    }

    pub fn allow(&mut self, bidder: u128, minor: i64, version: u64) -> Result<Vec<EventKind>, Rejection> {
        self.allow_at(bidder, minor, version, at(5))
    }

    pub fn allow_at(
        &mut self,
        bidder: u128,
        minor: i64,
        version: u64,
        now: Timestamp,
    ) -> Result<Vec<EventKind>, Rejection> {
        let command = Command::SetAllowance { bidder: account(bidder), amount: money(minor), version };
        self.ask(&command, now)
    }

    /// Voids the bid with this seq, ten seconds after the opening.
    pub fn void(&mut self, seq: u64) -> Result<Vec<EventKind>, Rejection> {
        self.void_at(seq, at(10))
    }

    pub fn void_at(&mut self, seq: u64, now: Timestamp) -> Result<Vec<EventKind>, Rejection> {
        let (by, reason, bids) = (account(STAFF), "shill".into(), self.prior.clone());
        self.ask(&Command::Void { by, key: None, reason, seq: Seq(seq), bids }, now)
    }

    /// Price and leader's number, 0 where there is none.
    pub fn standing(&self) -> (i64, u32) {
        let standing = &self.state.standing;
        (standing.price.map_or(0, Money::minor_units), standing.leader.map_or(0, |leader| leader.alias))
    }

    /// Seconds from the opening to the end as it stands.
    pub fn end_s(&self) -> i64 {
        (self.state.ends_at.millis() - OPENS_MS) / 1_000
    }

    /// An audit of everything that happened comes to the same state.
    pub fn assert_audited(&self) {
        let mut audit = Audit::new(self.terms.clone());
        self.log.iter().for_each(|event| audit.check(event).unwrap());
        assert_eq!(audit.finish().unwrap(), self.state);
    }
}

/// The names of the facts, in order.
pub fn names(events: &[EventKind]) -> Vec<&'static str> {
    events
        .iter()
        .map(|kind| match kind {
            EventKind::Opened { .. } => "opened",
            EventKind::Bid(_) => "bid",
            EventKind::ReserveMet { .. } => "reserve_met",
            EventKind::Extended { .. } => "extended",
            EventKind::Paused { .. } => "paused",
            EventKind::Resumed { .. } => "resumed",
            EventKind::Suspended { .. } => "suspended",
            EventKind::BidVoided(_) => "bid_voided",
            EventKind::Stopped { .. } => "stopped",
            EventKind::Ended { .. } => "ended",
            EventKind::Amended { .. } => "amended",
            EventKind::AllowanceSet { .. } => "allowance_set",
        })
        .collect()
}
