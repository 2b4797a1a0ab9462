//! Which codes are currencies that people pay in, and how many digits stand after their point. The one module that has
//! the list of ISO 4217; the rules never ask it, for them a currency is a code beside a whole number of minor units.

use std::str::FromStr;

use crate::domain::Currency;

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
}
