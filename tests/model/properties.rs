//! What must always hold, and what must be possible at all.

use stateright::Property;

use crate::hub::{Failover, Hub, Level};
use crate::state::*;

/// At one place of one history, bidders hear of one record only.
pub const ONE_RECORD: &str = "no two records at one place are both acknowledged";
/// What was acknowledged is in the log of whoever runs the room, at the same place, unless something has failed that its
/// ack level does not promise to bear.
pub const STAYS: &str = "what was acknowledged stays";
/// A log has each key once, in Redis and in the archive.
pub const ONCE: &str = "a key counts once";
/// Two answers to one key are the same answer.
pub const SAME_VERDICT: &str = "a repeated key hears the same verdict";
/// In no log does a record of an earlier lease follow one of a later lease.
pub const SUCCESSION: &str = "nobody commits after the successor has";

/// A node goes on with a log that another has begun.
pub const TAKE_OVER: &str = "both nodes commit in turn";
/// An outcome that was unknown turns out to have been a commit.
pub const DOUBT_COMMITTED: &str = "an unknown outcome was a commit";
/// An outcome that was unknown turns out to have been none.
pub const DOUBT_LOST: &str = "an unknown outcome was none";
/// After a failover, somebody repairs the log and somebody commits to it.
pub const FAILOVER: &str = "a commit follows a failover";
/// A failover loses records of the log, which gets a new history.
pub const REWOUND: &str = "a failover loses a record";

/// All that can be asked of `hub`.
pub fn all(hub: &Hub) -> Vec<Property<Hub>> {
    let mut all = vec![
        Property::always(ONE_RECORD, |_: &Hub, world: &World| one_record(world)),
        Property::always(STAYS, stays),
        Property::always(ONCE, |_: &Hub, world: &World| once(&world.primary.log) && once(&world.archive.log)),
        Property::always(SAME_VERDICT, same_verdict),
        Property::always(SUCCESSION, |_: &Hub, world: &World| succession(&world.primary.log)),
        Property::sometimes(DOUBT_COMMITTED, |_: &Hub, world: &World| {
            served_doubts(world).any(|(node, doubt)| node.log.records().contains(&doubt))
        }),
        Property::sometimes(DOUBT_LOST, |_: &Hub, world: &World| {
            served_doubts(world).any(|(node, doubt)| node.wire.is_none() && !node.log.records().contains(&doubt))
        }),
    ];
    if hub.keys > 1 {
        all.push(Property::sometimes(TAKE_OVER, |_: &Hub, world: &World| {
            let records = world.primary.log.records();
            records.windows(2).any(|pair| pair[0].lease.node != pair[1].lease.node)
        }));
    }
    if hub.failovers > 0 {
        all.push(Property::sometimes(FAILOVER, |_: &Hub, world: &World| {
            world.acks.iter().any(|ack| ack.era > 0 || ack.history > 0)
        }));
    }
    if hub.failovers > 0 && hub.level == Level::Redis {
        all.push(Property::sometimes(REWOUND, |_: &Hub, world: &World| {
            let owner = world.owner().filter(|owner| owner.history > 0);
            owner.is_some_and(|owner| world.nodes.iter().any(|node| !owner.log.contains(&node.log)))
        }));
    }
    all
}

fn one_record(world: &World) -> bool {
    let acks = world.acks.iter();
    acks.clone().all(|one| {
        let mut others = acks.clone().filter(|other| (other.history, other.place) == (one.history, one.place));
        others.all(|other| other.record == one.record)
    })
}

/// Redis alone promises nothing beyond a failover; a replica bears that it is promoted itself; the archive bears anything.
fn in_force(hub: &Hub, world: &World, ack: &Ack) -> bool {
    match (hub.level, hub.failover) {
        (Level::Sql, _) | (Level::Replica, Failover::Replica) => true,
        (Level::Redis, _) | (Level::Replica, Failover::Anything) => ack.era == world.failovers,
    }
}

fn stays(hub: &Hub, world: &World) -> bool {
    let Some(owner) = world.owner() else { return true };
    let later = |ack: &&Ack| owner.lease.is_some_and(|lease| lease.nonce >= ack.record.lease.nonce);
    let mut acks = world.acks.iter().filter(|ack| in_force(hub, world, ack)).filter(later);
    acks.all(|ack| {
        // Its own commit may be known to others before it has heard of it.
        let under_way = owner.step == Step::Waiting { record: ack.record };
        let log = if under_way { &world.primary.log } else { &owner.log };
        log.records().get(usize::from(ack.place)) == Some(&ack.record)
    })
}

fn same_verdict(hub: &Hub, world: &World) -> bool {
    let acks = world.acks.iter().filter(|ack| in_force(hub, world, ack));
    acks.clone().all(|one| {
        let mut others = acks.clone().filter(|other| other.record.key == one.record.key);
        others.all(|other| (other.place, other.record) == (one.place, one.record))
    })
}

fn once(log: &Log) -> bool {
    let records = log.records();
    records.iter().enumerate().all(|(place, record)| log.find(record.key) == Some(place))
}

fn succession(log: &Log) -> bool {
    log.records().is_sorted_by_key(|record| record.lease.nonce)
}

fn served_doubts(world: &World) -> impl Iterator<Item = (&Node, Record)> {
    let serving = world.nodes.iter().filter(|node| node.step == Step::Serving);
    serving.filter_map(|node| Some((node, node.doubt?)))
}
