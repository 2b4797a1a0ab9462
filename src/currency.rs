//! Which codes are currencies that people pay in, and how many digits stand after their point. The one module that has
//! the list of ISO 4217; the rules never ask it, for them a currency is a code beside a whole number of minor units.

use std::str::FromStr;

use crate::domain::{Currency, Money};

/// A currency that people pay in: ISO 4217 lists it, with a minor unit, and it is neither a fund, nor a metal, nor a code
/// for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct IsoCurrency {
    currency: Currency,
    exponent: u8,
}

impl IsoCurrency {
    /// The currency by its three capital letters, if it is one to pay in.
    pub fn new(code: &str) -> Option<Self> {
        Self::of(Currency::new(code)?)
    }

    /// The same currency, if it is one to pay in.
    pub fn of(currency: Currency) -> Option<Self> {
        let listed = iso_currency::Currency::from_code(currency.code())?;
        if listed.is_special() || listed.is_fund() {
            return None;
        }
        let exponent = u8::try_from(listed.exponent()?).ok()?;
        Some(Self { currency, exponent })
    }

    /// The code, as the rules take it.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The digits after the point: 10 to this power minor units are one of the currency.
    pub const fn exponent(self) -> u8 {
        self.exponent
    }
}

/// An amount as people read it, thousands apart: `1,250.00 USD`, `125 JPY`. Two digits stand after the point of a currency
/// that is not listed.
pub fn in_words(currency: Currency, amount: Money) -> String {
    let digits = IsoCurrency::of(currency).map_or(2, |listed| usize::from(listed.exponent));
    let units = format!("{:0>width$}", amount.minor_units(), width = digits + 1);
    let (whole, fraction) = units.split_at(units.len() - digits);
    let mut words = String::new();
    for (at, digit) in whole.char_indices() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            words.push(',');
        }
        words.push(digit);
    }
    if digits == 0 { format!("{words} {currency}") } else { format!("{words}.{fraction} {currency}") }
}

impl FromStr for IsoCurrency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text).ok_or_else(|| format!("`{text}` is no currency of ISO 4217, such as USD"))
    }
}

impl TryFrom<String> for IsoCurrency {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_have_the_digits_that_iso_4217_gives_them() {
        for (code, exponent) in [("USD", 2), ("JPY", 0), ("KWD", 3), ("ISK", 0), ("MGA", 2), ("UGX", 0), ("EUR", 2)] {
            let currency = IsoCurrency::new(code).unwrap();
            assert_eq!((currency.currency().code(), currency.exponent()), (code, exponent));
        }
    }

    #[test]
    fn what_nobody_pays_in_is_none() {
        for code in ["usd", "US", "ABC", "XXX", "XTS", "XAU", "XDR", "CLF", "CHE", ""] {
            assert_eq!(IsoCurrency::new(code), None, "{code}");
            assert!(code.parse::<IsoCurrency>().unwrap_err().contains(code));
        }
    }

    #[test]
    fn amounts_are_written_with_the_digits_of_their_currency() {
        for (code, amount, words) in [
            ("USD", 12_500, "125.00 USD"),
            ("EUR", 5, "0.05 EUR"),
            ("USD", 0, "0.00 USD"),
            ("EUR", 123_456_789, "1,234,567.89 EUR"),
            ("JPY", 125, "125 JPY"),
            ("JPY", 1_000, "1,000 JPY"),
            ("KWD", 1_250, "1.250 KWD"),
        ] {
            let currency = Currency::new(code).unwrap();
            assert_eq!(in_words(currency, Money::or_zero(amount).unwrap()), words);
        }
    }
}
