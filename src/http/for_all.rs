//! Answers that are the same for everyone who asks, and may therefore be kept by who got them: they carry a tag, and who
//! comes back with it is told in a few bytes that it is still the same.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// An answer in which nothing is the caller's own. Only such answers get an `ETag`; whoever keeps one must ask each time
/// whether it still holds.
#[derive(Debug, Clone, Copy)]
pub struct ForAll<T>(pub T);

/// Marks an answer that gets a tag.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tagged;

impl<T: IntoResponse> IntoResponse for ForAll<T> {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response.extensions_mut().insert(Tagged);
        response
    }
}

/// As [`ForAll`], where who is signed in gets another answer.
#[derive(Debug, Clone, Copy)]
pub struct ForStrangers<T>(pub T);

impl<T: IntoResponse> IntoResponse for ForStrangers<T> {
    fn into_response(self) -> Response {
        let mut response = ForAll(self.0).into_response();
        response.headers_mut().append(header::VARY, HeaderValue::from_static("authorization, cookie"));
        response
    }
}
