//! What in the log of auctions looks as if a seller had somebody bid who does not mean to buy. Pure, and in whole numbers, so
//! that every machine and both databases come to the same.
//!
//! A signal accuses nobody: it puts something before staff, with the numbers that it follows from. Nothing is known here of
//! addresses or devices, for none are kept.

mod conduct;
mod ring;
mod shill;

pub use conduct::{Bid, Conduct, Lot, conducts};
pub use ring::{Joined, Member, Visit, rings};
pub use shill::{Dealings, Ratings, Suspicion, shill};

/// A part of a whole, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Permille(u16);

impl Permille {
    /// Nothing of it.
    pub const NONE: Self = Self(0);
    /// All of it.
    pub const ALL: Self = Self(1_000);

    /// So many thousandths, at most all.
    pub const fn new(thousandths: u16) -> Self {
        if thousandths > 1_000 { Self::ALL } else { Self(thousandths) }
    }

    /// `part` of `whole`, rounded down, at most all; nothing of nothing.
    pub fn of(part: u64, whole: u64) -> Self {
        let thousandths = u128::from(part) * 1_000 / u128::from(whole.max(1));
        if whole == 0 { Self::NONE } else { Self(u16::try_from(thousandths).unwrap_or(1_000).min(1_000)) }
    }

    /// In thousandths.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The rest of the whole.
    pub const fn rest(self) -> Self {
        Self(1_000 - self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_are_rounded_down_and_never_more_than_all() {
        for (part, whole, expected) in [
            (0, 0, 0),
            (5, 0, 0),
            (0, 5, 0),
            (1, 3, 333),
            (2, 3, 666),
            (5, 5, 1_000),
            (6, 5, 1_000),
            (u64::MAX, 1, 1_000),
        ] {
            assert_eq!(Permille::of(part, whole).get(), expected, "{part}/{whole}");
        }
        assert_eq!(Permille::new(1_001), Permille::ALL);
    }

    proptest! {
        #[test]
        fn a_part_and_its_rest_are_all(part: u64, whole: u64) {
            let part = Permille::of(part, whole);
            prop_assert_eq!(part.get() + part.rest().get(), 1_000);
        }
    }
}
