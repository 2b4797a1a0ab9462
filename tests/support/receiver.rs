//! An endpoint of a test: keeps what it is sent, and answers as it is told to.

#![allow(dead_code, reason = "each test program uses the part that it needs")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(30);

/// What was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    pub id: String,
    pub timestamp: i64,
    pub signature: String,
    pub text: String,
    pub body: Value,
}

/// How to answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    Status(u16),
    /// Elsewhere.
    Redirect(String),
    /// Not at all.
    Never,
}

type Script = Arc<Mutex<Box<dyn FnMut(&Sent) -> Reply + Send>>>;

/// The endpoint; it ends with the test.
pub struct Receiver {
    pub url: String,
    sent: mpsc::UnboundedReceiver<Sent>,
    script: Script,
}

impl Receiver {
    /// One that takes everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?token=tell-nobody", listener.local_addr().unwrap());
        let (sender, sent) = mpsc::unbounded_channel();
        let script: Script = Arc::new(Mutex::new(Box::new(|_| Reply::Status(200))));
        let told = script.clone();
        let take = move |headers: HeaderMap, body: Bytes| {
            let (sender, told) = (sender.clone(), told.clone());
            async move { take(headers, body, sender, told).await }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(take))).await });
        Self { url, sent, script }
    }

    /// From here on, answers as `script` says.
    pub fn answer(&self, script: impl FnMut(&Sent) -> Reply + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    /// The next message.
    pub async fn next(&mut self) -> Sent {
        tokio::time::timeout(PATIENCE, self.sent.recv()).await.expect("a message in time").expect("the receiver runs")
    }

    /// The next message, which must be of this type.
    #[track_caller]
    pub fn next_of(&mut self, kind: &str) -> impl Future<Output = Sent> {
        let (kind, at) = (kind.to_owned(), std::panic::Location::caller());
        async move {
            let sent = self.next().await;
            assert_eq!(sent.body["type"], kind, "{at}: {sent:?}");
            sent
        }
    }

    /// What was sent and not looked at yet.
    pub fn rest(&mut self) -> Vec<Sent> {
        std::iter::from_fn(|| self.sent.try_recv().ok()).collect()
    }
}

impl Sent {
    /// The number of the event.
    pub fn seq(&self) -> u64 {
        self.body["data"]["event"]["seq"].as_u64().expect("a seq")
    }

    pub fn auction(&self) -> &str {
        self.body["data"]["auction"].as_str().expect("an auction")
    }

    /// How many of its signatures are right under `secret`. Made from the words of the specification alone.
    pub fn signed_with(&self, secret: &str) -> usize {
        let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{}.{}.{}", self.id, self.timestamp, self.text).as_bytes());
        let expected = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
        self.signature.split(' ').filter(|signature| *signature == expected).count()
    }
}

async fn take(headers: HeaderMap, body: Bytes, sender: mpsc::UnboundedSender<Sent>, script: Script) -> Response {
    let text = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    assert_eq!(text("content-type"), "application/json");
    assert!(text("user-agent").starts_with("bidhub/"));
    let body_text = String::from_utf8(body.to_vec()).unwrap();
    let sent = Sent {
        id: text("webhook-id"),
        timestamp: text("webhook-timestamp").parse().unwrap(),
        signature: text("webhook-signature"),
        body: serde_json::from_str(&body_text).unwrap(),
        text: body_text,
    };
    let reply = script.lock().unwrap()(&sent);
    let _ = sender.send(sent);
    match reply {
        Reply::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Reply::Redirect(place) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, place)]).into_response(),
        Reply::Never => std::future::pending().await,
    }
}
