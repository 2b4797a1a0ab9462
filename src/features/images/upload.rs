//! Taking an image: received within bounds, looked up, worked on beside the threads of everyone else, kept within the quota.
//!
//! An upload may be sent again whenever its answer did not come: the same file of the same account is the same image.

use axum::body::Body;
use axum::http::StatusCode;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use tokio::time::timeout;

use super::picture::{self, Picture, Refusal};
use super::receiving::{File, too_long};
use super::store::{self, ImageRow};
use super::{Images, Size, WORK_WAIT, busy, path_of};
use crate::clock::to_datetime;
use crate::domain::AccountId;
use crate::http::ApiError;
use crate::persistence::Tx;

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
        let max_bytes = self.0.parts.bounds.image_max_bytes;
        self.0.parts.limits.images_by_account.check(&owner)?;
        if length.is_some_and(|length| length > u64::from(max_bytes)) {
            return Err(too_long(max_bytes as usize));
        }
        let mut turn = self.0.receiving.begin(owner)?;
        let file = turn.receive(body.into_data_stream()).await?;
        let digest = Sha256::digest(&file.bytes);
        if let Some(known) = store::want_same(self.db(), owner, &digest, self.now()).await? {
            return Ok((known, false));
        }
        let picture = self.work(file).await?;
        self.keep(owner, &digest, &picture).await
    }

    /// Makes a picture of a file. What has begun ends, though nobody may wait for it any more, and holds its place until then.
    async fn work(&self, file: File) -> Result<Picture, ApiError> {
        let turn = timeout(WORK_WAIT, Arc::clone(&self.0.workers).acquire_owned()).await;
        let permit = turn.map_err(|_| busy())?.map_err(ApiError::internal)?;
        let pixels_max = self.0.parts.bounds.image_max_pixels.into();
        let begun = tokio::time::Instant::now();
        let work = tokio::task::spawn_blocking(move || {
            let made = picture::make(&file.bytes, pixels_max);
            drop((file, permit));
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

    /// Keeps a picture, unless the account or the hub has no room for it. Another upload of the same may have come first.
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
        self.check_room(&mut tx, owner, row.bytes).await?;
        store::insert(&mut tx, owner, digest, &row, picture).await?;
        tx.commit().await?;
        tracing::debug!(image = %id, account = %owner, bytes, "image {id} was uploaded");
        Ok((row, true))
    }

    /// Refuses `more` bytes of an account where they are too many, and has nobody take more until the transaction ends.
    async fn check_room(&self, tx: &mut Tx, owner: AccountId, more: i64) -> Result<(), ApiError> {
        let bounds = &self.0.parts.bounds;
        let exceeds = |before: i64, most: u64| before.saturating_add(more).unsigned_abs() > most;
        if exceeds(store::bytes_of(tx, owner).await?, bounds.image_quota_bytes) {
            let most = bounds.image_quota_bytes;
            let detail = format!("the images of an account have {most} bytes at most, as they are kept");
            return Err(ApiError::conflict("image_quota_exceeded", detail));
        }
        if exceeds(store::unused_bytes_of(tx, owner).await?, bounds.image_unused_bytes) {
            let most = bounds.image_unused_bytes;
            let detail = format!("the images of an account that no auction shows have {most} bytes at most");
            return Err(ApiError::conflict("unused_images_exceeded", detail));
        }
        let most = bounds.image_total_bytes;
        if most > 0 && exceeds(store::room_in(tx).await?, most) {
            tracing::warn!(account = %owner, most, "an image was refused: those of the hub have their {most} bytes");
            let detail = "the hub has no room for more images; whoever runs it has been told";
            return Err(ApiError::new(StatusCode::INSUFFICIENT_STORAGE, "image_storage_full", detail));
        }
        Ok(())
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
