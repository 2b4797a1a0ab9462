//! What goes on at the hub and what people have at stake in it, put together: what follows the logs of auctions, who is woken
//! by it.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::env::Env;
use crate::features::activity::{self, Activity, ActivityProjection};
use crate::features::stakes::{self, Stakes, StakesProjection};
use crate::hub::Hub;
use crate::lifecycle::Tasks;
use crate::live::{Live, Viewers};
use crate::notify::Outbox;
use crate::persistence::Db;
use crate::projection::{Progress, Projection};

/// What they are built on.
pub(super) struct Ground<'a> {
    pub env: &'a Env,
    pub tasks: &'a Tasks,
    pub db: &'a Db,
    pub hub: &'a Hub,
    pub progress: &'a Progress,
    pub viewers: &'a Viewers,
    pub outbox: &'a Outbox,
}

/// What follows the logs of auctions for them.
pub(super) fn projections(env: &Env, live: &Live) -> [Arc<dyn Projection>; 2] {
    [
        Arc::new(ActivityProjection::new(live.clone(), env.clock.clone())),
        Arc::new(StakesProjection::new(env.clock.clone())),
    ]
}

/// Activity and stakes.
pub(super) fn goings(ground: Ground<'_>) -> (Activity, Stakes) {
    let Ground { env, tasks, db, hub, progress, viewers, outbox } = ground;
    let (db, rooms) = (db.clone(), hub.rooms.clone());
    let activity = Activity::new(activity::Parts { db: db.clone(), rooms: rooms.clone(), viewers: viewers.clone() });
    let (leases, outbox, clock) = (hub.leases.clone(), outbox.clone(), env.clock.clone());
    tasks.spawn(wake_after(progress.clone(), outbox.clone(), tasks.shutdown().clone()));
    (activity, Stakes::new(stakes::Parts { db, rooms, leases, outbox, clock }))
}

/// Wakes `outbox` whenever projections have written something, which may be notifications, until `stop`.
async fn wake_after(mut progress: Progress, outbox: Outbox, stop: CancellationToken) {
    while stop.run_until_cancelled(progress.moved()).await.is_some() {
        outbox.wake();
    }
}
