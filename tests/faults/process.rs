//! The hub as a program: started on a free port with a data directory, asked over REST, stopped by signals to its own id.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running hub. It is killed when this is dropped.
pub struct Hub {
    pub address: SocketAddr,
    child: Child,
    client: reqwest::Client,
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
        let client = reqwest::Client::builder().build().expect("a client");
        let hub = Self { address, child, client };
        tokio::time::timeout(PATIENCE, async {
            while !hub.is_ready().await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .expect("it gets ready");
        hub
    }

    async fn is_ready(&self) -> bool {
        let asked = self.client.get(self.url("/readyz")).send().await;
        asked.is_ok_and(|answer| answer.status() == 200)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
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

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.client.get(self.url(path)).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.expect("JSON")
    }

    pub async fn post(&self, token: Option<&str>, path: &str, body: Value) -> Value {
        let request = self.client.post(self.url(path)).json(&body);
        let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path} {body}: {}", answer.status());
        answer.json().await.expect("JSON")
    }

    /// Signs someone up; gives the token.
    pub async fn sign_up(&self, name: &str) -> String {
        let body = json!({"email": format!("{name}@example.com"), "password": "correct horse battery",
            "display_name": name});
        let answer = self.post(None, "/api/auth/register", body).await;
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// Offers an auction that is open for so long from now on; gives its id.
    pub async fn offer(&self, seller: &str, lasts_ms: i64) -> String {
        let now = self.get("/api/time").await["server_time"].as_str().and_then(bidhub::clock::parse).expect("a time");
        let ends_at = bidhub::clock::format(now.plus(bidhub::domain::Span::from_millis(lasts_ms)));
        let body = json!({"title": "Walnut desk", "description": "", "category": "furniture", "currency": "USD",
            "opening_price": 1000, "increments": [{"from": 0, "step": 1}], "ends_at": ends_at});
        let auction = self.post(Some(seller), "/api/auctions", body).await;
        let id = auction["id"].as_str().expect("an id").to_owned();
        self.until(&format!("/api/auctions/{id}"), |body| body["state"]["status"] == "open").await;
        id
    }

    /// Asks until the answer fits.
    pub async fn until(&self, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let asking = async {
            loop {
                let body = self.get(path).await;
                if fits(&body) {
                    return body;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asking)
            .await
            .unwrap_or_else(|_| panic!("{path} never came to what was expected"))
    }

    /// Every item of a paged list.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{path}?limit=200{cursor}")).await;
            items.extend(page["items"].as_array().expect("items").iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}
