//! With every guard in place the promises hold in every world within the bounds.

use crate::hub::{Failover, Guards, Hub, Level};
use crate::search::holds;

/// Two nodes, two keys, three leases, and a Redis that does not fail.
pub const SMALL: Hub = Hub {
    guards: Guards::ALL,
    level: Level::Redis,
    failover: Failover::Replica,
    nodes: 2,
    keys: 2,
    grants: 3,
    failovers: 0,
    repeats: false,
    archives: false,
};

/// Redis fails once, and any server takes its place.
pub const FAILING_OVER: Hub = Hub { failovers: 1, failover: Failover::Anything, ..SMALL };

/// Verdicts wait for the replica, which is promoted.
pub const WITH_REPLICA: Hub = Hub { level: Level::Replica, failovers: 1, ..SMALL };

/// Verdicts wait for the archive, and any server takes the place of Redis.
pub const WITH_ARCHIVE: Hub = Hub { level: Level::Sql, archives: true, ..FAILING_OVER };

#[test]
fn while_redis_lives_nothing_is_lost_and_nothing_happens_twice() {
    holds("level redis, commands come twice", Hub { repeats: true, ..SMALL });
}

#[test]
fn three_nodes_are_as_safe_as_two() {
    holds("level redis, three nodes", Hub { nodes: 3, ..SMALL });
}

#[test]
fn after_a_failover_level_redis_keeps_what_is_acknowledged_from_then_on() {
    holds("level redis, failover to anything", FAILING_OVER);
}

#[test]
fn level_replica_bears_a_failover_to_the_replica() {
    holds("level replica, failover to the replica", WITH_REPLICA);
}

#[test]
fn level_sql_bears_a_failover_to_anything() {
    holds("level sql, failover to anything", WITH_ARCHIVE);
}

#[test]
fn level_sql_bears_an_old_primary_that_comes_back() {
    holds("level sql, two failovers", Hub { failovers: 2, keys: 1, ..WITH_ARCHIVE });
}
