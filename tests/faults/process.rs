//! The hub as a program: started on a free port with a data directory, stopped by signals to its own id.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::rest::{PATIENCE, Rest};

/// A running hub. It is killed when this is dropped.
pub struct Hub {
    rest: Rest,
    child: Child,
}

impl std::ops::Deref for Hub {
    type Target = Rest;

    fn deref(&self) -> &Rest {
        &self.rest
    }
}

fn program(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bidhub"));
    command.args(["--listen", "127.0.0.1:0", "--rate-limits", "off", "--log-filter", "warn"]);
    command.arg("--data-dir").arg(dir).env_clear();
    let file = dir.join("bidhub.toml");
    if file.exists() {
        command.arg("--config").arg(file);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts a hub that is expected to fail; gives its exit code and what it said.
pub async fn fails(dir: &Path) -> (Option<i32>, String) {
    let mut child = program(dir).spawn().expect("it starts");
    let status = ended(&mut child).await;
    let mut said = String::new();
    child.stdout.take().expect("its output").read_to_string(&mut said).expect("text");
    child.stderr.take().expect("its errors").read_to_string(&mut said).expect("text");
    (status.code(), said)
}

/// Waits until a process has ended by itself.
async fn ended(child: &mut Child) -> ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            return status;
        }
        assert!(started.elapsed() < PATIENCE, "it does not end");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Hub {
    /// Starts a hub and waits until it is ready.
    pub async fn start(dir: &Path) -> Self {
        let mut child = program(dir).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let line = lines.next().expect("it says something").expect("its output can be read");
        let address = line.rsplit("http://").next().and_then(|address| address.parse().ok()).expect("an address");
        let errors = BufReader::new(child.stderr.take().expect("its errors"));
        std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                println!("hub: {line}");
                assert!(!line.contains("panicked"), "{line}");
            }
        });
        let hub = Self { rest: Rest::new(address), child };
        hub.ready().await;
        hub
    }

    /// Sends it a signal by its name.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().expect("kill can be run");
        assert!(sent.success());
    }

    /// Ends it as a power cut does.
    pub fn kill(mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("its end");
    }

    /// Asks it to stop, and waits.
    pub async fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        ended(&mut self.child).await
    }
}
