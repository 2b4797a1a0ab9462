//! Processes under measurement: nodes of the hub, and the bare servers that it is compared with. Each ends with its handle.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::servers::{self, Redis};

pub const SECRET: &str = "a secret for benches alone, never for a real hub";
/// Names the role in which this program runs as a bare server.
pub const ROLE: &str = "BIDHUB_BENCH_ROLE";
/// Where a bare server finds Redis.
pub const REDIS: &str = "BIDHUB_BENCH_REDIS";
/// Which of the two bare servers this one is: 0 or 1.
pub const NUMBER: &str = "BIDHUB_BENCH_NUMBER";

/// How long a node holds a room without renewing; the hub's own default.
pub const LEASE_TTL_MS: u32 = 5_000;

const PATIENCE: Duration = Duration::from_secs(30);

pub struct Process {
    child: Child,
    pub address: String,
    _dir: TempDir,
}

impl Process {
    /// A node of the hub, with room for the connections of a bench. It is ready when this returns.
    pub async fn node(redis_url: &str, database_url: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_bidhub"))
            .env("BIDHUB_LISTEN", "127.0.0.1:0")
            .env("BIDHUB_DATA_DIR", dir.path())
            .env("BIDHUB_REDIS_URL", redis_url)
            .env("BIDHUB_DATABASE_URL", database_url)
            .env("BIDHUB_LEASE_TTL_MS", LEASE_TTL_MS.to_string())
            .env("BIDHUB_RATE_LIMITS", "off")
            .env("BIDHUB_JWT_SECRET", SECRET)
            .env("BIDHUB_MAX_CONNECTIONS_PER_ADDRESS", "100000")
            .env("BIDHUB_LOG_FILTER", std::env::var("BIDHUB_LOG_FILTER").unwrap_or_else(|_| "error".into()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let node = Self::listening(child, dir);
        let until = Instant::now() + PATIENCE;
        while !node.is_ready().await {
            assert!(Instant::now() < until, "the node is not ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        node
    }

    /// This very program in the role of a bare server.
    pub fn bare(role: &str, number: usize, redis: &Redis) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .env(ROLE, role)
            .env(REDIS, redis.url())
            .env(NUMBER, number.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self::listening(child, tempfile::tempdir().unwrap())
    }

    fn listening(mut child: Child, dir: TempDir) -> Self {
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut process = Self { child, address: String::new(), _dir: dir };
        let line = lines.find_map(|line| line.ok().filter(|line| line.contains("http://"))).expect("it listens");
        process.address = line.split("http://").nth(1).unwrap().trim().to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        process
    }

    async fn is_ready(&self) -> bool {
        reqwest::get(format!("http://{}/readyz", self.address)).await.is_ok_and(|answer| answer.status().is_success())
    }

    /// The rooms that this node runs, by its own account.
    pub async fn rooms_owned(&self) -> u64 {
        let metrics = reqwest::get(format!("http://{}/metrics", self.address)).await.unwrap().text().await.unwrap();
        let line = metrics.lines().find(|line| line.starts_with("bidhub_rooms_owned "));
        line.and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0)
    }

    /// CPU time used so far, in seconds, by all threads.
    pub fn cpu_s(&self) -> f64 {
        servers::cpu_s(self.child.id())
    }

    /// Ends it at once, and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop in good order.
    pub fn stop(&self) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self, patience: Duration) {
        let until = Instant::now() + patience;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "the process does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
