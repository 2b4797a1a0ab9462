//! Commands in any order: few bidders, few keys and small amounts, so that they meet often.

use bidhub::domain::auction::{Barred, Bid, Command, Funds, Offer, Terms};
use bidhub::domain::formats::{English, SoftClose, english::BuyNowUntil};
use bidhub::domain::increments::{Band, Increments};
use bidhub::domain::{BidKey, Fees, Money, Seq, Span, Timestamp};
use proptest::prelude::*;

use crate::hall::*;

/// How long the auctions of these tests are planned to last, in seconds.
const LASTS_S: i64 = 240;

/// What an auction is held on.
#[derive(Clone, Debug)]
pub struct Setting {
    funded: bool,
    fees: Fees,
    reserve: Option<i64>,
    buy_now: Option<(i64, bool)>,
    soft_close: Option<(u32, u32, u32)>,
}

impl Setting {
    pub fn terms(&self) -> Terms {
        let reserve = self.reserve.map(money);
        let until_reserve = reserve.is_some() && self.buy_now.is_some_and(|(_, until_reserve)| until_reserve);
        let band = |from, step| Band { from: money(from), step: money(step) };
        let terms = Terms {
            ends_at: at(LASTS_S),
            funds: if self.funded { Funds::Required } else { Funds::None },
            fees: self.fees,
            ..terms(English {
                opening_price: money(10),
                increments: Increments::new(&[band(0, 5), band(100, 10), band(200, 25)]).unwrap(),
                reserve,
                buy_now: self.buy_now.map(|(above, _)| money(self.reserve.unwrap_or(10) + above)),
                buy_now_until: if until_reserve { BuyNowUntil::ReserveMet } else { BuyNowUntil::FirstBid },
                soft_close: self.soft_close.map(|(window, extension, more)| SoftClose {
                    window: Span::from_secs(window),
                    extension: Span::from_secs(extension),
                    max_total: Span::from_secs(extension + more),
                }),
            })
        };
        assert_eq!(terms.validate(at(-100)), Ok(()));
        terms
    }
}

pub fn setting() -> impl Strategy<Value = Setting> {
    let reserve = proptest::option::of(10..350_i64);
    let buy_now = proptest::option::weighted(0.3, (0..200_i64, any::<bool>()));
    let soft_close = proptest::option::weighted(0.8, (1..120_u32, 1..60_u32, 0..120_u32));
    let fees = (0..=5_000_u16, 0..=5_000_u16);
    let fees = fees.prop_map(|(premium_bp, commission_bp)| Fees { premium_bp, commission_bp });
    let all = (any::<bool>(), fees, reserve, buy_now, soft_close);
    all.prop_map(|(funded, fees, reserve, buy_now, soft_close)| Setting { funded, fees, reserve, buy_now, soft_close })
}

/// A command in the making: what it refers to is looked up when its turn comes.
#[derive(Clone, Debug)]
pub struct Step {
    /// How far the clock moves before it, backwards too.
    pub moves_ms: i64,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Bid { bidder: u128, barred: Option<Barred>, key: u8, offer: Offer },
    Tick,
    Outage { from_s: i64, until_s: i64 },
    Pause { key: Option<u8> },
    Resume { key: Option<u8> },
    Stop { key: Option<u8>, only_without_bids: bool },
    Void { key: Option<u8>, which: prop::sample::Index },
    Amend { setting: Setting, ends_s: Option<i64> },
    Allow { bidder: u128, amount: i64, version: u64 },
}

