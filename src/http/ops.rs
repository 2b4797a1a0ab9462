//! For those who run the hub: is it alive, is it ready, what does it measure, what time has it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::{BoxFuture, join_all};
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use subtle::ConstantTimeEq as _;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::{MaybeCaller, token_of};
use super::context::HttpContext;
use super::problem::{ApiError, Problem};
use crate::auth::Action;
use crate::clock::{Clock, WireTime};

const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Asks one thing that the hub cannot do without whether it works.
#[derive(Clone)]
pub struct Probe {
    /// What is asked, as the answer names it.
    pub name: &'static str,
    /// Asks; an error says what is wrong, in words for the operator.
    pub check: Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>,
}

impl Probe {
    /// A probe that runs `check` each time.
    pub fn new<F>(name: &'static str, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self { name, check: Arc::new(move || Box::pin(check())) }
    }
}

/// What the routes of this module need.
#[derive(Clone)]
pub struct Ops {
    /// What must work for the hub to be ready.
    pub probes: Arc<[Probe]>,
    /// What is measured.
    pub metrics: PrometheusHandle,
    /// The token that metrics ask for, if they are not open.
    pub operator_token: Option<SecretString>,
    /// The time.
    pub clock: Clock,
    /// Cancelled when the hub begins to stop: from then on it is not ready.
    pub stopping: CancellationToken,
}

#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

#[derive(Serialize, ToSchema)]
struct Readiness {
    /// `ready`, `not_ready`, or `draining` once the hub has begun to stop.
    #[schema(example = "ready")]
    status: &'static str,
    /// What was asked, and what it answered.
    probes: Vec<ProbeResult>,
}

#[derive(Serialize, ToSchema)]
struct ProbeResult {
    /// What was asked.
    #[schema(example = "database")]
    name: &'static str,
    /// True if it works.
    ok: bool,
}

#[derive(Serialize, ToSchema)]
struct ServerTime {
    /// The hub's time.
    server_time: WireTime,
}

pub(super) fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Ops: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
        .routes(routes!(render_metrics))
        .routes(routes!(server_time))
}

/// Is the process alive
///
/// Answers as long as the process runs, whatever else is broken.
#[utoipa::path(get, path = "/healthz", tag = "operations", responses((status = 200, body = Health)))]
async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Is the hub ready
///
/// Asks everything that the hub cannot do without; ready only if all of it answers, and until the hub begins to stop.
#[utoipa::path(get, path = "/readyz", tag = "operations",
    responses(
        (status = 200, body = Readiness),
        (status = 503, description = "Something does not answer, or the hub is stopping", body = Readiness,
            example = json!({"status": "not_ready", "probes": [{"name": "database", "ok": false}]})),
    ))]
async fn readyz(State(ops): State<Ops>) -> Response {
    let probes = join_all(ops.probes.iter().map(|probe| async {
        let asked = tokio::time::timeout(PROBE_TIMEOUT, (probe.check)()).await;
        let error = asked.unwrap_or_else(|_| Err("no answer in time".to_owned())).err();
        if let Some(error) = &error {
            // Details are for the log: anyone may ask here.
            tracing::warn!(probe = probe.name, error, "{} does not answer: {error}", probe.name);
        }
        ProbeResult { name: probe.name, ok: error.is_none() }
    }))
    .await;
    let (code, status) = if ops.stopping.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else if probes.iter().all(|probe| probe.ok) {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not_ready")
    };
    (code, Json(Readiness { status, probes })).into_response()
}

/// What the hub measures
///
/// In the text format of Prometheus. Open unless the operator set a token, which then must come as bearer token; the
/// session of an admin does too.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses(
    (status = 200, body = String, content_type = "text/plain"),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`", body = Problem)))]
async fn render_metrics(
    State(ops): State<Ops>,
    State(context): State<HttpContext>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some(expected) = &ops.operator_token {
        let (token, via) = token_of(&headers)?.ok_or_else(|| ApiError::unauthenticated("metrics need a token here"))?;
        if !bool::from(token.as_bytes().ct_eq(expected.expose_secret().as_bytes())) {
            MaybeCaller(Some(context.authenticator.authenticate(&token, via).await?)).may(Action::ReadMetrics)?;
        }
    }
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], ops.metrics.render()).into_response())
}

/// The hub's time
#[utoipa::path(get, path = "/api/time", tag = "operations", responses((status = 200, body = ServerTime)))]
async fn server_time(State(ops): State<Ops>) -> Response {
    let time = ServerTime { server_time: WireTime(ops.clock.now()) };
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(time)).into_response()
}
