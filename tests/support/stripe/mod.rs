//! A stand-in for Stripe on a free port of this machine: the part of its API that the hub calls, with its rules for keys
//! and idempotency, and faults on demand. What payers and banks do is in `people`.

#![allow(clippy::unwrap_used, reason = "a stand-in that cannot go on has failed its test")]

mod api;
mod people;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

#[allow(unused_imports, reason = "not every test sends messages")]
pub use people::{Message, message_of, signed};

/// The key that it takes.
pub const SECRET_KEY: &str = "sk_test_a_key_that_must_show_nowhere";
/// The secret that it signs messages with.
pub const WEBHOOK_SECRET: &str = "whsec_a_secret_that_must_show_nowhere";

/// What goes wrong with one request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It is taken up only after this time.
    Delay(Duration),
    /// The connection is cut before anything is done.
    DropRequest,
    /// It is done, and the connection is cut before the answer.
    DropReply,
    /// It is not done, and answered so: status, type and code of the error.
    Answer(u16, &'static str, &'static str),
    /// The same, and the answer is kept under the key.
    AnswerForGood(u16, &'static str, &'static str),
    /// It is done, and answered with this text.
    Garbage(&'static str),
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub form: BTreeMap<String, String>,
    pub key: Option<String>,
    pub version: Option<String>,
}

#[derive(Default)]
struct World {
    asked: Vec<Asked>,
    faults: BTreeMap<&'static str, VecDeque<Fault>>,
    /// By key: what was asked, and what was answered unless it is still being done.
    keys: BTreeMap<String, (String, Option<Answer>)>,
    /// All objects by their ids, in the order in which they were made.
    objects: BTreeMap<String, Value>,
    made: u32,
}

#[derive(Clone)]
struct Answer(u16, Value);

/// The stand-in. It ends when this is dropped.
pub struct Server {
    address: SocketAddr,
    world: Arc<Mutex<World>>,
    running: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Server {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let world = Arc::new(Mutex::new(World::default()));
        let shared = world.clone();
        let running = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let world = shared.clone();
                let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
                    // What was taken up goes on though its client has gone.
                    let done = tokio::spawn(handle(world.clone(), request.map(Body::new)));
                    async move { done.await.unwrap() }
                });
                let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                // A connection that is cut is cut on purpose.
                tokio::spawn(async move { drop(served.await) });
            }
        });
        Self { address, world, running }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Has the next requests of this path go wrong, one after the other.
    pub fn fail(&self, path: &'static str, faults: impl IntoIterator<Item = Fault>) {
        self.world().faults.entry(path).or_default().extend(faults);
    }

    /// All requests of this path so far.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        self.world().asked.iter().filter(|asked| asked.path == path).cloned().collect()
    }

    /// How many objects of this kind there are, by the beginning of their ids.
    pub fn count(&self, prefix: &str) -> usize {
        self.world().objects.keys().filter(|id| id.starts_with(prefix)).count()
    }

    /// The id of the object of this kind that was made last.
    #[allow(dead_code, reason = "tests of the adapter are told it")]
    pub fn newest(&self, prefix: &str) -> String {
        self.world().objects.keys().rfind(|id| id.starts_with(prefix)).unwrap().clone()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection is to be cut.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut on purpose")
    }
}

impl std::error::Error for Cut {}

async fn handle(world: Arc<Mutex<World>>, request: Request<Body>) -> Result<Response<Body>, Cut> {
    let (head, body) = request.into_parts();
    let header = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let body = String::from_utf8(to_bytes(body, 1 << 20).await.map_err(|_| Cut)?.to_vec()).unwrap();
    let (path, query) = (head.uri.path().to_owned(), head.uri.query().unwrap_or_default());
    let text = if head.method == "GET" { query } else { &*body };
    let form = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    let (key, version) = (header("idempotency-key"), header("stripe-version"));
    let asked = Asked { method: head.method.to_string(), path: path.clone(), form, key: key.clone(), version };
    let lock = || world.lock().unwrap_or_else(PoisonError::into_inner);
    lock().asked.push(asked.clone());
    if header("authorization") != Some(format!("Bearer {SECRET_KEY}")) {
        return Ok(reply(&error(401, "invalid_request_error", "api_key_invalid")));
    }
    let fault = lock().faults.iter_mut().find(|(of, _)| **of == path).and_then(|(_, faults)| faults.pop_front());
    match &fault {
        Some(Fault::DropRequest) => return Err(Cut),
        Some(Fault::Answer(status, kind, code)) => return Ok(reply(&error(*status, kind, code))),
        _ => {}
    }
    let known = key.as_deref().and_then(|key| lock().remembered(key, &asked));
    let answer = match known {
        Some(answer) => answer,
        None => {
            if let Some(Fault::Delay(for_so_long)) = &fault {
                tokio::time::sleep(*for_so_long).await;
            }
            let answer = match &fault {
                Some(Fault::AnswerForGood(status, kind, code)) => error(*status, kind, code),
                _ => lock().answer(&asked),
            };
            if let Some(key) = key {
                lock().keys.insert(key, (content(&asked), Some(answer.clone())));
            }
            answer
        }
    };
    match fault {
        Some(Fault::DropReply) => Err(Cut),
        Some(Fault::Garbage(text)) => Ok(Response::new(text.into())),
        _ => Ok(reply(&answer)),
    }
}

impl World {
    /// What was answered under this key, or why it cannot be used; else the key is taken from here on.
    fn remembered(&mut self, key: &str, asked: &Asked) -> Option<Answer> {
        match self.keys.get(key) {
            None => {
                self.keys.insert(key.to_owned(), (content(asked), None));
                None
            }
            Some((known, _)) if *known != content(asked) => Some(error(400, "idempotency_error", "")),
            Some((_, Some(answer))) => Some(answer.clone()),
            Some((_, None)) => Some(error(409, "invalid_request_error", "idempotency_key_in_use")),
        }
    }
}

fn content(asked: &Asked) -> String {
    format!("{} {} {:?}", asked.method, asked.path, asked.form)
}

fn error(status: u16, kind: &str, code: &str) -> Answer {
    let code = (!code.is_empty()).then_some(code);
    Answer(status, json!({"error": {"type": kind, "code": code, "message": format!("a message about {kind}")}}))
}

fn reply(Answer(status, body): &Answer) -> Response<Body> {
    let response = Response::builder().status(*status).header("content-type", "application/json");
    response.header("request-id", "req_1").body(body.to_string().into()).unwrap()
}
