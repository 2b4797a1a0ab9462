//! Whether bidders of one seller look like a ring: where one of them bids the other does, and somebody else wins.
//!
//! Shills who take turns stay below any score of single bidders; what gives them away is that they come together (J. Trevathan
//! and W. Read, Investigating Shill Bidding Behaviour Involving Colluding Bidders, Journal of Computers 2 (10), 2007, who look
//! for it in a graph of who bids with whom). Here two bidders are joined if the sets of auctions in which they bid are nearly
//! the same by the index of P. Jaccard (1912): what they share, as part of what either has. It is simpler, and says why.

use std::collections::BTreeMap;

use super::Permille;
use crate::domain::{AccountId, AuctionId};

/// How many auctions of the seller two bidders must share before anything is said of them.
const TOGETHER_MIN: u64 = 4;
/// How much of what either bid on both must have bid on.
const OVERLAP_MIN: Permille = Permille::new(800);
/// In how many of the seller's auctions that they share both must have lost to somebody else.
const LOST_MIN: Permille = Permille::new(750);

/// What became of an auction in which somebody bid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit {
    /// True if it was of the seller in question.
    pub here: bool,
    /// True if somebody else won.
    pub lost: bool,
}

/// A bidder, and where they bid of late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub bidder: AccountId,
    /// Where.
    pub visits: BTreeMap<AuctionId, Visit>,
}

/// A bidder who is joined with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Who.
    pub bidder: AccountId,
    /// With whom, by account.
    pub with: Vec<AccountId>,
    /// How many auctions of the seller they share with the one they share most with.
    pub together: u64,
    /// How nearly the same the two bid on, at most.
    pub overlap: Permille,
}

/// Those of `members` who are joined with another of them, by account. It compares each with each: keep them few.
pub fn rings(members: &[Member]) -> Vec<Joined> {
    let mut found: BTreeMap<AccountId, Joined> = BTreeMap::new();
    for one in members {
        for other in members.iter().filter(|other| other.bidder != one.bidder) {
            let Some((together, overlap)) = pair(one, other) else { continue };
            let new = || Joined { bidder: one.bidder, with: Vec::new(), together, overlap };
            let joined = found.entry(one.bidder).or_insert_with(new);
            joined.with.push(other.bidder);
            joined.together = joined.together.max(together);
            joined.overlap = joined.overlap.max(overlap);
        }
    }
    let mut found: Vec<Joined> = found.into_values().collect();
    found.iter_mut().for_each(|joined| joined.with.sort());
    found
}

/// How many auctions of the seller the two share, and how nearly the same they bid on, if that joins them.
fn pair(one: &Member, other: &Member) -> Option<(u64, Permille)> {
    let (mut shared, mut together, mut lost) = (0, 0, 0);
    for (auction, visit) in &one.visits {
        let Some(same) = other.visits.get(auction) else { continue };
        shared += 1;
        if visit.here {
            together += 1;
            lost += u64::from(visit.lost && same.lost);
        }
    }
    let either = (one.visits.len() + other.visits.len()) as u64 - shared;
    let overlap = Permille::of(shared, either);
    let joined = together >= TOGETHER_MIN && overlap >= OVERLAP_MIN && Permille::of(lost, together) >= LOST_MIN;
    joined.then_some((together, overlap))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const LOST: Visit = Visit { here: true, lost: true };
    const WON: Visit = Visit { here: true, lost: false };
    const ELSEWHERE: Visit = Visit { here: false, lost: true };

    fn who(number: u128) -> AccountId {
        AccountId(Uuid::from_u128(number))
    }

    fn member(number: u128, visits: &[(u128, Visit)]) -> Member {
        let visits = visits.iter().map(|(auction, visit)| (AuctionId(Uuid::from_u128(*auction)), *visit)).collect();
        Member { bidder: who(number), visits }
    }

    #[test]
    fn those_who_come_together_and_lose_are_joined() {
        let four = [(1, LOST), (2, LOST), (3, LOST), (4, LOST)];
        let five = [&four[..], &[(5, LOST)]].concat();
        let found = rings(&[member(1, &four), member(2, &five), member(3, &four), member(4, &four[..3])]);
        let told: Vec<_> = found.iter().map(|it| (it.bidder, it.with.clone(), it.together, it.overlap.get())).collect();
        let expected = [
            (who(1), vec![who(2), who(3)], 4, 1_000),
            (who(2), vec![who(1), who(3)], 4, 800),
            (who(3), vec![who(1), who(2)], 4, 1_000),
        ];
        assert_eq!(told, expected, "three auctions say nothing");
    }

    #[test]
    fn rivals_are_no_ring() {
        let mine = [(1, WON), (2, LOST), (3, WON), (4, LOST)];
        let yours = [(1, LOST), (2, WON), (3, LOST), (4, WON)];
        assert_eq!(rings(&[member(1, &mine), member(2, &yours)]), [], "one of the two wins");
        let four = [(1, LOST), (2, LOST), (3, LOST), (4, LOST)];
        let busy = [&four[..], &[(6, ELSEWHERE), (7, ELSEWHERE)]].concat();
        assert_eq!(rings(&[member(1, &four), member(2, &busy)]), [], "one bids elsewhere too");
        let there = four.map(|(auction, _)| (auction, ELSEWHERE));
        assert_eq!(rings(&[member(1, &there), member(2, &there)]), [], "with another seller");
        assert_eq!(rings(&[member(1, &four)]), [], "nobody is a ring alone");
    }

    proptest! {
        #[test]
        fn who_is_joined_with_another_is_so_in_turn(
            visits in proptest::collection::vec(proptest::collection::btree_map(0..8_u128, any::<(bool, bool)>(), 0..8), 0..6),
        ) {
            let members: Vec<Member> = visits.iter().enumerate().map(|(number, visits)| {
                let visits: Vec<_> = visits.iter().map(|(it, (here, lost))| (*it, Visit { here: *here, lost: *lost })).collect();
                member(number as u128, &visits)
            }).collect();
            let found = rings(&members);
            for joined in &found {
                prop_assert!(!joined.with.contains(&joined.bidder) && !joined.with.is_empty());
                for other in &joined.with {
                    let back = found.iter().find(|it| it.bidder == *other);
                    // Which seller's an auction is, is a fact of the auction; here chance says it for each visit.
                    let same = members.iter().all(|it| it.visits.values().all(|visit| visit.here));
                    prop_assert!(!same || back.is_some_and(|it| it.with.contains(&joined.bidder)));
                }
            }
        }
    }
}
