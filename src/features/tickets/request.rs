//! What callers send about tickets, and how much of it is taken.

use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use uuid::Uuid;

use super::standing::Status;
use crate::http::{ApiError, plain_line, plain_text};

const SUBJECT_MAX_CHARS: usize = 200;
const BODY_MAX_CHARS: usize = 10_000;

/// A ticket to be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTicket {
    /// One line, 1 to 200 characters.
    #[schema(example = "My deposit has not come")]
    subject: String,
    /// Plain text, 1 to 10,000 characters.
    body: String,
    /// The auction that it is about.
    pub auction: Option<Uuid>,
}

/// A message to be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// Plain text, 1 to 10,000 characters.
    body: String,
    /// True for a note that staff alone sees.
    #[serde(default)]
    pub internal: bool,
}

/// What staff changes of a ticket; what is left out stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchTicket {
    /// Where it is on its way.
    pub status: Option<Status>,
    /// Who of staff handles it; null for nobody.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Uuid>)]
    pub assignee: Option<Option<Uuid>>,
    /// The version that the change was made for; without one it is made whatever has changed meanwhile.
    pub version: Option<i64>,
}

impl NewTicket {
    /// The subject and the text, if they fit.
    pub fn texts(&self) -> Result<(&str, &str), ApiError> {
        let subject = plain_line(&self.subject, SUBJECT_MAX_CHARS).ok_or_else(|| {
            let detail = format!("a subject is one line of 1 to {SUBJECT_MAX_CHARS} characters");
            ApiError::invalid("invalid_ticket", "subject", detail)
        })?;
        Ok((subject, body(&self.body)?))
    }
}

impl NewMessage {
    /// The text, if it fits.
    pub fn text(&self) -> Result<&str, ApiError> {
        body(&self.body)
    }
}

fn body(text: &str) -> Result<&str, ApiError> {
    plain_text(text, BODY_MAX_CHARS).ok_or_else(|| {
        let detail = format!("a message has 1 to {BODY_MAX_CHARS} characters of plain text");
        ApiError::invalid("invalid_ticket", "body", detail)
    })
}

/// A member that is there, even as `null`.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
