//! The SQL of writing notifications, of pushing and mailing them, and of what is swept out.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::kinds::{Choices, NoteKind, Ways};
use super::{Note, NoteRow};
use crate::clock::{from_datetime, to_datetime};
use crate::coordination::NoteIds;
use crate::domain::{AccountId, AuctionId, Timestamp};
use crate::persistence::{Db, On, StoreError, Tx};
use crate::sql;

/// How many rows one statement inserts at most: with six columns well below SQLite's 32,766 parameters.
const ROWS_PER_STATEMENT: usize = 1_000;

/// A notification that is not pushed yet.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Pending {
    pub id: i64,
    pub account: Uuid,
    pub kind: String,
    pub at: DateTime<Utc>,
}

/// What an account has chosen for a group, or for a single kind under its name.
#[derive(Debug, Clone, sqlx::FromRow)]
struct ChoiceRow {
    account: Uuid,
    group_name: String,
    push: bool,
    email: bool,
}

/// Inserts notifications in their order, and leaves out those of a cause that is there and those for whom nobody is there
/// any more: what is late in the log must not bring back who was erased. Gives how many were new.
pub(super) async fn insert(tx: &mut Tx, notes: &[Note]) -> Result<u64, StoreError> {
    let mut inserted = 0;
    for notes in notes.chunks(ROWS_PER_STATEMENT) {
        inserted += match tx.on() {
            On::Lite(on) => insert_values(on, notes).await?,
            On::Pg(on) => insert_arrays(on, notes).await?,
        };
    }
    Ok(inserted)
}

async fn insert_values(on: &mut sqlx::sqlite::SqliteConnection, notes: &[Note]) -> Result<u64, sqlx::Error> {
    const TEXT: &str = "insert into notifications (account, kind, auction, cause, data, at) select * from (";
    let mut builder = sqlx::QueryBuilder::new(TEXT);
    builder.push_values(notes, |mut row, note| {
        row.push_bind(note.account.0)
            .push_bind(note.kind.name())
            .push_bind(note.auction.map(|auction| auction.0))
            .push_bind(note.cause.as_str())
            .push_bind(Json(&note.data))
            .push_bind(to_datetime(note.at));
    });
    builder.push(
        ") as n where not exists (select 1 from accounts where id = n.column1 and erased_at is not null)
         on conflict (account, cause) do nothing",
    );
    Ok(builder.build().persistent(notes.len() == 1).execute(on).await?.rows_affected())
}

/// One text however many rows there are, so that the server reads it once.
async fn insert_arrays(on: &mut sqlx::postgres::PgConnection, notes: &[Note]) -> Result<u64, sqlx::Error> {
    let text = "insert into notifications (account, kind, auction, cause, data, at)
         select account, kind, auction, cause, data, at
         from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::jsonb[], $6::timestamptz[])
             with ordinality as n(account, kind, auction, cause, data, at, nth)
         where not exists (select 1 from accounts where id = n.account and erased_at is not null)
         order by nth on conflict (account, cause) do nothing";
    let done = sqlx::query(text)
        .bind(notes.iter().map(|note| note.account.0).collect::<Vec<_>>())
        .bind(notes.iter().map(|note| note.kind.name()).collect::<Vec<_>>())
        .bind(notes.iter().map(|note| note.auction.map(|auction| auction.0)).collect::<Vec<_>>())
        .bind(notes.iter().map(|note| note.cause.as_str()).collect::<Vec<_>>())
        .bind(notes.iter().map(|note| Json(&note.data)).collect::<Vec<Json<&Value>>>())
        .bind(notes.iter().map(|note| to_datetime(note.at)).collect::<Vec<_>>())
        .execute(on)
        .await?;
    Ok(done.rows_affected())
}

/// A notification about a race that waits to be read.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct UnreadRow {
    pub id: i64,
    account: Uuid,
    auction: Uuid,
    kind: String,
    pub cause: String,
    at: DateTime<Utc>,
    mailed_at: Option<DateTime<Utc>>,
}

