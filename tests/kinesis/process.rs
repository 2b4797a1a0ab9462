//! The hub as a program, told of a stream by its environment.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::rest::Rest;

pub const STREAM: &str = "auctions";
pub const REGION: &str = "eu-central-1";

/// A running hub. It is killed when this is dropped.
pub struct Hub {
    rest: Rest,
    child: Child,
    log: PathBuf,
}

impl std::ops::Deref for Hub {
    type Target = Rest;

    fn deref(&self) -> &Rest {
        &self.rest
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(dir: &Path, endpoint_url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bidhub"));
    command.env_clear().env("BIDHUB_LISTEN", "127.0.0.1:0").env("BIDHUB_RATE_LIMITS", "off");
    command.env("BIDHUB_DATA_DIR", dir).env("BIDHUB_LOG_FILTER", "warn,bidhub::kinesis=info");
    command.env("BIDHUB_KINESIS_STREAM", STREAM).env("BIDHUB_KINESIS_ENDPOINT_URL", endpoint_url);
    // As any program of AWS finds them; what is on this machine is none of this test's business.
    command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", dir);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// What a hub says that is told of no region and of these settings, and what it exits with.
pub fn refused(dir: &Path, settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = program(dir, "http://127.0.0.1:1");
    let output =
        command.env("BIDHUB_LOG_FILTER", "off").envs(settings.iter().copied()).stderr(Stdio::piped()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

impl Hub {
    /// Starts a hub that fills the stream at `endpoint_url`, and waits until it is ready.
    pub async fn start(dir: &Path, endpoint_url: &str) -> Self {
        Self::start_with(dir, endpoint_url, &[]).await
    }

    /// The same with these settings beside those that it needs.
    pub async fn start_with(dir: &Path, endpoint_url: &str, settings: &[(&str, &str)]) -> Self {
        let log = dir.join("log");
        let mut command = program(dir, endpoint_url);
        command.env("AWS_REGION", REGION).envs(settings.iter().copied()).stderr(File::create(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        let address = line.rsplit("http://").next().and_then(|address| address.parse().ok()).expect("an address");
        let hub = Self { rest: Rest::new(address), child, log };
        hub.ready().await;
        hub
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Ends it in order.
    pub fn stop(mut self) {
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}
