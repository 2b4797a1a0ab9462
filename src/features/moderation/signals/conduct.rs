//! How each bidder of one auction that has ended went about it.

use std::collections::BTreeMap;

use super::Permille;
use crate::domain::{AccountId, Money, Timestamp};

/// A raise of the price by no more than this part of it is a small one: about a step of the usual tables.
const SMALL_RAISE: Permille = Permille::new(50);

/// An auction that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lot {
    /// When bidding opened.
    pub starts_at: Timestamp,
    /// When it was over.
    pub ended_at: Timestamp,
    /// Who won, if anyone did.
    pub winner: Option<AccountId>,
}

/// A bid that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bid {
    /// Whose.
    pub bidder: AccountId,
    /// When.
    pub at: Timestamp,
    /// The price after it.
    pub price: Money,
}

/// How a bidder went about an auction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conduct {
    /// Who.
    pub bidder: AccountId,
    /// True if somebody else won. Where nobody did, nobody lost either.
    pub lost: bool,
    /// Their part of the bids, where half of them counts as all: who bids against others cannot make more than about that.
    pub share: Permille,
    /// Which part of their raises were small.
    pub small: Permille,
    /// How early they first bid: all at the beginning, nothing at the end.
    pub early: Permille,
}

#[derive(Default)]
struct Tally {
    bids: u64,
    raises: u64,
    small: u64,
    first: Option<Timestamp>,
}

/// How each bidder went about it, by account; `bids` are those that count, in the order of the log.
pub fn conducts(lot: &Lot, bids: &[Bid]) -> Vec<Conduct> {
    let mut tallies: BTreeMap<AccountId, Tally> = BTreeMap::new();
    let mut before: Option<Money> = None;
    for bid in bids {
        let tally = tallies.entry(bid.bidder).or_default();
        tally.bids += 1;
        tally.first.get_or_insert(bid.at);
        // The first bid raises nothing, and neither does who only lifts their own ceiling.
        if let Some(before) = before
            && let Some(raise) = bid.price.checked_sub(before).filter(|raise| *raise > Money::ZERO)
        {
            tally.raises += 1;
            tally.small += u64::from(is_small(raise, before));
        }
        before = Some(bid.price);
    }
    let all = bids.len() as u64;
    let conduct = |(bidder, tally): (AccountId, Tally)| Conduct {
        bidder,
        lost: lot.winner.is_some_and(|winner| winner != bidder),
        share: Permille::of(2 * tally.bids, all),
        small: Permille::of(tally.small, tally.raises),
        early: tally.first.map_or(Permille::NONE, |first| earliness(lot, first)),
    };
    tallies.into_iter().map(conduct).collect()
}

fn is_small(raise: Money, price: Money) -> bool {
    let wide = |money: Money| i128::from(money.minor_units());
    wide(raise) * 1_000 <= wide(price) * i128::from(SMALL_RAISE.get())
}

fn earliness(lot: &Lot, first: Timestamp) -> Permille {
    let span = |to: Timestamp| to.since(lot.starts_at).millis().max(0).unsigned_abs();
    Permille::of(span(first), span(lot.ended_at)).rest()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn who(number: u128) -> AccountId {
        AccountId(Uuid::from_u128(number))
    }

    fn bid(number: u128, second: i64, price: i64) -> Bid {
        Bid { bidder: who(number), at: Timestamp::from_millis(second * 1_000), price: Money::new(price).unwrap() }
    }

    fn lot(winner: Option<u128>) -> Lot {
        let at = |second: i64| Timestamp::from_millis(second * 1_000);
        Lot { starts_at: at(0), ended_at: at(1_000), winner: winner.map(who) }
    }

    #[test]
    fn a_bidder_is_told_by_share_steps_and_time() {
        let bids =
            [bid(1, 100, 1_000), bid(2, 200, 1_050), bid(1, 250, 2_000), bid(2, 900, 2_100), bid(3, 1_000, 2_205)];
        let found = conducts(&lot(Some(3)), &bids);
        let told: Vec<_> =
            found.iter().map(|it| (it.bidder, it.lost, it.share.get(), it.small.get(), it.early.get())).collect();
        assert_eq!(
            told,
            [(who(1), true, 800, 0, 900), (who(2), true, 800, 1_000, 800), (who(3), false, 400, 1_000, 0)]
        );
    }

    #[test]
    fn where_nobody_wins_nobody_has_lost() {
        let found = conducts(&lot(None), &[bid(1, 0, 500), bid(2, 1, 550)]);
        assert!(found.iter().all(|it| !it.lost), "{found:?}");
        assert_eq!(conducts(&lot(None), &[]), []);
    }

    #[test]
    fn lifting_the_own_ceiling_raises_nothing() {
        let found = conducts(&lot(None), &[bid(1, 0, 500), bid(1, 5, 500), bid(1, 9, 500)]);
        assert_eq!((found[0].small, found[0].share), (Permille::NONE, Permille::ALL));
    }

    proptest! {
        #[test]
        fn everyone_who_bid_is_there_once_and_only_the_winner_has_not_lost(
            bids in proptest::collection::vec((0..6_u128, -50..1_200_i64, 1..100_000_i64), 0..40),
            winner in 0..8_u128,
        ) {
            let bids: Vec<Bid> = bids.into_iter().map(|(number, second, price)| bid(number, second, price)).collect();
            let found = conducts(&lot(Some(winner)), &bids);
            let mut bidders: Vec<_> = bids.iter().map(|bid| bid.bidder).collect();
            bidders.sort();
            bidders.dedup();
            prop_assert_eq!(found.iter().map(|it| it.bidder).collect::<Vec<_>>(), bidders);
            prop_assert!(found.iter().all(|it| it.lost == (it.bidder != who(winner))));
        }
    }
}
