//! The endpoints of moderation, below `/api/staff`.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::store::{self, AuditRow};
use super::{Actor, Staff};
use crate::auth::Action;
use crate::clock::{WireTime, from_datetime};
use crate::domain::auction::Rejection;
use crate::domain::{AccountId, AuctionId, Seq};
use crate::http::{
    ApiError, ApiJson, ApiPath, ApiQuery, AuctionPath, CallerOf, HttpContext, IdempotencyKey, List, Page, PageQuery,
    Problem, RequestId,
};

/// The routes of moderation.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Staff: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(stop))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(void_bid))
        .routes(routes!(ban))
        .routes(routes!(unban))
        .routes(routes!(freeze))
        .routes(routes!(unfreeze))
        .routes(routes!(audit))
}

/// The header that lets an act be sent again.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "it describes the header; IdempotencyKey reads it")]
struct ActKey {
    /// The caller's own name for the act, 1 to 128 visible ASCII characters. Sent again with the same key and content, the
    /// act gets its first answer and changes nothing; with other content it is refused with `key_reused`.
    #[param(rename = "Idempotency-Key")]
    idempotency_key: Option<String>,
}

/// Why, for everyone to read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Because {
    /// 1 to 500 characters.
    #[schema(example = "the lot was described wrongly")]
    reason: String,
}

/// Why, if there is something to say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MaybeBecause {
    /// 1 to 500 characters.
    #[schema(example = "the description is right now")]
    reason: Option<String>,
}

/// An act that the log of the auction has.
#[derive(Serialize, ToSchema)]
struct Done {
    auction: Uuid,
    /// The number of its event.
    seq: u64,
}

/// An entry of the audit trail.
#[derive(Serialize, ToSchema)]
struct AuditEntry {
    id: i64,
    at: WireTime,
    /// The account that acted.
    actor: Uuid,
    /// `stop`, `pause`, `resume`, `void_bid`, `ban`, `unban`, `freeze`, `unfreeze`, `resolve_case`, `set_limits`,
    /// `delete_comment`, `answer_ticket`, `note_ticket`, `ticket_status`, `assign_ticket`, `unassign_ticket` or
    /// `resolve_item`; `export_user`, `erase_user`, `remove_image`.
    action: String,
    /// `auction`, `user`, `case`, `comment`, `ticket`, `item` or `image`.
    target_kind: String,
    target: Uuid,
    /// The bid that was voided.
    bid_seq: Option<i64>,
    reason: Option<String>,
    /// The event in the log of the auction.
    seq: Option<i64>,
    /// The request that asked for it; the log has the same id.
    request_id: Option<String>,
}

#[derive(Deserialize)]
struct BidSeq {
    seq: String,
}

fn done(id: AuctionId, seq: Seq) -> Json<Done> {
    Json(Done { auction: id.0, seq: seq.0 })
}

/// Stop an auction for good
#[utoipa::path(post, path = "/api/staff/auctions/{id}/stop", tag = "staff", request_body = Because,
    params(("id" = Uuid, Path), ActKey), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = Done),
    (status = 400, description = "`invalid_idempotency_key`", body = Problem),
    (status = 403, description = "`forbidden`", body = Problem),
    (status = 404, description = "`unknown_auction`", body = Problem),
    (status = 409, description = "`auction_closed`, `auction_stopped`, `key_reused`", body = Problem),
    (status = 422, description = "`invalid_reason`", body = Problem)))]
async fn stop(
    State(staff): State<Staff>,
    CallerOf(caller): CallerOf,
    request: RequestId,
    key: Option<IdempotencyKey>,
    AuctionPath(id): AuctionPath,
    ApiJson(body): ApiJson<Because>,
) -> Result<Json<Done>, ApiError> {
    let actor = Actor::of(caller, Action::StopAuction, request)?.under(key);
    staff.stop(actor, id, &body.reason).await.map(|seq| done(id, seq))
}

