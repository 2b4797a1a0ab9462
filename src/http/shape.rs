//! What happens to the JSON that a GET of the API gives: `?fields=a,b` picks members, of which each must be one that there is, and an answer that is the same for
//! everyone gets an `ETag`, so that who has it already is told so in a few bytes. What is the caller's own gets none, nor do
//! problems and what is sent as it comes.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::fields::Fields;
use super::for_all::Tagged;
use super::problem::ApiError;

/// Longest answer that is held whole to be shaped, in bytes. Longer ones pass as they are.
const SHAPED_MAX_BYTES: u64 = 4 * 1_024 * 1_024;

pub(super) async fn shape(State(known_fields): State<Arc<Fields>>, request: Request, next: Next) -> Response {
    if request.method() != Method::GET || !request.uri().path().starts_with("/api/") {
        return next.run(request).await;
    }
    let fields = wanted_fields(request.uri().query().unwrap_or_default());
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    let known: Vec<HeaderValue> = request.headers().get_all(header::IF_NONE_MATCH).iter().cloned().collect();
    let response = next.run(request).await;
    let short = response.body().size_hint().upper().is_some_and(|length| length <= SHAPED_MAX_BYTES);
    if response.status() != StatusCode::OK || !is_json(response.headers()) || !short {
        return response;
    }
    // After the handler, so that whoever may not have the answer is told that first.
    if let Some(Err(unknown)) = fields.as_ref().map(|fields| known_fields.check(&route, fields)) {
        return unknown.into_response();
    }
    let (mut parts, body) = response.into_parts();
    let body = match to_bytes(body, SHAPED_MAX_BYTES as usize).await {
        Ok(body) => fields.map_or(body.clone(), |fields| pick(&body, &fields).unwrap_or(body)),
        Err(error) => return ApiError::internal(error).into_response(),
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    if parts.extensions.get::<Tagged>().is_none() {
        return Response::from_parts(parts, Body::from(body));
    }
    vary_by_encoding(&mut parts.headers);
    let Ok(tag) = HeaderValue::from_str(&etag(&body)) else { return Response::from_parts(parts, Body::from(body)) };
    let unchanged = known.iter().any(|known| matches(known, &tag));
    parts.headers.insert(header::ETAG, tag);
    if unchanged {
        // What RFC 9110 asks for stays: the tag, Cache-Control, Vary; the server adds the date.
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(body))
}

/// The layer that compresses says so only where it does; who keeps the answer must know in any case.
fn vary_by_encoding(headers: &mut HeaderMap) {
    let vary = headers.get_all(header::VARY).iter().filter_map(|value| value.to_str().ok());
    let vary: Vec<&str> = vary.chain(["accept-encoding"]).collect();
    if let Ok(vary) = HeaderValue::from_str(&vary.join(", ")) {
        headers.insert(header::VARY, vary);
    }
}

/// The tag of these bytes. Weak, for the same content leaves compressed in several ways.
pub(super) fn etag(body: &[u8]) -> String {
    format!("W/\"{}\"", hex::encode(&Sha256::digest(body)[..16]))
}

/// True if one of the tags in an `If-None-Match` is `tag`, weakly compared, as RFC 9110 has it for this header.
pub fn matches(if_none_match: &HeaderValue, tag: &HeaderValue) -> bool {
    fn opaque(text: &str) -> &str {
        text.trim().strip_prefix("W/").unwrap_or(text.trim())
    }
    let (Ok(known), Ok(tag)) = (if_none_match.to_str(), tag.to_str()) else { return false };
    known.trim() == "*" || known.split(',').any(|known| opaque(known) == opaque(tag))
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

fn wanted_fields(query: &str) -> Option<BTreeSet<String>> {
    let value = query.split('&').filter_map(|pair| pair.strip_prefix("fields=")).next_back()?;
    // Field names are plain words; the comma is the only sign that clients may have encoded.
    let names = value.replace("%2C", ",").replace("%2c", ",");
    Some(names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// The members of the object, or of each item of a list, that are asked for.
fn pick(body: &Bytes, fields: &BTreeSet<String>) -> Option<Bytes> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    let keep = |value: &mut Value| {
        if let Value::Object(members) = value {
            members.retain(|name, _| fields.contains(name));
        }
    };
    match value.get_mut("items") {
        Some(Value::Array(items)) => items.iter_mut().for_each(keep),
        _ => keep(&mut value),
    }
    serde_json::to_vec(&value).ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(body: &str, query: &str) -> String {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let fields = wanted_fields(query).unwrap();
        String::from_utf8(pick(&body, &fields).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn fields_are_picked_from_an_object_and_from_each_item_of_a_list() {
        assert_eq!(picked(r#"{"a":1,"b":{"a":2},"c":3}"#, "fields=a,b"), r#"{"a":1,"b":{"a":2}}"#);
        assert_eq!(
            picked(r#"{"items":[{"a":1,"b":2}],"next":"x"}"#, "limit=1&fields=b"),
            r#"{"items":[{"b":2}],"next":"x"}"#
        );
        assert_eq!(picked(r#"{"a":1,"b":2,"c":3}"#, "fields=a%2Cc"), r#"{"a":1,"c":3}"#);
        assert_eq!(wanted_fields("limit=1&myfields=a"), None);
    }

    #[test]
    fn tags_compare_weakly() {
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        for (known, tag, same) in [
            ("W/\"a\"", "W/\"a\"", true),
            ("\"a\"", "W/\"a\"", true),
            ("\"b\", W/\"a\"", "W/\"a\"", true),
            ("*", "W/\"a\"", true),
            ("\"c\" ,\"a\"", "W/\"a\"", true),
            ("\"*\"", "W/\"a\"", false),
            ("W/W/\"a\"", "W/\"a\"", false),
            ("a", "W/\"a\"", false),
            ("", "W/\"a\"", false),
            ("\"b\"", "W/\"a\"", false),
        ] {
            assert_eq!(matches(&value(known), &value(tag)), same, "{known}");
        }
    }
}
