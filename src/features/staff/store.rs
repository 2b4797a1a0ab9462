//! The SQL of the audit trail. Rows are inserted and read, never deleted.

pub(super) mod personal;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::clock::to_datetime;
use crate::domain::{AccountId, AuctionId, Seq, Timestamp};
use crate::http::Page;
use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

/// A row of `staff_audit`.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct AuditRow {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor: Uuid,
    pub action: String,
    pub target_kind: String,
    pub target: Uuid,
    pub bid_seq: Option<i64>,
    pub reason: Option<String>,
    pub seq: Option<i64>,
    pub request_id: Option<String>,
}

/// What was acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// An auction.
    Auction(AuctionId),
    /// An account.
    User(AccountId),
    /// A case of staff.
    Case(Uuid),
    /// A comment.
    Comment(Uuid),
    /// A support ticket.
    Ticket(Uuid),
    /// An item of the moderation queue.
    Item(Uuid),
    /// An image.
    Image(Uuid),
}

/// An entry to be.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub action: &'static str,
    reason: Option<String>,
    bid: Option<Seq>,
}

/// An entry that says who acted, when and on what.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    entry: Entry,
    actor: AccountId,
    at: Timestamp,
    target: Target,
    event: Option<Seq>,
    request: Option<String>,
}

impl Entry {
    pub fn new(action: &'static str) -> Self {
        Self { action, reason: None, bid: None }
    }

    pub fn because(self, reason: Option<&str>) -> Self {
        Self { reason: reason.map(str::to_owned), ..self }
    }

    pub fn of_bid(self, seq: Seq) -> Self {
        Self { bid: Some(seq), ..self }
    }

    pub fn by(self, actor: AccountId, at: Timestamp, target: Target) -> Signed {
        Signed { entry: self, actor, at, target, event: None, request: None }
    }
}

impl Signed {
    /// By which event the journal has it.
    pub fn at_event(self, seq: Seq) -> Self {
        Self { event: Some(seq), ..self }
    }

    pub fn asked_in(self, request: &str) -> Self {
        Self { request: Some(request.to_owned()), ..self }
    }
}

// What is journaled is written twice, by the request and by the projection, in either order; only the first knows the
// request.
const INSERT: &str =
    "insert into staff_audit (at, actor, action, target_kind, target, bid_seq, reason, seq, request_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (target, seq) do update set request_id = coalesce(staff_audit.request_id, excluded.request_id)";

macro_rules! insert_entry {
    ($on:expr, $signed:expr) => {{
        let (kind, target) = match $signed.target {
            Target::Auction(id) => ("auction", id.0),
            Target::User(id) => ("user", id.0),
            Target::Case(id) => ("case", id),
            Target::Comment(id) => ("comment", id),
            Target::Ticket(id) => ("ticket", id),
            Target::Item(id) => ("item", id),
            Target::Image(id) => ("image", id),
        };
        sql!(
            $on,
            exec,
            INSERT,
            to_datetime($signed.at),
            $signed.actor.0,
            $signed.entry.action,
            kind,
            target,
            $signed.entry.bid.map(number),
            &$signed.entry.reason,
            $signed.event.map(number),
            &$signed.request
        )
    }};
}

/// Writes an entry down.
pub(super) async fn insert(db: &Db, signed: &Signed) -> Result<(), StoreError> {
    insert_entry!(db.write(), signed)?;
    Ok(())
}

/// As [`insert`], within a transaction.
pub(super) async fn insert_in(tx: &mut Tx, signed: &Signed) -> Result<(), StoreError> {
    insert_entry!(tx.on(), signed)?;
    Ok(())
}

/// The trail, the newest first.
pub(super) async fn trail(db: &Db, page: &Page<i64>) -> Result<Vec<AuditRow>, StoreError> {
    let text = "select * from staff_audit where ($1 is null or id < $1) order by id desc limit $2";
    Ok(sql!(db.read(), all AuditRow, text, page.after, page.fetch())?)
}

fn number(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}
