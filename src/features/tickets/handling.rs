//! What staff does: answering, noting, and giving tickets a status and somebody to handle them. All of it stands in the
//! audit trail.

use uuid::Uuid;

use super::asking::{done, reused};
use super::request::{NewMessage, PatchTicket};
use super::store::{self, MessageRow, TicketRow};
use super::{Act, Deed, Tickets, telling, unknown_ticket};
use crate::clock::to_datetime;
use crate::domain::AccountId;
use crate::http::{ApiError, IdempotencyKey, Once, RequestId};
use crate::notify;

impl Tickets {
    /// Answers a ticket, or notes something in it that staff alone sees.
    pub(super) async fn answer(
        &self,
        staff: AccountId,
        ticket: Uuid,
        new: &NewMessage,
        (key, request): (Option<IdempotencyKey>, &RequestId),
    ) -> Result<MessageRow, ApiError> {
        let (body, internal) = (new.text()?, new.internal);
        let kind = if internal { "note" } else { "answer" };
        let once = Once::of(key, &[&ticket.to_string(), body, kind]);
        let at = self.now();
        let mut tx = self.db().begin().await?;
        let row = store::lock(&mut tx, ticket).await?.ok_or_else(unknown_ticket)?;
        if let Some(before) = done(&mut tx, staff, once.as_ref()).await? {
            return Ok(before);
        }
        let mut row = TicketRow { messages: row.messages + 1, ..row };
        if !internal {
            let standing = row.standing()?.answered(at)?;
            row = TicketRow { updated_at: to_datetime(at), ..row.stands(standing) };
        }
        store::update(&mut tx, &row).await?;
        let message = store::NewMessage {
            id: self.new_id(at),
            ticket,
            number: row.messages,
            author: staff,
            from_staff: true,
            internal,
            body,
            at,
            once: once.as_ref(),
        };
        store::insert_message(&mut tx, &message).await.map_err(|error| reused(error, once.as_ref()))?;
        let message = store::message_in(&mut tx, message.id).await?;
        let deed = if internal { Deed::Note } else { Deed::Answer };
        self.0.trail.record(&mut tx, &Act { actor: staff, at, ticket, deed, request: request.0.clone() }).await?;
        if !internal {
            notify::write(&mut tx, &[telling::answered(&row, &message)]).await?;
        }
        tx.commit().await?;
        self.0.outbox.wake();
        match internal {
            true => self.show_staff(&row, None),
            false => self.show(&row, Some(message.clone())),
        }
        Ok(message)
    }

    /// Gives a ticket another status, or somebody else to handle it.
    pub(super) async fn patch(
        &self,
        staff: AccountId,
        ticket: Uuid,
        patch: &PatchTicket,
        request: &RequestId,
    ) -> Result<TicketRow, ApiError> {
        let assignee = patch.assignee.map(|account| account.map(AccountId));
        let seen = store::ticket(self.db(), ticket).await?.ok_or_else(unknown_ticket)?;
        if seen.author() == staff {
            return Err(own_ticket());
        }
        if let Some(Some(account)) = assignee
            && (account == seen.author() || !self.0.people.is_staff(account).await?)
        {
            let detail = "a ticket is handled by staff, and not by its author";
            return Err(ApiError::invalid("invalid_assignee", "assignee", detail));
        }
        let at = self.now();
        let mut tx = self.db().begin().await?;
        let row = store::lock(&mut tx, ticket).await?.ok_or_else(unknown_ticket)?;
        let found = row.version - 1;
        if patch.version.is_some_and(|version| version != found) {
            let error = ApiError::conflict("version_conflict", "the ticket has changed meanwhile");
            return Err(error.with("version", found));
        }
        let was = row.standing()?;
        let standing = patch.status.map_or(was, |status| was.set(status, at));
        let mut deeds = Vec::new();
        if standing != was {
            deeds.push(Deed::Status(standing.status.name()));
        }
        if let Some(assignee) = assignee
            && assignee.map(|account| account.0) != row.assignee
        {
            deeds.push(Deed::Assign(assignee));
        }
        if deeds.is_empty() {
            return Ok(seen);
        }
        let updated_at = if standing == was { row.updated_at } else { to_datetime(at) };
        let assignee = assignee.map_or(row.assignee, |assignee| assignee.map(|account| account.0));
        store::update(&mut tx, &TicketRow { assignee, updated_at, ..row.stands(standing) }).await?;
        for deed in deeds {
            self.0.trail.record(&mut tx, &Act { actor: staff, at, ticket, deed, request: request.0.clone() }).await?;
        }
        let row = store::ticket_in(&mut tx, ticket).await?;
        tx.commit().await?;
        match standing == was {
            true => self.show_staff(&row, None),
            false => self.show(&row, None),
        }
        tracing::info!(%ticket, by = %staff, status = row.status, "staff: ticket {ticket} was changed");
        Ok(row)
    }
}

/// 409 `own_ticket`.
fn own_ticket() -> ApiError {
    ApiError::conflict("own_ticket", "nobody handles a ticket of their own")
}
