//! The other subcommands of `bidhub`, run as an operator runs them: the real binary, its exit code, what it prints.

#![allow(clippy::unwrap_used, reason = "a test that finds something missing has failed")]

mod books;
mod demo;
mod export;
mod guide;
mod healthcheck;
mod journal;
mod nodes;
mod replay;
mod traces;
mod verify;

#[path = "../support/deposits.rs"]
mod deposits;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/redis/mod.rs"]
mod redis;
#[path = "../support/shared.rs"]
mod shared;

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// `bidhub` with these arguments, and no settings from the environment of the test.
fn bidhub(data_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bidhub"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BIDHUB_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).arg("--data-dir").arg(data_dir).stdin(Stdio::null());
    command
}

/// Runs it to its end.
fn run(data_dir: &Path, arguments: &[&str]) -> Output {
    bidhub(data_dir, arguments).output().unwrap()
}

/// An hour from now, as it is written on the wire.
fn in_an_hour() -> serde_json::Value {
    let then = bidhub::clock::Clock::System.now().plus(bidhub::domain::Span::from_secs(3_600));
    serde_json::to_value(bidhub::clock::WireTime(then)).unwrap()
}

fn said(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8(output.stdout.clone()).unwrap())
}

/// A hub run as a program, ended with the test.
struct Hub {
    child: std::process::Child,
    said: std::io::BufReader<std::process::ChildStdout>,
}

impl Hub {
    /// Starts it and waits for the line that begins with `ready`. Gives its address too.
    fn start(data_dir: &Path, arguments: &[&str], ready: &str) -> (Self, String) {
        let mut command = bidhub(data_dir, arguments);
        command.args(["--listen", "127.0.0.1:0", "--rate-limits", "off", "--log-filter", "warn"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut hub = Self { said: std::io::BufReader::new(child.stdout.take().unwrap()), child };
        let address = hub.line().strip_prefix(ready).expect("it says where it is").trim().to_owned();
        (hub, address)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut self.said, &mut line).unwrap();
        line
    }

    /// Ends it in good order, and gives its exit code.
    fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // It has ended already if the test stopped it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
