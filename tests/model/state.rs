//! What the model knows of the world: one auction, its servers, its archive, its nodes. All of it is plain and small,
//! so that millions of states fit.

/// The most nodes a model may have.
pub const NODES: usize = 3;
/// The longest log; a room decides nothing beyond it.
pub const LENGTH: usize = 3;
const ACKS: usize = 8;

/// The right to append, as in the hub: compared whole. Nonces are handed out in the order of the grants, so that the model
/// can tell which of two leases is the later one; the protocol never looks at their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Lease {
    pub epoch: u8,
    pub node: u8,
    pub nonce: u8,
}

/// One accepted bid: who wrote it by which right, and the bidder's key. Equal values at the end of equal logs stand for
/// equal digests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Record {
    pub lease: Lease,
    pub key: u8,
}

/// A chain of records from the beginning. Since a digest commits to all before it, a head is modelled as the whole chain.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Log {
    length: u8,
    records: [Record; LENGTH],
}

impl Log {
    pub fn records(&self) -> &[Record] {
        &self.records[..usize::from(self.length)]
    }

    pub fn is_full(&self) -> bool {
        self.records().len() == LENGTH
    }

    pub fn with(mut self, record: Record) -> Self {
        self.records[usize::from(self.length)] = record;
        self.length += 1;
        self
    }

    /// True if `other` is this log or its beginning.
    pub fn contains(&self, other: &Self) -> bool {
        self.records().starts_with(other.records())
    }

    pub fn find(&self, key: u8) -> Option<usize> {
        self.records().iter().position(|record| record.key == key)
    }

    /// The epoch of the last record; 0 before the first.
    pub fn epoch(&self) -> u8 {
        self.records().last().map_or(0, |record| record.lease.epoch)
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.records()).finish()
    }
}

/// What one Redis server holds of the auction. Replication copies all but `id`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Store {
    /// The server's own id.
    pub id: u8,
    pub lease: Option<Lease>,
    /// The greatest epoch granted.
    pub epoch: u8,
    pub log: Log,
    /// The id of the history (log id).
    pub history: u8,
    /// The id of the server on which the log was last taken over.
    pub run: u8,
}

/// The archive. It never goes back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Archive {
    pub log: Log,
    pub history: u8,
    /// The epoch of the last lease that repaired the log.
    pub epoch: u8,
}

/// A commit on its way to Redis.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Batch {
    pub lease: Lease,
    pub onto: Log,
    pub record: Record,
    /// It may be delivered once more.
    pub repeats: bool,
}

/// What the commit script answered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reply {
    /// Committed by the server `id`, after `era` failovers.
    Committed {
        id: u8,
        era: u8,
    },
    Fenced,
    HeadMoved,
}

/// What a node does about the auction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Step {
    /// It holds no lease that it knows of.
    #[default]
    Following,
    /// It must acquire anew and read the log again before it says anything.
    Doubtful,
    /// It has acquired, and has read nothing yet.
    Acquired,
    /// It knows what the log should be, and has not written it to Redis yet.
    Repairing { read: Log, chain: Log, history: u8, id: u8 },
    /// Its chain is in Redis and nobody hears of it before it is as safe as the ack level demands.
    Settling { chain: Log, id: u8, era: u8 },
    /// It runs the room.
    Serving,
    /// It runs the room, and a commit of this record is under way.
    Waiting { record: Record },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Node {
    /// The lease that it believes to hold, right or wrong.
    pub lease: Option<Lease>,
    /// False once its own clock says that its lease may have run out.
    pub speaks: bool,
    pub step: Step,
    /// The log as it knows it to be committed: an owner's state, a follower's mirror.
    pub log: Log,
    pub history: u8,
    /// How many failovers there had been when what it knows was last confirmed.
    pub era: u8,
    /// The commit that it sent last, if it has not arrived yet, be the answer awaited or not.
    pub wire: Option<Batch>,
    pub reply: Option<Reply>,
    /// The record whose outcome was unknown last.
    pub doubt: Option<Record>,
}

/// A verdict that a bidder has heard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ack {
    pub history: u8,
    /// Its place in the log, counted from 0.
    pub place: u8,
    pub record: Record,
    pub era: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Acks([Option<Ack>; ACKS]);

impl Acks {
    pub fn iter(&self) -> impl Iterator<Item = &Ack> + Clone {
        self.0.iter().flatten()
    }

    /// Adds it, in an order that does not depend on when.
    pub fn add(&mut self, ack: Ack) {
        if self.iter().any(|known| *known == ack) {
            return;
        }
        assert!(self.0[0].is_none(), "the bounds of this model let more verdicts happen than it has room for");
        self.0[0] = Some(ack);
        self.0.sort_unstable();
    }
}

impl std::fmt::Debug for Acks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The whole world at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct World {
    pub primary: Store,
    pub replica: Store,
    /// The replica has followed this primary at least once, so that what it has is an earlier state of it.
    pub synced: bool,
    pub archive: Archive,
    /// What the archiver has read and not yet written, with the history it belongs to.
    pub archiving: Option<(Log, u8)>,
    pub nodes: [Node; NODES],
    pub acks: Acks,
    /// How many leases were granted, failovers happened, and histories were begun.
    pub grants: u8,
    pub failovers: u8,
    pub histories: u8,
    /// How many of the failovers were promotions of a server that knew itself for a replica.
    pub promotions: u8,
    /// How many nodes have held a lease so far, and how many keys were sent.
    pub joined: u8,
    pub used: u8,
}

impl World {
    /// The node that runs the room by a lease that is in force, if there is one.
    pub fn owner(&self) -> Option<&Node> {
        let lease = self.primary.lease?;
        let node = &self.nodes[usize::from(lease.node)];
        (node.lease == Some(lease) && matches!(node.step, Step::Serving | Step::Waiting { .. })).then_some(node)
    }
}
