//! The protocol itself: what may happen next, and what comes of it. Each guard is asked at the one place where it acts.

use stateright::{Model, Property};

use crate::hub::{Action, Choice, Failover, Fence, Hub, Level};
use crate::properties;
use crate::state::*;

impl Model for Hub {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let mut world = World::default();
        // An empty server says of no other that the log was taken over on it.
        (world.replica.id, world.replica.run) = (1, u8::MAX);
        vec![world]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        use Action::*;
        for node in 0..self.nodes {
            actions.extend([Acquire(node), StepDown(node), Repair(node), Commit(node), Hear(node)]);
            actions.extend([GiveUp(node), Settle(node), Follow(node)]);
            match world.nodes[usize::from(node)].step {
                Step::Acquired => {
                    actions.push(Read(node, None));
                    actions.extend((0..self.nodes).filter(|it| *it != node).map(|it| Read(node, Some(it))));
                }
                Step::Serving => actions.extend((0..self.keys).flat_map(|key| [Bid(node, key), Repeat(node, key)])),
                _ => {}
            }
        }
        actions.extend([Expire, Replicate, Promote, ArchiveRead, ArchiveWrite]);
    }

    fn next_state(&self, before: &World, action: Action) -> Option<World> {
        let mut world = *before;
        let happened = match action {
            Action::Acquire(node) => self.acquire(&mut world, node),
            Action::StepDown(node) => step_down(&mut world, node),
            Action::Read(node, tail) => self.read(&mut world, node, tail),
            Action::Repair(node) => self.repair(&mut world, node),
            Action::Bid(node, key) => self.bid(&mut world, node, key),
            Action::Commit(node) => self.commit(&mut world, node),
            Action::Hear(node) => self.hear(&mut world, node),
            Action::GiveUp(node) => give_up(&mut world, node),
            Action::Settle(node) => self.settle(&mut world, node),
            Action::Repeat(node, key) => repeat(&mut world, node, key),
            Action::Follow(node) => self.follow(&mut world, node),
            Action::Expire => expire(&mut world),
            Action::Replicate => self.replicate(&mut world),
            Action::Promote => self.promote(&mut world),
            Action::ArchiveRead => self.archive_read(&mut world),
            Action::ArchiveWrite => self.archive_write(&mut world),
        };
        self.forget(&mut world);
        (happened && world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}

impl Hub {
    /// Wipes out what can make no difference any more, so that worlds that differ only in that are one.
    fn forget(&self, world: &mut World) {
        if world.failovers == self.failovers {
            let log = if self.level == Level::Replica { world.replica.log } else { Log::default() };
            world.replica = Store { id: world.replica.id, log, ..Store::default() };
        }
        for node in &mut world.nodes {
            match &mut node.step {
                // Only WAIT belongs to a server, and only Redis alone promises nothing beyond a failover.
                Step::Settling { id, era, .. } => {
                    (*id, *era) = (if self.level == Level::Replica { *id } else { 0 }, 0);
                }
                Step::Following => (node.speaks, node.doubt, node.reply) = (false, None, None),
                Step::Doubtful => node.speaks = false,
                _ => {}
            }
        }
    }
}

// Each of these says whether the action can happen, and makes it happen.
impl Hub {
    fn acquire(&self, world: &mut World, node: u8) -> bool {
        let me = &mut world.nodes[usize::from(node)];
        let free = world.primary.lease.is_none_or(|held| held.node == node);
        if !matches!(me.step, Step::Following | Step::Doubtful) || !free || world.grants == self.grants {
            return false;
        }
        // Nodes are alike, so it is enough to look at the worlds in which they come to the room in their order.
        if node > world.joined {
            return false;
        }
        world.joined = world.joined.max(node + 1);
        let known = [me.log.epoch(), me.lease.map_or(0, |lease| lease.epoch), world.archive.epoch];
        let floor = known.into_iter().max().unwrap_or(0).max(world.archive.log.epoch());
        let epoch = world.primary.epoch.max(if self.guards.floor { floor } else { 0 }) + 1;
        world.grants += 1;
        let lease = Lease { epoch, node, nonce: world.grants };
        (me.lease, me.speaks, me.step, me.reply) = (Some(lease), true, Step::Acquired, None);
        (world.primary.lease, world.primary.epoch) = (Some(lease), epoch);
        true
    }

    fn read(&self, world: &mut World, node: u8, tail: Option<u8>) -> bool {
        let tail = tail.map(|other| world.nodes[usize::from(other)].log).unwrap_or_default();
        let (primary, archive) = (world.primary, world.archive);
        let me = &mut world.nodes[usize::from(node)];
        let (Step::Acquired, Some(lease)) = (me.step, me.lease) else { return false };
        let older = self.guards.archive_asked && self.level == Level::Sql && archive.history != primary.history;
        let lost = primary.run != primary.id || older;
        let chain = self.choose(&primary.log, &archive.log, [me.log, tail], lost);
        if !self.admits(&primary, Some(lease)) {
            me.step = Step::Doubtful;
            return true;
        }
        if !lost && chain == primary.log {
            me.history = primary.history;
            self.recovered(me, chain, primary.id, world.failovers);
            return true;
        }
        let same = !self.guards.new_history && chain == me.log && chain == primary.log;
        let history = if same || !lost { primary.history } else { world.histories + 1 };
        if lost && self.guards.archive_fence {
            // One transaction: what was read is what the archive still has, and nothing of the old history comes after.
            if world.archive.epoch >= lease.epoch {
                return false;
            }
            (world.archive.epoch, world.archive.history) = (lease.epoch, history);
        }
        world.histories = world.histories.max(history);
        me.step = Step::Repairing { read: primary.log, chain, history, id: primary.id };
        true
    }

    fn choose(&self, redis: &Log, archive: &Log, tails: [Log; 2], lost: bool) -> Log {
        match self.guards.choice {
            Choice::Anchored => {
                let base = if lost && !redis.contains(archive) { archive } else { redis };
                let longer = tails.into_iter().filter(|tail| lost && tail.contains(base));
                longer.fold(*base, |best, tail| if tail.contains(&best) { tail } else { best })
            }
            Choice::Rank => {
                let rank = |log: &Log| (log.epoch(), log.records().len());
                let archive = if lost { *archive } else { Log::default() };
                let others = [archive].into_iter().chain(tails);
                others.fold(*redis, |best, log| if rank(&log) > rank(&best) { log } else { best })
            }
        }
    }

    fn repair(&self, world: &mut World, node: u8) -> bool {
        let me = &mut world.nodes[usize::from(node)];
        let Step::Repairing { read, chain, history, id } = me.step else { return false };
        let moved = self.guards.same_server && world.primary.id != id;
        if moved || !self.admits(&world.primary, me.lease) || (self.guards.head && world.primary.log != read) {
            me.step = Step::Doubtful;
            return true;
        }
        (world.primary.log, world.primary.history, world.primary.run) = (chain, history, id);
        me.history = history;
        self.recovered(me, chain, world.primary.id, world.failovers);
        true
    }

    /// The log is whole in Redis: the room is run, as soon as the log is as safe as anyone may take it for.
    fn recovered(&self, me: &mut Node, chain: Log, id: u8, era: u8) {
        if self.level == Level::Redis || !self.guards.settle {
            (me.log, me.era, me.step) = (chain, era, Step::Serving);
        } else {
            me.step = Step::Settling { chain, id, era };
        }
    }

    fn admits(&self, store: &Store, lease: Option<Lease>) -> bool {
        match self.guards.fence {
            Fence::Whole => store.lease == lease,
            Fence::Epoch => store.lease.map(|it| it.epoch) == lease.map(|it| it.epoch),
            Fence::Off => true,
        }
    }

    fn bid(&self, world: &mut World, node: u8, key: u8) -> bool {
        let me = &mut world.nodes[usize::from(node)];
        let (Step::Serving, Some(lease)) = (me.step, me.lease) else { return false };
        // Keys are alike too, and are sent for the first time in their order.
        if me.log.is_full() || key > world.used || (self.guards.keys && me.log.find(key).is_some()) {
            return false;
        }
        world.used = world.used.max(key + 1);
        let record = Record { lease, key };
        me.wire = Some(Batch { lease, onto: me.log, record, repeats: self.repeats });
        (me.step, me.reply, me.doubt) = (Step::Waiting { record }, None, None);
        true
    }

    fn commit(&self, world: &mut World, node: u8) -> bool {
        let me = &mut world.nodes[usize::from(node)];
        let Some(batch) = me.wire else { return false };
        me.wire = batch.repeats.then_some(Batch { repeats: false, ..batch });
        let store = &mut world.primary;
        let committed = Reply::Committed { id: store.id, era: world.failovers };
        let reply = if self.guards.same_server && store.run != store.id {
            Reply::HeadMoved
        } else if !self.admits(store, Some(batch.lease)) {
            Reply::Fenced
        } else if self.guards.head && store.log == batch.onto.with(batch.record) {
            committed
        } else if store.log.is_full() || (self.guards.head && store.log != batch.onto) {
            Reply::HeadMoved
        } else {
            store.log = store.log.with(batch.record);
            committed
        };
        if me.step == (Step::Waiting { record: batch.record }) && me.reply.is_none() {
            me.reply = Some(reply);
        }
        true
    }

    fn hear(&self, world: &mut World, node: u8) -> bool {
        let me = &mut world.nodes[usize::from(node)];
        let (Step::Waiting { record }, Some(reply)) = (me.step, me.reply.take()) else { return false };
        match reply {
            Reply::Committed { era, .. } if self.level == Level::Redis => {
                (me.log, me.era, me.step) = (me.log.with(record), era, Step::Serving);
                acknowledge(world, node, record);
            }
            Reply::Committed { id, era } => me.step = Step::Settling { chain: me.log.with(record), id, era },
            Reply::Fenced => (me.step, me.lease) = (Step::Following, None),
            Reply::HeadMoved => me.step = Step::Doubtful,
        }
        true
    }

    fn settle(&self, world: &mut World, node: u8) -> bool {
        let me = &mut world.nodes[usize::from(node)];
        let Step::Settling { chain, id, era } = me.step else { return false };
        let safe = match self.level {
            Level::Redis => true,
            // WAIT belongs to a connection, and so to one server.
            Level::Replica => world.primary.id == id && world.synced && world.replica.log.contains(&chain),
            Level::Sql => world.archive.log.contains(&chain),
        };
        if !safe {
            return false;
        }
        (me.log, me.era, me.step) = (chain, era, Step::Serving);
        // After a take-over there is no record of the new lease yet, and so nobody who waits.
        let own = chain.records().last().copied().filter(|record| Some(record.lease) == me.lease);
        if let Some(record) = own {
            acknowledge(world, node, record);
        }
        true
    }

    fn follow(&self, world: &mut World, node: u8) -> bool {
        let (log, history) = match self.level {
            Level::Redis => (world.primary.log, world.primary.history),
            // What is not settled is not published.
            Level::Replica | Level::Sql => match world.owner() {
                Some(owner) => (owner.log, owner.history),
                None => return false,
            },
        };
        let me = &mut world.nodes[usize::from(node)];
        if me.step != Step::Following || (me.history == history && !log.contains(&me.log)) {
            return false;
        }
        (me.log, me.history) = (log, history);
        true
    }

    fn replicate(&self, world: &mut World) -> bool {
        if self.failovers == 0 && self.level != Level::Replica {
            return false;
        }
        (world.replica, world.synced) = (Store { id: world.replica.id, ..world.primary }, true);
        true
    }

    fn promote(&self, world: &mut World) -> bool {
        if world.failovers == self.failovers || (self.failover == Failover::Replica && !world.synced) {
            return false;
        }
        std::mem::swap(&mut world.primary, &mut world.replica);
        if world.synced && self.guards.promotion_shows {
            world.promotions += 1;
            world.primary.id = 1 + world.promotions;
        }
        (world.synced, world.failovers) = (false, world.failovers + 1);
        true
    }

    fn archive_read(&self, world: &mut World) -> bool {
        let lacks = world.primary.log.contains(&world.archive.log) && world.primary.log != world.archive.log;
        if !self.archives || world.archiving.is_some() || !lacks {
            return false;
        }
        world.archiving = Some((world.primary.log, world.primary.history));
        true
    }

    fn archive_write(&self, world: &mut World) -> bool {
        let Some((log, history)) = world.archiving.take() else { return false };
        let mine = !self.guards.archive_fence || history == world.archive.history;
        if mine && log.contains(&world.archive.log) {
            world.archive.log = log;
        }
        true
    }
}

fn step_down(world: &mut World, node: u8) -> bool {
    let other = world.primary.lease.is_some_and(|held| held.node != node);
    let me = &mut world.nodes[usize::from(node)];
    if me.step != Step::Doubtful || !other {
        return false;
    }
    (me.step, me.lease) = (Step::Following, None);
    true
}

fn give_up(world: &mut World, node: u8) -> bool {
    let me = &mut world.nodes[usize::from(node)];
    match me.step {
        Step::Waiting { record } => me.doubt = Some(record),
        Step::Settling { .. } | Step::Acquired => {}
        _ => return false,
    }
    (me.step, me.reply) = (Step::Doubtful, None);
    true
}

fn repeat(world: &mut World, node: u8, key: u8) -> bool {
    let me = &world.nodes[usize::from(node)];
    let Some(place) = me.log.find(key) else { return false };
    if me.step != Step::Serving || !me.speaks {
        return false;
    }
    let record = me.log.records()[place];
    acknowledge(world, node, record);
    true
}

/// The bidder hears the verdict, as the node's own log has it.
fn acknowledge(world: &mut World, node: u8, record: Record) {
    let me = &world.nodes[usize::from(node)];
    let place = me.log.records().iter().position(|it| *it == record).unwrap_or(LENGTH) as u8;
    world.acks.add(Ack { history: me.history, place, record, era: me.era });
}

fn expire(world: &mut World) -> bool {
    let Some(lease) = world.primary.lease.take() else { return false };
    // The end of a lease is a point in time, and replicated as one: an earlier lease has ended everywhere.
    if world.replica.lease.is_some_and(|copy| copy.nonce <= lease.nonce) {
        world.replica.lease = None;
    }
    for node in &mut world.nodes {
        node.speaks &= node.lease.is_some_and(|own| own.nonce > lease.nonce);
    }
    true
}
