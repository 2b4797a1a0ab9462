//! The outermost ring: gives each request an id, counts and times it, logs it, finds its caller's address, holds it to the
//! limit of that address, and sees to it that every error leaves as a problem.

use std::net::SocketAddr;
use std::time::Instant;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

use super::context::HttpContext;
use super::extract::{ClientAddress, RequestId};
use super::problem::{ApiError, PROBLEM_JSON};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::rate_limit::address_key;

/// The header that carries the id of a request, in and out.
pub const REQUEST_ID: &str = "x-request-id";
const REQUEST_ID_MAX_BYTES: usize = 64;

#[derive(Clone)]
pub(super) struct Observer {
    pub(super) context: HttpContext,
    pub(super) clock: Clock,
    pub(super) chance: Chance,
}

pub(super) async fn observe(State(observer): State<Observer>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = given_id(&request).unwrap_or_else(|| observer.chance.uuid(observer.clock.now()).to_string());
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    // A request that comes without a peer is one of a test; it counts as local.
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map_or([127, 0, 0, 1].into(), |info| info.0.ip());
    let client = observer.context.client_address(peer, request.headers());
    request.extensions_mut().insert(ClientAddress(client));
    request.extensions_mut().insert(RequestId(id.clone()));

    let span = tracing::info_span!("request", request_id = %id, %method, %route, %client);
    let limited = request.uri().path().starts_with("/api/");
    let allowed =
        if limited { observer.context.limits.requests_by_address.check(&address_key(client)) } else { Ok(()) };
    let response = match allowed {
        Ok(()) => next.run(request).instrument(span.clone()).await,
        Err(limited) => axum::response::IntoResponse::into_response(ApiError::from(limited)),
    };
    let mut response = with_problem(response, &id);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }

    let (status, took) = (response.status(), began.elapsed());
    let labels =
        [("route", route.clone()), ("method", known(&method).to_owned()), ("status", status.as_str().to_owned())];
    metrics::histogram!("bidhub_http_request_seconds", &labels).record(took.as_secs_f64());
    let took_ms = took.as_secs_f64() * 1_000.0;
    span.in_scope(|| {
        let status = status.as_u16();
        if status >= 500 {
            tracing::warn!(status, took_ms, "{method} {route} failed with {status}");
        } else {
            tracing::debug!(status, took_ms, "{method} {route} answered {status}");
        }
    });
    response
}

/// Methods that clients make up must not each become a series of the metrics.
fn known(method: &axum::http::Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
        _ => "other",
    }
}

/// The id that the caller, or a proxy in front of the hub, gave; only plain ones, for it goes into the log.
fn given_id(request: &Request) -> Option<String> {
    let text = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (plain && (1..=REQUEST_ID_MAX_BYTES).contains(&text.len())).then(|| text.to_owned())
}

/// An error as a problem with the request's id; anything else as it is. What other layers have put on the answer
/// (cookies, CORS, security) stays.
fn with_problem(response: Response, id: &str) -> Response {
    let (mut parts, body) = response.into_parts();
    let error = match parts.extensions.remove::<ApiError>() {
        Some(error) => error,
        None if is_bare_error(&parts) => ApiError::of_status(parts.status),
        None => return Response::from_parts(parts, body),
    };
    let mut problem = error.respond(id);
    for stale in [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::CONTENT_TYPE] {
        parts.headers.remove(stale);
    }
    for (name, value) in &parts.headers {
        if !problem.headers().contains_key(name) || name == header::SET_COOKIE {
            problem.headers_mut().append(name, value.clone());
        }
    }
    problem
}

fn is_bare_error(parts: &axum::http::response::Parts) -> bool {
    let said = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| {
        kind.to_str().is_ok_and(|kind| kind.starts_with(PROBLEM_JSON) || kind.starts_with("application/json"))
    });
    (parts.status.is_client_error() || parts.status.is_server_error())
        && !said
        && parts.status != StatusCode::NOT_MODIFIED
}
