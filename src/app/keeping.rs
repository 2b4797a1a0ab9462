//! What the hub keeps so that it need not be looked up, put together from where it is kept and who tells of changes.

use crate::cache::{Cache, Parts};
use crate::config::{Settings, Switch};
use crate::env::Env;
use crate::hub::Hub;
use crate::lifecycle::Tasks;

/// The cache by the settings; it hears of changes until the hub ends.
pub(super) fn cache(settings: &Settings, env: &Env, hub: &Hub, tasks: &Tasks) -> Cache {
    if settings.cache.cache == Switch::Off {
        return Cache::off();
    }
    let parts = Parts {
        bytes: u64::from(settings.cache.cache_mib) << 20,
        others: hub.shared.clone().map(|shared| (shared, hub.bus.clone())),
        clock: env.clock.clone(),
        chance: env.chance.clone(),
    };
    let (cache, listening) = Cache::new(parts, tasks.shutdown().clone());
    tasks.spawn(listening);
    cache
}
