//! What the house takes of a sale: a premium from the winner beside the price, and a commission from the seller out of it.
//! Both are parts of an amount in basis points, rounded down to a whole minor unit.

use super::Money;

/// The largest fee in basis points: one half.
pub const FEE_MAX_BP: u16 = 5_000;

/// A whole, in basis points.
const WHOLE_BP: i128 = 10_000;

/// The fees of an auction, in basis points: 250 is 2.5 %.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fees {
    /// What the winner pays beside the price.
    pub premium_bp: u16,
    /// What the seller is not paid of the price.
    pub commission_bp: u16,
}

impl Fees {
    /// The premium on `amount`.
    pub fn premium(self, amount: Money) -> Money {
        part(amount, self.premium_bp)
    }

    /// The commission on `amount`.
    pub fn commission(self, amount: Money) -> Money {
        part(amount, self.commission_bp)
    }

    /// `amount` with its premium: what a bid of `amount` may cost. None above [`Money::MAX`].
    pub fn gross(self, amount: Money) -> Option<Money> {
        amount.checked_add(self.premium(amount))
    }

    /// True if neither fee is above [`FEE_MAX_BP`].
    pub fn are_acceptable(self) -> bool {
        self.premium_bp <= FEE_MAX_BP && self.commission_bp <= FEE_MAX_BP
    }
}

/// So many basis points of `amount`, rounded down and held at [`Money::MAX`].
fn part(amount: Money, bp: u16) -> Money {
    let part = i128::from(amount.minor_units()) * i128::from(bp) / WHOLE_BP;
    i64::try_from(part).ok().and_then(Money::or_zero).unwrap_or(Money::MAX)
}
