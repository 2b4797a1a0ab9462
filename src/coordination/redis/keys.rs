//! The names of keys and channels, beside those that the journal has. What belongs to one auction shares a hash tag, so that a cluster keeps it together.

use crate::domain::{AuctionId, NodeId};
pub use crate::journal::redis::keys::{OUTAGES, lease, meta, news};

/// When somebody must look at an auction: a sorted set of auctions by milliseconds.
pub const ATTEND: &str = "bidhub:attend";
/// The nodes that take rooms: a sorted set of nodes by when they count as gone, in milliseconds of the server.
pub const NODES: &str = "bidhub:nodes";
/// The nodes that are about to leave, in the same form.
pub const LEAVING: &str = "bidhub:nodes:leaving";
/// When any node was last alive, in milliseconds of the server.
pub const PULSE: &str = "bidhub:pulse";
/// What every node must hear, for those that could not hear it at once: a stream.
pub const NOTICES: &str = "bidhub:notices";
/// Which notifications are to be pushed, for nodes that could not hear it at once: a stream.
pub const NOTES: &str = "bidhub:notes";
/// The channel of what every node must hear at once.
pub const ALL: &str = "bidhub:all";
/// The channel of what nodes say to each other without caring who hears it.
pub const CASTS: &str = "bidhub:casts";

const NEWS_END: &str = "}:news";

/// Whose news a channel carries; none if it is another channel.
pub fn of_news(channel: &str) -> Option<AuctionId> {
    channel.strip_prefix("bidhub:{")?.strip_suffix(NEWS_END)?.parse().ok()
}

/// What a node says of itself.
pub fn node(node: NodeId) -> String {
    format!("bidhub:node:{node}")
}

/// Who does a task that one node is enough for.
pub fn task(task: &str) -> String {
    format!("bidhub:task:{task}")
}

/// The channel of messages to one node.
pub fn to(node: NodeId) -> String {
    format!("bidhub:to:{node}")
}

/// The channel on which a node hears itself.
pub fn probe(node: NodeId) -> String {
    format!("bidhub:probe:{node}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_channel_of_an_auction_names_it() {
        let auction = AuctionId(uuid::Uuid::from_u128(7));
        assert_eq!(news(auction), "bidhub:{00000000-0000-0000-0000-000000000007}:news");
        assert_eq!(of_news(&news(auction)), Some(auction));
        for other in [ALL, "bidhub:{7}:news", "bidhub:{00000000-0000-0000-0000-000000000007}:log"] {
            assert_eq!(of_news(other), None, "{other}");
        }
    }
}
