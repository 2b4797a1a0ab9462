//! A WebSocket client for tests, in both codecs: asks and gets the answer, keeps pushes in order, and says with which code
//! the hub closed. Whatever comes is held against the description of the socket.

#![allow(dead_code, reason = "each test program uses the part that it needs")]

#[path = "contract.rs"]
pub mod contract;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::tungstenite::{self, Error};
use tokio_tungstenite::{WebSocketStream, client_async};

/// How long any answer may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A subprotocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    Json,
    MessagePack,
}

pub const CODECS: [Codec; 2] = [Codec::Json, Codec::MessagePack];

/// An open connection.
pub struct Socket {
    pub stream: WebSocketStream<TcpStream>,
    pub codec: Codec,
    pushes: VecDeque<Value>,
    /// How many watch is said at any moment, so it does not stand among the other pushes.
    viewers: VecDeque<Value>,
    /// What an account is told comes between the events of a room as it may.
    notes: VecDeque<Value>,
    next_id: i64,
}

/// The connection is gone; with a code if the hub said one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Closed(pub Option<u16>);

impl Codec {
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "bidhub.v1.json",
            Self::MessagePack => "bidhub.v1.msgpack",
        }
    }

    pub fn encode(self, value: &Value) -> Message {
        match self {
            Self::Json => Message::text(value.to_string()),
            Self::MessagePack => Message::binary(rmp_serde::to_vec_named(value).expect("values can be written")),
        }
    }

    fn decode(self, message: &Message) -> Value {
        let value = match (self, message) {
            (Self::Json, Message::Text(text)) => serde_json::from_str(text).expect("JSON"),
            (Self::MessagePack, Message::Binary(bytes)) => {
                rmp_serde::from_slice(bytes).expect("MessagePack as JSON has it")
            }
            other => panic!("the hub spoke another codec: {other:?}"),
        };
        contract::check(&value);
        value
    }
}

impl Socket {
    /// A connection without anyone signed in.
    pub async fn open(address: SocketAddr, codec: Codec) -> Self {
        Self::with(address, codec, &[]).await.expect("the hub takes the connection")
    }

    /// A connection of whoever has this token.
    pub async fn of(address: SocketAddr, codec: Codec, token: &str) -> Self {
        let bearer = format!("Bearer {token}");
        Self::with(address, codec, &[("authorization", &bearer)]).await.expect("the hub takes the connection")
    }

    /// A connection with these headers, or the HTTP status of the refusal.
    pub async fn with(address: SocketAddr, codec: Codec, headers: &[(&str, &str)]) -> Result<Self, u16> {
        Self::dial(address, codec, headers).await.map_err(|error| match error {
            Error::Http(response) => response.status().as_u16(),
            other => panic!("the hub cannot be reached: {other}"),
        })
    }

    /// As [`Socket::with`], for a hub that may be down.
    pub async fn dial(address: SocketAddr, codec: Codec, headers: &[(&str, &str)]) -> Result<Self, Error> {
        let stream = TcpStream::connect(address).await?;
        Self::over(stream, address, codec, headers).await
    }

    /// A WebSocket over this connection.
    pub async fn over(
        stream: TcpStream,
        address: SocketAddr,
        codec: Codec,
        headers: &[(&str, &str)],
    ) -> Result<Self, Error> {
        stream.set_nodelay(true)?;
        let mut request = format!("ws://{address}/ws").into_client_request()?;
        let protocol = HeaderValue::from_static(codec.name());
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header name");
            request.headers_mut().insert(name, value.parse().expect("a header value"));
        }
        let (stream, response) = client_async(request, stream).await?;
        assert_eq!(response.headers()["sec-websocket-protocol"], codec.name());
        let (pushes, viewers, notes) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        Ok(Self { stream, codec, pushes, viewers, notes, next_id: 1 })
    }

    /// Sends a request under a fresh id, which it gives.
    pub async fn request(&mut self, mut request: Value) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        request["id"] = id.into();
        self.send(self.codec.encode(&request)).await;
        id
    }

    /// Sends a frame. That the hub has gone shows when reading.
    pub async fn send(&mut self, message: Message) {
        let _ = self.stream.send(message).await;
    }

    /// Asks and waits for the answer; pushes are kept.
    pub async fn ask(&mut self, request: Value) -> Value {
        let id = self.request(request).await;
        self.answer(id).await.expect("an answer")
    }

    /// The answer to this request; pushes are kept. Answers to others are an error.
    pub async fn answer(&mut self, id: i64) -> Result<Value, Closed> {
        loop {
            let message = self.next().await?;
            if message.get("reply_to").is_some() {
                assert_eq!(message["reply_to"], id, "{message}");
                return Ok(message);
            }
            self.pushes.push_back(message);
        }
    }

    /// The next answer, whatever it answers.
    pub async fn any_answer(&mut self) -> Result<Value, Closed> {
        loop {
            let message = self.next().await?;
            if message.get("reply_to").is_some() {
                return Ok(message);
            }
            self.pushes.push_back(message);
        }
    }

    /// The next push.
    pub async fn push(&mut self) -> Result<Value, Closed> {
        if let Some(push) = self.pushes.pop_front() {
            return Ok(push);
        }
        let message = self.next().await?;
        assert!(message.get("reply_to").is_none(), "not a push: {message}");
        Ok(message)
    }

    /// The next push of this type. Other pushes are kept.
    pub async fn push_of(&mut self, kind: &str) -> Value {
        for kept in [&mut self.notes, &mut self.pushes] {
            if let Some(at) = kept.iter().position(|push| push["type"] == kind) {
                return kept.remove(at).expect("it is there");
            }
        }
        loop {
            let message = self.next().await.expect("a push");
            if message["type"] == kind {
                return message;
            }
            self.pushes.push_back(message);
        }
    }

    /// The next `count` events, one by one, whatever frames they came in. Notifications are kept.
    pub async fn events(&mut self, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            let push = self.push().await.expect("a push");
            if push["type"] == "notification" {
                self.notes.push_back(push);
                continue;
            }
            assert_eq!(push["type"], "events", "{push}");
            events.extend(push["events"].as_array().expect("events").iter().cloned());
        }
        assert_eq!(events.len(), count, "{events:?}");
        events
    }

    /// The next word on how many watch. Other pushes are kept.
    pub async fn viewers(&mut self) -> Value {
        while self.viewers.is_empty() {
            let message = self.read().await.expect("a push");
            match message["type"] == "viewers" {
                true => self.viewers.push_back(message),
                false => self.pushes.push_back(message),
            }
        }
        self.viewers.pop_front().expect("one is there")
    }

    /// The next message, but for how many watch.
    pub async fn next(&mut self) -> Result<Value, Closed> {
        loop {
            let message = self.read().await?;
            if message["type"] != "viewers" {
                return Ok(message);
            }
            self.viewers.push_back(message);
        }
    }

    async fn read(&mut self) -> Result<Value, Closed> {
        loop {
            match tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("the hub says something in time") {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map(|frame| u16::from(frame.code));
                    // Finish the closing handshake.
                    let _ = tokio::time::timeout(PATIENCE, self.stream.next()).await;
                    return Err(Closed(code));
                }
                Some(Ok(message)) => return Ok(self.codec.decode(&message)),
                Some(Err(_)) | None => return Err(Closed(None)),
            }
        }
    }

    /// Reads on until the hub closes, and gives the code.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Err(Closed(code)) = self.next().await {
                return code;
            }
        }
    }
}

/// A text frame.
pub fn text(text: impl Into<tungstenite::Utf8Bytes>) -> Message {
    Message::Text(text.into())
}
