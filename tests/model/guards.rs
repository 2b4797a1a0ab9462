//! Each guard is needed.

use crate::properties::*;
use crate::protocol::*;
use crate::search::breaks;
use crate::sound::SMALL;

#[test]
fn without_fence() {
    let guards = Guards { fence: Fence::Off, ..Guards::ALL };
    breaks("no lease compare", Hub { guards, ..SMALL }, STAYS);
}
#[test]
fn without_head() {
    let guards = Guards { head: false, ..Guards::ALL };
    breaks("no head compare, repeated command", Hub { guards, repeats: true, ..SMALL }, ONCE);
    breaks("no head compare, failover", Hub { guards, failovers: 1, ..SMALL }, STAYS);
}
#[test]
fn without_keys() {
    let guards = Guards { keys: false, ..Guards::ALL };
    breaks("no key memory", Hub { guards, ..SMALL }, ONCE);
}
#[test]
fn token_alone() {
    let guards = Guards { fence: Fence::Epoch, head: false, floor: false, ..Guards::ALL };
    breaks("a token alone", Hub { guards, failovers: 1, ..SMALL }, SUCCESSION);
}
#[test]
fn epoch_only() {
    let guards = Guards { fence: Fence::Epoch, ..Guards::ALL };
    breaks("lease compared by epoch", Hub { guards, failovers: 1, failover: Failover::Anything, ..SMALL }, STAYS);
}
#[test]
fn by_rank() {
    let guards = Guards { choice: Choice::Rank, ..Guards::ALL };
    breaks("chosen by rank", Hub { guards, failovers: 1, failover: Failover::Anything, ..SMALL }, STAYS);
}
#[test]
fn settle() {
    let guards = Guards { settle: false, ..Guards::ALL };
    breaks("unsettled", Hub { guards, level: Level::Replica, failovers: 1, ..SMALL }, STAYS);
}
#[test]
fn archive_fence() {
    let guards = Guards { archive_fence: false, archive_asked: false, ..Guards::ALL };
    let hub = Hub { guards, level: Level::Sql, failovers: 1, failover: Failover::Anything, archives: true, ..SMALL };
    breaks("archive not fenced", hub, STAYS);
}
#[test]
fn archive_asked() {
    let guards = Guards { archive_asked: false, ..Guards::ALL };
    let hub = Hub { guards, level: Level::Sql, failovers: 2, failover: Failover::Anything, archives: true, ..SMALL };
    breaks("archive not asked", hub, STAYS);
}
#[test]
fn new_history() {
    let guards = Guards { new_history: false, ..Guards::ALL };
    breaks("same history", Hub { guards, failovers: 1, failover: Failover::Anything, ..SMALL }, ONE_RECORD);
}
