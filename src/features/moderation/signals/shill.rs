//! Whether a bidder looks like a shill of one seller: bids there again and again, hardly anywhere else, and never wins.
//!
//! This follows the Shill Score of J. Trevathan and W. Read (Detecting Shill Bidding in Online English Auctions, 2009; also
//! arXiv 1812.10868): ratings of how much of the seller's auctions, of the bids and of the losses are a bidder's, of how fast,
//! how little and how early they bid, in a weighted mean. Three things differ. The first rating is how far the bidder keeps to
//! one seller, which needs no knowledge of who else could have bid. How fast they answer is left out: in a live room everyone
//! does within seconds. And the weights are our own, in the order of theirs: keeping to one seller and losing count most.

use super::Permille;
use crate::domain::AccountId;

/// In how many auctions of one seller somebody must have bid before anything is said of them.
const AUCTIONS_MIN: u64 = 5;
/// From which score on it is a signal. A keen collector who bids with one dealer alone and loses three times out of four
/// stays below.
const SCORE_MIN: Permille = Permille::new(850);
/// Who loses less often than this is no shill, whatever else they do: shills do not want to win.
const LOSING_MIN: Permille = Permille::new(900);

const WEIGHT_KEEPING: u64 = 9;
const WEIGHT_LOSING: u64 = 5;
const WEIGHT_SHARE: u64 = 2;
const WEIGHT_SMALL: u64 = 2;
const WEIGHT_EARLY: u64 = 2;

/// What a bidder did in auctions that have ended, of late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dealings {
    /// Who.
    pub bidder: AccountId,
    /// In how many auctions they bid.
    pub everywhere: u64,
    /// In how many of the seller's.
    pub here: u64,
    /// How many of the seller's somebody else won.
    pub lost: u64,
    /// The sum of [`super::Conduct::share`] over the seller's, in thousandths.
    pub share: u64,
    /// The sum of [`super::Conduct::small`] over the seller's, in thousandths.
    pub small: u64,
    /// The sum of [`super::Conduct::early`] over the seller's, in thousandths.
    pub early: u64,
}

/// How much a bidder is like a shill, by each trait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratings {
    /// Keeps to this seller.
    pub keeping: Permille,
    /// Loses.
    pub losing: Permille,
    /// Makes many of the bids.
    pub share: Permille,
    /// Raises by little.
    pub small: Permille,
    /// Begins early.
    pub early: Permille,
}

/// A bidder who looks like a shill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspicion {
    /// By which traits.
    pub ratings: Ratings,
    /// What they come to.
    pub score: Permille,
}

impl Dealings {
    /// The ratings that follow.
    pub fn ratings(&self) -> Ratings {
        let mean = |sum: u64| Permille::of(sum, self.here.saturating_mul(1_000));
        Ratings {
            keeping: Permille::of(self.here, self.everywhere),
            losing: Permille::of(self.lost, self.here),
            share: mean(self.share),
            small: mean(self.small),
            early: mean(self.early),
        }
    }
}

impl Ratings {
    /// Their weighted mean.
    pub fn score(&self) -> Permille {
        let weighted = [
            (self.keeping, WEIGHT_KEEPING),
            (self.losing, WEIGHT_LOSING),
            (self.share, WEIGHT_SHARE),
            (self.small, WEIGHT_SMALL),
            (self.early, WEIGHT_EARLY),
        ];
        let sum: u64 = weighted.iter().map(|(rating, weight)| u64::from(rating.get()) * weight).sum();
        let whole: u64 = weighted.iter().map(|(_, weight)| weight * 1_000).sum();
        Permille::of(sum, whole)
    }
}

/// Whether this looks like a shill.
pub fn shill(dealings: &Dealings) -> Option<Suspicion> {
    let ratings = dealings.ratings();
    let score = ratings.score();
    let is = dealings.here >= AUCTIONS_MIN && ratings.losing >= LOSING_MIN && score >= SCORE_MIN;
    is.then_some(Suspicion { ratings, score })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn dealings(everywhere: u64, here: u64, lost: u64, (share, small, early): (u64, u64, u64)) -> Dealings {
        let (share, small, early) = (share * here, small * here, early * here);
        Dealings { bidder: AccountId(Uuid::nil()), everywhere, here, lost, share, small, early }
    }

    #[test]
    fn a_shill_keeps_to_one_seller_and_never_wins() {
        for (expected, why, it) in [
            (Some(990), "the model of one", dealings(8, 8, 8, (950, 1_000, 950))),
            (Some(850), "just so", dealings(5, 5, 5, (500, 500, 500))),
            (None, "just not", dealings(5, 5, 5, (500, 500, 490))),
            (None, "four auctions say nothing", dealings(4, 4, 4, (1_000, 1_000, 1_000))),
            (None, "bids elsewhere as well", dealings(10, 5, 5, (1_000, 1_000, 1_000))),
            (None, "wins one of five", dealings(5, 5, 4, (1_000, 1_000, 1_000))),
            (Some(987), "wins one of twenty", dealings(20, 20, 19, (1_000, 1_000, 1_000))),
            (None, "a collector who loses three of four", dealings(8, 8, 6, (400, 700, 300))),
            (None, "nothing at all", dealings(0, 0, 0, (0, 0, 0))),
        ] {
            let score = shill(&it).map(|it| it.score.get());
            assert_eq!(score, expected, "{why}");
        }
    }

    proptest! {
        #[test]
        fn losing_more_or_straying_less_never_lowers_the_score(
            here in 1..50_u64, elsewhere in 0..50_u64, lost in 0..50_u64,
            traits in (0..=1_000_u64, 0..=1_000_u64, 0..=1_000_u64),
        ) {
            let lost = lost.min(here);
            let it = dealings(here + elsewhere, here, lost, traits).ratings().score();
            let keener = dealings(here + elsewhere / 2, here, lost, traits).ratings().score();
            let poorer = dealings(here + elsewhere, here, here, traits).ratings().score();
            prop_assert!(it <= keener && it <= poorer);
            prop_assert!(it <= Permille::ALL);
        }

        #[test]
        fn who_wins_now_and_then_is_no_shill(here in 1..50_u64, traits in (0..=1_000_u64, 0..=1_000_u64, 0..=1_000_u64)) {
            let won = here / 10 + 1;
            prop_assert_eq!(shill(&dealings(here, here, here.saturating_sub(won), traits)), None);
        }
    }
}
