//! The two codecs: JSON as text, and MessagePack as binary with the same maps. A frame that is not even one of these is
//! unreadable; one that is, but asks for nothing we know, gets an error and the connection stays.

use axum::extract::ws::{Message as Raw, Utf8Bytes};
use bytes::Bytes;
use serde::de::IgnoredAny;

use super::message::{Message, PublicEvent};
use super::request::{Flat, Malformed};
use crate::live::LiveFrame;
use crate::notify::Pushed;
use crate::room::Frame;

/// How deep a MessagePack value may nest. The contract's messages nest twice.
const DEPTH_MAX: usize = 32;

/// A subprotocol of the contract.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    /// `bidhub.v1.json`, the default.
    Json,
    /// `bidhub.v1.msgpack`.
    MessagePack,
}

/// What a client's frame holds.
pub(super) enum Decoded {
    /// A request by its shape.
    Request(Flat),
    /// Readable, but no request.
    Malformed(Malformed),
    /// Not readable at all.
    Unreadable,
}

impl Codec {
    /// Both, in the order of our preference.
    pub const ALL: [Self; 2] = [Self::Json, Self::MessagePack];

    /// The name of the subprotocol.
    pub const fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "bidhub.v1.json",
            Self::MessagePack => "bidhub.v1.msgpack",
        }
    }

    /// The codec of a subprotocol; JSON where none was agreed on.
    pub fn of_subprotocol(name: Option<&[u8]>) -> Self {
        let named = |codec: &Self| name == Some(codec.subprotocol().as_bytes());
        Self::ALL.into_iter().find(named).unwrap_or(Self::Json)
    }

    pub(super) fn encode(self, message: &Message<'_>) -> Raw {
        match self {
            Self::Json => match serde_json::to_string(message) {
                Ok(text) => Raw::Text(text.into()),
                Err(error) => unencodable(&error),
            },
            Self::MessagePack => {
                // Ids are text in every codec of the contract, which a compact writer would not make them.
                let mut bytes = Vec::new();
                let mut writer = rmp_serde::Serializer::new(&mut bytes).with_struct_map().with_human_readable();
                match serde::Serialize::serialize(message, &mut writer) {
                    Ok(()) => Raw::Binary(bytes.into()),
                    Err(error) => unencodable(&error),
                }
            }
        }
    }

    /// A frame of events, encoded by whoever asks first.
    pub(super) fn encode_frame(self, frame: &Frame) -> Raw {
        match self {
            Self::Json => {
                let bytes = frame.encoded(0, json_frame);
                Utf8Bytes::try_from(bytes).map_or_else(|error| unencodable(&error), Raw::Text)
            }
            Self::MessagePack => Raw::Binary(frame.encoded(1, |frame| {
                let events = frame.events.iter().map(|bytes| PublicEvent { bytes, codec: self }).collect();
                match Self::MessagePack.encode(&Message::Events { auction: frame.auction.0, events }) {
                    Raw::Binary(bytes) => bytes,
                    _ => Bytes::new(),
                }
            })),
        }
    }

    /// A live message: JSON as it was cast, MessagePack by whoever asks first.
    pub(super) fn encode_live(self, frame: &LiveFrame) -> Raw {
        match self {
            Self::Json => Raw::Text(frame.json.as_str().into()),
            Self::MessagePack => Raw::Binary(frame.other(|json| {
                let value: Option<serde_json::Value> = serde_json::from_str(json).ok();
                value.and_then(|value| rmp_serde::to_vec_named(&value).ok()).unwrap_or_default().into()
            })),
        }
    }

    /// A notification, encoded by whoever asks first.
    pub(super) fn encode_note(self, note: &Pushed) -> Raw {
        let slot = usize::from(self == Self::MessagePack);
        let bytes = note.encoded(slot, |note| match self.encode(&Message::Notification(note)) {
            Raw::Text(text) => text.into(),
            Raw::Binary(bytes) => bytes,
            _ => Bytes::new(),
        });
        match self {
            Self::Json => Utf8Bytes::try_from(bytes).map_or_else(|error| unencodable(&error), Raw::Text),
            Self::MessagePack => Raw::Binary(bytes),
        }
    }

    pub(super) fn decode(self, frame: &Raw) -> Decoded {
        match (self, frame) {
            (Self::Json, Raw::Text(text)) => decode_text(text),
            (Self::MessagePack, Raw::Binary(bytes)) => decode_map(bytes),
            _ => Decoded::Unreadable,
        }
    }
}

