//! A WebSocket client of the hub: requests that wait for their answer, and what the hub says by itself. One task owns the
//! socket; it ends when the client is dropped or the connection does, and everyone who waits is told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message as Frame};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::message::{Message, Numbered, Received, Request};

const QUEUE_CAPACITY: usize = 64;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How many pushes wait to be read; more are dropped, oldest kept, and a program that needs them all joins again.
pub const PUSHES_CAPACITY: usize = 256;

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Codec {
    /// Text frames.
    Json,
    /// Binary frames.
    Msgpack,
}

impl Codec {
    fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "bidhub.v1.json",
            Self::Msgpack => "bidhub.v1.msgpack",
        }
    }

    fn encode(self, numbered: &Numbered<'_>) -> Result<Frame, ClientError> {
        let unwritable = |error: String| ClientError::Malformed(error);
        Ok(match self {
            Self::Json => Frame::text(serde_json::to_string(numbered).map_err(|error| unwritable(error.to_string()))?),
            Self::Msgpack => {
                Frame::binary(rmp_serde::to_vec_named(numbered).map_err(|error| unwritable(error.to_string()))?)
            }
        })
    }

    fn decode(frame: &Frame) -> Option<Result<Received, String>> {
        match frame {
            Frame::Text(text) => Some(serde_json::from_str(text).map_err(|error| error.to_string())),
            Frame::Binary(bytes) => Some(rmp_serde::from_slice(bytes).map_err(|error| error.to_string())),
            _ => None,
        }
    }
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The connection could not be made.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The hub does not let this caller in; trying again will not help.
    #[error("the hub refuses the connection with status {0}")]
    Refused(u16),
    /// The connection ended before the answer came. The request may or may not have been done.
    #[error("the connection ended")]
    Closed,
    /// No answer came in time. The request may or may not have been done.
    #[error("no answer in time")]
    Late,
    /// A message could not be written or read.
    #[error("a message that makes no sense: {0}")]
    Malformed(String),
}

struct Asked {
    id: i64,
    frame: Frame,
    reply: oneshot::Sender<Message>,
}

/// A connection to the hub.
#[derive(Debug)]
pub struct Client {
    codec: Codec,
    asked: mpsc::Sender<Asked>,
    next_id: AtomicI64,
    come_again: Arc<OnceLock<Instant>>,
    task: tokio::task::JoinHandle<()>,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Client {
    /// Connects to `url` (`ws://…/ws`) as whoever the token says. Gives the client and what the hub says by itself.
    pub async fn connect(
        url: &str,
        token: Option<&SecretString>,
        codec: Codec,
    ) -> Result<(Self, mpsc::Receiver<Message>), ClientError> {
        let unfit = |error: &dyn std::fmt::Display| ClientError::Connect(error.to_string());
        let mut request = url.into_client_request().map_err(|error| unfit(&error))?;
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", HeaderValue::from_static(codec.subprotocol()));
        if let Some(token) = token {
            let bearer = format!("Bearer {}", token.expose_secret());
            headers.insert("authorization", HeaderValue::from_str(&bearer).map_err(|error| unfit(&error))?);
        }
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, connect_async(request)).await;
        let (socket, _) = connected.map_err(|_| ClientError::Late)?.map_err(|error| match error {
            tungstenite::Error::Http(answer) if !worth_another_try(answer.status().as_u16()) => {
                ClientError::Refused(answer.status().as_u16())
            }
            error => ClientError::Connect(error.to_string()),
        })?;
        let (asked, requests) = mpsc::channel(QUEUE_CAPACITY);
        let (pushes, pushed) = mpsc::channel(PUSHES_CAPACITY);
        let come_again = Arc::new(OnceLock::new());
        let task = tokio::spawn(run(socket, requests, pushes, come_again.clone()));
        Ok((Self { codec, asked, next_id: AtomicI64::new(1), come_again, task }, pushed))
    }

    /// Asks and waits for the answer.
    pub async fn ask(&self, request: &Request<'_>) -> Result<Message, ClientError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let frame = self.codec.encode(&Numbered { id, request })?;
        let (reply, answer) = oneshot::channel();
        self.asked.send(Asked { id, frame, reply }).await.map_err(|_| ClientError::Closed)?;
        match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
            Ok(answer) => answer.map_err(|_| ClientError::Closed),
            Err(_) => Err(ClientError::Late),
        }
    }

    /// How long a hub that stops wants this client to wait still before it connects again. At that moment the client
    /// ends the connection by itself, once what was asked is answered.
    pub fn reconnect_after(&self) -> Duration {
        self.come_again.get().map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now()))
    }

    /// True once the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.asked.is_closed()
    }

    /// Ends the connection in good order and waits until it has ended, but not for long.
    pub async fn close(self) {
        let Self { asked, task, .. } = self;
        drop(asked);
        // Whether or not the hub says goodbye in time, the task ends by itself.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, task).await;
    }
}

fn worth_another_try(status: u16) -> bool {
    status == 429 || status >= 500
}

async fn run(
    mut socket: Socket,
    mut requests: mpsc::Receiver<Asked>,
    pushes: mpsc::Sender<Message>,
    come_again: Arc<OnceLock<Instant>>,
) {
    let mut waiting: HashMap<i64, oneshot::Sender<Message>> = HashMap::new();
    let (mut leaving, mut done) = (false, false);
    while !(done && waiting.is_empty()) {
        let leave_at = come_again.get().copied().unwrap_or_else(Instant::now);
        tokio::select! {
            () = tokio::time::sleep_until(leave_at.into()), if come_again.get().is_some() && !leaving => {
                leaving = true;
                requests.close();
            }
            asked = requests.recv(), if !done => {
                let Some(Asked { id, frame, reply }) = asked else {
                    waiting.retain(|_, reply| !reply.is_closed());
                    done = true;
                    continue;
                };
                // Who gave up waiting is forgotten here, so that the table stays as small as what is under way.
                waiting.retain(|_, reply| !reply.is_closed());
                waiting.insert(id, reply);
                if socket.send(frame).await.is_err() {
                    return;
                }
            }
            frame = socket.next() => {
                let Some(Ok(frame)) = frame else { return };
                match Codec::decode(&frame) {
                    Some(Ok(Received { reply_to: Some(id), message })) => {
                        if let Some(reply) = waiting.remove(&id) {
                            // Whoever asked may have given up.
                            let _ = reply.send(message);
                        }
                    }
                    Some(Ok(Received { reply_to: None, message })) => {
                        if let Message::Draining { reconnect_after_ms } = message {
                            // The first moment counts: a hub says it once.
                            let _ = come_again.set(Instant::now() + Duration::from_millis(reconnect_after_ms));
                        }
                        // A program that does not read its pushes does not stop its answers.
                        let _ = pushes.try_send(message);
                    }
                    Some(Err(error)) => {
                        tracing::warn!(%error, "the hub sent what cannot be read: {error}");
                        return;
                    }
                    // Pings are answered by the library.
                    None => {}
                }
            }
        }
    }
    let goodbye = async {
        if socket.close(None).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, goodbye).await;
}
