//! The endpoints of stakes: the own bids and the own watchlist, below `/api/me`.

use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Stakes;
use super::race::standing;
use super::response::{OwnBidBody, WatchedBody};
use super::store::{self, Key};
use crate::auth::Action;
use crate::clock::from_datetime;
use crate::domain::AuctionId;
use crate::domain::auction::Rejection;
use crate::http::{ApiError, ApiPath, ApiQuery, CallerOf, HttpContext, List, Page, PageQuery, Problem};

/// The routes of stakes.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Stakes: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(bids)).routes(routes!(watched)).routes(routes!(watch, unwatch))
}

/// Which of the own bids.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct BidsQuery {
    /// Only those that stand so: `leading`, `outbid`, `void`, `won`, `lost` or `stopped`.
    standing: Option<String>,
    /// Items on the page, 1 to 200; 50 unless given.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// The auctions in which the account has bid, those with the newest own bid first
///
/// One item for each auction, with how the account stands there, as far as the database knows: a moment behind the room.
#[utoipa::path(get, path = "/api/me/bids", tag = "stakes", params(BidsQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = List<OwnBidBody>),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
async fn bids(
    State(stakes): State<Stakes>,
    caller: CallerOf,
    ApiQuery(query): ApiQuery<BidsQuery>,
) -> Result<List<OwnBidBody>, ApiError> {
    let account = caller.may(Action::ReadOwnAccount)?.account();
    let page = Page::<Key>::of(query.limit, query.cursor.as_deref())?;
    if query.standing.as_deref().is_some_and(|given| !standing::ALL.contains(&given)) {
        let detail = format!("standing must be one of {}", standing::ALL.join(", "));
        return Err(ApiError::invalid("invalid_query", "standing", detail));
    }
    let rows = store::bids(stakes.db(), account, query.standing.as_deref(), &page).await?;
    let key = |row: &store::BidRow| Key { at: from_datetime(row.stake.last_at).millis(), auction: row.stake.auction };
    page.cut(rows, key, OwnBidBody::from)
}

/// Watched auctions, what was put on the list last first
#[utoipa::path(get, path = "/api/me/watchlist", tag = "stakes", params(PageQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = List<WatchedBody>),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
async fn watched(
    State(stakes): State<Stakes>,
    caller: CallerOf,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<List<WatchedBody>, ApiError> {
    let account = caller.may(Action::ReadOwnAccount)?.account();
    let page = Page::<Key>::of(query.limit, query.cursor.as_deref())?;
    let rows = store::watched(stakes.db(), account, &page).await?;
    let key = |row: &store::WatchRow| Key { at: from_datetime(row.at).millis(), auction: row.auction };
    page.cut(rows, key, WatchedBody::from)
}

/// Watch an auction
///
/// Who watches hears ten minutes before the end (`ending_soon`), and when it is stopped. Sent again it changes nothing.
#[utoipa::path(put, path = "/api/me/watchlist/{auction}", tag = "stakes", params(("auction" = Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "Watched"),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`origin_not_allowed`", body = Problem),
    (status = 404, description = "`unknown_auction`", body = Problem),
    (status = 409, description = "`watchlist_full`: 500 auctions at most", body = Problem),
    (status = 503, description = "`unavailable`", body = Problem)))]
async fn watch(
    State(stakes): State<Stakes>,
    caller: CallerOf,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    let account = caller.may(Action::ChangeOwnAccount)?.account();
    stakes.watch(account, auction(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Watch an auction no more
///
/// Harmless if it is not watched.
#[utoipa::path(delete, path = "/api/me/watchlist/{auction}", tag = "stakes", params(("auction" = Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "Not watched"),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`origin_not_allowed`", body = Problem),
    (status = 404, description = "`unknown_auction`: that is no id of an auction", body = Problem)))]
async fn unwatch(
    State(stakes): State<Stakes>,
    caller: CallerOf,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    let account = caller.may(Action::ChangeOwnAccount)?.account();
    store::unwatch(stakes.db(), account, auction(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn auction(id: &str) -> Result<AuctionId, Rejection> {
    id.parse().map_err(|_| Rejection::UnknownAuction)
}
