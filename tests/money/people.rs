//! Who takes part, and the few numbers that all agree on.

use bidhub::domain::{AccountId, Currency, Money, Timestamp};
use uuid::Uuid;

/// How many people bid and sell. Few, so that they meet often.
pub const PEOPLE: usize = 4;

/// Those who bid. The first two sell as well.
pub fn person(number: usize) -> AccountId {
    AccountId(Uuid::from_u128(100 + number as u128))
}

pub fn staff() -> AccountId {
    AccountId(Uuid::from_u128(1))
}

pub fn usd() -> Currency {
    Currency::new("USD").unwrap()
}

pub fn money(minor: i64) -> Money {
    Money::or_zero(minor).unwrap()
}

/// So many seconds after the world began.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_795_253_400_000 + seconds * 1_000)
}
