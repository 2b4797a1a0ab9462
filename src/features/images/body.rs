//! Images as callers see them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::store::{ImageRow, OwnRow};
use super::{Size, path_of};
use crate::clock::{WireTime, from_datetime};

/// An image that was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImageBody {
    id: Uuid,
    /// Its path on the hub, for the `image_url` of an auction.
    #[schema(example = "/api/images/01a1f84a-95c0-7890-90d6-6ce45c4ecb35")]
    url: String,
    /// The path of a smaller one.
    #[schema(example = "/api/images/01a1f84a-95c0-7890-90d6-6ce45c4ecb35/thumbnail")]
    thumbnail_url: String,
    /// `image/jpeg`, or `image/webp` if some of it is transparent, whatever was sent.
    #[schema(example = "image/jpeg")]
    content_type: String,
    /// In pixels, the right way up; at most 1600, and in proportion.
    #[schema(example = 1_600)]
    width: i64,
    #[schema(example = 1_200)]
    height: i64,
    /// In pixels; at most 400.
    #[schema(example = 400)]
    thumbnail_width: i64,
    #[schema(example = 300)]
    thumbnail_height: i64,
    /// How many bytes are kept, of both sizes together; they count towards the quota of the account.
    #[schema(example = 412_345)]
    bytes: i64,
    /// When it was first taken.
    created_at: WireTime,
}

impl From<ImageRow> for ImageBody {
    fn from(row: ImageRow) -> Self {
        Self {
            id: row.id,
            thumbnail_url: path_of(row.id, Size::Thumbnail),
            url: row.path,
            content_type: row.content_type,
            width: row.width,
            height: row.height,
            thumbnail_width: row.thumbnail_width,
            thumbnail_height: row.thumbnail_height,
            bytes: row.bytes,
            created_at: WireTime(from_datetime(row.at)),
        }
    }
}

impl ImageBody {
    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// An image, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnImageBody {
    id: Uuid,
    /// Its path on the hub, for the `image_url` of an auction.
    #[schema(example = "/api/images/01a1f84a-95c0-7890-90d6-6ce45c4ecb35")]
    url: String,
    /// The path of a smaller one.
    #[schema(example = "/api/images/01a1f84a-95c0-7890-90d6-6ce45c4ecb35/thumbnail")]
    thumbnail_url: String,
    #[schema(example = "image/jpeg")]
    content_type: String,
    #[schema(example = 1_600)]
    width: i64,
    #[schema(example = 1_200)]
    height: i64,
    /// How many bytes are kept, of both sizes together; they count towards the quota of the account.
    #[schema(example = 412_345)]
    bytes: i64,
    /// When it was first taken.
    created_at: WireTime,
    /// An auction of the account that shows it: before all one that is not over, and of those the newest.
    auction: Option<Uuid>,
    /// True if an auction that is not over shows it: then it cannot be deleted.
    in_use: bool,
}

impl From<OwnRow> for OwnImageBody {
    fn from(row: OwnRow) -> Self {
        let OwnRow { image, auction, in_use } = row;
        Self {
            id: image.id,
            thumbnail_url: path_of(image.id, Size::Thumbnail),
            url: image.path,
            content_type: image.content_type,
            width: image.width,
            height: image.height,
            bytes: image.bytes,
            created_at: WireTime(from_datetime(image.at)),
            auction,
            in_use,
        }
    }
}

/// Why staff takes an image down.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RemovalBody {
    /// 1 to 500 characters, for the audit trail.
    #[schema(example = "shows somebody's papers")]
    pub reason: String,
}

/// A PNG, a JPEG or a WebP, as it is.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(super) struct ImageFile(#[allow(dead_code, reason = "it only describes")] Vec<u8>);
