//! Amounts as people read them.

use crate::domain::{Currency, Money};

/// The digits after the point where ISO 4217 says nothing.
const DIGITS_DEFAULT: usize = 2;

/// The amount with the point where its currency has it, thousands apart, and the code behind: `1,234.50 USD`, `1,234 JPY`.
pub(super) fn written(currency: Currency, amount: Money) -> String {
    let listed = iso_currency::Currency::from_code(currency.code());
    let digits = listed.and_then(|listed| listed.exponent()).map_or(DIGITS_DEFAULT, usize::from);
    let units = format!("{:0>width$}", amount.minor_units(), width = digits + 1);
    let (whole, fraction) = units.split_at(units.len() - digits);
    let mut grouped = String::new();
    for (at, digit) in whole.char_indices() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let point = if digits == 0 { "" } else { "." };
    format!("{grouped}{point}{fraction} {currency}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        for (code, minor, text) in [
            ("USD", 0, "0.00 USD"),
            ("USD", 7, "0.07 USD"),
            ("EUR", 123_456_789, "1,234,567.89 EUR"),
            ("JPY", 1_000, "1,000 JPY"),
            ("JPY", 999, "999 JPY"),
            ("KWD", 1_250, "1.250 KWD"),
            ("QQQ", 12_345, "123.45 QQQ"),
        ] {
            let currency = Currency::new(code).unwrap();
            assert_eq!(written(currency, Money::or_zero(minor).unwrap()), text);
        }
    }
}
