//! The endpoints of webhooks: `/api/webhooks` and what is below.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::request::{CreateWebhook, DeliveriesQuery, PatchWebhook, Replay};
use super::response::{DeliveryBody, NewWebhookBody, Replayed, WebhookBody};
use super::store::{deliveries, endpoints};
use super::{Webhooks, unknown};
use crate::auth::{Action, Caller};
use crate::http::{ApiError, ApiJson, ApiPath, ApiQuery, CallerOf, HttpContext, List, Problem};

/// The routes of webhooks.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Webhooks: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(read, change, delete))
        .routes(routes!(rotate))
        .routes(routes!(test))
        .routes(routes!(replay))
        .routes(routes!(list_deliveries))
        .routes(routes!(retry))
}

/// What stands in a path. What cannot be the id of one names none.
#[derive(Deserialize)]
struct Named {
    id: String,
    delivery: Option<String>,
}

impl Named {
    fn webhook(&self) -> Result<Uuid, ApiError> {
        self.id.parse().map_err(|_| unknown())
    }

    fn delivery(&self) -> Result<i64, ApiError> {
        let number = self.delivery.as_deref().and_then(|text| text.parse().ok());
        number.ok_or_else(|| ApiError::not_found("unknown_delivery", "there is no such delivery, or no longer"))
    }
}

impl Webhooks {
    /// The caller, if they may have something sent and have not asked for it too often.
    fn acting(&self, caller: CallerOf) -> Result<Caller, ApiError> {
        let caller = caller.may(Action::ManageWebhooks)?;
        self.0.parts.limits.webhooks_by_account.check(&caller.account())?;
        Ok(caller)
    }
}

/// Have events sent to an endpoint
///
/// Each event of the caller's auctions, or of one of them, is sent by POST as
/// `{"type": "auction.bid", "timestamp": …, "data": {"auction": …, "event": …}}`, where `event` is an item of the public log.
/// It is signed after [Standard Webhooks](https://www.standardwebhooks.com): check `webhook-signature` with the secret, which
/// is told in this answer alone. Messages of one auction come in order, at least once; `webhook-id` tells which is known.
#[utoipa::path(post, path = "/api/webhooks", tag = "webhooks", request_body = CreateWebhook,
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 201, description = "The webhook and its secret", body = NewWebhookBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`banned`; `forbidden`: the auction is another's", body = Problem),
    (status = 404, description = "`unknown_auction`", body = Problem),
    (status = 409, description = "`too_many_webhooks`", body = Problem),
    (status = 422, description = "`invalid_url`, `invalid_field`, `unknown_field`, `missing_field`, each with `field`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem)))]
async fn create(
    State(webhooks): State<Webhooks>,
    caller: CallerOf,
    ApiJson(body): ApiJson<CreateWebhook>,
) -> Result<Response, ApiError> {
    let owner = webhooks.acting(caller)?.account();
    let new = webhooks.create(owner, body).await?;
    let place = format!("/api/webhooks/{}", new.id());
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], secret(new)).into_response())
}

/// List the caller's webhooks
#[utoipa::path(get, path = "/api/webhooks", tag = "webhooks", security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = List<WebhookBody>),
    (status = 401, description = "`unauthenticated`", body = Problem)))]
async fn list(State(webhooks): State<Webhooks>, caller: CallerOf) -> Result<List<WebhookBody>, ApiError> {
    let owner = caller.may(Action::ReadOwnAccount)?.account();
    let rows = endpoints::list(webhooks.db(), owner).await?;
    Ok(List { items: rows.into_iter().map(WebhookBody::from).collect(), next: None })
}

/// Read a webhook
#[utoipa::path(get, path = "/api/webhooks/{id}", tag = "webhooks", params(("id" = Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = WebhookBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 404, description = "`unknown_webhook`", body = Problem)))]
async fn read(
    State(webhooks): State<Webhooks>,
    caller: CallerOf,
    ApiPath(named): ApiPath<Named>,
) -> Result<Json<WebhookBody>, ApiError> {
    let owner = caller.may(Action::ReadOwnAccount)?.account();
    Ok(Json(webhooks.read(owner, named.webhook()?).await?.into()))
}

/// Change a webhook
///
/// Only what is given changes. While it is disabled nothing is written down for it: what it missed can be replayed.
#[utoipa::path(patch, path = "/api/webhooks/{id}", tag = "webhooks", request_body = PatchWebhook,
    params(("id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = WebhookBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`banned`; `forbidden`: the auction is another's", body = Problem),
    (status = 404, description = "`unknown_webhook`, `unknown_auction`", body = Problem),
    (status = 422, description = "`invalid_url`, `invalid_field`, `unknown_field`, each with `field`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem)))]
async fn change(
    State(webhooks): State<Webhooks>,
    caller: CallerOf,
    ApiPath(named): ApiPath<Named>,
    ApiJson(patch): ApiJson<PatchWebhook>,
) -> Result<Json<WebhookBody>, ApiError> {
    let owner = webhooks.acting(caller)?.account();
    let row = webhooks.change(owner, named.webhook()?, patch).await?;
    Ok(Json(row.into()))
}

/// Remove a webhook
///
/// Nothing more is sent, and what came of earlier deliveries is forgotten.
#[utoipa::path(delete, path = "/api/webhooks/{id}", tag = "webhooks", params(("id" = Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "Removed"),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`banned`", body = Problem),
    (status = 404, description = "`unknown_webhook`", body = Problem)))]
