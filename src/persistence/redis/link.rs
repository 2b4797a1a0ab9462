//! The connections to one server: one that all callers share, made when it is first needed and again after it broke, and
//! some that are used by one caller at a time.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, Script, ServerErrorKind, Value};

use super::RedisError;
use super::url::Node;

/// How long to wait at least between two tries to connect.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// And at most, however many have failed.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// How many connections for single callers are kept for the next.
const IDLE_MAX: usize = 32;

/// A server and the connections to it.
pub struct Link {
    pub node: Node,
    client: Client,
    timeout: Duration,
    /// Whether what it connects to must say that it is a primary.
    only_primary: bool,
    shared: tokio::sync::Mutex<Shared>,
    idle: Mutex<Vec<MultiplexedConnection>>,
}

#[derive(Default)]
struct Shared {
    connection: Option<MultiplexedConnection>,
    /// Counts the connections, so that one is dropped once.
    number: u64,
    tried: Option<Instant>,
    failures: u32,
    failed: Option<(Instant, RedisError)>,
}

/// A connection that one caller has alone.
pub struct Own {
    connection: MultiplexedConnection,
    broken: bool,
}

/// Why a command has no result.
pub enum Failure {
    /// Not run: another node has the key.
    Moved(Node),
    /// Not run: another node has the key already, though not the slot.
    Ask(Node),
    /// Not run: the keys are between two nodes.
    Between,
    /// The server is not to be had, or no longer the right one.
    Broken(RedisError),
    /// The server said no.
    Refused(RedisError),
}

impl From<Failure> for RedisError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Broken(error) | Failure::Refused(error) => error,
            Failure::Moved(_) | Failure::Ask(_) | Failure::Between => {
                Self::Unreachable("the server names another for what is its own".to_owned())
            }
        }
    }
}

impl Link {
    pub fn new(node: Node, client: Client, timeout: Duration, only_primary: bool) -> Self {
        Self { node, client, timeout, only_primary, shared: Default::default(), idle: Default::default() }
    }

    /// Sends `cmd` once: on `own`, or on the connection that all share. If the server lacks the script, it is given to
    /// it, and the command is sent again, for it was not run.
    pub async fn send(
        &self,
        own: Option<&mut Own>,
        cmd: &Cmd,
        script: Option<&Script>,
        asking: bool,
    ) -> Result<Value, Failure> {
        let Some(own) = own else {
            let (mut connection, number) = self.shared().await.map_err(Failure::Broken)?;
            return match send(&mut connection, cmd, script, asking).await {
                Ok(value) => Ok(value),
                Err(error) => {
                    let (failure, broken) = self.judge(&error);
                    if broken {
                        self.drop_shared(number).await;
                    }
                    Err(failure)
                }
            };
        };
        send(&mut own.connection, cmd, script, asking).await.map_err(|error| {
            let (failure, broken) = self.judge(&error);
            own.broken |= broken;
            failure
        })
    }

