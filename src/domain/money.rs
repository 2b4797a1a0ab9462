//! Money: a whole number of minor units (cents, pence, yen) in checked arithmetic, and the currency beside it.
//! There is no rounding and no floating point anywhere.

use std::fmt;

/// An amount in minor units. The amounts of bids and prices lie in 1 ..= [`Money::MAX`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount: 2^53 − 1, the largest whole number that every JSON reader keeps exactly.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// The amount, if it lies in 1 ..= [`Money::MAX`].
    pub const fn new(minor_units: i64) -> Option<Self> {
        if minor_units >= 1 && minor_units <= Self::MAX.0 { Some(Self(minor_units)) } else { None }
    }

    /// As [`Money::new`], with nothing allowed too.
    pub const fn or_zero(minor_units: i64) -> Option<Self> {
        if minor_units == 0 { Some(Self::ZERO) } else { Self::new(minor_units) }
    }

    /// The amount in minor units.
    pub const fn minor_units(self) -> i64 {
        self.0
    }

    /// The sum, if it does not pass [`Money::MAX`].
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(Self::or_zero)
    }

    /// The difference, if it is not negative.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).and_then(Self::or_zero)
    }

    /// The sum, held at [`Money::MAX`].
    pub fn saturating_add(self, other: Self) -> Self {
        self.checked_add(other).unwrap_or(Self::MAX)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A currency, by its three-letter ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The currency, if `code` is three capital letters.
    pub fn new(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_uppercase).then_some(Self(bytes))
    }

    /// The three-letter code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_bounded_on_both_sides() {
        assert_eq!(Money::new(0), None);
        assert_eq!(Money::new(-1), None);
        assert_eq!(Money::new((1 << 53) - 1), Some(Money::MAX));
        assert_eq!(Money::new(1 << 53), None);
        assert_eq!(Money::or_zero(0), Some(Money::ZERO));
    }

    #[test]
    fn sums_and_differences_never_leave_the_range() {
        let one = Money::new(1).expect("one is an amount");
        assert_eq!(Money::MAX.checked_add(one), None);
        assert_eq!(Money::MAX.saturating_add(one), Money::MAX);
        assert_eq!(Money::ZERO.checked_sub(one), None);
        assert_eq!(one.checked_sub(one), Some(Money::ZERO));
    }

    #[test]
    fn currencies_are_three_capital_letters() {
        assert_eq!(Currency::new("USD").map(|c| c.to_string()).as_deref(), Some("USD"));
        for wrong in ["usd", "US", "USDX", "U$D", "ÜS", ""] {
            assert_eq!(Currency::new(wrong), None, "{wrong}");
        }
    }
}
