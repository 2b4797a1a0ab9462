//! What a sale costs beyond its price, in basis points (hundredths of a percent), rounded down to whole minor units.

use super::Money;

/// The fees of an auction, fixed when it is created.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fees {
    /// What the buyer pays on top of the price.
    pub premium_bp: u16,
    /// What the seller gives of the price.
    pub commission_bp: u16,
}

impl Fees {
    /// The buyer's premium on `price`.
    pub fn premium(self, price: Money) -> Money {
        share(price, self.premium_bp)
    }

    /// The seller's commission on `price`.
    pub fn commission(self, price: Money) -> Money {
        share(price, self.commission_bp)
    }

    /// The price with the premium on it; none above [`Money::MAX`].
    pub fn gross(self, price: Money) -> Option<Money> {
        price.checked_add(self.premium(price))
    }
}

fn share(price: Money, basis_points: u16) -> Money {
    let share = i128::from(price.minor_units()) * i128::from(basis_points) / 10_000;
    i64::try_from(share).ok().and_then(Money::or_zero).unwrap_or(Money::MAX)
}
