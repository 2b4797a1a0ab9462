//! Errors as callers of the REST API see them: RFC 9457 problems with a stable `code`.
//!
//! A handler returns an [`ApiError`] and knows nothing of the request's id; [`super::observe`] writes it in on the way out,
//! and turns whatever else went wrong (an unknown path, a panic) into a problem too.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::auth::{AuthError, Denied};
use crate::persistence::StoreError;
use crate::rate_limit::Limited;

/// The media type of problems.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What went wrong, as RFC 9457 has it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem; `about:blank` here, for `code` says it.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub kind: &'static str,
    /// The status in words.
    #[schema(example = "Unprocessable Entity")]
    pub title: &'static str,
    /// The status code.
    #[schema(example = 422)]
    pub status: u16,
    /// What went wrong this time, for people.
    pub detail: String,
    /// What went wrong, for programs: stable for ever.
    #[schema(example = "invalid_amount")]
    pub code: &'static str,
    /// Names this request; the log has it too.
    pub request_id: String,
    /// More for programs, such as `field` or `minimum_bid`.
    #[serde(flatten)]
    #[schema(value_type = Object, additional_properties)]
    pub more: Map<String, Value>,
}

/// An error of a handler. Becomes a [`Problem`].
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    detail: String,
    more: Map<String, Value>,
    retry_after_s: Option<u64>,
}

impl ApiError {
    /// An error with this status, stable code and text for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), more: Map::new(), retry_after_s: None }
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 404: there is no such thing, or none that the caller may see.
    pub fn not_found(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// 409: not as things stand.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 422: understood, but a value is not acceptable; `field` names it.
    pub fn invalid(code: &'static str, field: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail).with("field", field)
    }

    /// 401 `unauthenticated`.
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    /// 503 `unavailable`: nothing was decided, and the same request may be sent again.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        error.with("retry", true).retry_after_s(1)
    }

    /// 500 `internal`. The cause goes to the log, never to the caller.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed inside the hub: {cause}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong inside the hub")
    }

    /// Adds a member for programs.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// Says after how many seconds to try again, in the header `Retry-After`.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The error of a status that something other than a handler gave.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::NOT_FOUND => ("not_found", "there is nothing at this path"),
            StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "this path does not take this method"),
            StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "the body is longer than is taken here"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported_media_type", "the body must be application/json"),
            StatusCode::REQUEST_TIMEOUT => ("request_timeout", "the request took too long to arrive"),
            StatusCode::SERVICE_UNAVAILABLE => return Self::unavailable("the hub did not answer in time"),
            StatusCode::INTERNAL_SERVER_ERROR => ("internal", "something went wrong inside the hub"),
            _ if status.is_server_error() => ("internal", "something went wrong inside the hub"),
            _ => ("bad_request", "the request cannot be understood"),
        };
        Self::new(status, code, detail)
    }

    /// The answer, with the id of the request written in.
    pub(super) fn respond(&self, request_id: &str) -> Response {
        let problem = Problem {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code,
            request_id: request_id.to_owned(),
            more: self.more.clone(),
        };
        let mut response = (self.status, axum::Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if error.is_passing() {
            tracing::error!(cause = %error, "the database does not answer: {error}");
            return Self::unavailable("the database does not answer");
        }
        Self::internal(error)
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Invalid => Self::unauthenticated("the token is not valid, or no longer"),
            AuthError::Store(error) => error.into(),
        }
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unauthenticated => Self::unauthenticated("this needs a signed-in account"),
            Denied::Forbidden => Self::new(StatusCode::FORBIDDEN, "forbidden", "this account may not do that"),
            Denied::Banned => Self::new(StatusCode::FORBIDDEN, "banned", "this account has been banned"),
            Denied::Frozen => Self::new(StatusCode::FORBIDDEN, "account_frozen", "the money of this account is frozen"),
        }
    }
}

impl From<Limited> for ApiError {
    fn from(limited: Limited) -> Self {
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "too many requests; try again later");
        error.retry_after_s(limited.retry_after_s)
    }
}
