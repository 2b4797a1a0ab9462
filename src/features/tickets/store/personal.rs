//! What tickets keep of a person.

use serde::Serialize;
use uuid::Uuid;

use crate::clock::to_datetime;
use crate::domain::{AccountId, Timestamp};
use crate::persistence::{Rows, StoreError, Tx};
use crate::personal::{At, ERASED};
use crate::sql;

/// A ticket.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::tickets) struct TicketPart {
    id: Uuid,
    subject: String,
    auction: Option<Uuid>,
    status: String,
    created_at: At,
    closed_at: Option<At>,
}

pub(in crate::features::tickets) fn tickets(tx: &mut Tx, account: AccountId) -> Rows<'_, TicketPart> {
    let text =
        "select id, subject, auction, status, created_at, closed_at from tickets where author = $1 order by number";
    sql!(tx.on(), stream TicketPart, text, account.0)
}

/// A message in one, but for notes that staff keeps to itself.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::tickets) struct MessagePart {
    ticket: Uuid,
    number: i64,
    from_staff: bool,
    body: String,
    at: At,
}

pub(in crate::features::tickets) fn messages(tx: &mut Tx, account: AccountId) -> Rows<'_, MessagePart> {
    let text = "select message.ticket, message.number, message.from_staff, message.body, message.at
         from ticket_messages message join tickets on tickets.id = message.ticket
         where tickets.author = $1 and not message.internal order by tickets.number, message.number";
    sql!(tx.on(), stream MessagePart, text, account.0)
}

/// Closes the tickets of the author, and takes their subjects.
pub(in crate::features::tickets) async fn empty_tickets(
    tx: &mut Tx,
    account: AccountId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let text = "update tickets set subject = $2, folded = $2, key = null, request = null, status = 'closed',
            closed_at = coalesce(closed_at, $3), waiting_since = null, version = version + 1
         where author = $1 and subject <> $2";
    sql!(tx.on(), exec, text, account.0, ERASED, to_datetime(now))?;
    Ok(())
}

/// Takes the texts of all messages in them: answers of staff speak of the person too.
pub(in crate::features::tickets) async fn empty_messages(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    let text = "update ticket_messages set body = $2, folded = $2, key = null, request = null
         where ticket in (select id from tickets where author = $1)";
    sql!(tx.on(), exec, text, account.0, ERASED)?;
    Ok(())
}

/// Tickets that were theirs to answer are nobody's.
pub(in crate::features::tickets) async fn unassign(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    let text = "update tickets set assignee = null, version = version + 1 where assignee = $1";
    sql!(tx.on(), exec, text, account.0)?;
    Ok(())
}