    /// A connection for one caller alone.
    pub async fn own(&self) -> Result<Own, RedisError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(Own { connection, broken: false })
    }

    /// Keeps it for the next caller, unless it broke.
    pub fn give_back(&self, own: Own) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !own.broken && idle.len() < IDLE_MAX {
            idle.push(own.connection);
        }
    }

    async fn shared(&self) -> Result<(MultiplexedConnection, u64), RedisError> {
        let asked = Instant::now();
        let mut shared = self.shared.lock().await;
        if let Some(connection) = &shared.connection {
            return Ok((connection.clone(), shared.number));
        }
        if let Some((at, error)) = &shared.failed
            && *at > asked
        {
            // Tried for another caller while this one waited.
            return Err(error.clone());
        }
        let pause = jittered(PAUSE_MIN.saturating_mul(1 << shared.failures.min(5)).min(PAUSE_MAX));
        if let Some(since) = shared.tried.map(|at| at.elapsed())
            && since < pause
        {
            let left = pause - since;
            match &shared.failed {
                Some((_, error)) if left > PAUSE_MIN => return Err(error.clone()),
                _ => tokio::time::sleep(left).await,
            }
        }
        shared.tried = Some(Instant::now());
        match self.connect().await {
            Ok(connection) => {
                shared.connection = Some(connection.clone());
                shared.number += 1;
                shared.failures = 0;
                shared.failed = None;
                Ok((connection, shared.number))
            }
            Err(error) => {
                shared.failures = shared.failures.saturating_add(1);
                shared.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn drop_shared(&self, number: u64) {
        let mut shared = self.shared.lock().await;
        if shared.number == number {
            shared.connection = None;
        }
        drop(shared);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        let unreachable = |error: &dyn std::fmt::Display| RedisError::Unreachable(format!("{}: {error}", self.node));
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout));
        let connecting = async {
            let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
            if self.only_primary {
                let role: Vec<Value> = ::redis::cmd("ROLE").query_async(&mut connection).await?;
                if !matches!(role.first(), Some(Value::BulkString(role)) if role == b"master") {
                    return Err((ErrorKind::Client, "it is not a primary").into());
                }
            }
            Ok::<_, ::redis::RedisError>(connection)
        };
        match tokio::time::timeout(self.timeout * 2, connecting).await {
            Ok(connected) => connected.map_err(|error| unreachable(&error)),
            Err(_) => Err(unreachable(&"no answer in time")),
        }
    }

    /// What an error means, and whether the connection should not be used again.
    fn judge(&self, error: &::redis::RedisError) -> (Failure, bool) {
        let text = format!("{}: {error}", self.node);
        let ErrorKind::Server(kind) = error.kind() else {
            return match error.kind() {
                ErrorKind::Extension => (Failure::Refused(RedisError::Refused(text)), false),
                _ => (Failure::Broken(RedisError::Unanswered(text)), true),
            };
        };
        let node = || {
            let (node, _) = error.redirect_node()?;
            let node: Node = node.parse().ok()?;
            let host = if node.host.is_empty() { self.node.host.clone() } else { node.host };
            Some(Node { host, port: node.port })
        };
        match (kind, node()) {
            (ServerErrorKind::Moved, Some(node)) => (Failure::Moved(node), false),
            (ServerErrorKind::Ask, Some(node)) => (Failure::Ask(node), false),
            (ServerErrorKind::TryAgain, _) => (Failure::Between, false),
            (
                ServerErrorKind::ReadOnly
                | ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ClusterDown,
                _,
            ) => (Failure::Broken(RedisError::Unreachable(text)), true),
            _ => (Failure::Refused(RedisError::Refused(text)), false),
        }
    }
}

async fn send(
    connection: &mut MultiplexedConnection,
    cmd: &Cmd,
    script: Option<&Script>,
    asking: bool,
) -> ::redis::RedisResult<Value> {
    let first = send_once(connection, cmd, asking).await;
    match (first, script) {
        (Err(error), Some(script)) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
            script.load_async(connection).await?;
            send_once(connection, cmd, asking).await
        }
        (first, _) => first,
    }
}

async fn send_once(connection: &mut MultiplexedConnection, cmd: &Cmd, asking: bool) -> ::redis::RedisResult<Value> {
    if !asking {
        return connection.send_packed_command(cmd).await?.extract_error();
    }
    // Both in one piece, so that no other caller's command comes between them.
    let mut both = Pipeline::with_capacity(2);
    both.cmd("ASKING").add_command(cmd.clone());
    let answers = connection.send_packed_commands(&both, 0, 2).await?;
    answers.into_iter().next_back().unwrap_or(Value::Nil).extract_error()
}

/// Between the half and the whole of `pause`, so that nodes which lost a server together do not come back together. It
/// decides nothing, so it need not be a test's to choose.
fn jittered(pause: Duration) -> Duration {
    use std::hash::{BuildHasher, Hasher};
    let random = std::hash::RandomState::new().build_hasher().finish();
    pause.max(PAUSE_MIN * 2) / 2 + pause / 2 * (random % 1_000) as u32 / 1_000
}
