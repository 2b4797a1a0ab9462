//! A log for tests, with every kind of event in it, made by the rules themselves.

use crate::domain::auction::*;
use crate::domain::formats::{English, Format, SoftClose, english::BuyNowUntil};
use crate::domain::increments::Increments;
use crate::domain::*;
use crate::journal::record::{seal_event, seal_genesis};
use crate::journal::{Chain, Head, Record, Secret};

pub(super) const SECRET: Secret = Secret([7; 32]);
const START: i64 = 1_800_000_000_000;

pub(super) fn money(minor: i64) -> Money {
    Money::new(minor).unwrap()
}

pub(super) fn auction() -> AuctionId {
    AuctionId(uuid::Uuid::from_u128(1))
}

pub(super) fn account(number: u128) -> AccountId {
    AccountId(uuid::Uuid::from_u128(100 + number))
}

pub(super) fn second(seconds: i64) -> Timestamp {
    Timestamp::from_millis(START + seconds * 1_000)
}

fn terms(opening: i64) -> Terms {
    Terms {
        seller: account(99),
        currency: Currency::new("USD").unwrap(),
        starts_at: second(0),
        ends_at: second(100),
        funds: Funds::None,
        fees: Fees { premium_bp: 250, commission_bp: 500 },
        grace: Span::from_secs(30),
        format: Format::English(English {
            opening_price: money(opening),
            increments: Increments::default(),
            reserve: Some(money(5_000)),
            buy_now: Some(money(9_000)),
            buy_now_until: BuyNowUntil::FirstBid,
            soft_close: Some(SoftClose {
                window: Span::from_secs(20),
                extension: Span::from_secs(30),
                max_total: Span::from_secs(600),
            }),
        }),
    }
}

fn listing() -> Listing {
    Listing { title: "A lamp".into(), description: "Brass".into(), category: "home".into(), image_url: None }
}

/// A log under construction.
pub(super) struct Log {
    state: State,
    chain: Chain,
    pub records: Vec<Record>,
    bids: Vec<PriorBid>,
}

impl Log {
    pub fn new() -> Self {
        let mut chain = Chain::origin(&SECRET);
        let genesis = seal_genesis(&mut chain, 1, auction(), second(-10), &terms(900), &listing());
        Self { state: State::new(terms(900)), chain, records: vec![genesis], bids: Vec::new() }
    }

    pub fn head(&self) -> Head {
        self.chain.head()
    }

    fn does(&mut self, at: i64, command: &Command) {
        let events = self.state.decide(command, second(at)).expect("the rules accept it");
        assert!(!events.is_empty(), "{command:?} does something");
        for event in events {
            self.write(&event);
        }
    }

    fn bids(&mut self, at: i64, bidder: u128, offer: Offer) {
        let key = BidKey::new(&format!("key-{at}")).unwrap();
        self.does(at, &Command::Bid(Bid { bidder: account(bidder), barred: None, key, offer }));
    }

    /// Writes an event whether the rules give it or not.
    pub fn write(&mut self, event: &Event) {
        self.write_under(1, event);
    }

    /// The same under another epoch than 1.
    pub fn write_under(&mut self, epoch: u64, event: &Event) {
        self.records.push(seal_event(&mut self.chain, epoch, event, &self.state.terms));
        if let EventKind::Bid(bid) = &event.kind {
            self.bids.push(PriorBid { seq: event.seq, bidder: bid.bidder, alias: bid.alias, offer: bid.offer });
        }
        self.state.apply(event);
    }

    /// An auction with all that can happen to one: 15 events or more, 6 of them bids, sold to account 1 at 60.00.
    pub fn full() -> Self {
        let mut log = Self::new();
        let (by, reason) = (account(50), std::sync::Arc::<str>::from("checking"));
        let amend = Command::Amend {
            by: account(99),
            key: None,
            terms: terms(1_000).into(),
            listing: listing().into(),
            over: None,
        };
        log.does(-5, &amend);
        log.does(0, &Command::Tick);
        log.does(1, &Command::SetAllowance { bidder: account(1), amount: money(100), version: 1 });
        log.bids(2, 1, Offer::Max(money(2_000)));
        log.bids(3, 2, Offer::Straight(money(1_500)));
        log.bids(4, 1, Offer::Max(money(6_000)));
        log.does(5, &Command::Pause { by, key: None, reason: reason.clone() });
        log.does(9, &Command::Resume { by, key: None, reason: None });
        log.bids(95, 3, Offer::Straight(money(6_500)));
        let (seq, bids) = (log.bids.last().unwrap().seq, log.bids.clone());
        log.does(96, &Command::Void { by, key: None, reason, seq, bids });
        log.does(110, &Command::Outage { from: second(105), until: second(110) });
        log.bids(112, 2, Offer::Max(money(5_900)));
        log.does(1_000, &Command::Tick);
        log
    }
}

/// A change to a record's public text that leaves its length and its JSON as they are.
pub(super) fn digit_changed(text: &str) -> String {
    let at = text.rfind(|c: char| c.is_ascii_digit()).expect("there is a digit");
    let other = if text.as_bytes()[at] == b'9' { "8" } else { "9" };
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}