impl Step {
    pub fn command(&self, hall: &Hall, held_on: &Setting, now: Timestamp) -> Command {
        let (by, reason) = (account(STAFF), "because".into());
        let moment = |seconds: i64| Timestamp::from_millis(now.millis() + seconds * 1_000);
        match &self.what {
            What::Bid { bidder, barred, key: number, offer } => {
                let key = key(&format!("k{number}"));
                Command::Bid(Bid { bidder: account(*bidder), barred: *barred, key, offer: *offer })
            }
            What::Tick => Command::Tick,
            What::Outage { from_s, until_s } => Command::Outage { from: moment(*from_s), until: moment(*until_s) },
            What::Pause { key } => Command::Pause { by, key: act_key(*key), reason },
            What::Resume { key } => Command::Resume { by, key: act_key(*key), reason: key.map(|_| reason) },
            What::Stop { key, only_without_bids } => {
                Command::Stop { by, key: act_key(*key), reason, only_without_bids: *only_without_bids }
            }
            What::Void { key, which } => {
                let bids = hall.prior.clone();
                let seq = if bids.is_empty() { Seq(1) } else { which.get(&bids).seq };
                Command::Void { by, key: act_key(*key), reason, seq, bids }
            }
            What::Amend { setting, ends_s } => {
                let mut terms = Setting { funded: held_on.funded, fees: held_on.fees, ..setting.clone() }.terms();
                terms.ends_at = ends_s.map_or(terms.ends_at, at);
                let (by, terms, listing) = (account(SELLER), terms.into(), listing().into());
                Command::Amend { by, key: None, terms, listing, over: Some(hall.state.amended) }
            }
            What::Allow { bidder, amount, version } => {
                Command::SetAllowance { bidder: account(*bidder), amount: money(*amount), version: *version }
            }
        }
    }
}

fn act_key(number: Option<u8>) -> Option<BidKey> {
    number.map(|number| key(&format!("act{number}")))
}

/// Few keys, so that acts meet under them.
fn act_keys() -> impl Strategy<Value = Option<u8>> {
    proptest::option::of(0..12_u8)
}

fn amount() -> impl Strategy<Value = Money> {
    let top = Money::MAX.minor_units();
    prop_oneof![40 => 1..400_i64, 1 => Just(0), 1 => top - 2..=top].prop_map(money)
}

fn offer() -> impl Strategy<Value = Offer> {
    prop_oneof![8 => amount().prop_map(Offer::Max), 4 => amount().prop_map(Offer::Straight), 1 => Just(Offer::BuyNow)]
}

/// The seller is among those who try.
fn bidder() -> impl Strategy<Value = u128> {
    prop_oneof![1 => Just(SELLER), 30 => A..A + 5]
}

fn what() -> impl Strategy<Value = What> {
    let barred = proptest::option::weighted(0.03, prop_oneof![Just(Barred::Banned), Just(Barred::Frozen)]);
    let bid = (bidder(), barred, 0..60_u8, offer());
    let allow = (bidder(), prop_oneof![2 => 0..500_i64, 3 => Just(Money::MAX.minor_units())], 0..12_u64);
    prop_oneof![
        60 => bid.prop_map(|(bidder, barred, key, offer)| What::Bid { bidder, barred, key, offer }),
        10 => Just(What::Tick),
        4 => (-90..10_i64, -20..5_i64).prop_map(|(from_s, until_s)| What::Outage { from_s, until_s }),
        3 => act_keys().prop_map(|key| What::Pause { key }),
        6 => act_keys().prop_map(|key| What::Resume { key }),
        1 => (act_keys(), proptest::bool::weighted(0.8))
            .prop_map(|(key, only_without_bids)| What::Stop { key, only_without_bids }),
        8 => (act_keys(), any::<prop::sample::Index>()).prop_map(|(key, which)| What::Void { key, which }),
        2 => (setting(), proptest::option::of(1..400_i64)).prop_map(|(setting, ends_s)| What::Amend { setting, ends_s }),
        14 => allow.prop_map(|(bidder, amount, version)| What::Allow { bidder, amount, version }),
    ]
}

/// Any commands at rising, equal and falling moments. Everyone has something set aside to begin with.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let moves = prop_oneof![3 => Just(0), 12 => 0..9_000_i64, 1 => -30_000..0_i64, 1 => 9_000..90_000_i64];
    let step = (moves, what()).prop_map(|(moves_ms, what)| Step { moves_ms, what });
    (proptest::collection::vec(0..500_i64, 5), proptest::collection::vec(step, 1..90)).prop_map(|(funds, steps)| {
        let allow = |(bidder, amount)| What::Allow { bidder, amount, version: 0 };
        let first = (A..).zip(funds).map(allow).chain([What::Tick]);
        let opened = first.enumerate().map(|(number, what)| Step { moves_ms: 4_000 * i64::from(number > 0), what });
        opened.chain(steps).collect()
    })
}
