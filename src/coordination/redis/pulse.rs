//! The pulse of the whole hub: every node notes each second that some node is alive, and the first after a pause notes how
//! long nobody was.

use std::time::Duration;

use ::redis::{Script, cmd};
use tokio_util::sync::CancellationToken;

use super::{META_LIFE_MS, every, keys, lua, millis};
use crate::persistence::RedisError;
use crate::persistence::redis::Redis;

/// How many outages are kept.
const OUTAGES_MAX: isize = 1_000;

/// How often a node says that it is alive, and how long a pause is an outage.
#[derive(Clone, Copy, Debug)]
pub struct PulseSettings {
    /// The time between two notes of one node.
    pub beat: Duration,
    /// The longest pause that is none to speak of.
    pub pause: Duration,
}

impl Default for PulseSettings {
    fn default() -> Self {
        Self { beat: Duration::from_secs(1), pause: Duration::from_secs(3) }
    }
}

/// Notes that this node is alive until `stop`.
pub fn start(settings: PulseSettings, redis: Redis, stop: CancellationToken) {
    tokio::spawn(async move {
        let script = lua!("pulse");
        // An outage that was found and not written down yet: the pulse no longer shows it.
        let found = tokio::sync::Mutex::new(Vec::new());
        every(settings.beat, &stop, async || {
            let mut found = found.lock().await;
            if let Err(error) = beat(&settings, &redis, &script, &mut found).await {
                tracing::debug!(%error, "the pulse could not be noted: {error}");
            }
        })
        .await;
    });
}

async fn beat(
    settings: &PulseSettings,
    redis: &Redis,
    script: &Script,
    found: &mut Vec<(i64, i64)>,
) -> Result<(), RedisError> {
    let args = (millis(settings.pause), META_LIFE_MS);
    if let [from, until] = redis.script::<Vec<i64>>(script, &[keys::PULSE], args).await?[..] {
        tracing::warn!(from, until, "no node was alive for {} ms", until - from);
        found.push((from, until));
    }
    while let Some((from, until)) = found.last() {
        redis.run::<i64>(cmd("RPUSH").arg(keys::OUTAGES).arg(format!("{from}:{until}"))).await?;
        found.pop();
        redis.run::<()>(cmd("LTRIM").arg(keys::OUTAGES).arg(-OUTAGES_MAX).arg(-1)).await?;
        redis.run::<i64>(cmd("PEXPIRE").arg(keys::OUTAGES).arg(META_LIFE_MS)).await?;
    }
    Ok(())
}