async fn delete(
    State(webhooks): State<Webhooks>,
    caller: CallerOf,
    ApiPath(named): ApiPath<Named>,
) -> Result<StatusCode, ApiError> {
    let owner = caller.may(Action::ManageWebhooks)?.account();
    webhooks.delete(owner, named.webhook()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a webhook a new secret
///
/// For 24 hours messages are signed with the old one too. Who must be rid of the old one at once asks twice.
#[utoipa::path(post, path = "/api/webhooks/{id}/rotate", tag = "webhooks", params(("id" = Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The webhook and its new secret", body = NewWebhookBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`banned`", body = Problem),
    (status = 404, description = "`unknown_webhook`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem)))]
async fn rotate(
    State(webhooks): State<Webhooks>,
    caller: CallerOf,
    ApiPath(named): ApiPath<Named>,
) -> Result<Response, ApiError> {
    let owner = webhooks.acting(caller)?.account();
    Ok(secret(webhooks.rotate(owner, named.webhook()?).await?))
}

/// Have a test sent
///
/// `{"type": "webhook.test", …}`, signed like any other message. The list of deliveries says what came of it.
#[utoipa::path(post, path = "/api/webhooks/{id}/test", tag = "webhooks", params(("id" = Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 202, description = "It is on its way", body = DeliveryBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`banned`", body = Problem),
    (status = 404, description = "`unknown_webhook`", body = Problem),
    (status = 409, description = "`webhook_disabled`; `too_many_deliveries` wait already", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem)))]
async fn test(
    State(webhooks): State<Webhooks>,
    caller: CallerOf,
    ApiPath(named): ApiPath<Named>,
) -> Result<(StatusCode, Json<DeliveryBody>), ApiError> {
    let owner = webhooks.acting(caller)?.account();
    let delivery = webhooks.test(owner, named.webhook()?).await?;
    Ok((StatusCode::ACCEPTED, Json(delivery.into())))
}

/// Have events sent once more
///
/// Up to 1,000 events of one auction as the log has them, of the kinds that the webhook hears of, under the names that they
/// had: who knows them already can tell.
#[utoipa::path(post, path = "/api/webhooks/{id}/replay", tag = "webhooks", request_body = Replay,
    params(("id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 202, description = "They are on their way", body = Replayed),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`banned`; `forbidden`: the auction is another's", body = Problem),
    (status = 404, description = "`unknown_webhook`, `unknown_auction`", body = Problem),
    (status = 409, description = "`webhook_disabled`; `too_many_deliveries` wait already", body = Problem),
    (status = 422, description = "`invalid_field`, `unknown_field`, `missing_field`, each with `field`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem),
    (status = 503, description = "`unavailable`", body = Problem)))]
async fn replay(
    State(webhooks): State<Webhooks>,
    caller: CallerOf,
    ApiPath(named): ApiPath<Named>,
    ApiJson(body): ApiJson<Replay>,
) -> Result<(StatusCode, Json<Replayed>), ApiError> {
    let owner = webhooks.acting(caller)?.account();
    let replayed = webhooks.replay(owner, named.webhook()?, &body).await?;
    Ok((StatusCode::ACCEPTED, Json(replayed)))
}

/// List what was sent to a webhook, and what is to be
///
/// The newest first. What was delivered or given up can be seen for seven days.
#[utoipa::path(get, path = "/api/webhooks/{id}/deliveries", tag = "webhooks", params(("id" = Uuid, Path), DeliveriesQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = List<DeliveryBody>),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 404, description = "`unknown_webhook`", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
async fn list_deliveries(
    State(webhooks): State<Webhooks>,
    caller: CallerOf,
    ApiPath(named): ApiPath<Named>,
    ApiQuery(query): ApiQuery<DeliveriesQuery>,
) -> Result<List<DeliveryBody>, ApiError> {
    let owner = caller.may(Action::ReadOwnAccount)?.account();
    let page = query.page()?;
    let id = webhooks.read(owner, named.webhook()?).await?.id;
    let rows = deliveries::list(webhooks.db(), id, query.status.as_deref(), &page).await?;
    page.cut(rows, |row| row.id, DeliveryBody::from)
}

/// Have a delivery sent once more
///
/// From the first attempt on, whatever came of it; at once, unless the endpoint is left alone for a while (`retry_at`). It may
/// arrive behind later events of its auction.
#[utoipa::path(post, path = "/api/webhooks/{id}/deliveries/{delivery}/retry", tag = "webhooks",
    params(("id" = Uuid, Path), ("delivery" = i64, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 202, description = "It is on its way", body = DeliveryBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`banned`", body = Problem),
    (status = 404, description = "`unknown_webhook`, `unknown_delivery`", body = Problem),
    (status = 409, description = "`webhook_disabled`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem)))]
async fn retry(
    State(webhooks): State<Webhooks>,
    caller: CallerOf,
    ApiPath(named): ApiPath<Named>,
) -> Result<(StatusCode, Json<DeliveryBody>), ApiError> {
    let owner = webhooks.acting(caller)?.account();
    let delivery = webhooks.retry(owner, named.webhook()?, named.delivery()?).await?;
    Ok((StatusCode::ACCEPTED, Json(delivery.into())))
}

/// An answer that nobody on the way keeps: it holds a secret.
fn secret(new: NewWebhookBody) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(new)).into_response()
}
