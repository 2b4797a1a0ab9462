//! A node: the hub as a program with the settings of a cluster, on a port that it keeps over restarts, stopped and paused by
//! signals to its own id. What it logs is shown when a test fails.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bidhub::chance::Chance;

use crate::rest::Rest;

/// How long a start or a stop may take on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(90);
/// How many lines of its log are shown when a test fails.
const SHOWN_LINES: usize = 60;

/// The secret under which bidders come with tokens of the operator's own.
pub const JWT_SECRET: &str = "a secret for tests that is long enough";

/// A node, running or not. It is killed when this is dropped.
pub struct Node {
    /// What is asked of it over REST.
    pub rest: Rest,
    /// What it is called in messages of a test.
    pub name: String,
    dir: PathBuf,
    settings: Vec<(String, String)>,
    child: Option<Child>,
    log: Arc<Mutex<Vec<String>>>,
    /// True if it may be in the middle of anything, so that an unclean end is no fault.
    paused: bool,
}

/// A port that is free now and that the system gives to nobody by itself, so that it can be taken again after a restart.
pub fn free_port() -> u16 {
    loop {
        let port = 20_000 + u16::try_from(Chance::System.below(10_000)).expect("a port");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Node {
    /// A node that is not started yet. `settings` are names of variables and their values.
    pub fn new(name: String, dir: &Path, settings: &[(&str, String)]) -> Self {
        let dir = dir.join(&name);
        std::fs::create_dir_all(&dir).expect("its folder");
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let own = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
        let settings = settings.iter().map(own).collect();
        let log = Arc::default();
        Self { rest: Rest::new(address), name, dir, settings, child: None, log, paused: false }
    }

    /// Where it listens, whether it runs or not.
    pub fn address(&self) -> SocketAddr {
        self.rest.address
    }

    /// The program with this node's settings.
    pub fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bidhub"));
        command.env_clear().env("BIDHUB_LISTEN", self.address().to_string()).env("BIDHUB_DATA_DIR", &self.dir);
        command.env("BIDHUB_RATE_LIMITS", "off").env("BIDHUB_JWT_SECRET", JWT_SECRET);
        command.env("BIDHUB_MESSAGES_PER_SECOND", "10000").env("BIDHUB_MESSAGE_BURST", "10000");
        command.env("BIDHUB_PING_INTERVAL_S", "2").env("BIDHUB_LOG_FILTER", "info");
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts it, and does not wait.
    pub fn spawn(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.name);
        let mut child = self.program().spawn().expect("the program starts");
        let pipes: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().expect("its output")), Box::new(child.stderr.take().expect("its errors"))];
        for pipe in pipes {
            let log = Arc::clone(&self.log);
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    log.lock().expect("not poisoned").push(line);
                }
            });
        }
        self.child = Some(child);
        self.paused = false;
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&mut self) {
        self.spawn();
        self.ready().await;
    }

    /// Waits until it is ready.
    pub async fn ready(&mut self) {
        let until = Instant::now() + PATIENCE;
        while !self.is_ready().await {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().expect("it can be waited for"));
            assert!(ended.is_none(), "{} ended with {ended:?} before it was ready", self.name);
            assert!(Instant::now() < until, "{} does not get ready", self.name);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// True if it says so soon.
    pub async fn is_ready(&self) -> bool {
        tokio::time::timeout(Duration::from_secs(3), self.rest.is_ready()).await.unwrap_or(false)
    }

    /// True between a start and a stop.
    pub fn runs(&self) -> bool {
        self.child.is_some()
    }

    fn signal(&self, name: &str) {
        let child = self.child.as_ref().expect("it runs");
        let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().expect("kill can be run");
        assert!(sent.success());
    }

    /// Stops its time, as a machine does that is put to sleep.
    pub fn pause(&mut self) {
        self.signal("STOP");
        self.paused = true;
    }

    /// Lets its time go on.
    pub fn resume(&mut self) {
        self.signal("CONT");
        self.paused = false;
    }

    /// Ends it as a power cut does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it is killed");
            child.wait().expect("its end");
        }
    }

    /// Asks it to stop, and does not wait.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Asks it to stop, and waits until it has ended by itself.
    pub async fn stop(&mut self) -> ExitStatus {
        self.terminate();
        self.ended().await
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("it runs");
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = child.try_wait().expect("it can be waited for") {
                return status;
            }
            if Instant::now() > until {
                let _ = child.kill();
                panic!("{} does not end", self.name);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What it measures under this name, all labels added up; 0 if nothing yet.
    pub async fn metric(&self, name: &str) -> f64 {
        let Some((200, text)) = self.rest.try_get(None, "/metrics").await else { return 0.0 };
        let lines = text.as_str().unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>();
        let of = |line: &String| {
            let rest = line.strip_prefix(name)?;
            let fits = rest.starts_with(' ') || rest.starts_with('{');
            fits.then(|| rest.rsplit(' ').next()?.parse::<f64>().ok())?
        };
        lines.iter().filter_map(of).sum()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.paused && self.child.is_some() {
            self.signal("CONT");
        }
        self.kill();
        let panicking = std::thread::panicking();
        let log = self.log.lock().map(|log| log.clone()).unwrap_or_default();
        let broke = log.iter().any(|line| line.contains("panicked"));
        if panicking || broke {
            let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.log", self.name));
            let _ = std::fs::write(&file, log.join("\n"));
            println!("--- {}: the end of {}", self.name, file.display());
            log.iter().rev().take(SHOWN_LINES).rev().for_each(|line| println!("{}: {line}", self.name));
        }
        assert!(panicking || !broke, "{} panicked", self.name);
    }
}
