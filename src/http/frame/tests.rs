//! What the frame makes of handlers that misbehave.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::routing::{get, post};
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;
use crate::auth::{Authenticator, Directory, ForeignProfile, Identity, Origins};
use crate::config::Switch;
use crate::coordination::SessionId;
use crate::domain::Timestamp;
use crate::http::{Probe, Visitors, context};
use crate::persistence::StoreError;
use crate::rate_limit::RateLimits;

struct Nobody;

#[async_trait::async_trait]
impl Directory for Nobody {
    async fn session(&self, _: SessionId, _: Timestamp) -> Result<Option<(Identity, Timestamp)>, StoreError> {
        Ok(None)
    }

    async fn foreign(&self, _: SessionId, _: &ForeignProfile, _: Timestamp) -> Result<Option<Identity>, StoreError> {
        Ok(None)
    }
}

#[derive(Clone, FromRef)]
struct Parts {
    http: HttpContext,
    ops: Ops,
}

fn router(features: OpenApiRouter<Parts>, probes: Vec<Probe>) -> Router {
    let http = HttpContext::new(context::Parts {
        authenticator: Authenticator::new(Arc::new(Nobody), None, None, Clock::System),
        origins: Origins::default(),
        limits: Arc::new(RateLimits::new(Switch::Off)),
        visitors: Visitors::new(Clock::System),
        trusted_proxies: Vec::new(),
        secure_cookies: false,
    });
    let metrics = crate::telemetry::metrics();
    let stopping = tokio_util::sync::CancellationToken::new();
    let ops = Ops { probes: probes.into(), metrics, operator_token: None, clock: Clock::System, stopping };
    let frame = Frame {
        clock: Clock::System,
        chance: Chance::seeded(1),
        request_timeout: Duration::from_millis(50),
        cors_origins: Vec::new(),
    };
    framed(features, frame, Parts { http, ops })
}

async fn ask(router: Router, request: Request<Body>) -> (u16, Value) {
    let response = router.oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1_000_000).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

fn at(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_panic_is_an_error_of_the_hub_and_tells_nothing() {
    async fn broken() -> &'static str {
        panic!("the innermost secret")
    }
    let router = router(OpenApiRouter::new().route("/api/broken", get(broken)), Vec::new());
    let (status, body) = ask(router, at("/api/broken")).await;
    assert_eq!((status, &body["code"]), (500, &Value::from("internal")));
    assert!(!body.to_string().contains("secret"), "{body}");
}

#[tokio::test]
async fn who_takes_too_long_is_cut_off() {
    let slow = get(async || std::future::pending::<()>().await);
    let (status, body) = ask(router(OpenApiRouter::new().route("/api/slow", slow), Vec::new()), at("/api/slow")).await;
    assert_eq!((status, &body["code"], &body["retry"]), (503, &Value::from("unavailable"), &Value::from(true)));
}

#[tokio::test]
async fn a_route_may_take_more_than_the_others() {
    let length = async |body: bytes::Bytes| body.len().to_string();
    let wide = OpenApiRouter::new().route("/api/wide", post(length)).layer(DefaultBodyLimit::max(2 * BODY_MAX_BYTES));
    let router = router(wide.route("/api/narrow", post(length)), Vec::new());
    let post = |path: &str| Request::post(path).body(Body::from(vec![b' '; BODY_MAX_BYTES + 1])).unwrap();
    assert_eq!(ask(router.clone(), post("/api/wide")).await.0, 200);
    let (status, body) = ask(router, post("/api/narrow")).await;
    assert_eq!((status, &body["code"]), (413, &Value::from("body_too_large")));
}

#[tokio::test]
async fn one_probe_that_fails_makes_the_hub_not_ready() {
    let probes = vec![
        Probe::new("database", async || Ok(())),
        Probe::new("journal", async || Err("the disk is full".to_owned())),
    ];
    let (status, body) = ask(router(OpenApiRouter::new(), probes), at("/readyz")).await;
    assert_eq!((status, &body["status"]), (503, &Value::from("not_ready")));
    assert_eq!((&body["probes"][0]["ok"], &body["probes"][1]["ok"]), (&Value::from(true), &Value::from(false)));
    assert!(!body.to_string().contains("disk"), "details are for the log");
}
