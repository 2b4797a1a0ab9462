//! The way on which public events leave the hub by themselves: to endpoints of sellers.

use std::sync::Arc;

use super::Ground;
use crate::config::{ConfigError, Settings, Switch};
use crate::env::Env;
use crate::features::webhooks::{Parts, Policy, Webhooks, WebhooksProjection};
use crate::notify::Outbox;
use crate::rate_limit::RateLimits;

/// What writes down which endpoint is owed which event.
pub(super) fn projection(settings: &Settings, env: &Env) -> WebhooksProjection {
    WebhooksProjection::new(env.clock.clone(), settings.webhooks.webhook_waiting_max)
}

/// Webhooks, with the task that sends.
pub(super) fn webhooks(
    ground: &Ground<'_>,
    limits: &Arc<RateLimits>,
    outbox: &Outbox,
) -> Result<Webhooks, ConfigError> {
    let Ground { settings, env, tasks, db, hub, progress, .. } = ground;
    let webhooks = Webhooks::new(Parts {
        db: (*db).clone(),
        journal: hub.journal.clone(),
        feed: hub.feed.clone(),
        leases: hub.leases.clone(),
        progress: progress.clone(),
        outbox: outbox.clone(),
        limits: Arc::clone(limits),
        clock: env.clock.clone(),
        chance: env.chance.clone(),
        policy: Policy {
            allow_http: settings.webhooks.webhooks_allow_http == Switch::On,
            allow_private: settings.webhooks.webhook_private_targets == Switch::On,
        },
        waiting_max: settings.webhooks.webhook_waiting_max,
    })?;
    tasks.spawn(webhooks.deliverer().run(tasks.shutdown().clone()));
    Ok(webhooks)
}
