//! The table that says by how much a price moves: one step for each band of prices.

use std::sync::Arc;

use super::Money;

/// The most bands that a table may have.
pub const BANDS_MAX: usize = 64;

/// From this price on, this step; up to where the next band begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Band {
    /// The lowest price of the band.
    pub from: Money,
    /// The step within it.
    pub step: Money,
}

/// Bands in rising order, the first from zero, their steps positive and never falling.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Increments(Arc<[Band]>);

impl Increments {
    /// The table, or what is wrong with it in a sentence.
    pub fn new(bands: &[Band]) -> Result<Self, &'static str> {
        if bands.is_empty() || bands.len() > BANDS_MAX {
            return Err("a table has 1 to 64 bands");
        }
        if bands[0].from != Money::ZERO {
            return Err("the first band starts from 0");
        }
        if bands.iter().any(|band| band.step == Money::ZERO) {
            return Err("every step is at least 1");
        }
        if bands.windows(2).any(|pair| pair[0].from >= pair[1].from) {
            return Err("each band starts above the one before");
        }
        if bands.windows(2).any(|pair| pair[0].step > pair[1].step) {
            return Err("steps never fall from one band to the next");
        }
        Ok(Self(bands.into()))
    }

    /// The step of the band that holds `price`.
    pub fn step(&self, price: Money) -> Money {
        let above = self.0.partition_point(|band| band.from <= price);
        self.0[above.saturating_sub(1)].step
    }

    /// The price one step further, held at [`Money::MAX`].
    pub fn next(&self, price: Money) -> Money {
        price.saturating_add(self.step(price))
    }

    /// The bands in rising order.
    pub fn bands(&self) -> &[Band] {
        &self.0
    }
}

/// The table of an auction that brings none: the steps that eBay has long used, in minor units.
/// Source: eBay's help page "Automatic bidding", table of bid increments.
impl Default for Increments {
    fn default() -> Self {
        #[allow(clippy::inconsistent_digit_grouping, reason = "dollars and cents")]
        const TABLE: [(i64, i64); 10] = [
            (0, 5),
            (1_00, 25),
            (5_00, 50),
            (25_00, 1_00),
            (100_00, 2_50),
            (250_00, 5_00),
            (500_00, 10_00),
            (1_000_00, 25_00),
            (2_500_00, 50_00),
            (5_000_00, 100_00),
        ];
        let money = |minor| Money::or_zero(minor).unwrap_or(Money::MAX);
        Self(TABLE.iter().map(|&(from, step)| Band { from: money(from), step: money(step) }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn band(from: i64, step: i64) -> Band {
        Band { from: Money::or_zero(from).unwrap(), step: Money::or_zero(step).unwrap() }
    }

    #[test]
    fn a_price_on_the_border_belongs_to_the_upper_band() {
        let table = Increments::default();
        for (price, step) in [(0, 5), (99, 5), (100, 25), (499, 25), (500, 50), (9_999, 100), (10_000, 250)] {
            assert_eq!(table.step(Money::or_zero(price).unwrap()).minor_units(), step, "at {price}");
        }
        assert_eq!(table.step(Money::MAX).minor_units(), 10_000);
        assert_eq!(table.next(Money::MAX), Money::MAX);
    }

    #[test]
    fn the_default_obeys_the_rules_for_tables() {
        assert_eq!(Increments::new(Increments::default().bands()), Ok(Increments::default()));
    }

    #[test]
    fn tables_that_would_confuse_a_bidder_are_refused() {
        let wrong: [&[Band]; 6] = [
            &[],
            &[band(1, 5)],
            &[band(0, 0)],
            &[band(0, 5), band(0, 10)],
            &[band(0, 5), band(100, 10), band(50, 20)],
            &[band(0, 5), band(100, 4)],
        ];
        for bands in wrong {
            assert!(Increments::new(bands).is_err(), "{bands:?}");
        }
        assert!(Increments::new(&[band(0, 5); 65]).is_err());
    }
}
