//! What handlers take: bodies, queries, paths and the caller's address, each answered with a problem when it does not fit.

use std::net::IpAddr;

use axum::body::HttpBody as _;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::problem::ApiError;

/// A body in JSON. The struct should refuse unknown fields; the problem names the field that does not fit.
#[derive(Debug, Clone, Copy)]
pub struct ApiJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let body = Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(failed) => ApiError::of_status(failed.status()),
            _ => ApiError::of_status(StatusCode::BAD_REQUEST),
        })?;
        let mut json = serde_json::Deserializer::from_slice(&body);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            let error = error.into_inner();
            // The reader of an enum calls it a wrong sign where JSON has something else than a text.
            let is_json = || serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok();
            match error.classify() {
                serde_json::error::Category::Data => misfit("invalid_field", "body", &path, &error.to_string()),
                _ if is_json() => misfit("invalid_field", "body", &path, "it is of another type"),
                _ => ApiError::bad_request("invalid_json", format!("the body is not JSON: {error}")),
            }
        })?;
        json.end().map_err(|error| ApiError::bad_request("invalid_json", format!("the body is not JSON: {error}")))?;
        if !body.trim_ascii_start().starts_with(b"{") {
            // A reader of structs would take a list for their fields, in order and without names.
            return Err(misfit("invalid_field", "body", "", "it is not an object"));
        }
        Ok(Self(value))
    }
}

/// Where the body may be left out: none without one.
impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, ApiError> {
        if request.body().is_end_stream() {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// The query. The struct should refuse unknown fields; `fields`, which every list and object takes, is not shown to it.
#[derive(Debug, Clone, Copy)]
pub struct ApiQuery<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let kept: Vec<&str> = query.split('&').filter(|pair| pair.split('=').next() != Some("fields")).collect();
        // No text of ours holds this sign, and PostgreSQL can hold it in none.
        if let Some(pair) = kept.iter().find(|pair| pair.contains("%00")) {
            let name = pair.split('=').next().unwrap_or_default();
            return Err(misfit("invalid_query", "query", name, "a text cannot hold the character U+0000"));
        }
        // axum's own reading of a query, which knows numbers, options and percent signs; only the URI is made up.
        let uri =
            format!("/?{}", kept.join("&")).parse().map_err(|_| misfit("invalid_query", "query", "", "unreadable"))?;
        let read = axum::extract::Query::<T>::try_from_uri(&uri);
        let axum::extract::Query(value) = read.map_err(|rejection| {
            use std::error::Error as _;
            let cause = rejection.source().map_or_else(|| rejection.to_string(), ToString::to_string);
            let (path, cause) = cause.split_once(": ").unwrap_or(("", &cause));
            misfit("invalid_query", "query", path, cause)
        })?;
        Ok(Self(value))
    }
}

/// What stands in the path. Something that cannot be what is meant there does not exist: 404.
#[derive(Debug, Clone, Copy)]
pub struct ApiPath<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for ApiPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = Path::<T>::from_request_parts(parts, state).await;
        read.map(|Path(value)| Self(value)).map_err(|_| ApiError::of_status(StatusCode::NOT_FOUND))
    }
}

/// The address of the caller, behind the proxies that the operator trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        parts.extensions.get().copied().ok_or_else(|| ApiError::internal("the request has no client address"))
    }
}

/// The id of the request, as the log and every problem have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        parts.extensions.get().cloned().ok_or_else(|| ApiError::internal("the request has no id"))
    }
}

/// A value that does not fit, with the field that it is in.
fn misfit(code: &'static str, place: &str, path: &str, cause: &str) -> ApiError {
    let unknown = cause.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    let missing = cause.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let path = if path == "." { "" } else { path };
    let within = |name: &str| {
        let parent = path.strip_suffix(name).unwrap_or(path).trim_end_matches('.');
        if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
    };
    let (code, field) = match (unknown, missing) {
        (Some(name), _) => ("unknown_field", within(name)),
        (_, Some(name)) => ("missing_field", within(name)),
        _ => (code, path.to_owned()),
    };
    let error = ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, code, format!("{place}: {cause}"));
    if field.is_empty() { error } else { error.with("field", field) }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        status: Option<String>,
        limit: Option<u32>,
    }

    async fn query(text: &str) -> Result<Wanted, ApiError> {
        let request = Request::get(format!("/api/auctions?{text}")).body(Body::empty()).unwrap();
        ApiQuery::from_request_parts(&mut request.into_parts().0, &()).await.map(|ApiQuery(wanted)| wanted)
    }

    #[tokio::test]
    async fn a_query_is_read_without_the_fields_to_pick() {
        let wanted = query("status=open%20now&fields=id,title&limit=3").await.unwrap();
        assert_eq!(wanted, Wanted { status: Some("open now".into()), limit: Some(3) });
        assert_eq!(query("").await.unwrap(), Wanted { status: None, limit: None });
    }

    #[tokio::test]
    async fn what_does_not_fit_a_query_is_named() {
        for (text, code, field) in [
            ("colour=red", "unknown_field", "colour"),
            ("limit=many", "invalid_query", "limit"),
            ("limit=1&status=a%00b", "invalid_query", "status"),
        ] {
            let response = query(text).await.unwrap_err();
            assert_eq!(response.code(), code);
            let body = axum::body::to_bytes(response.respond("id").into_body(), 10_000).await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["field"], field, "{body}");
        }
    }
}
