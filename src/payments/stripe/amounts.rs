//! How Stripe counts money: in minor units too, but not everywhere in those of ISO 4217
//! (<https://docs.stripe.com/currencies>). What cannot be said in its units is refused, never rounded.

use crate::currency::IsoCurrency;
use crate::domain::{Currency, Money};
use crate::payments::ProviderError;

/// The longest amount that Stripe takes has eight digits.
const MAX: i64 = 99_999_999;
/// Currencies whose digits after the point are others at Stripe. The first two have none any more, and are still counted
/// in hundredths there.
const EXPONENTS: [(&str, u8); 3] = [("ISK", 2), ("UGX", 2), ("MGA", 0)];
/// The currencies with three digits that Stripe takes; the last one must be 0.
const THREE_DIGITS: [&str; 5] = ["BHD", "JOD", "KWD", "OMR", "TND"];

/// How one currency is counted here and there.
struct Units {
    here: u32,
    there: u32,
    /// What an amount there must be a multiple of.
    step: i64,
}

impl Units {
    fn of(currency: Currency) -> Option<Self> {
        let here = u32::from(IsoCurrency::of(currency)?.exponent());
        let code = currency.code();
        let listed = EXPONENTS.iter().find(|(listed, _)| *listed == code);
        let there = listed.map_or(here, |(_, exponent)| u32::from(*exponent));
        let three = there > 2;
        (!three || THREE_DIGITS.contains(&code)).then_some(Self { here, there, step: if three { 10 } else { 1 } })
    }
}

/// The amount as Stripe counts it.
pub(super) fn to_stripe(amount: Money, currency: Currency) -> Result<i64, ProviderError> {
    let Some(Units { here, there, step }) = Units::of(currency) else {
        let why = format!("{currency} cannot be paid in");
        return Err(ProviderError::refused("currency_not_supported", why));
    };
    let finest = 10_i64.pow(here.saturating_sub(there));
    let amount = amount.minor_units();
    if amount % finest != 0 {
        let why = format!("amounts of {currency} must be multiples of {finest} minor units");
        return Err(ProviderError::refused("amount_not_payable", why));
    }
    let there = (amount / finest).checked_mul(10_i64.pow(there.saturating_sub(here)));
    match there.filter(|there| *there <= MAX) {
        None => Err(ProviderError::refused("amount_too_large", "the amount is larger than can be paid at once")),
        Some(there) if there % step != 0 => {
            let why = format!("amounts of {currency} must be multiples of {step} minor units");
            Err(ProviderError::refused("amount_not_payable", why))
        }
        Some(there) => Ok(there),
    }
}

/// An amount that Stripe has told, with the currency in its lower-case letters; none if it cannot be said here.
pub(super) fn from_stripe(amount: i64, currency: &str) -> Option<(Money, Currency)> {
    let currency = Currency::new(&currency.to_uppercase())?;
    let Units { here, there, .. } = Units::of(currency)?;
    let coarse = 10_i64.pow(there.saturating_sub(here));
    let whole = (amount % coarse == 0).then_some(amount / coarse)?;
    let amount = whole.checked_mul(10_i64.pow(here.saturating_sub(there)))?;
    Some((Money::new(amount)?, currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(amount: i64, code: &str) -> Result<i64, String> {
        to_stripe(Money::new(amount).unwrap(), Currency::new(code).unwrap()).map_err(|error| match error {
            ProviderError::Refused { code, .. } => code,
            other => other.to_string(),
        })
    }

    #[test]
    fn each_currency_is_counted_as_stripe_counts_it() {
        for (here, code, expected) in [
            (12_345, "USD", 12_345),
            (500, "JPY", 500),
            (5, "ISK", 500),
            (5, "UGX", 500),
            (500, "MGA", 5),
            (1_230, "KWD", 1_230),
            (99_999_999, "EUR", 99_999_999),
        ] {
            assert_eq!(there(here, code), Ok(expected), "{code}");
            let back = from_stripe(expected, &code.to_lowercase()).unwrap();
            assert_eq!((back.0.minor_units(), back.1.code()), (here, code));
        }
    }

    #[test]
    fn what_stripe_cannot_take_is_refused_and_never_rounded() {
        for (here, code, why) in [
            (100_000_000, "USD", "amount_too_large"),
            (1_000_000, "ISK", "amount_too_large"),
            (Money::MAX.minor_units(), "ISK", "amount_too_large"),
            (1_234, "KWD", "amount_not_payable"),
            (1_999, "MGA", "amount_not_payable"),
            (1_000, "IQD", "currency_not_supported"),
            (1_000, "XAU", "currency_not_supported"),
            (1_000, "ABC", "currency_not_supported"),
        ] {
            assert_eq!(there(here, code), Err(why.to_owned()), "{here} {code}");
        }
        for (amount, code) in [(501, "isk"), (0, "usd"), (-5, "usd"), (5, "abc"), (5, "dollars"), (i64::MAX, "mga")] {
            assert_eq!(from_stripe(amount, code), None, "{amount} {code}");
        }
    }
}
