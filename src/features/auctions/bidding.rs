//! Bids by REST, for those who cannot have a socket, and the history of bids. The decision is the room's, the same as over
//! the socket.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tracing::Instrument as _;
use utoipa::IntoParams;

use super::list::Order;
use super::request::PlaceBid;
use super::response::BidBody;
use super::{Auctions, store};
use crate::auth::{Action, Caller, Denied, authorize};
use crate::domain::auction::{Bid, Offer};
use crate::domain::{AuctionId, BidKey};
use crate::http::{
    ApiError, ApiJson, ApiQuery, AuctionPath, CallerOf, ForAll, IdempotencyKey, List, MaybeCaller, Page, Problem,
};
use crate::trace;
use crate::wire::Accepted;

/// Says up to which event of the auction an answer is complete.
const COMPLETE_TO: HeaderName = HeaderName::from_static("bidhub-seq");

/// The query of the history.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// `desc`, the newest first, unless given; or `asc`.
    #[param(inline)]
    order: Option<Order>,
    /// Items on the page, 1 to 200; 50 unless given.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// Bid
///
/// The same decision as over the socket. Sent again with the same key, a bid gets the same answer and counts once.
#[utoipa::path(post, path = "/api/auctions/{id}/bids", tag = "auctions", request_body = PlaceBid,
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header, description = "The bidder's own name for the bid, 1 to 128 visible ASCII characters")),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 201, description = "Accepted", body = Accepted),
    (status = 400, description = "`missing_idempotency_key`, `invalid_idempotency_key`", body = Problem),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 404, description = "`unknown_auction`", body = Problem),
    (status = 409, description = "Rejected: `bid_too_low` with `minimum_bid`, `auction_not_open`, `auction_closed`, \
        `auction_paused`, `auction_stopped`, `own_auction`, `banned`, `account_frozen`, `insufficient_funds`, \
        `max_not_raised`, `key_reused`, `bid_in_flight`", body = Problem),
    (status = 422, description = "`invalid_amount`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem),
    (status = 503, description = "`busy`, `unavailable`: send the same key again", body = Problem)))]
pub(super) async fn bid(
    State(auctions): State<Auctions>,
    caller: CallerOf,
    AuctionPath(id): AuctionPath,
    IdempotencyKey(key): IdempotencyKey,
    ApiJson(body): ApiJson<PlaceBid>,
) -> Result<Response, ApiError> {
    let arrived = Instant::now();
    let offer = body.offer()?;
    auctions.bid(bidder(caller)?, id, key, offer, arrived).await
}

/// Buy at once
///
/// Ends the auction at its buy-now price, while that is offered.
#[utoipa::path(post, path = "/api/auctions/{id}/buy-now", tag = "auctions",
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header, description = "The bidder's own name for this, 1 to 128 visible ASCII characters")),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 201, description = "Bought", body = Accepted),
    (status = 400, description = "`missing_idempotency_key`, `invalid_idempotency_key`", body = Problem),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 404, description = "`unknown_auction`", body = Problem),
    (status = 409, description = "Rejected: `buy_now_unavailable`, `auction_not_open`, `auction_closed`, `auction_paused`, \
        `auction_stopped`, `own_auction`, `banned`, `account_frozen`, `insufficient_funds`, `key_reused`, `bid_in_flight`",
        body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem),
    (status = 503, description = "`busy`, `unavailable`: send the same key again", body = Problem)))]
pub(super) async fn buy_now(
    State(auctions): State<Auctions>,
    caller: CallerOf,
    AuctionPath(id): AuctionPath,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Response, ApiError> {
    auctions.bid(bidder(caller)?, id, key, Offer::BuyNow, Instant::now()).await
}

/// The bids of an auction
///
/// Bidders by their public numbers. Waits a moment for what was accepted before the request; the header `Bidhub-Seq` says
/// up to which event of the auction the history is complete.
#[utoipa::path(get, path = "/api/auctions/{id}/bids", tag = "auctions", params(("id" = Uuid, Path), HistoryQuery), responses(
    (status = 200, body = List<BidBody>, headers(
        ("Bidhub-Seq" = u64, description = "Complete up to this event"),
        ("ETag" = String, description = "For `If-None-Match`"))),
    (status = 304, description = "Still what one of the tags in `If-None-Match` names"),
    (status = 404, description = "`unknown_auction`", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
pub(super) async fn history(
    State(auctions): State<Auctions>,
    caller: MaybeCaller,
    AuctionPath(id): AuctionPath,
    ApiQuery(query): ApiQuery<HistoryQuery>,
) -> Result<Response, ApiError> {
    caller.may(Action::WatchAuctions)?;
    let page = Page::<i64>::of(query.limit, query.cursor.as_deref())?;
    let committed = auctions.0.rooms.get(id).await?.seq();
    auctions.caught_up(id, committed).await?;
    // Read before the bids, so that it never claims more than they hold.
    let complete_to = store::projected_seq(auctions.db(), id).await?.unwrap_or_default();
    let rows = store::bids(auctions.db(), id, &page, query.order.unwrap_or(Order::Desc)).await?;
    let list = page.cut(rows, |row| row.seq, BidBody::from)?;
    Ok(ForAll(([(COMPLETE_TO, complete_to.to_string())], list)).into_response())
}

impl Auctions {
    async fn bid(
        &self,
        caller: Caller,
        id: AuctionId,
        key: BidKey,
        offer: Offer,
        arrived: Instant,
    ) -> Result<Response, ApiError> {
        let bid = Bid { bidder: caller.account(), barred: caller.identity.barred(), key: key.clone(), offer };
        let span = trace::bid("rest", Some(id));
        let verdict = self.0.rooms.bid(id, bid).instrument(span.clone()).await;
        match &verdict {
            Ok(verdict) => trace::ended(&span, "accepted", Some(verdict.seq.0)),
            Err(rejection) => trace::ended(&span, rejection.code(), None),
        }
        metrics::histogram!("bidhub_bid_to_ack_seconds", "via" => "rest").record(arrived.elapsed());
        Ok((StatusCode::CREATED, Json(Accepted::new(id, &key, verdict?))).into_response())
    }
}

/// The caller, if they may bid. Whoever is banned or frozen is refused by the room, with a verdict like any other.
fn bidder(CallerOf(caller): CallerOf) -> Result<Caller, ApiError> {
    match authorize(Some(&caller), Action::Bid) {
        Ok(()) | Err(Denied::Banned | Denied::Frozen) => Ok(caller),
        Err(denied) => Err(denied.into()),
    }
}
