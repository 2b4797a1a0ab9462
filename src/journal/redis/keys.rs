//! The names of what the hub keeps in Redis. All of one auction has the same hash tag, so that one script may touch it.

use crate::domain::AuctionId;

/// Stretches of time in which no node served, as `from:until` in milliseconds.
pub const OUTAGES: &str = "bidhub:outages";
/// Written to see whether anything can be written.
pub const PROBE: &str = "bidhub:probe";

/// What a user of Redis must be allowed for the journal, as words for `ACL SETUSER`.
pub const ACL_RULES: &str = "resetkeys resetchannels ~bidhub:* &bidhub:* -@all +ping +role +info +wait +time +publish \
     +get +set +hget +hmget +hgetall +hset +hsetnx +hdel +hexists +exists +del +lrange +pttl +pexpire +persist \
     +xadd +xrange +xrevrange +xtrim +evalsha +script|load +cluster|slots";

/// Who may append to the log.
pub fn lease(auction: AuctionId) -> String {
    name(auction, "lease")
}

/// What is known of the log.
pub fn meta(auction: AuctionId) -> String {
    name(auction, "meta")
}

/// Its batches.
pub fn log(auction: AuctionId) -> String {
    name(auction, "log")
}

/// Its newest snapshot.
pub fn snapshot(auction: AuctionId) -> String {
    name(auction, "snapshot")
}

/// The channel on which its news are told.
pub fn news(auction: AuctionId) -> String {
    name(auction, "news")
}

/// Records of it that lost against others, by the number of the first.
pub fn fork(auction: AuctionId, first: u64) -> String {
    name(auction, &format!("fork:{first}"))
}

fn name(auction: AuctionId, what: &str) -> String {
    format!("bidhub:{{{}}}:{what}", auction.0)
}
