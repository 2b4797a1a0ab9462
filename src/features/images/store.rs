//! The SQL of images.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::Size;
use super::picture::Picture;
use crate::clock::to_datetime;
use crate::domain::{AccountId, Timestamp};
use crate::persistence::{Db, On, Rows, StoreError, Tx};
use crate::personal::At;
use crate::sql;

/// A row of `images`.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct ImageRow {
    pub id: Uuid,
    pub path: String,
    pub content_type: String,
    pub width: i64,
    pub height: i64,
    pub thumbnail_width: i64,
    pub thumbnail_height: i64,
    pub bytes: i64,
    pub at: DateTime<Utc>,
}

/// A file as it is served.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct FileRow {
    pub content_type: String,
    pub body: Vec<u8>,
}

/// Lets one upload of an account at a time count and insert. On SQLite every writer is alone.
pub(super) async fn lock(tx: &mut Tx, owner: AccountId) -> Result<(), StoreError> {
    if let On::Pg(on) = tx.on() {
        let text = "select id from accounts where id = $1 for no key update";
        sqlx::query(text).bind(owner.0).execute(on).await?;
    }
    Ok(())
}

const WANT_SAME: &str = "update images set wanted_at = $3 where owner = $1 and digest = $2 returning *";

/// What an account has uploaded before with this digest, if it is still there; it is wanted again.
pub(super) async fn want_same(
    db: &Db,
    owner: AccountId,
    digest: &[u8],
    now: Timestamp,
) -> Result<Option<ImageRow>, StoreError> {
    Ok(sql!(db.write(), opt ImageRow, WANT_SAME, owner.0, digest, to_datetime(now))?)
}

/// As [`want_same`], within a transaction.
pub(super) async fn want_same_in(
    tx: &mut Tx,
    owner: AccountId,
    digest: &[u8],
    now: Timestamp,
) -> Result<Option<ImageRow>, StoreError> {
    Ok(sql!(tx.on(), opt ImageRow, WANT_SAME, owner.0, digest, to_datetime(now))?)
}

/// How many bytes the images of an account have.
pub(super) async fn bytes_of(tx: &mut Tx, owner: AccountId) -> Result<i64, StoreError> {
    let text = "select cast(coalesce(sum(bytes), 0) as bigint) from images where owner = $1";
    Ok(sql!(tx.on(), scalar i64, text, owner.0)?)
}

/// Inserts an image with its files.
pub(super) async fn insert(
    tx: &mut Tx,
    owner: AccountId,
    digest: &[u8],
    row: &ImageRow,
    picture: &Picture,
) -> Result<(), StoreError> {
    let text = "insert into images (id, owner, digest, path, content_type, width, height, thumbnail_width,
            thumbnail_height, bytes, at, wanted_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)";
    sql!(
        tx.on(),
        exec,
        text,
        row.id,
        owner.0,
        digest,
        &row.path,
        &row.content_type,
        row.width,
        row.height,
        row.thumbnail_width,
        row.thumbnail_height,
        row.bytes,
        row.at
    )?;
    for (size, file) in [(Size::Full, &picture.full), (Size::Thumbnail, &picture.thumbnail)] {
        let text = "insert into image_files (image, size, body) values ($1, $2, $3)";
        sql!(tx.on(), exec, text, row.id, size.name(), &file.body[..])?;
    }
    Ok(())
}

/// A file of an image.
pub(super) async fn file(db: &Db, id: Uuid, size: Size) -> Result<Option<FileRow>, StoreError> {
    let text = "select i.content_type, f.body from image_files f join images i on i.id = f.image
         where f.image = $1 and f.size = $2";
    Ok(sql!(db.read(), opt FileRow, text, id, size.name())?)
}

/// Whether there is such an image.
pub(super) async fn is_there(db: &Db, id: Uuid) -> Result<bool, StoreError> {
    Ok(sql!(db.read(), scalar i64, "select count(*) from images where id = $1", id)? > 0)
}

/// Notes that an image is wanted now. False if there is none.
pub(super) async fn want(db: &Db, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    Ok(sql!(db.write(), exec, "update images set wanted_at = $2 where id = $1", id, to_datetime(now))? > 0)
}

/// Whether any image was not known to be wanted after `before`.
pub(super) async fn any_due(db: &Db, before: Timestamp) -> Result<bool, StoreError> {
    let text = "select count(*) from (select 1 from images where wanted_at < $1 limit 1) as due";
    Ok(sql!(db.read(), scalar i64, text, to_datetime(before))? > 0)
}

/// Of the `limit` images of which it was not known for the longest time before `before` that they are wanted, notes of those
/// that an auction shows that they are; gives how many.
pub(super) async fn keep_used(db: &Db, before: Timestamp, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let text = "update images set wanted_at = $2
         where id in (select id from images where wanted_at < $1 order by wanted_at limit $3)
             and exists (select 1 from auctions a where a.image_url in (images.path, images.path || '/thumbnail'))";
    Ok(sql!(db.write(), exec, text, to_datetime(before), to_datetime(now), limit)?)
}

/// Of the same, deletes those that no auction shows; gives how many.
pub(super) async fn delete_unused(db: &Db, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let text = "delete from images
         where id in (select id from images where wanted_at < $1 order by wanted_at limit $2) and wanted_at < $1
             and not exists (select 1 from auctions a where a.image_url in (images.path, images.path || '/thumbnail'))";
    Ok(sql!(db.write(), exec, text, to_datetime(before), limit)?)
}

/// An image, for the person who uploaded it.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(super) struct UploadPart {
    id: Uuid,
    url: String,
    content_type: String,
    width: i64,
    height: i64,
    bytes: i64,
    at: At,
}

/// What an account has uploaded.
pub(super) fn uploaded(tx: &mut Tx, owner: AccountId) -> Rows<'_, UploadPart> {
    let text = "select id, path as url, content_type, width, height, bytes, at from images where owner = $1
         order by at, id";
    sql!(tx.on(), stream UploadPart, text, owner.0)
}

/// Deletes what an account has uploaded.
pub(super) async fn delete_of(tx: &mut Tx, owner: AccountId) -> Result<(), StoreError> {
    sql!(tx.on(), exec, "delete from images where owner = $1", owner.0)?;
    Ok(())
}
