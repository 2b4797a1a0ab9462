//! Whether a server may be trusted with a journal.

use std::collections::HashMap;

use super::RedisError;
use super::link::{Failure, Link};

/// What was found of servers that may be trusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fitness {
    /// Each of them writes down what it does, so that a restart loses a second at most. Without it, a restart loses all
    /// that is not archived.
    pub append_only: bool,
}

/// Asks one server. One that may throw keys away to make room for others is refused.
pub async fn of(link: &Link) -> Result<Fitness, RedisError> {
    let policy = eviction_policy(link).await?;
    if policy != "noeviction" {
        return Err(RedisError::Unfit(format!(
            "{} may throw away what it is given (maxmemory-policy is {policy}); set maxmemory-policy noeviction",
            link.node
        )));
    }
    let persistence = info(link, "persistence").await?;
    Ok(Fitness { append_only: field(&persistence, "aof_enabled") == Some("1") })
}

async fn eviction_policy(link: &Link) -> Result<String, RedisError> {
    let mut cmd = ::redis::cmd("CONFIG");
    cmd.arg("GET").arg("maxmemory-policy");
    let asked = match link.send(None, &cmd, None, false).await {
        Ok(answer) => ::redis::from_redis_value::<HashMap<String, String>>(answer).unwrap_or_default(),
        // Not for this user, or hidden by whoever runs the server.
        Err(Failure::Refused(_)) => HashMap::new(),
        Err(failure) => return Err(failure.into()),
    };
    if let Some(policy) = asked.get("maxmemory-policy") {
        return Ok(policy.clone());
    }
    let memory = info(link, "memory").await?;
    let policy = field(&memory, "maxmemory_policy");
    policy.map(str::to_owned).ok_or_else(|| RedisError::Unfit(format!("{} hides its maxmemory-policy", link.node)))
}

async fn info(link: &Link, section: &str) -> Result<String, RedisError> {
    let mut cmd = ::redis::cmd("INFO");
    cmd.arg(section);
    let answer = link.send(None, &cmd, None, false).await?;
    ::redis::from_redis_value(answer).map_err(|error| RedisError::Unanswered(error.to_string()))
}

/// One line of what `INFO` gives.
pub fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}
