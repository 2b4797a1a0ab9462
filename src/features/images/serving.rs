//! Serving images. A file never changes under its path, so whoever asks again is told at most that it is still there.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use uuid::Uuid;

use super::shelf::Served;
use super::{Images, Size, store, unknown};
use crate::http::{ApiError, tags_match};

/// An image is no page: nothing in it may be loaded, run or framed.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox; frame-ancestors 'none'");
/// A day. It never changes, but it may be deleted or taken down: then nobody shows it for longer.
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=86400");

impl Images {
    /// A file of an image, or that whoever asks has it already.
    pub(super) async fn serve(&self, id: &str, size: Size, asked: &HeaderMap) -> Result<Response, ApiError> {
        let id: Uuid = id.parse().map_err(|_| unknown())?;
        let tag = format!("\"{id}-{}\"", size.name());
        let tag = HeaderValue::from_str(&tag).map_err(ApiError::internal)?;
        let has_it = asked.get(header::IF_NONE_MATCH).is_some_and(|known| tags_match(known, &tag));
        let mut response = if has_it {
            self.check_there(id, size).await?;
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let file = self.0.shelf.file(id, size, self.file(id, size)).await?;
            let kind = HeaderValue::from_str(&file.content_type).map_err(ApiError::internal)?;
            ([(header::CONTENT_TYPE, kind)], file.body).into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, tag);
        headers.insert(header::CACHE_CONTROL, CACHED);
        headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
        Ok(response)
    }

    async fn file(&self, id: Uuid, size: Size) -> Result<Served, ApiError> {
        let row = store::file(self.db(), id, size).await?.ok_or_else(unknown)?;
        Ok(Served { content_type: row.content_type, body: row.body.into() })
    }

    /// 404 unless there is such an image.
    async fn check_there(&self, id: Uuid, size: Size) -> Result<(), ApiError> {
        let shelf = &self.0.shelf;
        let there = shelf.has(id, size) || shelf.look_up(async { Ok(store::is_there(self.db(), id).await?) }).await?;
        there.then_some(()).ok_or_else(unknown)
    }
}
