//! Starts a hub on a free port with a database of its own, and a client for it. Time stands still unless a test moves it.

use std::net::SocketAddr;

use bidhub::app;
use bidhub::chance::Chance;
use bidhub::clock::{self, Clock};
use bidhub::config::{PasswordCost, Settings, Switch};
use bidhub::env::Env;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::described;

pub const PASSWORD: &str = "correct horse battery";

/// A running hub. It ends when this is dropped.
pub struct Hub {
    pub address: SocketAddr,
    pub clock: Clock,
    pub client: reqwest::Client,
    pub settings: Settings,
    shutdown: CancellationToken,
    _guard: DropGuard,
    running: JoinHandle<anyhow::Result<()>>,
    _dir: TempDir,
}

/// Someone who has signed up.
pub struct User {
    pub id: String,
    pub email: String,
    pub token: String,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("headers are text"))
    }

    /// Asserts that this is a problem with the status and code.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status.as_u16(), self.body["code"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["request_id"], self.header("x-request-id"));
        self
    }

    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }
}

impl Hub {
    /// A hub with the settings of tests: no limits, cheap password hashes.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// As [`Hub::start`], with settings changed by `change`.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut settings = Settings::default();
        settings.server.data_dir = dir.path().to_owned();
        settings.connections.rate_limits = Switch::Off;
        settings.password_cost = PasswordCost { memory_kib: 16, iterations: 1 };
        change(&mut settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let start = clock::parse("2026-11-20T09:30:00.000Z").expect("a time");
        let env = Env { clock: Clock::manual(start), chance: Chance::System, ..Env::default() };
        let clock = env.clock.clone();
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(app::serve(listener, settings.clone(), env, shutdown.clone()));
        // No connection is kept for longer than the shortest time after which a test's hub ends it.
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .pool_idle_timeout(std::time::Duration::from_millis(300))
            .build()
            .expect("a client");
        let guard = shutdown.clone().drop_guard();
        Self { address, clock, client, settings, shutdown, _guard: guard, running, _dir: dir }
    }

    /// Asks it to end and waits until it has.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.expect("the hub does not panic").expect("the hub ends well");
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn origin(&self) -> String {
        self.url("")
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub async fn get_as(&self, token: &str, path: &str) -> Answer {
        send(self.request(Method::GET, path).bearer_auth(token)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn post_as(&self, token: &str, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).bearer_auth(token).json(&body)).await
    }

    /// Signs someone up under `name`.
    pub async fn sign_up(&self, name: &str) -> User {
        let email = format!("{name}@example.com");
        let body = json!({"email": email, "password": PASSWORD, "display_name": name});
        let answer = self.post("/api/auth/register", body).await;
        answer.is(201);
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        User { id: text(&answer.body["user"]["id"]), email, token: text(&answer.body["token"]) }
    }

    pub async fn login(&self, email: &str, password: &str) -> Answer {
        self.post("/api/auth/login", json!({"email": email, "password": password})).await
    }
}

/// Sends a request and reads the answer; a body that is not JSON is given as text. The description knows of every refusal.
pub async fn send(request: RequestBuilder) -> Answer {
    let (client, request) = request.build_split();
    let request = request.expect("a request");
    let (method, url) = (request.method().clone(), request.url().clone());
    let response = client.execute(request).await.expect("the hub answers");
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.bytes().await.expect("a body");
    let body =
        serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
    let answer = Answer { status, headers, body };
    described::check(&method, &url, &answer);
    answer
}