/// Pause an auction
#[utoipa::path(post, path = "/api/staff/auctions/{id}/pause", tag = "staff", request_body = Because,
    params(("id" = Uuid, Path), ActKey), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = Done),
    (status = 400, description = "`invalid_idempotency_key`", body = Problem),
    (status = 403, description = "`forbidden`", body = Problem),
    (status = 404, description = "`unknown_auction`", body = Problem),
    (status = 409, description = "`auction_not_open`, `auction_paused`, `auction_closed`, `auction_stopped`, `key_reused`", body = Problem),
    (status = 422, description = "`invalid_reason`", body = Problem)))]
async fn pause(
    State(staff): State<Staff>,
    CallerOf(caller): CallerOf,
    request: RequestId,
    key: Option<IdempotencyKey>,
    AuctionPath(id): AuctionPath,
    ApiJson(body): ApiJson<Because>,
) -> Result<Json<Done>, ApiError> {
    let actor = Actor::of(caller, Action::PauseAuction, request)?.under(key);
    staff.pause(actor, id, &body.reason).await.map(|seq| done(id, seq))
}

/// Let a paused auction go on, with the time that was left
#[utoipa::path(post, path = "/api/staff/auctions/{id}/resume", tag = "staff", request_body(content = Option<MaybeBecause>),
    params(("id" = Uuid, Path), ActKey), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = Done),
    (status = 400, description = "`invalid_idempotency_key`", body = Problem),
    (status = 403, description = "`forbidden`", body = Problem),
    (status = 404, description = "`unknown_auction`", body = Problem),
    (status = 409, description = "`not_paused`, `auction_closed`, `auction_stopped`, `key_reused`", body = Problem),
    (status = 422, description = "`invalid_reason`", body = Problem)))]
async fn resume(
    State(staff): State<Staff>,
    CallerOf(caller): CallerOf,
    request: RequestId,
    key: Option<IdempotencyKey>,
    AuctionPath(id): AuctionPath,
    body: Option<ApiJson<MaybeBecause>>,
) -> Result<Json<Done>, ApiError> {
    let actor = Actor::of(caller, Action::ResumeAuction, request)?.under(key);
    staff.resume(actor, id, reason(&body)).await.map(|seq| done(id, seq))
}

/// Take a bid out of the race
///
/// The price is found anew from the bids that remain.
#[utoipa::path(post, path = "/api/staff/auctions/{id}/bids/{seq}/void", tag = "staff", request_body = Because,
    params(("id" = Uuid, Path), ("seq" = u64, Path), ActKey), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = Done),
    (status = 400, description = "`invalid_idempotency_key`", body = Problem),
    (status = 403, description = "`forbidden`", body = Problem),
    (status = 404, description = "`unknown_auction`, `unknown_bid`", body = Problem),
    (status = 409, description = "`auction_not_open`, `auction_closed`, `auction_stopped`, `key_reused`", body = Problem),
    (status = 422, description = "`invalid_reason`", body = Problem)))]
async fn void_bid(
    State(staff): State<Staff>,
    CallerOf(caller): CallerOf,
    request: RequestId,
    key: Option<IdempotencyKey>,
    AuctionPath(id): AuctionPath,
    ApiPath(path): ApiPath<BidSeq>,
    ApiJson(body): ApiJson<Because>,
) -> Result<Json<Done>, ApiError> {
    let actor = Actor::of(caller, Action::VoidBid, request)?.under(key);
    let seq = Seq(path.seq.parse().map_err(|_| Rejection::UnknownBid)?);
    staff.void(actor, id, seq, &body.reason).await.map(|seq| done(id, seq))
}

/// Ban a user
///
/// Their sockets close; they may still read, and write tickets. Staff is banned by admins alone.
#[utoipa::path(post, path = "/api/staff/users/{id}/ban", tag = "staff", request_body = Because,
    params(("id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "Banned"),
    (status = 403, description = "`forbidden`", body = Problem),
    (status = 404, description = "`unknown_user`", body = Problem),
    (status = 409, description = "`own_account`", body = Problem),
    (status = 422, description = "`invalid_reason`", body = Problem)))]
