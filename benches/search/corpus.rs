//! Auctions made up from a seed.

use bidhub::domain::auction::{Funds, Listing, Terms};
use bidhub::domain::formats::{English, Format, english::BuyNowUntil};
use bidhub::domain::increments::Increments;
use bidhub::domain::{AccountId, AuctionId, Currency, Fees, Money, Span, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use uuid::Uuid;

const WORDS: usize = 50_000;
pub const CATEGORIES: usize = 40;
pub const SELLERS: u128 = 5_000;
/// How many titles are remembered, to ask for.
const TITLES: usize = 20_000;

pub struct Corpus {
    random: StdRng,
    words: Vec<String>,
    /// How common each word is, added up.
    common: Vec<f64>,
    pub titles: Vec<String>,
    made: u64,
}

/// An auction to be.
pub struct Lot {
    pub id: AuctionId,
    pub at: Timestamp,
    pub terms: Terms,
    pub listing: Listing,
    /// Out of 100: below 15 it is open, below 20 it has not begun, else it has ended.
    pub stage: u32,
    /// What somebody says about it, and who.
    pub comment: (u128, String),
}

impl Corpus {
    pub fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut words = std::collections::BTreeSet::new();
        while words.len() < WORDS {
            words.insert(word(&mut random));
        }
        let mut words: Vec<String> = words.into_iter().collect();
        for at in (1..words.len()).rev() {
            let other = random.random_range(0..=at);
            words.swap(at, other);
        }
        let mut sum = 0.0;
        let common = (1..=WORDS).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        let common = common.collect();
        Self { random, words, common, titles: Vec::new(), made: 0 }
    }

    pub fn lot(&mut self) -> Lot {
        self.made += 1;
        let length = self.random.random_range(3..=9);
        let title = self.text(length);
        // Most are short, some are long.
        let length = (10.0 * 2_f64.powf(self.random.random_range(0.0..5.0))) as usize;
        let description = self.text(length);
        let category = CATEGORIES.min((1.0 / self.random.random_range(1.0 / CATEGORIES as f64..1.0)) as usize);
        if self.titles.len() < TITLES {
            self.titles.push(title.clone());
        }
        let at = Timestamp::from_millis(1_700_000_000_000 + self.made as i64 * 60_000);
        let english = English {
            opening_price: Money::new(self.random.random_range(100..1_000_000)).unwrap(),
            increments: Increments::default(),
            reserve: None,
            buy_now: None,
            buy_now_until: BuyNowUntil::FirstBid,
            soft_close: None,
        };
        let terms = Terms {
            seller: AccountId(seller(self.random.random_range(0..SELLERS))),
            currency: Currency::new("USD").unwrap(),
            starts_at: at,
            ends_at: at.plus(Span::from_secs(86_400)),
            funds: Funds::None,
            fees: Fees::default(),
            grace: Span::ZERO,
            format: Format::English(english),
        };
        let category = format!("Category {category}").into();
        let listing = Listing { title: title.into(), description: description.into(), category, image_url: None };
        let id = AuctionId(Uuid::from_u128((u128::from(self.made) << 64) | u128::from(self.random.random::<u64>())));
        let length = self.random.random_range(5..=40);
        let comment = (self.random.random_range(0..SELLERS), self.text(length));
        Lot { id, at, terms, listing, stage: self.random.random_range(0..100), comment }
    }

    fn text(&mut self, length: usize) -> String {
        let mut text = String::new();
        for _ in 0..length {
            let at = self.random.random_range(0.0..self.common[WORDS - 1]);
            let word = &self.words[self.common.partition_point(|sum| *sum <= at)];
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
        text
    }
}

pub fn seller(number: u128) -> Uuid {
    Uuid::from_u128(0xacc0_0000 + number)
}

fn word(random: &mut StdRng) -> String {
    const BEGINNINGS: &[&str] =
        &["b", "br", "c", "ch", "d", "f", "g", "gr", "h", "l", "m", "n", "p", "pl", "r", "s", "st", "t", "v", "w"];
    const MIDDLES: &[&str] = &["a", "e", "i", "o", "u", "ai", "ea", "ou"];
    const ENDS: &[&str] = &["", "", "", "n", "r", "s", "t", "l", "ng", "ck"];
    let mut part = |parts: &[&'static str]| parts[random.random_range(0..parts.len())];
    let mut word = String::new();
    for _ in 0..2 + usize::from(part(ENDS).is_empty()) + usize::from(part(ENDS).is_empty()) {
        word.push_str(part(BEGINNINGS));
        word.push_str(part(MIDDLES));
        word.push_str(part(ENDS));
    }
    word
}
