//! How many bids one core decides and applies in a second, in one hot auction.
//!
//! Only `decide` and `apply` are timed. Commands with fresh keys are made outside the timed part, and so is the state that
//! they meet: an open auction in which every bidder has bid before. Each bid comes a few milliseconds after the one before,
//! from a bidder drawn at random, because a room is never hit in the order of its table.
//!
//! The mixes, each for 64 and for 1,000 bidders:
//! - `accepted`: every bid stands. One half takes the lead, one half is beaten by the leader's ceiling; every bid offers
//!   a maximum and must be covered by an allowance, which is the longest way through the rules.
//! - `rejected`: every bid is below the minimum.
//! - `mixed`: of ten bids six stand, three are too low, and one repeats the key of an earlier one.
//! - `full_memory` (64 bidders only): as `accepted`, with as many remembered keys as a bidder may have, so that each bid
//!   makes the hub forget an old one. This is the worst that the memory of keys can do.

#![allow(missing_docs, clippy::unwrap_used, reason = "a measurement, not an interface")]
#![allow(clippy::inconsistent_digit_grouping, reason = "dollars and cents")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bidhub::domain::auction::{Bid, Command, Funds, KEYS_PER_BIDDER, Offer, State, Terms};
use bidhub::domain::formats::{Format, SoftClose, english::BuyNowUntil, english::English};
use bidhub::domain::increments::Increments;
use bidhub::domain::{AccountId, BidKey, Currency, Fees, Money, Span, Timestamp};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use uuid::Uuid;

const BATCH: usize = 20_000;
const MS_BETWEEN_BIDS: i64 = 4;

/// A small generator (splitmix64): the same numbers in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Mix {
    Accepted,
    Rejected,
    Mixed,
}

/// A hot auction with the commands that will meet it, made one after the other as its bidders would.
struct Hall {
    state: State,
    accounts: Vec<AccountId>,
    dice: Dice,
    now: Timestamp,
    bids: u64,
}

impl Hall {
    fn new(bidders: usize, bids_before: usize) -> Self {
        let mut dice = Dice(7);
        let starts_at = Timestamp::from_millis(1_795_253_400_000);
        let terms = Terms {
            seller: AccountId(Uuid::from_u128(1)),
            currency: Currency::new("USD").unwrap(),
            starts_at,
            ends_at: starts_at.plus(Span::from_secs(360 * 24 * 3_600)),
            funds: Funds::Required,
            fees: Fees::default(),
            grace: Span::from_secs(60),
            format: Format::English(English {
                opening_price: Money::new(100).unwrap(),
                increments: Increments::default(),
                reserve: None,
                buy_now: None,
                buy_now_until: BuyNowUntil::FirstBid,
                soft_close: Some(SoftClose {
                    window: Span::from_secs(120),
                    extension: Span::from_secs(120),
                    max_total: Span::from_secs(3_600),
                }),
            }),
        };
        let accounts = (0..bidders)
            .map(|number| {
                let drawn = dice.below(usize::MAX) as u128;
                AccountId(Uuid::from_u128(
                    0x019A_0000_0000_7000_8000_0000_0000_0000 | (number as u128) << 64 | drawn >> 2,
                ))
            })
            .collect();
        let mut hall = Self { state: State::new(terms), accounts, dice, now: starts_at, bids: 0 };
        hall.run(&Command::Tick);
        for bidder in hall.accounts.clone() {
            hall.run(&Command::SetAllowance { bidder, amount: Money::MAX, version: 1 });
        }
        for _ in 0..bids_before {
            let command = hall.standing_bid();
            hall.run(&command);
        }
        hall
    }

    fn run(&mut self, command: &Command) {
        for event in self.state.decide(command, self.now).unwrap() {
            self.state.apply(&event);
        }
        self.now = self.now.plus(Span::from_millis(MS_BETWEEN_BIDS));
    }

