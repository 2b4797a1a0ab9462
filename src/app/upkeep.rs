//! Work that comes round by itself.

use std::sync::Arc;
use std::time::Duration;

use super::AppState;
use crate::config::Settings;
use crate::features::{accounts, activity, images, privacy, sales, stakes, wallets};
use crate::lifecycle::Tasks;
use crate::notify;
use crate::rate_limit::{RateLimits, SWEEP_INTERVAL_S};

/// How often metrics are put in order, in seconds.
const METRICS_INTERVAL_S: u64 = 5;

/// Begins all of it; it ends with the hub.
pub(super) fn start(tasks: &Tasks, state: &AppState, settings: &Settings, limits: &Arc<RateLimits>) {
    let keep_days = settings.notifications.notifications_keep_days;
    every(tasks, METRICS_INTERVAL_S, &state.ops.metrics, |it| async move { it.run_upkeep() });
    every(tasks, SWEEP_INTERVAL_S, limits, |it| async move { it.sweep() });
    every(tasks, accounts::SWEEP_INTERVAL_S, &state.accounts, |it| async move { it.sweep().await });
    every(tasks, activity::SWEEP_INTERVAL_S, &state.activity, |it| async move { it.sweep().await });
    every(tasks, images::SWEEP_INTERVAL_S, &state.images, |it| async move { it.sweep().await });
    every(tasks, images::MEASURE_INTERVAL_S, &state.images, |it| async move { it.measure().await });
    every(tasks, notify::SWEEP_INTERVAL_S, &state.notifications, move |it| async move { it.sweep(keep_days).await });
    every(tasks, privacy::ERASE_AGAIN_INTERVAL_S, &state.privacy, |it| async move { it.sweep().await });
    every(tasks, sales::MEASURE_INTERVAL_S, &state.sales, |it| async move { it.measure().await });
    every(tasks, stakes::REMIND_INTERVAL_S, &state.stakes, |it| async move { it.remind().await });
    every(tasks, wallets::UPKEEP_INTERVAL_S, &state.wallets, |it| async move { it.tell_rooms().await });
    every(tasks, wallets::UPKEEP_INTERVAL_S, &state.wallets, |it| async move { it.chase_orders().await });
}

fn every<T, F>(tasks: &Tasks, seconds: u64, whose: &T, work: impl Fn(T) -> F + Send + 'static)
where
    T: Clone + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let whose = whose.clone();
    tasks.every(Duration::from_secs(seconds), move || work(whose.clone()));
}
