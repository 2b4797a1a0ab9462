//! One auction in which everything happens that can be written down.

use std::sync::Arc;

use bidhub::domain::auction::*;
use bidhub::domain::formats::english::BuyNowUntil;
use bidhub::domain::formats::{English, Format, SoftClose};
use bidhub::domain::increments::{Band, Increments};
use bidhub::domain::*;
use bidhub::journal::record::{seal_event, seal_genesis};
use bidhub::journal::{Chain, Record, Secret};
use uuid::Uuid;

pub const SECRET: Secret = Secret([7; 32]);
pub const EPOCH: u64 = 3;

pub fn auction() -> AuctionId {
    AuctionId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001))
}

pub fn account(number: u128) -> AccountId {
    AccountId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_1000 + number))
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_795_253_400_000 + seconds * 1_000)
}

pub fn money(minor: i64) -> Money {
    Money::or_zero(minor).unwrap()
}

pub fn listing() -> Listing {
    Listing {
        title: "Clock, \"brass\" – with a dent\n".into(),
        description: "Ticks. ✓".into(),
        category: "clocks".into(),
        image_url: Some("/images/clock.webp".into()),
    }
}

pub fn terms(funds: Funds) -> Terms {
    let bands = [Band { from: money(0), step: money(50) }, Band { from: money(5_000), step: money(100) }];
    Terms {
        seller: account(0),
        currency: Currency::new("EUR").unwrap(),
        starts_at: at(10),
        ends_at: at(1_000),
        funds,
        fees: Fees::default(),
        grace: Span::from_secs(60),
        format: Format::English(English {
            opening_price: money(1_000),
            increments: Increments::new(&bands).unwrap(),
            reserve: Some(money(6_000)),
            buy_now: Some(money(90_000)),
            buy_now_until: BuyNowUntil::ReserveMet,
            soft_close: Some(SoftClose {
                window: Span::from_secs(120),
                extension: Span::from_secs(120),
                max_total: Span::from_secs(600),
            }),
        }),
    }
}

fn bid(bidder: u128, key: &str, offer: Offer) -> Command {
    Command::Bid(Bid { bidder: account(bidder), barred: None, key: BidKey::new(key).unwrap(), offer })
}

/// Every kind of event at least once, the auction sold to the leader in the end.
pub fn commands() -> Vec<(Command, Timestamp)> {
    let by = account(99);
    let reason: Arc<str> = "checked".into();
    let amended = Terms { ends_at: at(1_100), ..terms(Funds::Required) };
    let allow =
        |bidder, minor, version| Command::SetAllowance { bidder: account(bidder), amount: money(minor), version };
    let void =
        |seq, bids: Vec<PriorBid>| Command::Void { by, key: None, reason: "mistaken".into(), seq: Seq(seq), bids };
    let prior = |seq, bidder, alias, offer| PriorBid { seq: Seq(seq), bidder: account(bidder), alias, offer };
    vec![
        (
            Command::Amend { by: account(0), key: None, terms: amended.into(), listing: listing().into(), over: None },
            at(1),
        ),
        (Command::Tick, at(10)),
        (allow(1, 100_000, 1), at(11)),
        (allow(2, 100_000, 1), at(12)),
        (bid(1, "a-1", Offer::Straight(money(1_000))), at(20)),
        (bid(2, "b-1", Offer::Max(money(8_000))), at(30)),
        (bid(1, "a-2", Offer::Max(money(7_000))), at(40)),
        (Command::Pause { by, key: None, reason: reason.clone() }, at(50)),
        (Command::Resume { by, key: None, reason: None }, at(60)),
        (
            void(
                9,
                vec![
                    prior(5, 1, 1, Offer::Straight(money(1_000))),
                    prior(6, 2, 2, Offer::Max(money(8_000))),
                    prior(8, 1, 1, Offer::Max(money(7_000))),
                ],
            ),
            at(65),
        ),
        (
            void(
                8,
                vec![
                    prior(5, 1, 1, Offer::Straight(money(1_000))),
                    prior(6, 2, 2, Offer::Max(money(8_000))),
                    prior(8, 1, 1, Offer::Max(money(7_000))),
                ],
            ),
            at(70),
        ),
        (Command::Outage { from: at(1_050), until: at(1_090) }, at(1_091)),
        (bid(1, "a-3", Offer::Max(money(9_000))), at(1_140)),
        (Command::Tick, at(9_999)),
    ]
}

