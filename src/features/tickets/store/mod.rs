//! The SQL of tickets. Who changes a ticket locks its row first ([`lock`]); its author, who may open it again, locks
//! themselves before that ([`lock_author`]).

mod messages;
pub(super) mod personal;
mod queue;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::standing::{Standing, Status};
use crate::clock::{from_datetime, to_datetime};
use crate::domain::{AccountId, AuctionId, Timestamp};
use crate::http::{Once, Page};
use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

pub(super) use messages::{MessageRow, NewMessage, insert_message, message_by_key, message_in, messages};
pub(super) use queue::queue;

/// A ticket, with the present names of those who have to do with it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct TicketRow {
    pub number: i64,
    pub id: Uuid,
    pub author: Uuid,
    pub author_name: String,
    pub subject: String,
    pub auction: Option<Uuid>,
    pub status: String,
    pub assignee: Option<Uuid>,
    pub assignee_name: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub waiting_since: Option<DateTime<Utc>>,
    pub first_answer_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub messages: i64,
    /// What was asked for under the author's key.
    pub request: Option<Vec<u8>>,
}

/// A ticket to insert; it begins with one message.
#[derive(Debug, Clone)]
pub(super) struct NewTicket<'a> {
    pub id: Uuid,
    pub author: AccountId,
    pub subject: &'a str,
    pub auction: Option<AuctionId>,
    pub at: Timestamp,
    pub once: Option<&'a Once>,
}

/// The columns of a [`TicketRow`].
macro_rules! tickets {
    ($which:expr) => {
        concat!(
            "select t.number, t.id, t.author, a.display_name as author_name, t.subject, t.auction, t.status, t.assignee,
                s.display_name as assignee_name, t.created_at, t.updated_at, t.waiting_since, t.first_answer_at,
                t.closed_at, t.version, t.messages, t.request
             from tickets t join accounts a on a.id = t.author left join accounts s on s.id = t.assignee ",
            $which
        )
    };
}
use tickets;

impl TicketRow {
    /// How it stands.
    pub fn standing(&self) -> Result<Standing, StoreError> {
        let detail = || format!("ticket {} has the status {}", self.id, self.status);
        let unknown = || StoreError::Inconsistent { table: "tickets", detail: detail() };
        Ok(Standing {
            status: Status::named(&self.status).ok_or_else(unknown)?,
            waiting_since: self.waiting_since.map(from_datetime),
            first_answer_at: self.first_answer_at.map(from_datetime),
            closed_at: self.closed_at.map(from_datetime),
        })
    }

    /// As it is to stand.
    pub fn stands(self, standing: Standing) -> Self {
        Self {
            status: standing.status.name().to_owned(),
            waiting_since: standing.waiting_since.map(to_datetime),
            first_answer_at: standing.first_answer_at.map(to_datetime),
            closed_at: standing.closed_at.map(to_datetime),
            ..self
        }
    }
}

/// A ticket.
pub(super) async fn ticket(db: &Db, id: Uuid) -> Result<Option<TicketRow>, StoreError> {
    Ok(sql!(db.read(), opt TicketRow, tickets!("where t.id = $1"), id)?)
}

/// As [`ticket`], within a transaction.
pub(super) async fn ticket_in(tx: &mut Tx, id: Uuid) -> Result<TicketRow, StoreError> {
    Ok(sql!(tx.on(), one TicketRow, tickets!("where t.id = $1"), id)?)
}

/// Locks a ticket, and counts its version on, until the transaction ends.
pub(super) async fn lock(tx: &mut Tx, id: Uuid) -> Result<Option<TicketRow>, StoreError> {
    match sql!(tx.on(), exec, "update tickets set version = version + 1 where id = $1", id)? {
        0 => Ok(None),
        _ => ticket_in(tx, id).await.map(Some),
    }
}

/// Locks how many tickets an account has open, until the transaction ends.
pub(super) async fn lock_author(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    let text = "insert into ticket_authors (account, revision) values ($1, 1)
         on conflict (account) do update set revision = ticket_authors.revision + 1";
    sql!(tx.on(), exec, text, account.0)?;
    Ok(())
}

/// How many tickets of an account are not closed.
pub(super) async fn count_open(tx: &mut Tx, author: AccountId) -> Result<i64, StoreError> {
    let text = "select count(*) from tickets where author = $1 and status <> 'closed'";
    Ok(sql!(tx.on(), scalar i64, text, author.0)?)
}

/// The ticket that an account has opened under this key.
pub(super) async fn by_key(tx: &mut Tx, author: AccountId, key: &str) -> Result<Option<TicketRow>, StoreError> {
    Ok(sql!(tx.on(), opt TicketRow, tickets!("where t.author = $1 and t.key = $2"), author.0, key)?)
}

pub(super) async fn insert(tx: &mut Tx, new: &NewTicket<'_>) -> Result<(), StoreError> {
    let text =
        "insert into tickets (id, author, subject, folded, auction, status, created_at, updated_at, waiting_since,
            version, messages, key, request)
         values ($1, $2, $3, $4, $5, $6, $7, $7, $7, 1, 1, $8, $9)";
    sql!(
        tx.on(),
        exec,
        text,
        new.id,
        new.author.0,
        new.subject,
        new.subject.to_lowercase(),
        new.auction.map(|auction| auction.0),
        Standing::opened(new.at).status.name(),
        to_datetime(new.at),
        new.once.map(Once::key),
        new.once.map(Once::content)
    )?;
    Ok(())
}

/// Writes what may change of a ticket that is locked.
pub(super) async fn update(tx: &mut Tx, row: &TicketRow) -> Result<(), StoreError> {
    let text =
        "update tickets set status = $2, assignee = $3, updated_at = $4, waiting_since = $5, first_answer_at = $6,
            closed_at = $7, messages = $8 where id = $1";
    let found = sql!(
        tx.on(),
        exec,
        text,
        row.id,
        &row.status,
        row.assignee,
        row.updated_at,
        row.waiting_since,
        row.first_answer_at,
        row.closed_at,
        row.messages
    )?;
    match found {
        1 => Ok(()),
        _ => Err(StoreError::WrongRowCount { statement: "change a ticket", expected: 1, found }),
    }
}

/// The tickets of an account, the newest first.
pub(super) async fn own(
    db: &Db,
    author: AccountId,
    status: Option<Status>,
    page: &Page<i64>,
) -> Result<Vec<TicketRow>, StoreError> {
    let text = tickets!(
        "where t.author = $1 and ($2 is null or t.status = $2) and ($3 is null or t.number < $3)
         order by t.number desc limit $4"
    );
    Ok(sql!(db.read(), all TicketRow, text, author.0, status.map(Status::name), page.after, page.fetch())?)
}
