//! How far a hold is raised for a bid that the allowance does not cover. Pure.

use crate::domain::{Fees, Money};

/// What a bidder lets the hub set aside by itself when a bid needs more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Policy {
    /// Exactly what the bid needs, each time.
    #[default]
    Exact,
    /// In steps: twice what the bid needs, but never more than this allowance, and no bid above it.
    UpTo(Money),
}

impl Policy {
    /// The allowance to ask for when a bid needs `needed` and at most `affordable` can be had; none if the policy forbids it
    /// or the money is not there.
    pub fn raise(self, needed: Money, affordable: Money) -> Option<Money> {
        let wished = match self {
            Self::Exact => needed,
            Self::UpTo(limit) if needed > limit => return None,
            Self::UpTo(limit) => needed.saturating_add(needed).min(limit),
        };
        (needed <= affordable).then(|| wished.min(affordable))
    }
}

/// The largest allowance whose hold, with the premium on it, is at most `total`.
pub fn covered_by(total: Money, fees: Fees) -> Money {
    let base = 10_000;
    let estimate = i128::from(total.minor_units()) * base / (base + i128::from(fees.premium_bp));
    let fits = |amount: i128| {
        let amount = i64::try_from(amount).ok().and_then(Money::or_zero)?;
        fees.gross(amount).is_some_and(|gross| gross <= total).then_some(amount)
    };
    // The premium is rounded down, so the estimate is at most one short of the largest and never too much.
    fits(estimate + 1).or_else(|| fits(estimate)).unwrap_or(Money::ZERO)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn money(minor: i64) -> Money {
        Money::or_zero(minor).expect("an amount")
    }

    #[test]
    fn holds_are_raised_as_the_bidder_says() {
        for (policy, needed, affordable, expected) in [
            (Policy::Exact, 100, 1_000, Some(100)),
            (Policy::Exact, 100, 99, None),
            (Policy::UpTo(money(1_000)), 100, 5_000, Some(200)),
            (Policy::UpTo(money(1_000)), 600, 5_000, Some(1_000)),
            (Policy::UpTo(money(1_000)), 1_000, 5_000, Some(1_000)),
            (Policy::UpTo(money(1_000)), 1_001, 5_000, None),
            (Policy::UpTo(money(1_000)), 100, 150, Some(150)),
            (Policy::UpTo(money(1_000)), 100, 99, None),
        ] {
            let found = policy.raise(money(needed), money(affordable));
            assert_eq!(found, expected.map(money), "{policy:?}: {needed} of {affordable}");
        }
    }

    proptest! {
        #[test]
        fn the_largest_allowance_is_covered_and_one_more_is_not(
            total in 0..=Money::MAX.minor_units(), premium_bp in 0..=5_000_u16
        ) {
            let fees = Fees { premium_bp, commission_bp: 0 };
            let most = covered_by(money(total), fees);
            prop_assert!(fees.gross(most).is_some_and(|gross| gross <= money(total)));
            if let Some(more) = Money::new(most.minor_units() + 1) {
                prop_assert!(fees.gross(more).is_none_or(|gross| gross > money(total)));
            }
        }
    }
}