fn decode_text(text: &str) -> Decoded {
    if !text.trim_ascii_start().starts_with('{') {
        return match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => Decoded::Malformed(Malformed::new(None, None, "a request is an object".to_owned())),
            Err(_) => Decoded::Unreadable,
        };
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = serde_path_to_error::deserialize(&mut reader);
    let error = match read.map(|flat| (flat, reader.end())) {
        Ok((flat, Ok(()))) => return Decoded::Request(flat),
        Ok((_, Err(_))) => return Decoded::Unreadable,
        Err(error) => error,
    };
    // The reader stops at the first thing that does not fit; what follows may still be no JSON.
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        return Decoded::Unreadable;
    }
    let id = serde_json::from_str::<OnlyId>(text).ok().and_then(|it| it.id);
    Decoded::Malformed(Malformed::new(id, field_of(error.path()), error.inner().to_string()))
}

/// The number of a request that has nothing else right.
#[derive(serde::Deserialize)]
struct OnlyId {
    id: Option<i64>,
}

/// The field of a request at which a reader stopped.
fn field_of(path: &serde_path_to_error::Path) -> Option<String> {
    path.iter().next().and_then(|segment| match segment {
        serde_path_to_error::Segment::Map { key } => Some(key.clone()),
        _ => None,
    })
}

fn decode_map(bytes: &[u8]) -> Decoded {
    let is_map = matches!(bytes.first(), Some(0x80..=0x8f | 0xde | 0xdf));
    if !is_map || whole::<IgnoredAny>(bytes).is_err() {
        return Decoded::Unreadable;
    }
    match whole::<Flat>(bytes) {
        Ok(flat) => Decoded::Request(flat),
        Err((field, error)) => {
            let id = whole::<OnlyId>(bytes).ok().and_then(|it| it.id);
            Decoded::Malformed(Malformed::new(id, field, error))
        }
    }
}

/// Reads one value that fills all of `bytes`, or says at which field and why not.
fn whole<'de, T: serde::Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, (Option<String>, String)> {
    let mut reader = rmp_serde::Deserializer::new(std::io::Cursor::new(bytes));
    reader.set_max_depth(DEPTH_MAX);
    let read = serde_path_to_error::deserialize(&mut reader);
    let value = read.map_err(|error| (field_of(error.path()), error.inner().to_string()))?;
    if reader.position() == bytes.len() as u64 { Ok(value) } else { Err((None, "more than one value".to_owned())) }
}

/// The public bytes of the events between brackets: nothing is encoded twice.
fn json_frame(frame: &Frame) -> Bytes {
    let length: usize = frame.events.iter().map(|event| event.len() + 1).sum();
    let mut text = String::with_capacity(length + 96);
    text.push_str(r#"{"type":"events","auction":""#);
    text.push_str(frame.auction.0.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
    text.push_str(r#"","events":["#);
    for (index, event) in frame.events.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(event);
    }
    text.push_str("]}");
    text.into()
}

/// Our own types can always be written; should one not be, the client is told that something is wrong here.
fn unencodable(error: &dyn std::fmt::Display) -> Raw {
    tracing::error!(%error, "a message could not be encoded: {error}");
    Raw::Text(
        r#"{"type":"error","reply_to":null,"code":"internal","message":"something went wrong inside the hub"}"#.into(),
    )
}
