//! What everyone may see holds no leader's ceiling and no reserve. The secret numbers are unmistakable: multiples of a
//! large prime, searched for in everything that the public types can show.

use bidhub::domain::auction::{EventKind, Offer};
use bidhub::domain::formats::English;
use proptest::prelude::*;

use super::config;
use crate::hall::*;

const MARK: i64 = 1_000_003;

/// True if `number` stands in `shown` as a number of its own.
fn shows(shown: &str, number: i64) -> bool {
    shown.split(|letter: char| !letter.is_ascii_digit()).any(|word| word == number.to_string())
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn nothing_public_shows_a_leading_ceiling_or_the_reserve(
        reserve in 1..60_i64,
        bids in proptest::collection::vec((A..A + 5, 1..90_i64, any::<bool>()), 1..30),
    ) {
        let reserve = reserve * MARK + 1;
        let terms = terms(English { reserve: Some(money(reserve)), ..english() });
        let mut hall = Hall::open(terms);
        for (bidder, factor, voids) in bids {
            if hall.bid(bidder, Offer::Max(money(factor * MARK))).is_ok() && voids && hall.prior.len() > 3 {
                hall.void(hall.prior[hall.prior.len() / 2].seq.0).unwrap();
            }
            let standing = &hall.state.standing;
            let (price, ceiling) = (standing.price.unwrap(), standing.leader.unwrap().ceiling.minor_units());
            let shown = format!("{:?}", hall.state.public());
            prop_assert!(price.minor_units() == ceiling || !shows(&shown, ceiling), "{shown}");
            prop_assert!(price.minor_units() == reserve || !shows(&shown, reserve), "{shown}");
            prop_assert!(!shown.contains("AccountId"));
        }
        let mut price = 0;
        for event in &hall.log {
            let shown = format!("{:?}", event.public(&hall.terms));
            if let EventKind::Bid(bid) = &event.kind {
                price = bid.price.minor_units();
                let ceiling = bid.ceiling.minor_units();
                prop_assert!(!bid.leading || price == ceiling || !shows(&shown, ceiling), "{shown}");
                prop_assert!(!shown.contains(bid.key.as_str()), "{shown}");
            }
            if let EventKind::BidVoided(void) = &event.kind {
                price = void.price.map_or(0, |price| price.minor_units());
            }
            prop_assert!(price == reserve || !shows(&shown, reserve), "{shown}");
            prop_assert!(!shown.contains("AccountId"), "{shown}");
        }
    }
}
