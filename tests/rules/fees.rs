//! What the house takes: never more than there is, never a fraction, and more of more.

use bidhub::domain::{Fees, Money};
use proptest::prelude::*;

use crate::hall::money;

fn fees(premium_bp: u16, commission_bp: u16) -> Fees {
    Fees { premium_bp, commission_bp }
}

#[test]
fn a_fee_is_rounded_down_to_a_whole_minor_unit() {
    for (bp, amount, fee) in [
        (0, 100_00, 0),
        (1, 99_99, 0),
        (1, 100_00, 1),
        (250, 39, 0),
        (250, 40, 1),
        (250, 79, 1),
        (1_250, 81_00, 10_12),
        (5_000, 1, 0),
        (5_000, 3, 1),
        (5_000, 0, 0),
    ] {
        assert_eq!(fees(bp, 0).premium(money(amount)), money(fee), "{bp} of {amount}");
        assert_eq!(fees(0, bp).commission(money(amount)), money(fee), "{bp} of {amount}");
        assert_eq!(fees(bp, 9).gross(money(amount)), Some(money(amount + fee)), "{amount} and {bp} of it");
    }
}

#[test]
fn the_gross_ends_where_money_does() {
    let most = Money::MAX.minor_units();
    assert_eq!(fees(0, 5_000).gross(Money::MAX), Some(Money::MAX));
    assert_eq!(fees(5_000, 0).gross(Money::MAX), None);
    assert_eq!(fees(1, 0).gross(Money::MAX), None);
    // Two thirds of it, and half of that again.
    assert_eq!(fees(5_000, 0).gross(money(most / 3 * 2)), Some(money(most / 3 * 3)));
    assert_eq!(fees(5_000, 0).gross(money(most / 3 * 2 + 2)), None);
    assert_eq!(fees(5_000, 0).premium(Money::MAX), money(most / 2));
    assert_eq!(fees(u16::MAX, 0).premium(Money::MAX), Money::MAX, "held there, though such terms are refused");
}

#[test]
fn no_fee_is_above_one_half() {
    assert!(fees(5_000, 5_000).are_acceptable());
    assert!(!fees(5_001, 0).are_acceptable() && !fees(0, 5_001).are_acceptable());
}

fn amount() -> impl Strategy<Value = i64> {
    let most = Money::MAX.minor_units();
    prop_oneof![0..100_000_i64, most / 2..=most, 0..=most]
}

proptest! {
    #[test]
    fn more_costs_more_and_nothing_costs_less_than_itself(
        one in amount(),
        other in amount(),
        premium_bp in 0..=5_000_u16,
        commission_bp in 0..=5_000_u16,
    ) {
        let fees = fees(premium_bp, commission_bp);
        let (less, more) = (money(one.min(other)), money(one.max(other)));
        prop_assert!(fees.premium(less) <= fees.premium(more));
        prop_assert!(fees.commission(less) <= fees.commission(more));
        prop_assert!(fees.commission(more) <= more, "the seller is never asked for money");
        let exact = i128::from(more.minor_units()) * i128::from(premium_bp);
        let premium = i128::from(fees.premium(more).minor_units());
        prop_assert!(premium * 10_000 <= exact && exact < (premium + 1) * 10_000, "rounded down, by less than one");
        match (fees.gross(less), fees.gross(more)) {
            (Some(of_less), Some(of_more)) => {
                prop_assert!(less <= of_less && of_less <= of_more && of_more <= Money::MAX);
                prop_assert!(less == more || of_less < of_more, "what is set aside tells the ceiling");
            }
            (None, Some(_)) => prop_assert!(false, "more fits where less does not"),
            (_, None) => {
                let sum = i128::from(more.minor_units()) + premium;
                prop_assert!(sum > i128::from(Money::MAX.minor_units()));
            }
        }
    }
}
