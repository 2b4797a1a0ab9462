//! Redis servers of a test's own: each in a new folder, on a free port, ended with the test by its id. One server with
//! its replicas, sentinels that watch over them, or a cluster of six.

#![allow(dead_code, unused_imports, reason = "every test binary that includes it uses another part")]

mod certificates;
mod groups;
mod wire;

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use groups::{Cluster, SERVICE, Watched};
use wire::ask;

const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);
/// What the test's own servers ask for where they ask for anything.
pub const PASSWORD: &str = "opensesame";

/// How a server is set up.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Whether it writes down what it does, once a second.
    pub append_only: bool,
    /// `maxmemory-policy`, if not the default.
    pub policy: Option<&'static str>,
    /// The password of the default user.
    pub password: Option<&'static str>,
    /// Users, as lines of an ACL file.
    pub users: Vec<String>,
    /// Speak TLS, with a certificate made for the test, and nothing else.
    pub tls: bool,
    /// Follow the server at this port.
    pub replica_of: Option<u16>,
    /// Further lines of the settings.
    pub lines: Vec<String>,
}

/// A running server.
pub struct Server {
    process: Option<Child>,
    port: u16,
    setup: Setup,
    program: &'static str,
    dir: TempDir,
}

/// True if Redis is installed. Its absence is said aloud, and is a failure if `BIDHUB_REQUIRE_REDIS` is set.
pub fn is_installed() -> bool {
    let found = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_ok();
    assert!(found || std::env::var_os("BIDHUB_REQUIRE_REDIS").is_none(), "Redis is required and not installed");
    if !found {
        eprintln!("skipped: Redis is not installed");
    }
    found
}

impl Server {
    /// Starts one that writes down what it does. None where Redis is not installed.
    pub async fn start() -> Option<Self> {
        Self::with(Setup { append_only: true, ..Setup::default() }).await
    }

    /// Starts one that is set up so.
    pub async fn with(setup: Setup) -> Option<Self> {
        if !is_installed() {
            return None;
        }
        let mut server = Self::prepare(setup, "redis-server", free_port());
        server.launch().await;
        Some(server)
    }

    fn prepare(setup: Setup, program: &'static str, port: u16) -> Self {
        let dir = tempfile::Builder::new().prefix("bidhub-redis-").tempdir().unwrap();
        if setup.tls {
            certificates::make(dir.path());
        }
        let server = Self { process: None, port, setup, program, dir };
        std::fs::write(server.file("redis.conf"), server.settings()).unwrap();
        server
    }

    fn settings(&self) -> String {
        let Self { setup, port, .. } = self;
        let append_only = if setup.append_only { "yes" } else { "no" };
        let mut lines = vec![
            "bind 127.0.0.1".to_owned(),
            format!("dir {}", self.dir.path().display()),
            "save \"\"".to_owned(),
            format!("appendonly {append_only}"),
            "appendfsync everysec".to_owned(),
            "repl-diskless-sync-delay 0".to_owned(),
            "repl-ping-replica-period 1".to_owned(),
        ];
        match setup.tls {
            true => lines.extend([
                "port 0".to_owned(),
                format!("tls-port {port}"),
                "tls-cert-file server.crt".to_owned(),
                "tls-key-file server.key".to_owned(),
                "tls-ca-cert-file ca.crt".to_owned(),
                "tls-auth-clients no".to_owned(),
            ]),
            false => lines.push(format!("port {port}")),
        }
        if let Some(policy) = setup.policy {
            lines.extend([format!("maxmemory-policy {policy}"), "maxmemory 100mb".to_owned()]);
        }
        if let Some(password) = setup.password {
            lines.extend([format!("requirepass {password}"), format!("masterauth {password}")]);
        }
        if !setup.users.is_empty() {
            std::fs::write(self.file("users.acl"), setup.users.join("\n") + "\n").unwrap();
            lines.push(format!("aclfile {}", self.file("users.acl").display()));
        }
        if let Some(primary) = setup.replica_of {
            lines.push(format!("replicaof 127.0.0.1 {primary}"));
        }
        lines.extend(setup.lines.iter().cloned());
        lines.join("\n") + "\n"
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn launch(&mut self) {
        let mut command = Command::new(self.program);
        command.arg(self.file("redis.conf")).current_dir(self.dir.path());
        self.process = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        until("Redis answers", || self.try_cli(&["PING"]).is_some_and(|answer| !answer.contains("LOADING"))).await;
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address, with the password of the default user.
    pub fn url(&self) -> String {
        match self.setup.password {
            Some(password) => self.url_as("", password),
            None if self.setup.tls => format!("rediss://localhost:{}", self.port),
            None => format!("redis://127.0.0.1:{}", self.port),
        }
    }

    /// Its address for one user.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        match self.setup.tls {
            true => format!("rediss://{user}:{password}@localhost:{}", self.port),
            false => format!("redis://{user}:{password}@127.0.0.1:{}", self.port),
        }
    }

    /// The certificate of the authority that signed its own.
    pub fn authority(&self) -> PathBuf {
        self.file("ca.crt")
    }

    /// Ends it at once, as a crash does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Ends it in good order.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            signal(&process, "-TERM");
            let _ = process.wait();
        }
    }

    /// Ends it at once, if it runs, and starts it again: same port, same folder.
    pub async fn restart(&mut self) {
        self.kill();
        self.launch().await;
    }

    /// Starts it again with nothing in it.
    pub async fn restart_empty(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(self.file("appendonlydir"));
        let _ = std::fs::remove_file(self.file("dump.rdb"));
        self.launch().await;
    }

    /// Lets it do nothing until [`Self::resume`].
    pub fn pause(&self) {
        self.process.iter().for_each(|process| signal(process, "-STOP"));
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.process.iter().for_each(|process| signal(process, "-CONT"));
    }

    /// Asks it by its own command line client and gives the answer.
    pub fn cli(&self, words: &[&str]) -> String {
        self.try_cli(words).expect("redis-cli gives an answer")
    }

    fn try_cli(&self, words: &[&str]) -> Option<String> {
        if !self.setup.tls && self.setup.users.is_empty() {
            return ask(self.port, self.setup.password, words);
        }
        let mut command = Command::new("redis-cli");
        command.args(["-p", &self.port.to_string()]);
        if self.setup.tls {
            command.args(["-h", "localhost", "--tls", "--cacert"]).arg(self.authority());
        }
        if let Some(password) = self.setup.password {
            command.args(["-a", password, "--no-auth-warning"]);
        }
        let output = command.args(words).output().unwrap();
        let answer = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.success() && !answer.is_empty()).then_some(answer)
    }

    /// Waits until so many replicas have all that it has.
    pub async fn has_replicas(&self, count: usize) {
        let online = || {
            let info = self.cli(&["INFO", "replication"]);
            let offset = info.lines().find_map(|line| line.trim().strip_prefix("master_repl_offset:")).unwrap_or("?");
            info.lines().filter(|it| it.contains("state=online") && it.contains(&format!("offset={offset},"))).count()
                >= count
        };
        until("the replicas are there", online).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.resume();
        self.kill();
    }
}

async fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < end, "it never came about that {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A free port whose neighbour 10,000 above is free too.
fn free_cluster_port() -> u16 {
    let fits = |port: &u16| port.checked_add(10_000).is_some_and(|bus| TcpListener::bind(("127.0.0.1", bus)).is_ok());
    std::iter::repeat_with(free_port).take(1_000).find(fits).expect("a free pair of ports")
}

fn signal(process: &Child, name: &str) {
    let _ = Command::new("kill").args([name, &process.id().to_string()]).status();
}
