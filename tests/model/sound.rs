//! With every guard in place, the promises hold.

use crate::protocol::{Failover, Guards, Hub, Level};
use crate::search::holds;

/// Two nodes, two keys, three leases.
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

#[test]
fn level_redis_without_failover() {
    holds("level redis, no failover", Hub { repeats: true, ..SMALL });
}

#[test]
fn level_redis_three_nodes() {
    holds("level redis, three nodes", Hub { nodes: 3, ..SMALL });
}

#[test]
fn level_redis_keeps_what_is_acknowledged_after_a_failover() {
    holds("level redis, a failover", Hub { failovers: 1, failover: Failover::Anything, ..SMALL });
}

#[test]
fn level_replica_with_failover_to_the_replica() {
    holds("level replica, a failover", Hub { level: Level::Replica, failovers: 1, ..SMALL });
}

#[test]
fn level_sql_with_failover_to_anything() {
    let hub = Hub { level: Level::Sql, failovers: 1, failover: Failover::Anything, archives: true, ..SMALL };
    holds("level sql, a failover to anything", hub);
}
