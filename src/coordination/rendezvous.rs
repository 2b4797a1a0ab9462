//! Which node should run a room that nobody runs: rendezvous hashing. Every node orders all nodes alike for one auction,
//! and when one goes, only its rooms find another first. After Thaler and Ravishankar, "Using name-based mappings to
//! increase hit rates", 1998.

use sha2::{Digest as _, Sha256};

use crate::domain::{AuctionId, NodeId};

/// How many of `members` come before `node` for `auction`; none if it is no member.
pub fn rank(auction: AuctionId, members: &[NodeId], node: NodeId) -> Option<usize> {
    let own = weight(auction, node);
    members
        .contains(&node)
        .then(|| members.iter().filter(|other| (weight(auction, **other), **other) > (own, node)).count())
}

fn weight(auction: AuctionId, node: NodeId) -> [u8; 32] {
    Sha256::new().chain_update(node.0.as_bytes()).chain_update(auction.0.as_bytes()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn nodes(count: u128) -> Vec<NodeId> {
        (1..=count).map(|number| NodeId(Uuid::from_u128(number))).collect()
    }

    #[test]
    fn every_node_has_a_rank_of_its_own_and_a_stranger_has_none() {
        let members = nodes(5);
        for auction in (0..20).map(|number| AuctionId(Uuid::from_u128(number))) {
            let mut ranks: Vec<_> = members.iter().filter_map(|node| rank(auction, &members, *node)).collect();
            ranks.sort_unstable();
            assert_eq!(ranks, [0, 1, 2, 3, 4]);
            assert_eq!(rank(auction, &members[..4], members[4]), None);
        }
    }

    #[test]
    fn auctions_are_spread_and_only_those_of_a_node_that_goes_move() {
        let members = nodes(3);
        let first = |members: &[NodeId], auction| {
            members.iter().copied().find(|node| rank(auction, members, *node) == Some(0)).expect("one is first")
        };
        let mut counts = [0; 3];
        for auction in (0..3_000).map(|number| AuctionId(Uuid::from_u128(number))) {
            let chosen = first(&members, auction);
            counts[members.iter().position(|node| *node == chosen).expect("a member")] += 1;
            if chosen != members[2] {
                assert_eq!(first(&members[..2], auction), chosen);
            }
        }
        assert!(counts.iter().all(|count| (900..1_100).contains(count)), "{counts:?}");
    }
}
