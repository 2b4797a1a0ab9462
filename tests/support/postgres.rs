//! A PostgreSQL server of a test's own: in a new folder, on a free port, ended with the test by its id.
//! Its folder is a copy of one that is made once and kept beside what cargo builds, for making one takes seconds.

#![allow(dead_code, reason = "each test program uses the part that it needs")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const USER: &str = "postgres";
const PATIENCE: Duration = Duration::from_secs(60);

/// A server, running or not.
pub struct Server {
    process: Option<Child>,
    programs: PathBuf,
    arguments: Vec<String>,
    port: u16,
    dir: TempDir,
}

impl Server {
    /// Starts one. None, said aloud, where PostgreSQL is not installed, unless `BIDHUB_REQUIRE_POSTGRES` is set.
    pub async fn start() -> Option<Self> {
        Self::start_with(&["-c", "fsync=off"]).await
    }

    /// Starts one with these arguments beside those that it needs; none as above.
    pub async fn start_with(arguments: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(std::env::var_os("BIDHUB_REQUIRE_POSTGRES").is_none(), "PostgreSQL is required and not installed");
            eprintln!("skipped: PostgreSQL is not installed");
            return None;
        };
        let dir = folder();
        assert!(copied(&made_once(&programs), &dir.path().join("data")), "a copy of the data");
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let mut server = Self { process: None, programs, arguments, port, dir };
        server.launch().await;
        Some(server)
    }

    async fn launch(&mut self) {
        let dir = self.dir.path();
        let process = as_user(&self.programs.join("postgres"))
            .arg("-D")
            .arg(dir.join("data"))
            .args(["-h", "127.0.0.1", "-c", "max_connections=200", "-p", &self.port.to_string(), "-k"])
            .arg(dir)
            .args(&self.arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
        let until = Instant::now() + PATIENCE;
        while bidhub::persistence::Db::postgres(&self.url()).await.is_err() {
            assert!(Instant::now() < until, "PostgreSQL does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it; whoever is connected is cut off.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // SIGINT is a fast shutdown; the server takes its children with it.
            let _ = Command::new("kill").args(["-INT", &process.id().to_string()]).status();
            let _ = process.wait();
        }
    }

    /// Starts it again on the same port, with what it had.
    pub async fn start_again(&mut self) {
        self.stop();
        self.launch().await;
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/postgres", self.port)
    }
}

impl Server {
    /// Stops the server and what serves its connections, so that nothing is answered until [`Server::thaw`].
    pub fn freeze(&self) {
        self.signal_all("-STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal_all("-CONT");
    }

    fn signal_all(&self, signal: &str) {
        let Some(process) = &self.process else { return };
        let id = process.id().to_string();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        for child in children.split_whitespace() {
            // One that has ended meanwhile is no concern.
            let _ = Command::new("kill").args([signal, child]).stderr(Stdio::null()).status();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that is stopped would not hear that it must end.
        self.thaw();
        self.stop();
    }
}

/// A new folder that the server may use.
fn folder() -> TempDir {
    let dir = tempfile::Builder::new().prefix("bidhub-pg-").tempdir().unwrap();
    if is_root() {
        assert!(Command::new("chown").arg(USER).arg(dir.path()).status().unwrap().success(), "chown");
    }
    dir
}

/// The data of a server that has not run yet; whoever needs it first makes it.
fn made_once(programs: &Path) -> PathBuf {
    static MAKING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let version = programs.parent().and_then(Path::file_name).unwrap().display();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let whole = kept.join(format!("postgresql-{version}"));
    if whole.exists() {
        return whole;
    }
    let dir = folder();
    let data = dir.path().join("data");
    let made = as_user(&programs.join("initdb"))
        .args(["--auth=trust", "--no-sync", "--encoding=UTF8", "--username", USER, "--pgdata"])
        .arg(&data)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success(), "initdb");
    // Under its name only once it is whole. Of two test programs that make it at once one is the first, and the other's goes.
    let part = tempfile::tempdir_in(kept).unwrap();
    assert!(copied(&data, &part.path().join("data")), "a copy of the data");
    let renamed = std::fs::rename(part.path().join("data"), &whole);
    assert!(renamed.is_ok() || whole.exists(), "{renamed:?}");
    whole
}

/// Copies a folder with who owns it.
fn copied(from: &Path, to: &Path) -> bool {
    Command::new("cp").arg("-a").arg(from).arg(to).status().is_ok_and(|status| status.success())
}

/// Where Debian keeps the server's programs, the newest version first.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    versions.retain(|bin| bin.join("initdb").exists() && bin.join("postgres").exists());
    versions.sort();
    versions.pop()
}

/// The server refuses to run as root, so root hands it to the user that Debian made for it.
fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--clear-groups", "--"]).arg(program);
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}
