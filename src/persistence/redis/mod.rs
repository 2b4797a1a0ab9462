//! Connections to Redis: one server, a primary that sentinels name, or a cluster. What goes through here is the truth of
//! the hub, so nothing is sent again behind the caller's back: a command whose connection broke has an unknown outcome,
//! and the caller is told so. The connection itself comes back by itself. Only what a server said it did *not* run is
//! sent once more: to the node that has the key (MOVED, ASK), or with its script (NOSCRIPT).

mod fitness;
mod link;
mod routes;
mod slots;
mod url;

use std::sync::Arc;
use std::time::Duration;

use ::redis::{Cmd, FromRedisValue, Script, ToRedisArgs, Value};

use link::{Failure, Link};
use routes::Routes;

pub use fitness::Fitness;
pub use url::{Node, RedisUrl, Scheme};

/// How long a connection or an answer may take unless told otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(2);

/// How often one command follows its key from node to node.
const HOPS_MAX: usize = 6;
/// How long to wait while the keys of a slot are between two nodes.
const BETWEEN_NODES: Duration = Duration::from_millis(20);

/// Redis did not do what was asked, or did not say so.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RedisError {
    /// The address makes no sense.
    #[error("redis: {0}")]
    Address(String),
    /// It is set up so that what it is given is not safe.
    #[error("redis: {0}")]
    Unfit(String),
    /// It could not be asked: what was asked was not done.
    #[error("redis cannot be reached: {0}")]
    Unreachable(String),
    /// It was asked and did not answer: whether it was done is unknown.
    #[error("redis did not answer: {0}")]
    Unanswered(String),
    /// It answered with an error.
    #[error("redis refused: {0}")]
    Refused(String),
}

/// A way to Redis. Clones share its connections.
#[derive(Clone)]
pub struct Redis {
    routes: Arc<Routes>,
}

/// A connection for one caller alone, on the node of one key: what is sent on it is done in order, and nobody else waits
/// behind it. It goes back to the others when it is dropped, unless it broke.
pub struct Dedicated {
    routes: Arc<Routes>,
    key: Vec<u8>,
    way: Way,
}

/// The link to a node, and the connection on it that is used: the one that all share, or one's own.
struct Way {
    link: Arc<Link>,
    own: Option<link::Own>,
}

impl Redis {
    /// A way to the server at `url`. `ca` is the PEM text of the authorities to trust in place of the public ones, for
    /// TLS. A connection or an answer may take up to `timeout`. Nothing is sent before the first command.
    pub fn new(url: &RedisUrl, ca: Option<&[u8]>, timeout: Duration) -> Result<Self, RedisError> {
        Ok(Self { routes: Arc::new(Routes::new(url, ca, timeout)?) })
    }

    /// Runs one command. In a cluster its key says where.
    pub async fn run<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, RedisError> {
        let key = key_of(cmd);
        let mut way = Way { link: self.routes.link(key).await?, own: None };
        read(way.send(&self.routes, key, cmd, None).await?)
    }

    /// Runs a script by its hash, and gives the server the text if it does not have it. All `keys` must be of one slot.
    pub async fn script<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[&str],
        args: impl ToRedisArgs,
    ) -> Result<T, RedisError> {
        let key = keys.first().map(|key| key.as_bytes());
        let mut way = Way { link: self.routes.link(key).await?, own: None };
        read(way.send(&self.routes, key, &evalsha(script, keys, args), Some(script)).await?)
    }

    /// A connection of one's own to the node that has `key`.
    pub async fn dedicated(&self, key: &str) -> Result<Dedicated, RedisError> {
        let link = self.routes.link(Some(key.as_bytes())).await?;
        let own = link.own().await.inspect_err(|_| self.routes.doubt())?;
        let way = Way { link, own: Some(own) };
        Ok(Dedicated { routes: self.routes.clone(), key: key.as_bytes().to_vec(), way })
    }

    /// Which run of which server has `key` now: another one after each restart and each failover.
    pub async fn server_run_id(&self, key: &str) -> Result<String, RedisError> {
        let mut way = Way { link: self.routes.link(Some(key.as_bytes())).await?, own: None };
        let mut cmd = ::redis::cmd("INFO");
        cmd.arg("server");
        let info: String = read(way.send(&self.routes, None, &cmd, None).await?)?;
        let run_id = fitness::field(&info, "run_id");
        run_id.map(str::to_owned).ok_or_else(|| RedisError::Unanswered("no run_id".to_owned()))
    }

    /// Asks every primary whether it can be trusted with a journal: one that may evict keys cannot.
    pub async fn fitness(&self) -> Result<Fitness, RedisError> {
        let mut fitness = Fitness { append_only: true };
        for link in self.routes.primaries().await? {
            let one = fitness::of(&link).await.inspect_err(|_| self.routes.doubt())?;
            fitness.append_only &= one.append_only;
        }
        Ok(fitness)
    }
}

