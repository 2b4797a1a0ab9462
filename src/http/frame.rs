//! The frame around every request, from the outside in: request id, log and metrics; security headers; CORS; compression;
//! time limit; panics; the shape of JSON answers; body limit; the handler.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse as _;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate as _};
use tower_http::cors::{AllowCredentials, AllowOrigin, CorsLayer};
use tower_http::timeout::TimeoutLayer;
use utoipa::openapi::OpenApi as Description;
use utoipa_axum::router::OpenApiRouter;

use super::context::HttpContext;
use super::fields::Fields;
use super::observe::{Observer, observe};
use super::{Ops, docs, ops, shape, static_files};
use crate::chance::Chance;
use crate::clock::Clock;

/// Longest body taken, in bytes. Routes that take files set their own limit.
pub const BODY_MAX_BYTES: usize = 64 * 1_024;

/// What the frame needs to know.
#[derive(Debug, Clone)]
pub struct Frame {
    /// For the times in request ids.
    pub clock: Clock,
    /// For the randomness in request ids.
    pub chance: Chance,
    /// Longest time a request may take.
    pub request_timeout: Duration,
    /// Origins whose pages may read the REST API.
    pub cors_origins: Vec<String>,
}

/// The description of the features and of this module, as it is served.
pub fn description<S>(features: OpenApiRouter<S>) -> Description
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Ops: FromRef<S>,
{
    docs::complete(described().merge(features).to_openapi())
}

/// The routes of this module, to which those of the features come, and their description.
fn described<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Ops: FromRef<S>,
{
    docs::described().merge(ops::router())
}

/// The whole HTTP side: the routes of the features, those of this module, the browser app for all other paths, and the
/// frame around them.
pub fn framed<S>(features: OpenApiRouter<S>, frame: Frame, state: S) -> Router
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Ops: FromRef<S>,
{
    let context = HttpContext::from_ref(&state);
    let observer = Observer { context: context.clone(), clock: frame.clock.clone(), chance: frame.chance.clone() };
    let (routes, api) = described().merge(features).split_for_parts();
    let api = docs::complete(api);
    let fields = Arc::new(Fields::of(&api));
    let compressible = DefaultPredicate::new().and(NotForContentType::const_new("video/"));
    let router = routes
        .merge(docs::pages(api))
        .fallback(static_files::serve)
        .method_not_allowed_fallback(async || StatusCode::METHOD_NOT_ALLOWED)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(from_fn_with_state(fields, shape::shape))
        .layer(CatchPanicLayer::custom(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, frame.request_timeout))
        .layer(CompressionLayer::new().compress_when(compressible));
    let router = match cors(&frame.cors_origins, &context) {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router.layer(from_fn(security_headers)).layer(from_fn_with_state(observer, observe)).with_state(state)
}

/// Lets pages of these origins read answers; with the browser's cookie only those that may act with it too.
fn cors(origins: &[String], context: &HttpContext) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> =
        origins.iter().filter_map(|origin| origin.trim_end_matches('/').parse().ok()).collect();
    let context = context.clone();
    let with_cookie = move |origin: &HeaderValue, _: &axum::http::request::Parts| {
        origin.to_str().is_ok_and(|origin| context.origins.allows(origin, None))
    };
    let ours = |name| HeaderName::from_static(name);
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_credentials(AllowCredentials::predicate(with_cookie))
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                header::IF_NONE_MATCH,
                ours("idempotency-key"),
                ours("x-request-id"),
            ])
            .expose_headers([
                header::ETAG,
                header::RETRY_AFTER,
                ours("x-request-id"),
                ours("bidhub-seq"),
                ours("bidhub-unread"),
            ])
            .max_age(Duration::from_secs(3_600))
    })
}

const PAGE_POLICY: &str = "default-src 'self'; img-src 'self' data: https:; media-src 'self' blob: https:; \
    object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// The API reference styles its elements one by one, which counts as inline style.
const DOCS_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

async fn security_headers(request: axum::extract::Request, next: axum::middleware::Next) -> axum::response::Response {
    let policy = if request.uri().path().starts_with(docs::DOCS_PATH) { DOCS_POLICY } else { PAGE_POLICY };
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // What is no page may have a stricter policy of its own.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    response
}

#[cfg(test)]
mod tests;
