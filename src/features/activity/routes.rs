//! The endpoints of activity: `/api/activity`, and of one auction `/api/auctions/{id}/activity` and `/viewers`.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::item::ActivityItem;
use super::{Activity, store};
use crate::auth::Action;
use crate::http::{ApiError, ApiQuery, AuctionPath, ForAll, HttpContext, List, MaybeCaller, Page, PageQuery, Problem};

/// The routes of activity.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Activity: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(feed)).routes(routes!(of_auction)).routes(routes!(viewers))
}

/// How many watch a room.
#[derive(Serialize, ToSchema)]
struct ViewersBody {
    auction: Uuid,
    /// From all nodes.
    #[schema(example = 312)]
    count: u32,
}

/// What goes on in all auctions, newest first
///
/// The newest 500,000 items are kept. Live over the socket: `follow` the topic `activity`.
#[utoipa::path(get, path = "/api/activity", tag = "activity", params(PageQuery), responses(
    (status = 200, body = List<ActivityItem>, headers(("ETag" = String, description = "For `If-None-Match`"))),
    (status = 304, description = "Still what one of the tags in `If-None-Match` names"),
    (status = 422, description = "`invalid_query`", body = Problem)))]
async fn feed(
    State(activity): State<Activity>,
    caller: MaybeCaller,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<ForAll<List<ActivityItem>>, ApiError> {
    caller.may(Action::WatchAuctions)?;
    let page = Page::<i64>::of(query.limit, query.cursor.as_deref())?;
    let rows = store::all(&activity.0.db, &page).await?;
    page.cut(rows, |row| row.id, ActivityItem::from).map(ForAll)
}

/// What goes on in an auction, newest first
///
/// As far as it is kept; all of it is in the log. Live over the socket: the events of its room.
#[utoipa::path(get, path = "/api/auctions/{id}/activity", tag = "activity",
    params(("id" = Uuid, Path), PageQuery), responses(
    (status = 200, body = List<ActivityItem>, headers(("ETag" = String, description = "For `If-None-Match`"))),
    (status = 304, description = "Still what one of the tags in `If-None-Match` names"),
    (status = 404, description = "`unknown_auction`", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem),
    (status = 503, description = "`unavailable`", body = Problem)))]
async fn of_auction(
    State(activity): State<Activity>,
    caller: MaybeCaller,
    AuctionPath(id): AuctionPath,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<ForAll<List<ActivityItem>>, ApiError> {
    caller.may(Action::WatchAuctions)?;
    let page = Page::<i64>::of(query.limit, query.cursor.as_deref())?;
    activity.must_be(id).await?;
    let rows = store::of_auction(&activity.0.db, id, &page).await?;
    page.cut(rows, |row| row.what.seq, ActivityItem::from).map(ForAll)
}

/// How many watch the room of an auction
///
/// From all nodes, a second or so behind. Over the socket it is pushed as `viewers`.
#[utoipa::path(get, path = "/api/auctions/{id}/viewers", tag = "activity", params(("id" = Uuid, Path)), responses(
    (status = 200, body = ViewersBody),
    (status = 404, description = "`unknown_auction`", body = Problem),
    (status = 503, description = "`unavailable`", body = Problem)))]
async fn viewers(
    State(activity): State<Activity>,
    caller: MaybeCaller,
    AuctionPath(id): AuctionPath,
) -> Result<Response, ApiError> {
    caller.may(Action::WatchAuctions)?;
    activity.must_be(id).await?;
    let count = activity.0.viewers.count(id);
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(ViewersBody { auction: id.0, count })).into_response())
}
