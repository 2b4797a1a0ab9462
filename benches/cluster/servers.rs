//! The servers beside the hub: a Redis and a PostgreSQL of the run's own, on free ports, ended by their ids.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client};
use tempfile::TempDir;

use crate::process::Process;

#[path = "../../tests/support/postgres.rs"]
mod postgres;

const PATIENCE: Duration = Duration::from_secs(30);

/// A PostgreSQL with its own settings, that is, with every commit on the disk.
pub async fn postgres() -> postgres::Server {
    postgres::Server::start_with(&[]).await.expect("PostgreSQL is installed")
}

/// A Redis that evicts nothing.
pub struct Redis {
    process: Child,
    port: u16,
    _dir: TempDir,
}

impl Redis {
    /// Starts one that writes nothing to the disk.
    pub async fn start() -> Self {
        Self::start_with(&["--appendonly", "no"]).await
    }

    /// Starts one with settings of its own.
    pub async fn start_with(settings: &[&str]) -> Self {
        let dir = tempfile::Builder::new().prefix("bidhub-redis-").tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new("redis-server")
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                &port.to_string(),
                "--save",
                "",
                "--maxmemory-policy",
                "noeviction",
            ])
            .arg("--dir")
            .arg(dir.path())
            .args(settings)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let server = Self { process, port, _dir: dir };
        let until = Instant::now() + PATIENCE;
        while connect(&server.url()).await.is_err() {
            assert!(Instant::now() < until, "Redis does not answer");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// CPU time used so far, in seconds.
    pub fn cpu_s(&self) -> f64 {
        cpu_s(self.process.id())
    }

    /// A connection that many can share.
    pub async fn connection(&self) -> MultiplexedConnection {
        connect(&self.url()).await.unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A connection to the Redis at `url`; under load an answer may take its time.
pub async fn connect(url: &str) -> redis::RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
    Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await
}

/// What the kernel counts CPU time in; fixed at 100 for programs on Linux (proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU time that the process has used so far, in seconds, by all its threads.
pub fn cpu_s(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name in parentheses may hold anything; user and system time are fields 14 and 15.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

/// Nodes of one hub that know of each other.
pub async fn nodes(redis: &Redis, database_url: &str, count: usize) -> Vec<Process> {
    let mut nodes = Vec::new();
    for _ in 0..count {
        nodes.push(Process::node(&redis.url(), database_url).await);
    }
    met(redis, count).await;
    nodes
}

/// Waits until so many nodes are there.
pub async fn met(redis: &Redis, count: usize) {
    let mut connection = redis.connection().await;
    let until = Instant::now() + PATIENCE;
    loop {
        let (seconds, micros): (u64, u64) = redis::cmd("TIME").query_async(&mut connection).await.unwrap();
        let mut living = redis::cmd("ZCOUNT");
        living.arg("bidhub:nodes").arg(seconds * 1_000 + micros / 1_000).arg("+inf");
        let there: usize = living.query_async(&mut connection).await.unwrap();
        if there == count {
            return;
        }
        assert!(Instant::now() < until, "{there} nodes are there, not {count}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
