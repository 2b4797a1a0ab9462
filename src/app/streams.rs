//! The ways on which public events leave the hub by themselves: to endpoints of sellers, and into a stream.

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

/// Begins to fill the stream of public events, if there is one.
#[cfg(feature = "aws")]
pub(super) async fn kinesis(ground: &Ground<'_>) -> Result<(), ConfigError> {
    use crate::kinesis::{Deps, Follower, Stream};
    let Ground { settings, env, tasks, db, hub, progress, .. } = ground;
    let Some(name) = &settings.kinesis.kinesis_stream else { return Ok(()) };
    let stream = Stream::open(name, settings.kinesis.kinesis_endpoint_url.as_deref()).await?;
    let deps = Deps {
        db: (*db).clone(),
        feed: hub.feed.clone(),
        leases: hub.leases.clone(),
        progress: progress.clone(),
        clock: env.clock.clone(),
        chance: env.chance.clone(),
    };
    tasks.spawn(Follower::new(deps, stream).run(tasks.shutdown().clone()));
    Ok(())
}

/// Nothing: a program built without the stream refuses the setting.
#[cfg(not(feature = "aws"))]
pub(super) async fn kinesis(_: &Ground<'_>) -> Result<(), ConfigError> {
    Ok(())
}
