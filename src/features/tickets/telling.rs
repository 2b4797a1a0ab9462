//! Who hears of what happens to a ticket: its author and staff at once, each as they may see it; and the author of an answer
//! so that they know whenever they come back.

use serde::Serialize;
use serde_json::json;

use super::Tickets;
use super::body::{MessageBody, StaffTicketBody, TicketBody};
use super::store::{MessageRow, TicketRow};
use crate::clock::from_datetime;
use crate::domain::AuctionId;
use crate::live::Audience;
use crate::notify::{Note, NoteKind};

/// A ticket that has changed, with the message if one was written.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "ticket")]
struct Push<T> {
    ticket: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<MessageBody>,
}

impl Tickets {
    /// Shows a ticket as it is now, and a message that is not internal, to both sides. Call it after the commit.
    pub(super) fn show(&self, row: &TicketRow, message: Option<MessageRow>) {
        self.show_staff(row, message.clone());
        if let Ok(ticket) = TicketBody::new(row.clone()) {
            let push = Push { ticket, message: message.map(MessageBody::from) };
            self.0.live.cast(Audience::Account(row.author()), &push);
        }
    }

    /// As [`Tickets::show`], to staff alone. The author may be among them, so no internal note goes this way.
    pub(super) fn show_staff(&self, row: &TicketRow, message: Option<MessageRow>) {
        if let Ok(ticket) = StaffTicketBody::new(row.clone(), self.now()) {
            let push = Push { ticket, message: message.map(MessageBody::from) };
            self.0.live.cast(Audience::Staff, &push);
        }
    }
}

/// What the author is told of an answer.
pub(super) fn answered(row: &TicketRow, message: &MessageRow) -> Note {
    Note {
        account: row.author(),
        kind: NoteKind::TicketAnswer,
        auction: row.auction.map(AuctionId),
        cause: format!("ticket:{}", message.id),
        data: json!({"subject": row.subject, "ticket": row.id}),
        at: from_datetime(message.at),
    }
}
