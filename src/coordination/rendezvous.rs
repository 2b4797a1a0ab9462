//! Who of the nodes runs a free room first. Every node answers alike without asking another, and when a node comes or
//! goes, only the rooms change hands that are its own.

use sha2::{Digest, Sha256};

use crate::domain::{AuctionId, NodeId};

/// The rank of `node` among `members` for the room of `auction`: 0 is the first choice, and each node has another one.
/// A node that is no member comes after all of them.
pub fn rank(auction: AuctionId, members: &[NodeId], node: NodeId) -> usize {
    if !members.contains(&node) {
        return members.len();
    }
    let own = weight(auction, node);
    members.iter().filter(|other| weight(auction, **other) > own).count()
}

/// By how much `node` is drawn to `auction`. The id is in it, so that no two nodes weigh the same.
fn weight(auction: AuctionId, node: NodeId) -> ([u8; 32], NodeId) {
    let hash = Sha256::new().chain_update(node.0.as_bytes()).chain_update(auction.0.as_bytes()).finalize();
    (hash.into(), node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn nodes(count: u128) -> Vec<NodeId> {
        (1..=count).map(|number| NodeId(Uuid::from_u128(number))).collect()
    }

    fn first(auction: AuctionId, members: &[NodeId]) -> NodeId {
        *members.iter().find(|node| rank(auction, members, **node) == 0).expect("somebody is first")
    }

    fn auctions() -> impl Iterator<Item = AuctionId> {
        (0..10_000_u128).map(|number| AuctionId(Uuid::from_u128(number)))
    }

    #[test]
    fn every_node_has_a_rank_of_its_own_whatever_the_order_of_the_list() {
        let members = nodes(5);
        let turned: Vec<_> = members.iter().rev().copied().collect();
        for auction in auctions().take(100) {
            let mut ranks: Vec<_> = members.iter().map(|node| rank(auction, &members, *node)).collect();
            assert_eq!(ranks, members.iter().map(|node| rank(auction, &turned, *node)).collect::<Vec<_>>());
            ranks.sort_unstable();
            assert_eq!(ranks, [0, 1, 2, 3, 4]);
            assert_eq!(rank(auction, &members, NodeId(Uuid::from_u128(99))), 5);
        }
    }

    #[test]
    fn rooms_are_spread_evenly_and_only_those_of_a_node_that_leaves_move() {
        let members = nodes(5);
        let rest = &members[..4];
        let mut counts = [0_usize; 5];
        for auction in auctions() {
            let before = first(auction, &members);
            let index = members.iter().position(|node| *node == before).expect("a member");
            counts[index] += 1;
            if before != members[4] {
                assert_eq!(first(auction, rest), before);
            }
        }
        assert!(counts.iter().all(|count| (1_800..2_200).contains(count)), "{counts:?}");
    }
}
