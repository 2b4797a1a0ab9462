//! The endpoints of comments: `/api/comments` and what is below.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::body::{CommentBody, Found, ReportBody};
use super::request::{Complaint, DeletionBody, DeletionQuery, NewComment};
use super::{Comments, unknown_comment};
use crate::auth::Action;
use crate::http::{
    ApiError, ApiJson, ApiPath, ApiQuery, AuctionPath, CallerOf, ForStrangers, HttpContext, IdempotencyKey,
    MaybeCaller, PageQuery, Problem, RequestId,
};

/// The routes of comments.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Comments: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(write)).routes(routes!(read, delete)).routes(routes!(report))
}

/// Comment on an auction
///
/// Also on one that has ended. An answer to an answer stands in the same thread. The comment is shown under the name of
/// its author.
#[utoipa::path(post, path = "/api/comments", tag = "comments", request_body = NewComment,
    params(("Idempotency-Key" = Option<String>, Header, description = "The author's own name for the comment, 1 to 128 \
        visible ASCII characters. Sent again with the same key, it is written once and gets the same answer")),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 201, description = "The comment", body = CommentBody),
    (status = 400, description = "`invalid_idempotency_key`", body = Problem),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`banned`", body = Problem),
    (status = 404, description = "`unknown_auction`; `unknown_comment`: the auction has no such `parent`", body = Problem),
    (status = 409, description = "`comment_deleted`: what would be answered; `key_reused`", body = Problem),
    (status = 422, description = "`invalid_comment`, `invalid_field`, `unknown_field`, `missing_field`, each with `field`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem),
    (status = 503, description = "`unavailable`: send the same key again", body = Problem)))]
async fn write(
    State(comments): State<Comments>,
    caller: CallerOf,
    key: Option<IdempotencyKey>,
    ApiJson(body): ApiJson<NewComment>,
) -> Result<Response, ApiError> {
    let author = caller.may(Action::Comment)?;
    let row = comments.write(&author, &body, key).await?;
    let comment = CommentBody::new(row, Some(author.account()));
    let place = format!("/api/comments/{}", comment.id());
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(comment)).into_response())
}

/// The comments on an auction, or the thread of a comment
///
/// With the id of an auction: its top-level comments, the newest first, each with its first answers. With the id of a
/// comment: the thread that it is in, its answers the oldest first.
#[utoipa::path(get, path = "/api/comments/{id}", tag = "comments",
    params(("id" = Uuid, Path, description = "An auction or a comment"), PageQuery), responses(
    (status = 200, body = Found, headers(("ETag" = String, description = "For `If-None-Match`; only without a caller"))),
    (status = 304, description = "Still what one of the tags in `If-None-Match` names"),
    (status = 404, description = "`unknown_auction`: the id is neither an auction's nor a comment's", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
async fn read(
    State(comments): State<Comments>,
    caller: MaybeCaller,
    AuctionPath(id): AuctionPath,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Response, ApiError> {
    let reader = caller.may(Action::WatchAuctions)?.map(|reader| reader.account());
    let found = Json(comments.read(id.0, &query, reader).await?);
    // A reader is told which comments are their own.
    Ok(if reader.is_some() { found.into_response() } else { ForStrangers(found).into_response() })
}

/// Delete a comment
///
/// By its author or by staff. The thread stays, and so does the place of the comment in it; its text is gone.
#[utoipa::path(delete, path = "/api/comments/{id}", tag = "comments", request_body(content = Option<DeletionBody>),
    params(("id" = Uuid, Path), DeletionQuery), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "Deleted, now or before"),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`: it is another's; `banned`; `account_frozen`: staff that is", body = Problem),
    (status = 404, description = "`unknown_comment`", body = Problem),
    (status = 422, description = "`invalid_reason`", body = Problem)))]
async fn delete(
    State(comments): State<Comments>,
    CallerOf(caller): CallerOf,
    request: RequestId,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<DeletionQuery>,
    body: Option<ApiJson<DeletionBody>>,
) -> Result<StatusCode, ApiError> {
    let reason = body.and_then(|ApiJson(body)| body.reason).or(query.reason);
    comments.delete(&caller, comment(&id)?, reason.as_deref(), &request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Report a comment to staff
///
/// Once for each caller and comment: who reports it again gets the report that they made.
#[utoipa::path(post, path = "/api/comments/{id}/report", tag = "comments", request_body = Complaint,
    params(("id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The report that the caller made before", body = ReportBody),
    (status = 201, description = "The report", body = ReportBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`banned`", body = Problem),
    (status = 404, description = "`unknown_comment`", body = Problem),
    (status = 409, description = "`own_comment`, `comment_deleted`", body = Problem),
    (status = 422, description = "`invalid_reason`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem)))]
async fn report(
    State(comments): State<Comments>,
    caller: CallerOf,
    ApiPath(id): ApiPath<String>,
    ApiJson(body): ApiJson<Complaint>,
) -> Result<(StatusCode, Json<ReportBody>), ApiError> {
    let reporter = caller.may(Action::Report)?;
    let (report, new) = comments.report(&reporter, comment(&id)?, &body).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(report.into())))
}

fn comment(id: &str) -> Result<Uuid, ApiError> {
    id.parse().map_err(|_| unknown_comment())
}
