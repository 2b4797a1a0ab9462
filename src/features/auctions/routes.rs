//! The endpoints of auctions: `/api/auctions` and what is below. Bids are in [`super::bidding`], the log in [`super::log`].

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::list::ListQuery;
use super::request::{CreateAuction, PatchAuction};
use super::response::{AuctionBody, LiveAuctionBody};
use super::{Auctions, bidding, log};
use crate::auth::Action;
use crate::http::{
    ApiError, ApiJson, ApiQuery, AuctionPath, CallerOf, ForAll, HttpContext, List, MaybeCaller, Problem,
};

/// The routes of auctions.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Auctions: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(read, amend, cancel))
        .routes(routes!(bidding::bid, bidding::history))
        .routes(routes!(bidding::buy_now))
        .routes(routes!(log::events))
        .routes(routes!(log::whole_log))
}

/// Offer an auction
#[utoipa::path(post, path = "/api/auctions", tag = "auctions", request_body = CreateAuction,
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 201, description = "The auction", body = LiveAuctionBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`, `banned`", body = Problem),
    (status = 422, description = "`invalid_auction`, `unknown_image`, `invalid_field`, `unknown_field`, `missing_field`, each with `field`", body = Problem),
    (status = 503, description = "`unavailable`", body = Problem)))]
async fn create(
    State(auctions): State<Auctions>,
    caller: CallerOf,
    ApiJson(body): ApiJson<CreateAuction>,
) -> Result<Response, ApiError> {
    let seller = caller.may(Action::Sell)?;
    let auction = auctions.create(&seller, &body).await?;
    let place = format!("/api/auctions/{}", auction.id());
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(auction)).into_response())
}

/// List auctions
///
/// As far as the database knows: an auction's own page is never behind.
#[utoipa::path(get, path = "/api/auctions", tag = "auctions", params(ListQuery), responses(
    (status = 200, body = List<AuctionBody>, headers(("ETag" = String, description = "For `If-None-Match`"))),
    (status = 304, description = "Still what one of the tags in `If-None-Match` names"),
    (status = 422, description = "`invalid_query`", body = Problem)))]
async fn list(
    State(auctions): State<Auctions>,
    caller: MaybeCaller,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<ForAll<List<AuctionBody>>, ApiError> {
    caller.may(Action::WatchAuctions)?;
    let (filter, page) = query.read()?;
    auctions.list(&filter, &page).await.map(ForAll)
}

/// Read an auction
///
/// Its fields, and its live state as the caller may see it.
#[utoipa::path(get, path = "/api/auctions/{id}", tag = "auctions", params(("id" = Uuid, Path)), responses(
    (status = 200, body = LiveAuctionBody),
    (status = 404, description = "`unknown_auction`", body = Problem),
    (status = 503, description = "`unavailable`", body = Problem)))]
async fn read(
    State(auctions): State<Auctions>,
    caller: MaybeCaller,
    AuctionPath(id): AuctionPath,
) -> Result<Response, ApiError> {
    let caller = caller.may(Action::WatchAuctions)?;
    let auction = auctions.live(id, caller.map(|caller| caller.account())).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(auction)).into_response())
}

/// Change an auction before its first bid
///
/// Only what is given changes. Seller and currency are fixed, and so is the start once bidding has opened.
#[utoipa::path(patch, path = "/api/auctions/{id}", tag = "auctions", request_body = PatchAuction,
    params(("id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = LiveAuctionBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`: it is another's; `banned`", body = Problem),
    (status = 404, description = "`unknown_auction`", body = Problem),
    (status = 409, description = "`has_bids`, `auction_closed`, `auction_stopped`; `terms_changed`: others change it all the time", body = Problem),
    (status = 422, description = "`invalid_auction`, `unknown_image`, `invalid_field`, `unknown_field`, each with `field`", body = Problem),
    (status = 503, description = "`busy`, `unavailable`", body = Problem)))]
async fn amend(
    State(auctions): State<Auctions>,
    caller: CallerOf,
    AuctionPath(id): AuctionPath,
    ApiJson(patch): ApiJson<PatchAuction>,
) -> Result<Json<LiveAuctionBody>, ApiError> {
    let seller = caller.may(Action::EditOwnAuction)?;
    auctions.amend(&seller, id, &patch).await.map(Json)
}

/// Cancel an auction before its first bid
#[utoipa::path(delete, path = "/api/auctions/{id}", tag = "auctions", params(("id" = Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "Cancelled: it is stopped, and its log stays"),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`: it is another's; `banned`", body = Problem),
    (status = 404, description = "`unknown_auction`", body = Problem),
    (status = 409, description = "`has_bids`, `auction_closed`, `auction_stopped`", body = Problem),
    (status = 503, description = "`busy`, `unavailable`", body = Problem)))]
async fn cancel(
    State(auctions): State<Auctions>,
    caller: CallerOf,
    AuctionPath(id): AuctionPath,
) -> Result<StatusCode, ApiError> {
    let seller = caller.may(Action::EditOwnAuction)?;
    auctions.cancel(&seller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
