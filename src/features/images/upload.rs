//! Taking an image: received within bounds, looked up, worked on beside the threads of everyone else, kept within the quota.
//!
//! An upload may be sent again whenever its answer did not come: the same file of the same account is the same image.

use axum::body::Body;
use axum::http::StatusCode;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use tokio::time::timeout;

use super::picture::{self, Picture, Refusal};
use super::store::{self, ImageRow};
use super::{Images, Size, WORK_WAIT, path_of};
use crate::clock::to_datetime;
use crate::domain::AccountId;
use crate::http::ApiError;

/// Seconds after which an upload that found the hub busy may be sent again.
const RETRY_AFTER_S: u64 = 5;

impl Images {
    /// Takes the image in `body`, of which `length` bytes are announced. True if it is new.
    pub(super) async fn upload(
        &self,
        owner: AccountId,
        length: Option<u64>,
        body: Body,
    ) -> Result<(ImageRow, bool), ApiError> {
        let taken = self.take(owner, length, body).await;
        let outcome = match &taken {
            Ok((_, true)) => "stored",
            Ok((_, false)) => "known",
            Err(error) => error.code(),
        };
        metrics::counter!("bidhub_image_uploads_total", "outcome" => outcome).increment(1);
        taken
    }

    async fn take(&self, owner: AccountId, length: Option<u64>, body: Body) -> Result<(ImageRow, bool), ApiError> {
        let bounds = &self.0.parts.bounds;
        self.0.parts.limits.images_by_account.check(&owner)?;
        if length.is_some_and(|length| length > u64::from(bounds.image_max_bytes)) {
            return Err(self.too_long());
        }
        let _received = self.0.uploads.try_acquire().map_err(|_| busy())?;
        let file = self.receive(body).await?;
        let digest = Sha256::digest(&file);
        if let Some(known) = store::want_same(self.db(), owner, &digest, self.now()).await? {
            return Ok((known, false));
        }
        let picture = self.work(file).await?;
        self.keep(owner, &digest, &picture).await
    }

    /// The whole body, if it is not too long; nothing more of it is read once it is.
    async fn receive(&self, body: Body) -> Result<Vec<u8>, ApiError> {
        let mut file = Vec::new();
        let mut stream = body.into_data_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|_| ApiError::bad_request("bad_request", "the body stopped before its end"))?;
            if file.len() + chunk.len() > self.0.parts.bounds.image_max_bytes as usize {
                return Err(self.too_long());
            }
            file.extend_from_slice(&chunk);
        }
        Ok(file)
    }

    /// Makes a picture of a file. What has begun ends, though nobody may wait for it any more, and holds its place until then.
    async fn work(&self, file: Vec<u8>) -> Result<Picture, ApiError> {
        let turn = timeout(WORK_WAIT, Arc::clone(&self.0.workers).acquire_owned()).await;
        let permit = turn.map_err(|_| busy())?.map_err(ApiError::internal)?;
        let pixels_max = self.0.parts.bounds.image_max_pixels.into();
        let begun = tokio::time::Instant::now();
        let work = tokio::task::spawn_blocking(move || {
            let made = picture::make(&file, pixels_max);
            drop(permit);
            made
        });
        let made = work.await.unwrap_or_else(|error| {
            // A decoder that met what its authors did not think of.
            tracing::error!(%error, "an image could not be worked on: {error}");
            Err(Refusal::Broken("it cannot be read".into()))
        });
        metrics::histogram!("bidhub_image_work_seconds").record(begun.elapsed().as_secs_f64());
        made.map_err(|refusal| self.refused(&refusal))
    }

    /// Keeps a picture, unless the account has no room for it. Another upload of the same may have come first.
    async fn keep(&self, owner: AccountId, digest: &[u8], picture: &Picture) -> Result<(ImageRow, bool), ApiError> {
        let now = self.now();
        let id = self.0.parts.chance.uuid(now);
        let bytes = picture.full.body.len() + picture.thumbnail.body.len();
        let row = ImageRow {
            id,
            path: path_of(id, Size::Full),
            content_type: picture.full.content_type.to_owned(),
            width: picture.full.width.into(),
            height: picture.full.height.into(),
            thumbnail_width: picture.thumbnail.width.into(),
            thumbnail_height: picture.thumbnail.height.into(),
            bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
            at: to_datetime(now),
        };
        let mut tx = self.db().begin().await?;
        store::lock(&mut tx, owner).await?;
        if let Some(known) = store::want_same_in(&mut tx, owner, digest, now).await? {
            tx.commit().await?;
            return Ok((known, false));
        }
        let before = store::bytes_of(&mut tx, owner).await?;
        if before.saturating_add(row.bytes).unsigned_abs() > self.0.parts.bounds.image_quota_bytes {
            return Err(self.full());
        }
        store::insert(&mut tx, owner, digest, &row, picture).await?;
        tx.commit().await?;
        tracing::debug!(image = %id, account = %owner, bytes, "image {id} was uploaded");
        Ok((row, true))
    }

    fn too_long(&self) -> ApiError {
        let most = self.0.parts.bounds.image_max_bytes;
        let detail = format!("an image has {most} bytes at most");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    }

    fn full(&self) -> ApiError {
        let most = self.0.parts.bounds.image_quota_bytes;
        let detail = format!("the images of an account have {most} bytes at most, as they are kept");
        ApiError::conflict("image_quota_exceeded", detail)
    }

    fn refused(&self, refusal: &Refusal) -> ApiError {
        match refusal {
            Refusal::Kind => unsupported(),
            Refusal::TooLarge => {
                let most = self.0.parts.bounds.image_max_pixels;
                let detail = format!("an image has {most} pixels at most, half as many with 16 bits a colour");
                ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "image_too_large", detail)
            }
            Refusal::Broken(why) => {
                let detail = format!("the image cannot be taken: {why}");
                ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_image", detail)
            }
        }
    }
}

/// 415: it is of no kind that is taken.
pub(super) fn unsupported() -> ApiError {
    let detail = "the body must be a PNG, a JPEG or a WebP";
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
}

fn busy() -> ApiError {
    let detail = "other images are being worked on; send this one again a little later";
    let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail);
    error.with("retry", true).retry_after_s(RETRY_AFTER_S)
}
