//! A node of a hub of many.
use super::Base;
use crate::config::Settings;
use crate::env::Env;
use crate::lifecycle::Tasks;
use secrecy::SecretString;

/// How many records of each room a node keeps whole, should Redis lose them.
pub(super) const TAIL_MAX: usize = 4_096;

pub(super) struct Ground;

impl Ground {
    pub(super) async fn close(self) {}
}

pub(super) async fn open(
    _settings: &Settings,
    _url: &SecretString,
    _env: &Env,
    _tasks: &Tasks,
) -> anyhow::Result<Base> {
    anyhow::bail!("not wired yet")
}
