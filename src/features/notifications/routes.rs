//! The endpoints of notifications, below `/api/notifications`.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::HeaderName;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::preferences::{Changes, Preferences};
use super::{Notifications, store};
use crate::auth::Action;
use crate::http::{ApiError, ApiJson, ApiQuery, CallerOf, HttpContext, List, Page, Problem};
use crate::notify::{NoteKind, Notification};

/// How many the account has not read.
const UNREAD: HeaderName = HeaderName::from_static("bidhub-unread");

/// The routes of notifications.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Notifications: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read)).routes(routes!(preferences, choose))
}

/// Which notifications.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// `true`: only those that are not read.
    #[serde(default)]
    unread: bool,
    /// Only those of this kind, such as `outbid`.
    kind: Option<String>,
    /// Items on the page, 1 to 200; 50 unless given.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// What has been read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Read {
    /// The id of the newest notification that was seen.
    #[schema(example = 42)]
    up_to: i64,
}

/// What is left.
#[derive(Serialize, ToSchema)]
struct Unread {
    /// How many the account has not read.
    #[schema(example = 0)]
    unread: i64,
}

/// The own notifications, newest first
///
/// What comes over the socket as `notification` stands here too, by the same `id`.
#[utoipa::path(get, path = "/api/notifications", tag = "notifications", params(ListQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = List<Notification>,
        headers(("Bidhub-Unread" = i64, description = "How many are not read, on this page or not"))),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
async fn list(
    State(notifications): State<Notifications>,
    caller: CallerOf,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Response, ApiError> {
    let account = caller.may(Action::ReadOwnAccount)?.account();
    let page = Page::<i64>::of(query.limit, query.cursor.as_deref())?;
    let unknown = |_| ApiError::invalid("invalid_query", "kind", "there is no such kind of notification");
    let kind = query.kind.map(|kind| kind.parse::<NoteKind>()).transpose().map_err(unknown)?;
    let db = &notifications.0.db;
    // Counted first: what comes meanwhile is then in the list rather than only in the count.
    let unread = store::unread(db, account).await?;
    let rows = match query.unread {
        true => store::list_unread(db, account, kind, &page).await?,
        false => store::list(db, account, kind, &page).await?,
    };
    let list = page.cut(rows, |row| row.id, Notification::from)?;
    Ok(([(UNREAD, unread.to_string())], list).into_response())
}

/// Mark notifications as read
///
/// All up to and including `up_to`. Sent again it changes nothing.
#[utoipa::path(post, path = "/api/notifications/read", tag = "notifications", request_body = Read,
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = Unread),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`origin_not_allowed`", body = Problem),
    (status = 422, description = "`invalid_field`", body = Problem)))]
async fn read(
    State(notifications): State<Notifications>,
    caller: CallerOf,
    ApiJson(body): ApiJson<Read>,
) -> Result<Json<Unread>, ApiError> {
    let account = caller.may(Action::ChangeOwnAccount)?.account();
    let (db, now) = (&notifications.0.db, notifications.0.clock.now());
    store::mark_read(db, account, body.up_to, now).await?;
    Ok(Json(Unread { unread: store::unread(db, account).await? }))
}

/// How the account hears of what
#[utoipa::path(get, path = "/api/notifications/preferences", tag = "notifications",
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = Preferences),
    (status = 401, description = "`unauthenticated`", body = Problem)))]
async fn preferences(
    State(notifications): State<Notifications>,
    caller: CallerOf,
) -> Result<Json<Preferences>, ApiError> {
    let account = caller.may(Action::ReadOwnAccount)?.account();
    Ok(Json(Preferences::of(&store::choices(&notifications.0.db, account).await?)))
}

/// Choose how the account hears of what
///
/// For groups, and under `kinds` for single kinds, which count more than their group. What is left out stays as it is. What
/// is not pushed is in the list all the same.
#[utoipa::path(put, path = "/api/notifications/preferences", tag = "notifications", request_body = Changes,
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = Preferences),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`origin_not_allowed`", body = Problem),
    (status = 422, description = "`unknown_field`, `missing_field`, `invalid_field`", body = Problem)))]
async fn choose(
    State(notifications): State<Notifications>,
    caller: CallerOf,
    ApiJson(changes): ApiJson<Changes>,
) -> Result<Json<Preferences>, ApiError> {
    let account = caller.may(Action::ChangeOwnAccount)?.account();
    let db = &notifications.0.db;
    store::choose(db, account, &changes.chosen()?).await?;
    Ok(Json(Preferences::of(&store::choices(db, account).await?)))
}
