//! What can be chosen about a model: its ack level, what may fail, its bounds, and the guards that are in place.

/// How safe a record must be before anyone hears of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    Redis,
    Replica,
    Sql,
}

/// What may become of the primary server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failover {
    /// The replica is promoted, with whatever it had received; the old primary follows it from then on.
    Replica,
    /// As before; and also a server that never caught up: an empty one, or an old primary with all that it had.
    Anything,
}

/// How the commit script compares leases.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fence {
    Whole,
    Epoch,
    Off,
}

/// How a take-over chooses among chains that differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// The archive's chain must be in it, then Redis's; a mirror's can only make it longer, and only if Redis may have lost
    /// something.
    Anchored,
    /// The greatest (epoch of the last record, length) of all.
    Rank,
}

/// The guards of the protocol, any of which a test can take out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Guards {
    /// The commit script compares the lease.
    pub fence: Fence,
    /// The commit script compares the head.
    pub head: bool,
    /// A bid whose key is in the log is not decided again.
    pub keys: bool,
    /// A new epoch is greater than those in the archive and in the node's mirror, not only than Redis's.
    pub floor: bool,
    /// How a take-over chooses.
    pub choice: Choice,
    /// A take-over brings what it found to the ack level before anyone hears of it.
    pub settle: bool,
    /// A repair writes the new history to the archive first, and the archive takes records of its own history only.
    pub archive_fence: bool,
    /// A take-over asks the archive which history is the newest, though Redis looks whole.
    pub archive_asked: bool,
    /// A log that Redis may have lost a part of always gets a new history, even if the new holder's own head is Redis's.
    pub new_history: bool,
    /// A server is known by an id that each promotion changes (as `master_replid` does, and `run_id` does not).
    pub promotion_shows: bool,
    /// Redis is written to only on the server on which the log was taken over; on another it is taken over anew.
    pub same_server: bool,
}

impl Guards {
    /// The protocol as it should be.
    pub const ALL: Self = Self {
        fence: Fence::Whole,
        head: true,
        keys: true,
        floor: true,
        choice: Choice::Anchored,
        settle: true,
        archive_fence: true,
        archive_asked: true,
        new_history: true,
        promotion_shows: true,
        same_server: true,
    };
}

/// A bounded world with its rules.
#[derive(Clone, Copy, Debug)]
pub struct Hub {
    pub guards: Guards,
    pub level: Level,
    pub failover: Failover,
    /// Bounds: nodes that there are, keys that bidders send, leases that are ever granted, failovers that ever happen.
    pub nodes: u8,
    pub keys: u8,
    pub grants: u8,
    pub failovers: u8,
    /// A commit may be delivered twice.
    pub repeats: bool,
    /// The archiver runs.
    pub archives: bool,
}

/// Something that happens. The first number is the node that it happens to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// It acquires the lease, as a follower of a free room or anew, after an unknown outcome.
    Acquire(u8),
    /// It finds another's lease in force and follows.
    StepDown(u8),
    /// It reads Redis, the archive if need be, and the tail of one other mirror or of none, and chooses a chain.
    Read(u8, Option<u8>),
    /// It writes the chain that it chose to Redis.
    Repair(u8),
    /// It sends a commit of a bid with this key.
    Bid(u8, u8),
    /// Its commit arrives at Redis.
    Commit(u8),
    /// It hears what became of its commit.
    Hear(u8),
    /// It waits no longer: the outcome is unknown.
    GiveUp(u8),
    /// Its chain has reached the ack level.
    Settle(u8),
    /// It repeats the verdict on this key from its memory.
    Repeat(u8, u8),
    /// It follows the news.
    Follow(u8),
    /// The lease in force runs out; its holder has stopped speaking before.
    Expire,
    /// The replica receives all that the primary has.
    Replicate,
    /// The replica becomes the primary.
    Promote,
    /// The archiver reads what the archive lacks.
    ArchiveRead,
    /// The archiver writes it.
    ArchiveWrite,
}
