//! What the two sides of a ticket get to see of it.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Side;
use super::standing::Status;
use super::store::{MessageRow, TicketRow};
use crate::clock::{WireTime, from_datetime};
use crate::domain::{AccountId, Timestamp};
use crate::persistence::StoreError;

/// A ticket as its author sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TicketBody {
    id: Uuid,
    subject: String,
    /// The auction that it is about.
    auction: Option<Uuid>,
    status: Status,
    created_at: WireTime,
    /// The last message to or from the author, or change of the status.
    updated_at: WireTime,
    closed_at: Option<WireTime>,
}

/// A ticket as staff sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StaffTicketBody {
    #[serde(flatten)]
    ticket: TicketBody,
    author: Person,
    assignee: Option<Person>,
    /// Grows with every change.
    version: i64,
    /// How many messages there are, internal ones included.
    messages: i64,
    /// Seconds since it was opened.
    age_s: i64,
    /// Seconds that its author has been waiting for an answer; null if they are not.
    waiting_s: Option<i64>,
    /// Seconds from its opening to the first answer; null before that.
    first_answer_s: Option<i64>,
}

/// Somebody, as staff sees them.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Person {
    id: Uuid,
    #[schema(example = "Ada")]
    display_name: String,
}

/// A ticket as one of its sides sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub enum TicketView {
    /// By its author.
    Author(TicketBody),
    /// By staff.
    Staff(StaffTicketBody),
}

/// A message.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MessageBody {
    id: Uuid,
    /// The name of who wrote it.
    #[schema(example = "Sam")]
    author: String,
    /// True if that is staff.
    staff: bool,
    /// True if staff alone sees it.
    internal: bool,
    body: String,
    at: WireTime,
}

/// A ticket with a page of its messages.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TicketPage {
    #[serde(flatten)]
    pub ticket: TicketView,
    /// The oldest first.
    pub messages: Vec<MessageBody>,
    /// The cursor of the page after this one; null on the last.
    pub next: Option<String>,
}

impl TicketBody {
    /// The ticket as its author sees it.
    pub fn new(row: TicketRow) -> Result<Self, StoreError> {
        let standing = row.standing()?;
        Ok(Self {
            id: row.id,
            subject: row.subject,
            auction: row.auction,
            status: standing.status,
            created_at: WireTime(from_datetime(row.created_at)),
            updated_at: WireTime(from_datetime(row.updated_at)),
            closed_at: standing.closed_at.map(WireTime),
        })
    }
}

impl StaffTicketBody {
    /// The ticket as staff sees it at `now`.
    pub fn new(row: TicketRow, now: Timestamp) -> Result<Self, StoreError> {
        let (standing, created_at) = (row.standing()?, from_datetime(row.created_at));
        let seconds = |from: Timestamp, to: Timestamp| to.since(from).millis().max(0) / 1_000;
        let assignee = row.assignee.zip(row.assignee_name.clone());
        Ok(Self {
            author: Person { id: row.author, display_name: row.author_name.clone() },
            assignee: assignee.map(|(id, display_name)| Person { id, display_name }),
            version: row.version,
            messages: row.messages,
            age_s: seconds(created_at, now),
            waiting_s: standing.waiting_since.map(|since| seconds(since, now)),
            first_answer_s: standing.first_answer_at.map(|at| seconds(created_at, at)),
            ticket: TicketBody::new(row)?,
        })
    }
}

impl TicketView {
    /// The ticket as this side sees it at `now`.
    pub fn new(row: TicketRow, side: Side, now: Timestamp) -> Result<Self, StoreError> {
        match side {
            Side::Author => TicketBody::new(row).map(Self::Author),
            Side::Staff => StaffTicketBody::new(row, now).map(Self::Staff),
        }
    }
}

impl From<MessageRow> for MessageBody {
    fn from(row: MessageRow) -> Self {
        let MessageRow { id, author_name, from_staff, internal, body, at, .. } = row;
        Self { id, author: author_name, staff: from_staff, internal, body, at: WireTime(from_datetime(at)) }
    }
}

impl TicketRow {
    /// Whose ticket it is.
    pub fn author(&self) -> AccountId {
        AccountId(self.author)
    }
}
