//! The sweeper: wakes rooms in which something is about to fall due, so that an auction opens and ends on time though
//! nobody is connected. It decides nothing; the rooms do.

use std::time::Duration;

use super::Rooms;
use crate::domain::Span;

const EVERY: Duration = Duration::from_millis(500);
const AHEAD: Span = Span::from_secs(3);
const PAGE: usize = 1_000;

/// Sweeps until the rooms are closed.
pub async fn sweep(rooms: Rooms) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = rooms.closed().cancelled() => return,
            _ = ticks.tick() => {}
        }
        let horizon = rooms.deps().clock.now().plus(AHEAD);
        match rooms.deps().journal.due_by(horizon, PAGE).await {
            Ok(due) => {
                for auction in due {
                    match rooms.get_due(auction).await {
                        Ok(room) => room.nudge(),
                        Err(error) => {
                            tracing::warn!(%auction, %error, "a room that is due cannot be opened: {error}");
                        }
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "what is due cannot be read: {error}"),
        }
    }
}
