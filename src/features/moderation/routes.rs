//! The endpoints of moderation: reports of auctions, and the queue of staff below `/api/staff/moderation`.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::body::{AuctionReportBody, ItemBody, ItemPage, StaffReportBody};
use super::request::{Complaint, QueueQuery, Resolve};
use super::{Moderation, store, unknown_item};
use crate::auth::Action;
use crate::http::{
    ApiError, ApiJson, ApiPath, ApiQuery, AuctionPath, CallerOf, HttpContext, List, Page, PageQuery, Problem, RequestId,
};
use crate::persistence::StoreError;

/// The routes of moderation.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Moderation: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(report)).routes(routes!(queue)).routes(routes!(read)).routes(routes!(resolve))
}

/// Report an auction to staff
///
/// Once for each caller and auction: who reports it again gets the report that they made.
#[utoipa::path(post, path = "/api/auctions/{id}/report", tag = "auctions", request_body = Complaint,
    params(("id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The report that the caller made before", body = AuctionReportBody),
    (status = 201, description = "The report", body = AuctionReportBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`banned`", body = Problem),
    (status = 404, description = "`unknown_auction`", body = Problem),
    (status = 409, description = "`own_auction`", body = Problem),
    (status = 422, description = "`invalid_reason`, `missing_field`, `unknown_field`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem)))]
async fn report(
    State(moderation): State<Moderation>,
    caller: CallerOf,
    AuctionPath(id): AuctionPath,
    ApiJson(body): ApiJson<Complaint>,
) -> Result<(StatusCode, Json<AuctionReportBody>), ApiError> {
    let reporter = caller.may(Action::Report)?;
    let (report, new) = moderation.report_auction(&reporter, id, &body).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(report.into())))
}

/// What staff should look at
///
/// Comments and auctions that people reported, and bidders who look like shills in the log of auctions.
#[utoipa::path(get, path = "/api/staff/moderation", tag = "staff", params(QueueQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = List<ItemBody>),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`, `banned`, `account_frozen`", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
async fn queue(
    State(moderation): State<Moderation>,
    caller: CallerOf,
    ApiQuery(query): ApiQuery<QueueQuery>,
) -> Result<Json<List<ItemBody>>, ApiError> {
    caller.may(Action::Moderate)?;
    let page = Page::<i64>::of(query.limit, query.cursor.as_deref())?;
    let rows = store::queue(moderation.db(), &query.filter(), &page).await?;
    let List { items, next } = page.cut(rows, |row| row.number, ItemBody::new)?;
    Ok(Json(List { items: items.into_iter().collect::<Result<_, StoreError>>()?, next }))
}

/// An item of the queue and its reports, oldest first
#[utoipa::path(get, path = "/api/staff/moderation/{id}", tag = "staff", params(("id" = Uuid, Path), PageQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = ItemPage),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`, `banned`, `account_frozen`", body = Problem),
    (status = 404, description = "`unknown_item`", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
async fn read(
    State(moderation): State<Moderation>,
    caller: CallerOf,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<ItemPage>, ApiError> {
    caller.may(Action::Moderate)?;
    let page = Page::<Uuid>::of(query.limit, query.cursor.as_deref())?;
    let row = moderation.item(item(&id)?).await?;
    let reports = store::reports(moderation.db(), row.id, &page).await?;
    let List { items: reports, next } = page.cut(reports, |row| row.id, StaffReportBody::from)?;
    Ok(Json(ItemPage { item: ItemBody::new(row)?, reports, next }))
}

/// Decide about an item of the queue
///
/// It acts on nobody: what follows is done elsewhere, such as by a ban. An item is decided once, and closes all its
/// reports; whoever sends the same decision again gets it again.
#[utoipa::path(post, path = "/api/staff/moderation/{id}/resolve", tag = "staff", request_body = Resolve,
    params(("id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = ItemBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`, `banned`, `account_frozen`", body = Problem),
    (status = 404, description = "`unknown_item`", body = Problem),
    (status = 409, description = "`item_closed` with `outcome` and `closed_by`; `own_account`", body = Problem),
    (status = 422, description = "`invalid_reason`, `invalid_field`, `missing_field`, `unknown_field`", body = Problem)))]
async fn resolve(
    State(moderation): State<Moderation>,
    caller: CallerOf,
    request: RequestId,
    ApiPath(id): ApiPath<String>,
    ApiJson(body): ApiJson<Resolve>,
) -> Result<Json<ItemBody>, ApiError> {
    let caller = caller.may(Action::Moderate)?;
    let row = moderation.resolve(&caller, &request, item(&id)?, &body).await?;
    Ok(Json(ItemBody::new(row)?))
}

fn item(id: &str) -> Result<Uuid, ApiError> {
    id.parse().map_err(|_| unknown_item())
}
