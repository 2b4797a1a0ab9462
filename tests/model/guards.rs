//! Every guard is needed: take one out, and a promise is broken. Each test tells the way in which that happens.

use crate::hub::{Choice, Fence, Guards, Hub};
use crate::properties::*;
use crate::search::breaks;
use crate::sound::{FAILING_OVER, SMALL, WITH_ARCHIVE, WITH_REPLICA};

#[test]
fn the_lease_is_compared() {
    let guards = Guards { fence: Fence::Off, ..Guards::ALL };
    breaks("no lease compare", Hub { guards, ..SMALL }, STAYS);
}

#[test]
fn the_lease_is_compared_whole() {
    let guards = Guards { fence: Fence::Epoch, ..Guards::ALL };
    breaks("lease compared by its epoch", Hub { guards, ..FAILING_OVER }, STAYS);
}

#[test]
fn the_head_is_compared() {
    let guards = Guards { head: false, ..Guards::ALL };
    breaks("no head compare, a command comes twice", Hub { guards, repeats: true, ..SMALL }, ONCE);
    let guards = Guards { same_server: false, ..guards };
    breaks("no head compare, failover", Hub { guards, ..FAILING_OVER }, STAYS);
}

#[test]
fn a_token_of_redis_alone_fences_nobody_after_a_failover() {
    let guards = Guards { fence: Fence::Epoch, head: false, floor: false, ..Guards::ALL };
    breaks("a token alone", Hub { guards, ..FAILING_OVER }, SUCCESSION);
}

#[test]
fn keys_are_remembered() {
    let guards = Guards { keys: false, ..Guards::ALL };
    breaks("no memory of keys", Hub { guards, ..SMALL }, ONCE);
}

#[test]
fn a_tail_is_never_preferred_to_what_redis_has() {
    let guards = Guards { choice: Choice::Rank, ..Guards::ALL };
    breaks("chains chosen by epoch and length", Hub { guards, ..FAILING_OVER }, STAYS);
}

#[test]
fn a_log_that_may_have_lost_records_gets_a_new_history() {
    let guards = Guards { new_history: false, ..Guards::ALL };
    breaks("the history goes on after a failover", Hub { guards, ..FAILING_OVER }, ONE_RECORD);
}

#[test]
fn what_a_take_over_finds_is_brought_to_the_ack_level() {
    let guards = Guards { settle: false, ..Guards::ALL };
    breaks("told before it is settled", Hub { guards, ..WITH_REPLICA }, STAYS);
}

#[test]
fn the_archive_takes_records_of_its_own_history_only() {
    let guards = Guards { archive_fence: false, archive_asked: false, ..Guards::ALL };
    breaks("archive not fenced", Hub { guards, ..WITH_ARCHIVE }, STAYS);
}

#[test]
fn a_server_that_was_promoted_is_another() {
    let guards = Guards { promotion_shows: false, ..Guards::ALL };
    breaks("a server is known by its process", Hub { guards, failovers: 2, keys: 1, ..WITH_ARCHIVE }, STAYS);
}

#[test]
fn an_owner_takes_over_anew_on_another_server() {
    let guards = Guards { same_server: false, ..Guards::ALL };
    breaks("committed on another server", Hub { guards, failovers: 2, keys: 1, ..WITH_ARCHIVE }, STAYS);
}

#[test]
fn the_archive_is_asked_for_the_newest_history() {
    let guards = Guards { archive_asked: false, ..Guards::ALL };
    let hub = Hub { guards, failovers: 2, keys: 1, ..WITH_ARCHIVE };
    breaks("archive not asked, an old primary comes back", hub, STAYS);
}
