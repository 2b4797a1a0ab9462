//! `GET /ws`: who comes, from where, by which codec; then the connection is a task of its own.

use axum::extract::{FromRef, State, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;

use super::close::Close;
use super::codec::Codec;
use super::gateway::Gateway;
use super::session::{Session, refuse};
use crate::auth::{AuthError, Via};
use crate::http::caller::{require_origin, token_of};
use crate::http::{ApiError, ClientAddress, HttpContext};
use crate::rate_limit::address_key;

// Small buffers: an idle connection costs what it needs, not what a busy one could use.
const READ_BUFFER_BYTES: usize = 1_024;
const WRITE_BUFFER_BYTES: usize = 4_096;
/// A frame that is too long by less than this is read to its end, so that its sender hears why the connection closes:
/// closing with bytes unread resets it.
const FRAME_PER_MESSAGE: usize = 4;

/// The route of the socket.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Gateway: FromRef<S>,
{
    OpenApiRouter::new().routes(utoipa_axum::routes!(open))
}

/// Open a WebSocket
///
/// Subprotocols `bidhub.v1.json` (text, the default) and `bidhub.v1.msgpack` (binary). Who may bid comes with the cookie,
/// with `Authorization: Bearer`, or sends `authenticate` as the first message; anyone may watch.
#[utoipa::path(
    get,
    path = "/ws",
    tag = "socket",
    responses(
        (status = 101, description = "the connection is a WebSocket now"),
        (status = 401, description = "`unauthenticated`: the bearer token is not valid", body = crate::http::Problem),
        (status = 403, description = "`origin_not_allowed`: the page is of a foreign origin", body = crate::http::Problem),
        (status = 426, description = "`upgrade_required`: not a WebSocket request", body = crate::http::Problem),
        (status = 503, description = "`draining`: this node of the hub stops, another one serves", body = crate::http::Problem),
    )
)]
async fn open(
    State(context): State<HttpContext>,
    State(gateway): State<Gateway>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade
        .map_err(|rejection| ApiError::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", rejection.body_text()))?;
    if gateway.shutdown.is_cancelled() {
        let detail = "this node of the hub is stopping";
        let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "draining", detail);
        return Err(error.with("retry", true).retry_after_s(1));
    }
    // A page of a foreign origin could act with the visitor's cookie; programs send no origin.
    if headers.contains_key(header::ORIGIN) {
        require_origin(&context.origins, &headers)?;
    }
    let token = token_of(&headers)?;
    let notices = gateway.connections.notices();
    let caller = match token {
        None => None,
        Some((token, via)) => match context.authenticator.authenticate(&token, via).await {
            Ok(caller) => Some((caller, token)),
            Err(AuthError::Invalid) if via == Via::Cookie => None,
            Err(error) => return Err(error.into()),
        },
    };
    let upgrade = upgrade
        .protocols(Codec::ALL.map(Codec::subprotocol))
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(gateway.limits.message_max_bytes)
        .max_frame_size(gateway.limits.message_max_bytes * FRAME_PER_MESSAGE);
    let codec = Codec::of_subprotocol(upgrade.selected_protocol().map(|name| name.as_bytes()));
    let limits = gateway.limits;
    let place =
        gateway.connections.take(address_key(address), limits.connections_max, limits.connections_per_address_max);
    let Some(place) = place else {
        return Ok(upgrade.on_upgrade(|socket| refuse(socket, Close::TooManyConnections)));
    };
    let tasks = gateway.tasks.clone();
    let session = Session::new(gateway, context.authenticator.clone(), place, codec, caller, notices);
    Ok(upgrade.on_upgrade(move |socket| tasks.track_future(Box::pin(session.run(socket)))))
}
