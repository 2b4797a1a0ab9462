//! The endpoints of privacy: `/api/me/export`, `/api/me/erase`, and the same for staff below `/api/staff/users`.

use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Privacy;
use crate::auth::Action;
use crate::domain::AccountId;
use crate::http::caller::ended_cookie;
use crate::http::{ApiError, ApiJson, ApiPath, CallerOf, HttpContext, Problem, RequestId, plain_text};

const REASON_MAX_CHARS: usize = 500;

/// The routes of privacy.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Privacy: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(export))
        .routes(routes!(erase))
        .routes(routes!(export_of))
        .routes(routes!(erase_other))
}

/// Who wants to be let go.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Farewell {
    /// The password once more; left out by an account that has none, for it comes by foreign tokens.
    password: Option<String>,
}

/// Why somebody is let go.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LetGo {
    /// 1 to 500 characters, for the audit trail.
    #[schema(example = "asked for by letter")]
    reason: String,
}

/// All that the hub keeps of oneself
///
/// One document with a member for each part of the hub, as of one moment. Passwords and tokens are not in it, nor what staff
/// wrote for itself, nor ceilings of bids, which the log of the auction keeps sealed. It is written as it is read: one that
/// breaks off in the middle was not read to its end.
#[utoipa::path(get, path = "/api/me/export", tag = "accounts", security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The document, as a file", body = Object),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem),
    (status = 503, description = "`busy`, `unavailable`", body = Problem)))]
async fn export(State(privacy): State<Privacy>, caller: CallerOf) -> Result<Response, ApiError> {
    let caller = caller.may(Action::ReadOwnAccount)?;
    privacy.export(caller.account(), caller.account()).await.map(file)
}

/// Have oneself erased
///
/// Address, name, password, sessions, notifications, the texts of comments and tickets and where money was paid to go
/// at once and for good. Bids stay under their alias, the place of a comment in its thread under the name
/// `Deleted user`, invoices and the books under an id that leads to nobody. Refused, with all reasons under `obstacles`, while
/// money, a sale or an auction waits for the account. It takes some seconds, in which the account can do nothing
/// (`banned`).
#[utoipa::path(post, path = "/api/me/erase", tag = "accounts", request_body = Farewell,
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "Erased, and signed out"),
    (status = 401, description = "`unauthenticated`, `invalid_credentials`", body = Problem),
    (status = 409, description = "`selling`, `leading`, `wallet_not_empty`, `money_held`, `money_under_way`, `money_owed`, \
        `order_under_way`, `invoice_open`, `case_open`", body = Problem),
    (status = 422, description = "`unknown_field`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem),
    (status = 503, description = "`unavailable`, `busy`", body = Problem)))]
async fn erase(
    State(privacy): State<Privacy>,
    State(context): State<HttpContext>,
    caller: CallerOf,
    request: RequestId,
    ApiJson(body): ApiJson<Farewell>,
) -> Result<Response, ApiError> {
    let caller = caller.may(Action::ChangeOwnAccount)?;
    privacy.erase_self(&caller, body.password.as_deref(), request).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, ended_cookie(&context))]).into_response())
}

/// All that the hub keeps of a user
///
/// What the user gets by `/api/me/export`; the audit trail says who read it. That of staff is read by admins alone.
#[utoipa::path(get, path = "/api/staff/users/{id}/export", tag = "staff", params(("id" = Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The document, as a file", body = Object),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`, `banned`, `account_frozen`", body = Problem),
    (status = 404, description = "`unknown_user`", body = Problem),
    (status = 409, description = "`own_account`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem),
    (status = 503, description = "`busy`, `unavailable`", body = Problem)))]
async fn export_of(
    State(privacy): State<Privacy>,
    caller: CallerOf,
    request: RequestId,
    ApiPath(id): ApiPath<String>,
) -> Result<Response, ApiError> {
    let caller = caller.may(Action::ExportUser)?;
    privacy.export_of(&caller, user(&id)?, request).await.map(file)
}

/// Erase a user
///
/// As by `/api/me/erase`, and refused for the same reasons. Done again it changes nothing. Staff is erased by admins alone.
#[utoipa::path(post, path = "/api/staff/users/{id}/erase", tag = "staff", request_body = LetGo,
    params(("id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "Erased"),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`, `banned`, `account_frozen`", body = Problem),
    (status = 404, description = "`unknown_user`", body = Problem),
    (status = 409, description = "`own_account`; `selling`, `leading`, `wallet_not_empty`, `money_held`, \
        `money_under_way`, `money_owed`, `order_under_way`, `invoice_open`, `case_open`", body = Problem),
    (status = 422, description = "`invalid_reason`, `missing_field`, `unknown_field`", body = Problem),
    (status = 503, description = "`unavailable`", body = Problem)))]
async fn erase_other(
    State(privacy): State<Privacy>,
    caller: CallerOf,
    request: RequestId,
    ApiPath(id): ApiPath<String>,
    ApiJson(body): ApiJson<LetGo>,
) -> Result<StatusCode, ApiError> {
    let caller = caller.may(Action::EraseUser)?;
    let reason = plain_text(&body.reason, REASON_MAX_CHARS).ok_or_else(|| {
        let detail = format!("a reason has 1 to {REASON_MAX_CHARS} characters");
        ApiError::invalid("invalid_reason", "reason", detail)
    })?;
    privacy.erase_other(&caller, user(&id)?, reason, request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The document, for a browser to keep as a file and for nobody on the way to keep at all.
fn file(document: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"export.json\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, document).into_response()
}

fn user(id: &str) -> Result<AccountId, ApiError> {
    id.parse().map_err(|_| ApiError::not_found("unknown_user", "there is no such account"))
}
