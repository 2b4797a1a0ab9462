//! A notification as it is kept, and as its account sees it: the same over REST, over the socket and in a mail.

use std::sync::OnceLock;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::kinds::{Group, NoteKind};
use super::words::words;
use crate::clock::{WireTime, from_datetime};
use crate::domain::AccountId;

/// A row of `notifications`, as far as it is told.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns, by the names of the API")]
pub struct NoteRow {
    pub id: i64,
    /// Whose it is; never shown.
    pub account: Uuid,
    pub kind: String,
    pub auction: Option<Uuid>,
    pub data: Json<Value>,
    pub at: DateTime<Utc>,
    pub read_at: Option<DateTime<Utc>>,
}

impl NoteRow {
    /// Whose it is.
    pub fn account(&self) -> AccountId {
        AccountId(self.account)
    }

    /// The group of its kind; none if a newer version of the program wrote a kind that this one does not know.
    pub fn group(&self) -> Option<Group> {
        self.kind.parse::<NoteKind>().ok().map(NoteKind::group)
    }
}

/// A notification as its account sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Notification {
    /// Greater for a later one of the same account. A push and the list may both bring it: it is the same one by this id.
    pub id: i64,
    /// What it is about: `outbid`, `won`, `deposit`, …
    #[schema(example = "outbid")]
    pub kind: String,
    /// The auction that it is about.
    pub auction: Option<Uuid>,
    /// When it happened.
    pub at: WireTime,
    /// A few words.
    #[schema(example = "You were outbid")]
    pub title: &'static str,
    /// A sentence.
    #[schema(example = "Somebody bid more than you on “Walnut desk”, now at 125.00 USD.")]
    pub text: String,
    /// What the text is made of, for programs; which members there are goes by the kind.
    #[schema(value_type = Object)]
    pub data: Value,
    /// Whether the account has marked it as read.
    pub read: bool,
}

impl From<NoteRow> for Notification {
    fn from(row: NoteRow) -> Self {
        let NoteRow { id, kind, auction, data: Json(data), at, read_at, .. } = row;
        // A kind that a newer version wrote is shown without words of its own.
        let (title, text) = kind.parse().map_or(("Notification", String::new()), |kind| words(kind, &data));
        Self { id, kind, auction, at: WireTime(from_datetime(at)), title, text, data, read: read_at.is_some() }
    }
}

/// A notification on its way to the connections of its account, encoded once for each codec.
#[derive(Debug)]
pub struct Pushed {
    /// What is told.
    pub note: Notification,
    encodings: [OnceLock<Bytes>; 2],
}

impl Pushed {
    /// One that nobody has encoded yet.
    pub fn new(note: Notification) -> Self {
        Self { note, encodings: [const { OnceLock::new() }; 2] }
    }

    /// It in encoding number `slot` (0 or 1), made by `encode` for the first who asks.
    pub fn encoded(&self, slot: usize, encode: impl FnOnce(&Notification) -> Bytes) -> Bytes {
        self.encodings[slot & 1].get_or_init(|| encode(&self.note)).clone()
    }
}