impl UnreadRow {
    pub fn account(&self) -> AccountId {
        AccountId(self.account)
    }

    pub fn auction(&self) -> AuctionId {
        AuctionId(self.auction)
    }

    /// True if it says that the account leads, and was mailed itself: what merely counts as mailed was so before it happened.
    pub fn was_mailed_as_winning(&self) -> bool {
        self.kind == NoteKind::Winning.name() && self.mailed_at.is_some_and(|mailed_at| mailed_at >= self.at)
    }

    pub fn mailed_at(&self) -> Option<Timestamp> {
        self.mailed_at.map(from_datetime)
    }
}

/// What these accounts have not read yet about races.
pub(super) async fn unread_of_races(tx: &mut Tx, accounts: &[Uuid]) -> Result<Vec<UnreadRow>, StoreError> {
    let rows = match tx.on() {
        _ if accounts.is_empty() => Vec::new(),
        On::Lite(on) => {
            let text =
                "select id, account, auction, kind, cause, at, mailed_at from notifications where read_at is null
                 and kind in ('outbid', 'winning') and auction is not null and account in (";
            listed(text, accounts).build_query_as().persistent(false).fetch_all(on).await?
        }
        On::Pg(on) => {
            let text =
                "select id, account, auction, kind, cause, at, mailed_at from notifications where read_at is null
                 and kind in ('outbid', 'winning') and auction is not null and account = any($1)";
            sqlx::query_as(text).bind(accounts).fetch_all(on).await?
        }
    };
    Ok(rows)
}

/// Deletes notifications by their ids, in their order.
pub(super) async fn delete(tx: &mut Tx, ids: &[i64]) -> Result<(), StoreError> {
    match tx.on() {
        _ if ids.is_empty() => {}
        On::Lite(on) => {
            let text = "delete from notifications where id in (";
            listed(text, ids).build().persistent(false).execute(on).await?;
        }
        On::Pg(on) => {
            sqlx::query("delete from notifications where id = any($1)").bind(ids).execute(on).await?;
        }
    }
    Ok(())
}

/// Has a notification count as mailed `at` a moment, so that it is not mailed itself.
pub(super) async fn count_as_mailed(tx: &mut Tx, note: &Note, at: Timestamp) -> Result<(), StoreError> {
    let text = "update notifications set mailed_at = $3 where account = $1 and cause = $2";
    sql!(tx.on(), exec, text, note.account.0, note.cause.as_str(), to_datetime(at))?;
    Ok(())
}

/// What is not pushed yet, by its ids.
pub(super) async fn pending(db: &Db, limit: i64) -> Result<Vec<Pending>, StoreError> {
    let text = "select id, account, kind, at from notifications where pushed_at is null order by id limit $1";
    Ok(sql!(db.read(), all Pending, text, limit)?)
}

/// The notifications of `ids`, in order.
pub(super) async fn of_ids(db: &Db, ids: NoteIds) -> Result<Vec<NoteRow>, StoreError> {
    let text = "select id, account, kind, auction, data, at, read_at from notifications
         where id >= $1 and id <= $2 order by id";
    let mut rows = sql!(db.read(), all NoteRow, text, ids.first(), ids.last())?;
    rows.retain(|row| ids.contains(row.id));
    Ok(rows)
}

/// What these accounts have chosen.
pub(super) async fn choices(db: &Db, accounts: &[Uuid]) -> Result<Choices, StoreError> {
    let rows: Vec<ChoiceRow> = match db.read() {
        _ if accounts.is_empty() => Vec::new(),
        On::Lite(on) => {
            let text = "select account, group_name, push, email from notification_preferences where account in (";
            listed(text, accounts).build_query_as().persistent(false).fetch_all(on).await?
        }
        On::Pg(on) => {
            let text = "select account, group_name, push, email from notification_preferences where account = any($1)";
            sqlx::query_as(text).bind(accounts).fetch_all(on).await?
        }
    };
    let mut choices = Choices::default();
    for ChoiceRow { account, group_name, push, email } in rows {
        choices.add(AccountId(account), &group_name, Ways { push, email });
    }
    Ok(choices)
}

/// Notes that these were handed to every node.
pub(super) async fn mark_pushed(tx: &mut Tx, ids: &[i64], now: Timestamp) -> Result<(), StoreError> {
    let now = to_datetime(now);
    match tx.on() {
        _ if ids.is_empty() => {}
        On::Lite(on) => {
            let mut builder = sqlx::QueryBuilder::new("update notifications set pushed_at = ");
            builder.push_bind(now).push(" where pushed_at is null and id in (");
            finish(&mut builder, ids).build().persistent(false).execute(on).await?;
        }
        On::Pg(on) => {
            let text = "update notifications set pushed_at = $1 where pushed_at is null and id = any($2)";
            sqlx::query(text).bind(now).bind(ids).execute(on).await?;
        }
    }
    Ok(())
}

/// Notes that these are to be mailed, if they are not pushed yet: what is pushed once more is not mailed once more.
pub(super) async fn mark_mail_due(tx: &mut Tx, ids: &[i64]) -> Result<(), StoreError> {
    match tx.on() {
        _ if ids.is_empty() => {}
        On::Lite(on) => {
            let text = "update notifications set mail_due = true where pushed_at is null and id in (";
            listed(text, ids).build().persistent(false).execute(on).await?;
        }
        On::Pg(on) => {
            let text = "update notifications set mail_due = true where pushed_at is null and id = any($1)";
            sqlx::query(text).bind(ids).execute(on).await?;
        }
    }
    Ok(())
}

/// What is to be mailed, the oldest first.
pub(super) async fn mail_due(db: &Db, limit: i64) -> Result<Vec<NoteRow>, StoreError> {
    let text = "select id, account, kind, auction, data, at, read_at from notifications
         where mail_due order by id limit $1";
    Ok(sql!(db.read(), all NoteRow, text, limit)?)
}

/// Marks a notification as mailed, unless it is so already or its account was sent `limit` mails since `since`. True if
/// it is to be sent now.
pub(super) async fn take_mail(
    tx: &mut Tx,
    id: i64,
    now: Timestamp,
    (limit, since): (i64, Timestamp),
) -> Result<bool, StoreError> {
    let text = "update notifications set mail_due = false, mailed_at = $2
         where id = $1 and mail_due and mailed_at is null and $3 > (
             select count(*) from notifications m where m.account = notifications.account and m.mailed_at > $4)";
    Ok(sql!(tx.on(), exec, text, id, to_datetime(now), limit, to_datetime(since))? == 1)
}

/// Gives the mail of a notification up.
pub(super) async fn drop_mail(tx: &mut Tx, id: i64) -> Result<(), StoreError> {
    sql!(tx.on(), exec, "update notifications set mail_due = false where id = $1 and mail_due", id)?;
    Ok(())
}

/// Deletes up to `limit` notifications of before `before`; gives how many.
pub(super) async fn sweep(db: &Db, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let text = "delete from notifications
         where id in (select id from notifications where at < $1 order by at limit $2)";
    Ok(sql!(db.write(), exec, text, to_datetime(before), limit)?)
}

/// `text` and the values that its list is to have.
fn listed<'a, V>(text: &str, values: &'a [V]) -> sqlx::QueryBuilder<sqlx::Sqlite>
where
    V: Copy + sqlx::Encode<'a, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + 'a,
{
    let mut builder = sqlx::QueryBuilder::new(text);
    finish(&mut builder, values);
    builder
}

fn finish<'a, 'b, V>(
    builder: &'b mut sqlx::QueryBuilder<sqlx::Sqlite>,
    values: &'a [V],
) -> &'b mut sqlx::QueryBuilder<sqlx::Sqlite>
where
    V: Copy + sqlx::Encode<'a, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + 'a,
{
    let mut list = builder.separated(", ");
    for value in values {
        list.push_bind(*value);
    }
    builder.push(")")
}
