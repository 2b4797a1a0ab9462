//! The sweeper: wakes rooms in which something is about to fall due, so that an auction opens and ends on time though
//! nobody is connected. It decides nothing; the rooms do.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Rooms;
use crate::coordination::rendezvous::rank;
use crate::domain::{AuctionId, Span};

const EVERY: Duration = Duration::from_millis(500);
const AHEAD: Span = Span::from_secs(3);
const PAGE: usize = 1_000;
/// How much later each node takes up what the nodes before it in the order of an auction have left lying.
const RANK_STEP: Duration = Duration::from_millis(500);

/// Sweeps until the rooms are closed.
pub async fn sweep(rooms: Rooms) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // Auctions that other nodes come first for, and since when they lie there.
    let mut left: HashMap<AuctionId, Instant> = HashMap::new();
    loop {
        tokio::select! {
            () = rooms.closed().cancelled() => return,
            _ = ticks.tick() => {}
        }
        let due = due(&rooms).await;
        left.retain(|auction, _| due.contains(auction));
        for auction in due {
            match rooms.loaded(auction) {
                Some(room) => room.nudge(),
                None => {
                    let since = left.entry(auction).or_insert_with(Instant::now).elapsed();
                    if may_take(&rooms, auction, since).await
                        && let Err(error) = rooms.get_due(auction).await.map(|room| room.nudge())
                    {
                        tracing::warn!(%auction, %error, "a room that is due cannot be opened: {error}");
                    }
                }
            }
        }
    }
}

/// What is due by what the leases say, and by what the journal says.
async fn due(rooms: &Rooms) -> Vec<AuctionId> {
    let deps = rooms.deps();
    let horizon = deps.clock.now().plus(AHEAD);
    let (left, due) = tokio::join!(deps.leases.unattended(horizon, PAGE), deps.journal.due_by(horizon, PAGE));
    let mut all = left.unwrap_or_else(|error| {
        tracing::warn!(%error, "what is unattended cannot be read: {error}");
        Vec::new()
    });
    match due {
        Ok(due) => all.extend(due),
        Err(error) => tracing::warn!(%error, "what is due cannot be read: {error}"),
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// True if this node should take up an auction that has been `left` lying for so long: nobody runs its room, and those who
/// come first for it have had their time.
async fn may_take(rooms: &Rooms, auction: AuctionId, left: Duration) -> bool {
    let bus = rooms.bus();
    let Some(rank) = rank(auction, &bus.members(), bus.node()) else { return false };
    if left < RANK_STEP * rank as u32 {
        return false;
    }
    match rooms.deps().leases.owner(auction).await {
        Ok(owner) => owner.is_none_or(|owner| owner == bus.node()),
        Err(_) => false,
    }
}
