//! What callers send about comments, and how much of it is taken.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::{ApiError, plain_text};

const BODY_MAX_CHARS: usize = 2_000;
const REASON_MAX_CHARS: usize = 500;

/// A comment to be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewComment {
    /// What it is about.
    pub auction: Uuid,
    /// The comment that it answers, of the same auction; without one it begins a thread.
    pub parent: Option<Uuid>,
    /// Plain text, 1 to 2,000 characters.
    #[schema(example = "Are the drawers original?")]
    body: String,
}

/// Why a comment is reported.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Complaint {
    /// 1 to 500 characters, for staff to read.
    #[schema(example = "advertising")]
    reason: String,
}

/// Why staff deletes a comment, in the body.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeletionBody {
    /// 1 to 500 characters, for the audit trail.
    pub reason: Option<String>,
}

/// Why staff deletes a comment, where a body cannot be sent.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeletionQuery {
    /// 1 to 500 characters, for the audit trail; what the body says counts before it.
    pub reason: Option<String>,
}

impl NewComment {
    /// The text, if it fits.
    pub fn text(&self) -> Result<&str, ApiError> {
        plain_text(&self.body, BODY_MAX_CHARS).ok_or_else(|| {
            let detail = format!("a comment has 1 to {BODY_MAX_CHARS} characters of plain text");
            ApiError::invalid("invalid_comment", "body", detail)
        })
    }
}

impl Complaint {
    /// The reason, if it fits.
    pub fn reason(&self) -> Result<&str, ApiError> {
        checked(&self.reason)
    }
}

/// The reason, if it fits.
pub fn checked(reason: &str) -> Result<&str, ApiError> {
    plain_text(reason, REASON_MAX_CHARS).ok_or_else(|| {
        ApiError::invalid("invalid_reason", "reason", format!("a reason has 1 to {REASON_MAX_CHARS} characters"))
    })
}