    fn bid(&mut self, offer: Money) -> Command {
        self.bids += 1;
        let mut bidder = self.accounts[self.dice.below(self.accounts.len())];
        while self.state.standing.leader.is_some_and(|leader| leader.account == bidder) {
            bidder = self.accounts[self.dice.below(self.accounts.len())];
        }
        let key = BidKey::new(&format!("{:016x}-{:08}", self.dice.below(usize::MAX), self.bids)).unwrap();
        Command::Bid(Bid { bidder, barred: None, key, offer: Offer::Max(offer) })
    }

    /// A bid that stands: half of them exactly at the minimum, half of them high above the leader's ceiling.
    fn standing_bid(&mut self) -> Command {
        let minimum = self.state.minimum_bid();
        let ceiling = self.state.standing.leader.map_or(minimum, |leader| leader.ceiling);
        let over = Money::new(300_00 + self.dice.below(200_00) as i64).unwrap();
        let offer = if minimum > ceiling || self.dice.below(2) == 0 { ceiling.saturating_add(over) } else { minimum };
        self.bid(offer.max(minimum))
    }

    /// The commands of one measurement with their moments, and the state that the first of them meets.
    fn batch(mut self, mix: Mix) -> (State, Vec<(Command, Timestamp)>) {
        let before = self.state.clone();
        let mut commands: Vec<(Command, Timestamp)> = Vec::with_capacity(BATCH);
        let mut stood: Vec<Command> = Vec::new();
        for number in 0..BATCH {
            let now = self.now;
            let command = match (mix, number % 10) {
                (Mix::Rejected, _) | (Mix::Mixed, 3 | 5 | 7) => self.bid(Money::new(1).unwrap()),
                (Mix::Mixed, 9) => stood[self.dice.below(stood.len())].clone(),
                _ => {
                    let command = self.standing_bid();
                    self.run(&command);
                    stood.push(command.clone());
                    command
                }
            };
            self.now = now.plus(Span::from_millis(MS_BETWEEN_BIDS));
            commands.push((command, now));
        }
        (before, commands)
    }
}

/// Decides and applies every command; how many stood and how many were refused.
fn play(state: &mut State, commands: &[(Command, Timestamp)]) -> (usize, usize) {
    let (mut stood, mut refused) = (0, 0);
    for (command, now) in commands {
        match black_box(&*state).decide(black_box(command), *now) {
            Ok(events) => {
                stood += usize::from(!events.is_empty());
                events.iter().for_each(|event| state.apply(event));
            }
            Err(_) => refused += 1,
        }
    }
    (stood, refused)
}

fn measure(criterion: &mut Criterion) {
    let cases = [
        ("accepted", 64, 20_000, Mix::Accepted),
        ("accepted", 1_000, 20_000, Mix::Accepted),
        ("rejected", 64, 20_000, Mix::Rejected),
        ("rejected", 1_000, 20_000, Mix::Rejected),
        ("mixed", 64, 20_000, Mix::Mixed),
        ("mixed", 1_000, 20_000, Mix::Mixed),
        ("full_memory", 64, 64 * KEYS_PER_BIDDER * 5 / 4, Mix::Accepted),
    ];
    let mut group = criterion.benchmark_group("decide");
    group.throughput(Throughput::Elements(BATCH as u64)).sample_size(20).measurement_time(Duration::from_secs(8));
    for (name, bidders, bids_before, mix) in cases {
        let (state, commands) = Hall::new(bidders, bids_before).batch(mix);
        let (stood, refused) = play(&mut state.clone(), &commands);
        let expected = match mix {
            Mix::Accepted => (BATCH, 0),
            Mix::Rejected => (0, BATCH),
            Mix::Mixed => (BATCH / 10 * 6, BATCH / 10 * 3),
        };
        assert_eq!((stood, refused), expected, "the mix of {name} is not what it says");
        group.bench_function(format!("{name}/{bidders}_bidders"), |bencher| {
            bencher.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                for _ in 0..rounds {
                    let mut state = state.clone();
                    let started = Instant::now();
                    black_box(play(&mut state, &commands));
                    spent += started.elapsed();
                }
                spent
            });
        });
    }
    group.finish();
}

criterion_group!(benches, measure);
criterion_main!(benches);
