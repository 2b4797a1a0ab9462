//! The SQL of images.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::Size;
use super::picture::Picture;
use crate::clock::to_datetime;
use crate::domain::{AccountId, Timestamp};
use crate::http::Page;
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

/// An auction of the owner that shows an image; what follows it narrows that down.
macro_rules! shown_in {
    ($image:literal) => {
        concat!(
            "auctions a where a.image_url in (",
            $image,
            ".path, ",
            $image,
            ".path || '/thumbnail') and a.seller = ",
            $image,
            ".owner"
        )
    };
}

/// A row of `images` as its owner sees it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct OwnRow {
    #[sqlx(flatten)]
    pub image: ImageRow,
    pub auction: Option<Uuid>,
    pub in_use: bool,
}

/// A file as it is kept.
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

/// How many bytes of them no auction shows.
pub(super) async fn unused_bytes_of(tx: &mut Tx, owner: AccountId) -> Result<i64, StoreError> {
    let text = concat!(
        "select cast(coalesce(sum(i.bytes), 0) as bigint) from images i where i.owner = $1
             and not exists (select 1 from ",
        shown_in!("i"),
        ")"
    );
    Ok(sql!(tx.on(), scalar i64, text, owner.0)?)
}

const ROOM: &str = "select bytes from image_room";

/// How many bytes all images have.
pub(super) async fn room(db: &Db) -> Result<i64, StoreError> {
    Ok(sql!(db.read(), scalar i64, ROOM)?)
}

/// As [`room`]; nobody takes more until the transaction ends.
pub(super) async fn room_in(tx: &mut Tx) -> Result<i64, StoreError> {
    match tx.on() {
        On::Lite(on) => Ok(sqlx::query_scalar(ROOM).fetch_one(on).await?),
        On::Pg(on) => Ok(sqlx::query_scalar("select bytes from image_room for update").fetch_one(on).await?),
    }
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

/// Notes that an auction to be of the owner asks for an image. False if they have none.
pub(super) async fn want(db: &Db, id: Uuid, owner: AccountId, now: Timestamp) -> Result<bool, StoreError> {
    let text = "update images set wanted_at = $3, named_at = $3 where id = $1 and owner = $2";
    Ok(sql!(db.write(), exec, text, id, owner.0, to_datetime(now))? > 0)
}

/// Whose an image is.
pub(super) async fn owner_of(db: &Db, id: Uuid) -> Result<Option<AccountId>, StoreError> {
    let owner = sql!(db.read(), opt_scalar Uuid, "select owner from images where id = $1", id)?;
    Ok(owner.map(AccountId))
}

/// A page of the images of an account, the newest first; by each the auction that shows it, before all one that is not over.
pub(super) async fn own(db: &Db, owner: AccountId, page: &Page<Uuid>) -> Result<Vec<OwnRow>, StoreError> {
    let text = concat!(
        "select i.id, i.path, i.content_type, i.width, i.height, i.thumbnail_width, i.thumbnail_height, i.bytes, i.at,
             (select a.id from ",
        shown_in!("i"),
        " order by case when a.closed_at is null then 0 else 1 end, a.id desc limit 1) as auction,
             exists (select 1 from ",
        shown_in!("i"),
        " and a.closed_at is null) as in_use
         from images i where i.owner = $1 and ($2 is null or i.id < $2) order by i.id desc limit $3"
    );
    Ok(sql!(db.read(), all OwnRow, text, owner.0, page.after, page.fetch())?)
}

/// Deletes an image, unless an auction that is not over shows it, or one asked for it after `before`. False if nothing was
/// deleted.
pub(super) async fn delete_idle(db: &Db, id: Uuid, before: Timestamp) -> Result<bool, StoreError> {
    let text = concat!(
        "delete from images where id = $1 and (named_at is null or named_at < $2)
             and not exists (select 1 from ",
        shown_in!("images"),
        " and a.closed_at is null)"
    );
    Ok(sql!(db.write(), exec, text, id, to_datetime(before))? > 0)
}

/// Deletes an image, whoever shows it. False if there is none.
pub(super) async fn delete(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    Ok(sql!(tx.on(), exec, "delete from images where id = $1", id)? > 0)
}

/// Whether any image was not known to be wanted after `before`.
pub(super) async fn any_due(db: &Db, before: Timestamp) -> Result<bool, StoreError> {
    let text = "select count(*) from (select 1 from images where wanted_at < $1 limit 1) as due";
    Ok(sql!(db.read(), scalar i64, text, to_datetime(before))? > 0)
}

/// Of the `limit` images of which it was not known for the longest time before `before` that they are wanted, notes of those
/// that an auction shows that they are wanted until `until`; gives how many.
pub(super) async fn keep_used(db: &Db, before: Timestamp, until: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let text = concat!(
        "update images set wanted_at = $2
         where id in (select id from images where wanted_at < $1 order by wanted_at limit $3)
             and exists (select 1 from ",
        shown_in!("images"),
        ")"
    );
    Ok(sql!(db.write(), exec, text, to_datetime(before), to_datetime(until), limit)?)
}

/// Of the same, deletes those that no auction shows; gives how many.
pub(super) async fn delete_unused(db: &Db, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let text = concat!(
        "delete from images
         where id in (select id from images where wanted_at < $1 order by wanted_at limit $2) and wanted_at < $1
             and not exists (select 1 from ",
        shown_in!("images"),
        ")"
    );
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
