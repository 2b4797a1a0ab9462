//! The endpoints of images: `/api/images` and what is below.

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{ImageBody, ImageFile, OwnImageBody, RemovalBody};
use super::upload::unsupported;
use super::{Images, Size};
use crate::auth::{Action, authorize};
use crate::http::{ApiError, ApiJson, ApiPath, ApiQuery, CallerOf, HttpContext, List, PageQuery, Problem, RequestId};

/// The media types that an upload may name; what it is, its content says.
const TAKEN: [&str; 3] = ["image/png", "image/jpeg", "image/webp"];

/// The routes of images.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Images: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(upload))
        .routes(routes!(full, delete))
        .routes(routes!(thumbnail))
        .routes(routes!(own))
        .routes(routes!(remove))
}

/// Upload an image for an auction
///
/// The body is the file itself: a PNG, a JPEG or a WebP that does not move, of 8 MiB and 32 million pixels at most unless the
/// hub is set otherwise. It is turned the right way up by its EXIF, made no larger than 1600 pixels a side, and encoded anew;
/// nothing else of the file is kept. `url` is then for the `image_url` of an auction of the same account: what no auction
/// shows is deleted after an hour. The same file, sent again by the same account, is the same image. An account uploads two
/// at once; the body may not be silent for 5 seconds, nor take longer than 25.
#[utoipa::path(post, path = "/api/images", tag = "images",
    request_body(description = "The file", content(
        (ImageFile = "image/jpeg"), (ImageFile = "image/png"), (ImageFile = "image/webp"))),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "The image that was made of the same file before", body = ImageBody),
    (status = 201, description = "The image", body = ImageBody),
    (status = 400, description = "`bad_request`: the body stopped before its end", body = Problem),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`: the account may not sell; `banned`", body = Problem),
    (status = 408, description = "`request_timeout`: the body did not come in time", body = Problem),
    (status = 409, description = "`image_quota_exceeded`: the account has no room for it; `unused_images_exceeded`: it has too many that no auction shows yet", body = Problem),
    (status = 413, description = "`body_too_large`", body = Problem),
    (status = 415, description = "`unsupported_media_type`: it is of another kind, by its content or by its header", body = Problem),
    (status = 422, description = "`invalid_image`: it cannot be read, is not whole, or moves; `image_too_large`: it has too many pixels", body = Problem),
    (status = 429, description = "`rate_limited`: too many in a minute, or at once", body = Problem),
    (status = 503, description = "`busy`, `unavailable`: send it again after `Retry-After` seconds", body = Problem),
    (status = 507, description = "`image_storage_full`: the hub has no room for more images", body = Problem)))]
async fn upload(
    State(images): State<Images>,
    caller: CallerOf,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let owner = caller.may(Action::Sell)?;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let kind = text(header::CONTENT_TYPE).and_then(|kind| kind.split(';').next()).unwrap_or_default();
    if !TAKEN.iter().any(|taken| taken.eq_ignore_ascii_case(kind.trim())) {
        return Err(unsupported());
    }
    let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    let (row, is_new) = images.upload(owner.account(), length, body).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let image = ImageBody::from(row);
    Ok((status, [(header::LOCATION, image.url().to_owned())], Json(image)).into_response())
}

/// An image
///
/// It never changes. It may be kept for a day, and then asked for by its tag: it may have been deleted.
#[utoipa::path(get, path = "/api/images/{id}", tag = "images", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The file, with an `ETag`", content(
        (ImageFile = "image/jpeg"), (ImageFile = "image/webp"))),
    (status = 304, description = "`If-None-Match` has its tag"),
    (status = 404, description = "`unknown_image`", body = Problem),
    (status = 503, description = "`busy`: too many look at images; ask again after `Retry-After` seconds", body = Problem)))]
async fn full(
    State(images): State<Images>,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    authorize(None, Action::WatchAuctions)?;
    images.serve(&id, Size::Full, &headers).await
}

/// The thumbnail of an image
///
/// No side is longer than 400 pixels. It never changes. It may be kept for a day, and then asked for by its tag.
#[utoipa::path(get, path = "/api/images/{id}/thumbnail", tag = "images", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The file, with an `ETag`", content(
        (ImageFile = "image/jpeg"), (ImageFile = "image/webp"))),
    (status = 304, description = "`If-None-Match` has its tag"),
    (status = 404, description = "`unknown_image`", body = Problem),
    (status = 503, description = "`busy`: too many look at images; ask again after `Retry-After` seconds", body = Problem)))]
async fn thumbnail(
    State(images): State<Images>,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    authorize(None, Action::WatchAuctions)?;
    images.serve(&id, Size::Thumbnail, &headers).await
}

/// One's own images
///
/// What the account has uploaded and is still there, the newest first, and what shows it.
#[utoipa::path(get, path = "/api/me/images", tag = "images", params(PageQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = List<OwnImageBody>),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
async fn own(
    State(images): State<Images>,
    caller: CallerOf,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<List<OwnImageBody>, ApiError> {
    let owner = caller.may(Action::ReadOwnAccount)?;
    images.own(owner.account(), &query).await
}

/// Delete an image of one's own
///
/// Not while an auction that is not over shows it. One that is over names it still, and shows none.
#[utoipa::path(delete, path = "/api/images/{id}", tag = "images", params(("id" = Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "Deleted; caches elsewhere may show it for a day"),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`: it is another's; `banned`", body = Problem),
    (status = 404, description = "`unknown_image`", body = Problem),
    (status = 409, description = "`in_use`: an auction that is not over shows it, or was about to a minute ago", body = Problem),
    (status = 503, description = "`unavailable`: what shows it cannot be said now", body = Problem)))]
async fn delete(
    State(images): State<Images>,
    CallerOf(caller): CallerOf,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    images.delete(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take an image down
///
/// At any time, whoever shows it; the audit trail says why. Its file, uploaded again, is another image.
#[utoipa::path(post, path = "/api/staff/images/{id}/remove", tag = "staff", request_body = RemovalBody,
    params(("id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "Gone; caches elsewhere may show it for a day"),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`", body = Problem),
    (status = 404, description = "`unknown_image`", body = Problem),
    (status = 422, description = "`invalid_reason`, `missing_field`, each with `field`", body = Problem)))]
async fn remove(
    State(images): State<Images>,
    CallerOf(caller): CallerOf,
    request: RequestId,
    ApiPath(id): ApiPath<String>,
    ApiJson(body): ApiJson<RemovalBody>,
) -> Result<StatusCode, ApiError> {
    images.remove(&caller, &id, &body.reason, request).await?;
    Ok(StatusCode::NO_CONTENT)
}