/// The same, every act under a key of its own.
pub fn commands_with_keys() -> Vec<(Command, Timestamp)> {
    let keyed = |(number, (mut command, now)): (usize, (Command, Timestamp))| {
        if let Command::Amend { key, .. }
        | Command::Pause { key, .. }
        | Command::Resume { key, .. }
        | Command::Void { key, .. } = &mut command
        {
            *key = BidKey::new(&format!("act-{number}"));
        }
        (command, now)
    };
    let mut commands: Vec<_> = commands().into_iter().enumerate().map(keyed).collect();
    commands.truncate(commands.len() - 1);
    let key = BidKey::new("last-act");
    let stop = Command::Stop { by: account(99), key, reason: "not genuine".into(), only_without_bids: false };
    commands.push((stop, at(1_150)));
    commands
}

/// Decides the story and seals it.
pub fn told() -> (Vec<Record>, Vec<Event>, State) {
    seal(terms(Funds::Required), commands())
}

/// As [`told`], with keys, and stopped in the end.
pub fn told_with_keys() -> (Vec<Record>, Vec<Event>, State) {
    seal(terms(Funds::Required), commands_with_keys())
}

/// As [`told`], where the house takes something of the sale.
pub fn told_with_fees() -> (Vec<Record>, Vec<Event>, State) {
    let fees = Fees { premium_bp: 1_250, commission_bp: 500 };
    let mut commands = commands();
    for (command, _) in &mut commands {
        if let Command::Amend { terms, .. } = command {
            terms.fees = fees;
        }
    }
    seal(Terms { fees, ..terms(Funds::Required) }, commands)
}

/// As [`told_with_keys`], where staff says why it goes on.
pub fn told_with_reasons() -> (Vec<Record>, Vec<Event>, State) {
    let mut commands = commands_with_keys();
    for (command, _) in &mut commands {
        if let Command::Resume { reason, .. } = command {
            *reason = Some("it is genuine".into());
        }
    }
    seal(terms(Funds::Required), commands)
}

fn seal(terms: Terms, commands: Vec<(Command, Timestamp)>) -> (Vec<Record>, Vec<Event>, State) {
    let mut chain = Chain::origin(&SECRET);
    let mut records = vec![seal_genesis(&mut chain, EPOCH, auction(), at(0), &terms, &listing())];
    let mut events = Vec::new();
    let mut state = State::new(terms);
    for (command, now) in commands {
        // What is refused leaves no trace; the story has one such step.
        for event in state.decide(&command, now).unwrap_or_default() {
            records.push(seal_event(&mut chain, EPOCH, &event, &state.terms));
            state.apply(&event);
            events.push(event);
        }
    }
    (records, events, state)
}

/// Another auction, bought at once; and one stopped.
pub fn other_ends() -> Vec<Vec<Event>> {
    let open = || {
        let mut state = State::new(terms(Funds::None));
        let events = state.decide(&Command::Tick, at(10)).unwrap();
        events.iter().for_each(|event| state.apply(event));
        (state, events)
    };
    let by = account(99);
    let ends = [
        (bid(1, "now", Offer::BuyNow), at(20)),
        (Command::Stop { by, key: None, reason: "not genuine".into(), only_without_bids: false }, at(20)),
        (Command::Tick, at(1_000)),
    ];
    let play = |(command, now)| {
        let (state, mut events) = open();
        events.extend(state.decide(&command, now).unwrap());
        events
    };
    ends.into_iter().map(play).collect()
}