async fn ban(
    State(staff): State<Staff>,
    CallerOf(caller): CallerOf,
    request: RequestId,
    ApiPath(id): ApiPath<String>,
    ApiJson(body): ApiJson<Because>,
) -> Result<StatusCode, ApiError> {
    let actor = Actor::of(caller, Action::BanUser, request)?;
    staff.ban(actor, user(&id)?, &body.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lift a ban
#[utoipa::path(post, path = "/api/staff/users/{id}/unban", tag = "staff", request_body(content = Option<MaybeBecause>),
    params(("id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "Lifted"),
    (status = 403, description = "`forbidden`", body = Problem),
    (status = 404, description = "`unknown_user`", body = Problem),
    (status = 409, description = "`own_account`", body = Problem),
    (status = 422, description = "`invalid_reason`", body = Problem)))]
async fn unban(
    State(staff): State<Staff>,
    CallerOf(caller): CallerOf,
    request: RequestId,
    ApiPath(id): ApiPath<String>,
    body: Option<ApiJson<MaybeBecause>>,
) -> Result<StatusCode, ApiError> {
    let actor = Actor::of(caller, Action::BanUser, request)?;
    staff.unban(actor, user(&id)?, reason(&body)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Freeze a user's account
///
/// It can neither bid nor take money out until it is let go; all else it may. Its sockets close, and come back with the
/// fact. Staff is frozen by admins alone.
#[utoipa::path(post, path = "/api/staff/users/{id}/freeze", tag = "staff", request_body = Because,
    params(("id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "Frozen"),
    (status = 403, description = "`forbidden`", body = Problem),
    (status = 404, description = "`unknown_user`", body = Problem),
    (status = 409, description = "`own_account`", body = Problem),
    (status = 422, description = "`invalid_reason`", body = Problem)))]
async fn freeze(
    State(staff): State<Staff>,
    CallerOf(caller): CallerOf,
    request: RequestId,
    ApiPath(id): ApiPath<String>,
    ApiJson(body): ApiJson<Because>,
) -> Result<StatusCode, ApiError> {
    let actor = Actor::of(caller, Action::FreezeUser, request)?;
    staff.freeze(actor, user(&id)?, &body.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a frozen account go again
#[utoipa::path(post, path = "/api/staff/users/{id}/unfreeze", tag = "staff", request_body(content = Option<MaybeBecause>),
    params(("id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "Let go"),
    (status = 403, description = "`forbidden`", body = Problem),
    (status = 404, description = "`unknown_user`", body = Problem),
    (status = 409, description = "`own_account`", body = Problem),
    (status = 422, description = "`invalid_reason`", body = Problem)))]
async fn unfreeze(
    State(staff): State<Staff>,
    CallerOf(caller): CallerOf,
    request: RequestId,
    ApiPath(id): ApiPath<String>,
    body: Option<ApiJson<MaybeBecause>>,
) -> Result<StatusCode, ApiError> {
    let actor = Actor::of(caller, Action::FreezeUser, request)?;
    staff.unfreeze(actor, user(&id)?, reason(&body)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The audit trail, newest first
///
/// Every act of staff with who and why, and sellers who cancelled an auction.
#[utoipa::path(get, path = "/api/staff/audit", tag = "staff", params(PageQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = List<AuditEntry>),
    (status = 403, description = "`forbidden`", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
async fn audit(
    State(staff): State<Staff>,
    caller: CallerOf,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<List<AuditEntry>, ApiError> {
    caller.may(Action::ReadAudit)?;
    let page = Page::<i64>::of(query.limit, query.cursor.as_deref())?;
    let rows = store::trail(&staff.0.db, &page).await?;
    page.cut(rows, |row| row.id, AuditEntry::from)
}

/// The reason, if one is given.
fn reason(body: &Option<ApiJson<MaybeBecause>>) -> Option<&str> {
    body.as_ref().and_then(|ApiJson(body)| body.reason.as_deref())
}

fn user(id: &str) -> Result<AccountId, ApiError> {
    id.parse().map_err(|_| ApiError::not_found("unknown_user", "there is no such account"))
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            at: WireTime(from_datetime(row.at)),
            actor: row.actor,
            action: row.action,
            target_kind: row.target_kind,
            target: row.target,
            bid_seq: row.bid_seq,
            reason: row.reason,
            seq: row.seq,
            request_id: row.request_id,
        }
    }
}