impl Dedicated {
    /// Runs one command after those before it.
    pub async fn run<T: FromRedisValue>(&mut self, cmd: &Cmd) -> Result<T, RedisError> {
        read(self.way.send(&self.routes, Some(&self.key), cmd, None).await?)
    }

    /// Runs a script after what was run before it.
    pub async fn script<T: FromRedisValue>(
        &mut self,
        script: &Script,
        keys: &[&str],
        args: impl ToRedisArgs,
    ) -> Result<T, RedisError> {
        let cmd = evalsha(script, keys, args);
        read(self.way.send(&self.routes, Some(&self.key), &cmd, Some(script)).await?)
    }
}

impl Drop for Dedicated {
    fn drop(&mut self) {
        if let Some(own) = self.way.own.take() {
            self.way.link.give_back(own);
        }
    }
}

impl Way {
    async fn send(
        &mut self,
        routes: &Arc<Routes>,
        key: Option<&[u8]>,
        cmd: &Cmd,
        script: Option<&Script>,
    ) -> Result<Value, RedisError> {
        let mut asking = false;
        for _ in 0..HOPS_MAX {
            let sent = self.link.send(self.own.as_mut(), cmd, script, asking).await;
            match sent {
                Ok(value) => return Ok(value),
                Err(Failure::Moved(node)) => {
                    let link = routes.moved(key, &node)?;
                    self.turn(link).await?;
                    asking = false;
                }
                Err(Failure::Ask(node)) => {
                    let link = routes.at(&node)?;
                    self.turn(link).await?;
                    asking = true;
                }
                Err(Failure::Between) => tokio::time::sleep(BETWEEN_NODES).await,
                Err(Failure::Broken(error)) => {
                    routes.doubt();
                    return Err(error);
                }
                Err(Failure::Refused(error)) => return Err(error),
            }
        }
        routes.doubt();
        Err(RedisError::Unreachable("the key moves from node to node".to_owned()))
    }

    async fn turn(&mut self, link: Arc<Link>) -> Result<(), RedisError> {
        if let Some(own) = &mut self.own {
            let before = std::mem::replace(own, link.own().await?);
            self.link.give_back(before);
        }
        self.link = link;
        Ok(())
    }
}

fn evalsha(script: &Script, keys: &[&str], args: impl ToRedisArgs) -> Cmd {
    let mut cmd = ::redis::cmd("EVALSHA");
    cmd.arg(script.get_hash()).arg(keys.len()).arg(keys).arg(args);
    cmd
}

fn read<T: FromRedisValue>(value: Value) -> Result<T, RedisError> {
    T::from_redis_value(value).map_err(|error| RedisError::Unanswered(format!("an answer of another kind: {error}")))
}

/// The key of a command, by which a cluster knows where to run it.
fn key_of(cmd: &Cmd) -> Option<&[u8]> {
    let word = |place| match cmd.args_iter().nth(place)? {
        ::redis::Arg::Simple(word) => Some(word),
        _ => None,
    };
    match word(0)?.to_ascii_uppercase().as_slice() {
        b"PING" | b"INFO" | b"TIME" | b"PUBLISH" | b"SCRIPT" | b"CONFIG" | b"CLIENT" | b"ROLE" | b"CLUSTER"
        | b"ACL" | b"WAIT" | b"DBSIZE" | b"FLUSHALL" | b"SCAN" => None,
        b"XINFO" | b"OBJECT" | b"MEMORY" => word(2),
        _ => word(1),
    }
}
