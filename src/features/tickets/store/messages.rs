//! The SQL of messages in tickets. They are numbered while their ticket is locked, so in the order of the commits.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::clock::to_datetime;
use crate::domain::{AccountId, Timestamp};
use crate::http::{Once, Page};
use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

/// A message, with the present name of its author.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct MessageRow {
    pub id: Uuid,
    pub number: i64,
    pub author_name: String,
    pub from_staff: bool,
    pub internal: bool,
    pub body: String,
    pub at: DateTime<Utc>,
    /// What was asked for under the author's key.
    pub request: Option<Vec<u8>>,
}

/// A message to insert.
#[derive(Debug, Clone)]
pub struct NewMessage<'a> {
    pub id: Uuid,
    pub ticket: Uuid,
    pub number: i64,
    pub author: AccountId,
    pub from_staff: bool,
    pub internal: bool,
    pub body: &'a str,
    pub at: Timestamp,
    pub once: Option<&'a Once>,
}

macro_rules! messages {
    ($which:literal) => {
        concat!(
            "select m.id, m.number, a.display_name as author_name, m.from_staff, m.internal, m.body, m.at,
                m.request
             from ticket_messages m join accounts a on a.id = m.author ",
            $which
        )
    };
}

pub async fn insert_message(tx: &mut Tx, new: &NewMessage<'_>) -> Result<(), StoreError> {
    let text = "insert into ticket_messages (id, ticket, number, author, from_staff, internal, body, folded, at, key,
            request)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    sql!(
        tx.on(),
        exec,
        text,
        new.id,
        new.ticket,
        new.number,
        new.author.0,
        new.from_staff,
        new.internal,
        new.body,
        new.body.to_lowercase(),
        to_datetime(new.at),
        new.once.map(Once::key),
        new.once.map(Once::content)
    )?;
    Ok(())
}

/// A message, within a transaction.
pub async fn message_in(tx: &mut Tx, id: Uuid) -> Result<MessageRow, StoreError> {
    Ok(sql!(tx.on(), one MessageRow, messages!("where m.id = $1"), id)?)
}

/// The message that an account has written under this key.
pub async fn message_by_key(tx: &mut Tx, author: AccountId, key: &str) -> Result<Option<MessageRow>, StoreError> {
    Ok(sql!(tx.on(), opt MessageRow, messages!("where m.author = $1 and m.key = $2"), author.0, key)?)
}

/// The messages of a ticket, the oldest first.
pub async fn messages(
    db: &Db,
    ticket: Uuid,
    with_internal: bool,
    page: &Page<i64>,
) -> Result<Vec<MessageRow>, StoreError> {
    let text = messages!(
        "where m.ticket = $1 and ($2 or not m.internal) and ($3 is null or m.number > $3) order by m.number limit $4"
    );
    Ok(sql!(db.read(), all MessageRow, text, ticket, with_internal, page.after, page.fetch())?)
}
