//! Processes under measurement: the hub itself, and the bare servers that set the bounds. Each ends with its handle.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

pub const SECRET: &str = "a secret for benches alone, never for a real hub";
/// What the kernel counts CPU time in; fixed at 100 for programs on Linux (proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;

pub struct Process {
    child: Child,
    pub address: String,
    _dir: TempDir,
}

impl Process {
    /// The hub, with room for the connections of a bench.
    pub fn hub() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_bidhub"))
            .env("BIDHUB_LISTEN", "127.0.0.1:0")
            .env("BIDHUB_DATA_DIR", dir.path())
            .env("BIDHUB_RATE_LIMITS", "off")
            .env("BIDHUB_JWT_SECRET", SECRET)
            .env("BIDHUB_MAX_CONNECTIONS_PER_ADDRESS", "100000")
            .env("BIDHUB_LOG_FILTER", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self::listening(child, dir)
    }

    /// This very program in the role of a bare server.
    pub fn bare(role: &str) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .env(crate::bounds::ROLE, role)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self::listening(child, tempfile::tempdir().unwrap())
    }

    fn listening(mut child: Child, dir: TempDir) -> Self {
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.find_map(|line| line.ok().filter(|line| line.contains("http://"))).expect("it listens");
        let address = line.split("http://").nth(1).unwrap().trim().to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, _dir: dir }
    }

    /// CPU time used so far, in seconds, by all threads.
    pub fn cpu_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name in parentheses may hold anything; user and system time are fields 14 and 15.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks = |index: usize| fields[index].parse::<f64>().unwrap();
        (ticks(11) + ticks(12)) / TICKS_PER_SECOND
    }

    /// Resident memory in bytes.
    pub fn memory_bytes(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1_024.0
    }

    /// Waits until memory stands still, which it does once everyone has been served.
    pub async fn settled_memory_bytes(&self) -> f64 {
        let mut last = self.memory_bytes();
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = self.memory_bytes();
            if (now - last).abs() < 64.0 * 1_024.0 {
                return now;
            }
            last = now;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
