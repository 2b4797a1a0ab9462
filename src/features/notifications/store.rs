//! The SQL of reading notifications, of what is read of them, and of preferences.

pub(super) mod personal;

use crate::clock::to_datetime;
use crate::domain::{AccountId, Timestamp};
use crate::http::Page;
use crate::notify::{NoteKind, NoteRow, Ways};
use crate::persistence::{Db, StoreError};
use crate::sql;

/// Notifications of an account, the newest first, of one kind if it is given.
pub(super) async fn list(
    db: &Db,
    account: AccountId,
    kind: Option<NoteKind>,
    page: &Page<i64>,
) -> Result<Vec<NoteRow>, StoreError> {
    let text = "select id, account, kind, auction, data, at, read_at from notifications
         where account = $1 and ($2 is null or id < $2) and ($3 is null or kind = $3) order by id desc limit $4";
    let kind = kind.map(NoteKind::name);
    Ok(sql!(db.read(), all NoteRow, text, account.0, page.after, kind, page.fetch())?)
}

/// As [`list`], of those that are not read.
pub(super) async fn list_unread(
    db: &Db,
    account: AccountId,
    kind: Option<NoteKind>,
    page: &Page<i64>,
) -> Result<Vec<NoteRow>, StoreError> {
    let text = "select id, account, kind, auction, data, at, read_at from notifications
         where account = $1 and read_at is null and ($2 is null or id < $2) and ($3 is null or kind = $3)
         order by id desc limit $4";
    let kind = kind.map(NoteKind::name);
    Ok(sql!(db.read(), all NoteRow, text, account.0, page.after, kind, page.fetch())?)
}

/// How many an account has not read.
pub(super) async fn unread(db: &Db, account: AccountId) -> Result<i64, StoreError> {
    let text = "select count(*) from notifications where account = $1 and read_at is null";
    Ok(sql!(db.read(), scalar i64, text, account.0)?)
}

/// Marks all up to `up_to` as read. One that comes into the list later is not read, even if its number is smaller.
pub(super) async fn mark_read(db: &Db, account: AccountId, up_to: i64, now: Timestamp) -> Result<(), StoreError> {
    let text = "update notifications set read_at = $3 where account = $1 and id <= $2 and read_at is null";
    sql!(db.write(), exec, text, account.0, up_to, to_datetime(now))?;
    Ok(())
}

/// What an account has chosen, by the names of groups and kinds.
pub(super) async fn choices(db: &Db, account: AccountId) -> Result<Vec<(String, bool, bool)>, StoreError> {
    let text = "select group_name, push, email from notification_preferences where account = $1";
    Ok(sql!(db.read(), all(String, bool, bool), text, account.0)?)
}

/// Writes down what an account chooses by the names of groups and kinds, all of it or nothing. Without ways, the choice is
/// taken back.
pub(super) async fn choose(db: &Db, account: AccountId, chosen: &[(&str, Option<Ways>)]) -> Result<(), StoreError> {
    let text = "insert into notification_preferences (account, group_name, push, email) values ($1, $2, $3, $4)
         on conflict (account, group_name) do update set push = excluded.push, email = excluded.email";
    let mut tx = db.begin().await?;
    for (name, ways) in chosen {
        match ways {
            Some(ways) => sql!(tx.on(), exec, text, account.0, *name, ways.push, ways.email)?,
            None => {
                let text = "delete from notification_preferences where account = $1 and group_name = $2";
                sql!(tx.on(), exec, text, account.0, *name)?
            }
        };
    }
    tx.commit().await
}
