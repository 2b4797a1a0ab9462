//! What the author of a ticket does: opening it, writing in it, closing it, opening it again.

use uuid::Uuid;

use super::request::{NewMessage, NewTicket};
use super::standing::{IsClosed, Standing, Status};
use super::store::{self, MessageRow, TicketRow};
use super::{Tickets, unknown_ticket};
use crate::clock::to_datetime;
use crate::domain::auction::Rejection;
use crate::domain::{AccountId, AuctionId, Timestamp};
use crate::http::{ApiError, IdempotencyKey, Once, key_reused};
use crate::persistence::Tx;

/// Most tickets that an account may have open.
const OPEN_MAX: i64 = 20;

impl Tickets {
    /// Opens a ticket. Under a key that came before, gives the ticket that was opened then, as it is now.
    pub(super) async fn open(
        &self,
        author: AccountId,
        new: &NewTicket,
        key: Option<IdempotencyKey>,
    ) -> Result<TicketRow, ApiError> {
        let (subject, body) = new.texts()?;
        self.0.limits.tickets_by_account.check(&author)?;
        let auction = new.auction.map(AuctionId);
        if let Some(auction) = auction
            && !self.0.lots.exists(auction).await?
        {
            return Err(Rejection::UnknownAuction.into());
        }
        let about = auction.map(|auction| auction.to_string()).unwrap_or_default();
        let once = Once::of(key, &[subject, body, &about]);
        let at = self.now();
        let id = self.new_id(at);
        let mut tx = self.db().begin().await?;
        store::lock_author(&mut tx, author).await?;
        if let Some(once) = &once
            && let Some(before) = store::by_key(&mut tx, author, once.key()).await?
        {
            once.check(before.request.as_deref())?;
            return Ok(before);
        }
        check_open(&mut tx, author).await?;
        store::insert(&mut tx, &store::NewTicket { id, author, subject, auction, at, once: once.as_ref() }).await?;
        let message = self.message(id, 1, author, body, at);
        store::insert_message(&mut tx, &message).await?;
        let message = store::message_in(&mut tx, message.id).await?;
        let row = store::ticket_in(&mut tx, id).await?;
        tx.commit().await?;
        self.show(&row, Some(message));
        Ok(row)
    }

    /// Writes in a ticket of the author's own, which opens it again if it is closed.
    pub(super) async fn ask(
        &self,
        author: AccountId,
        ticket: Uuid,
        new: &NewMessage,
        key: Option<IdempotencyKey>,
    ) -> Result<MessageRow, ApiError> {
        let body = new.text()?;
        self.0.limits.tickets_by_account.check(&author)?;
        let once = Once::of(key, &[&ticket.to_string(), body]);
        let at = self.now();
        let mut tx = self.db().begin().await?;
        store::lock_author(&mut tx, author).await?;
        let row = store::lock(&mut tx, ticket).await?.ok_or_else(unknown_ticket)?;
        if let Some(before) = done(&mut tx, author, once.as_ref()).await? {
            return Ok(before);
        }
        let was = row.standing()?;
        let standing = was.asked(at)?;
        if was.is_closed() {
            check_open(&mut tx, author).await?;
        }
        let row = TicketRow { messages: row.messages + 1, updated_at: to_datetime(at), ..row.stands(standing) };
        store::update(&mut tx, &row).await?;
        let message = store::NewMessage { once: once.as_ref(), ..self.message(ticket, row.messages, author, body, at) };
        store::insert_message(&mut tx, &message).await.map_err(|error| reused(error, once.as_ref()))?;
        let message = store::message_in(&mut tx, message.id).await?;
        tx.commit().await?;
        self.show(&row, Some(message.clone()));
        Ok(message)
    }

    /// Opens a ticket of the author's own again. One that is not closed stays as it is.
    pub(super) async fn reopen(&self, author: AccountId, ticket: Uuid) -> Result<TicketRow, ApiError> {
        let at = self.now();
        let mut tx = self.db().begin().await?;
        store::lock_author(&mut tx, author).await?;
        let row = store::lock(&mut tx, ticket).await?.ok_or_else(unknown_ticket)?;
        let was = row.standing()?;
        let standing = was.reopened(at)?;
        if was.is_closed() {
            check_open(&mut tx, author).await?;
        }
        self.stand(tx, row, (was, standing), at).await
    }

    /// Closes a ticket of the author's own. One that is closed stays as it is.
    pub(super) async fn close(&self, ticket: Uuid) -> Result<TicketRow, ApiError> {
        let at = self.now();
        let mut tx = self.db().begin().await?;
        let row = store::lock(&mut tx, ticket).await?.ok_or_else(unknown_ticket)?;
        let was = row.standing()?;
        self.stand(tx, row, (was, was.set(Status::Closed, at)), at).await
    }

    /// Commits how a ticket stands from now on, if that is another way than before.
    async fn stand(
        &self,
        mut tx: Tx,
        row: TicketRow,
        (was, standing): (Standing, Standing),
        at: Timestamp,
    ) -> Result<TicketRow, ApiError> {
        if was == standing {
            return Ok(row);
        }
        let row = TicketRow { updated_at: to_datetime(at), ..row.stands(standing) };
        store::update(&mut tx, &row).await?;
        tx.commit().await?;
        self.show(&row, None);
        Ok(row)
    }

    /// A message of the author's, to be.
    fn message<'a>(
        &self,
        ticket: Uuid,
        number: i64,
        author: AccountId,
        body: &'a str,
        at: Timestamp,
    ) -> store::NewMessage<'a> {
        let id = self.new_id(at);
        store::NewMessage { id, ticket, number, author, from_staff: false, internal: false, body, at, once: None }
    }
}

/// The message that was written before under the key, if it was the same.
pub(super) async fn done(tx: &mut Tx, author: AccountId, once: Option<&Once>) -> Result<Option<MessageRow>, ApiError> {
    let Some(once) = once else { return Ok(None) };
    let before = store::message_by_key(tx, author, once.key()).await?;
    if let Some(before) = &before {
        once.check(before.request.as_deref())?;
    }
    Ok(before)
}

/// The same key may have come at the same moment for another ticket.
pub(super) fn reused(error: crate::persistence::StoreError, once: Option<&Once>) -> ApiError {
    if once.is_some() && error.is_duplicate() { key_reused() } else { error.into() }
}

/// Whether the account, which is locked, may have one more ticket open.
async fn check_open(tx: &mut Tx, author: AccountId) -> Result<(), ApiError> {
    if store::count_open(tx, author).await? < OPEN_MAX {
        return Ok(());
    }
    let detail = format!("an account has at most {OPEN_MAX} tickets open; close one that is done");
    Err(ApiError::conflict("too_many_tickets", detail))
}

impl From<IsClosed> for ApiError {
    fn from(_: IsClosed) -> Self {
        Self::conflict("ticket_closed", "the ticket is closed")
    }
}
