//! Cases of staff. They are opened once and closed once.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::number;
use crate::clock::to_datetime;
use crate::domain::{AccountId, AuctionId, Seq, Timestamp};
use crate::features::sales::cases::{CaseKind, NewCase, Resolution};
use crate::http::Page;
use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

/// A case, with the name of the account as it is now.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(in crate::features::sales) struct CaseRow {
    pub id: Uuid,
    pub kind: String,
    pub account: Uuid,
    pub account_name: Option<String>,
    auction: Option<Uuid>,
    seq: Option<i64>,
    pub currency: String,
    pub amount: i64,
    pub reason: String,
    pub opened_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
    pub closed_by: Option<Uuid>,
    pub resolution: Option<String>,
    pub note: Option<String>,
}

/// How a case is closed.
#[derive(Debug, Clone)]
pub(in crate::features::sales) struct Closing<'a> {
    pub by: AccountId,
    pub at: Timestamp,
    pub resolution: Resolution,
    pub note: &'a str,
}

impl CaseRow {
    /// By which event of which auction it came up, if by one.
    pub fn event(&self) -> Option<(AuctionId, Seq)> {
        Some((AuctionId(self.auction?), Seq(self.seq?.unsigned_abs())))
    }
}

/// Opens a case, unless its cause has opened one before. True if it is new.
pub(in crate::features::sales) async fn insert_case(tx: &mut Tx, new: &NewCase) -> Result<bool, StoreError> {
    let text = "insert into staff_cases (id, kind, cause, account, auction, seq, currency, amount, reason, opened_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (cause) do nothing";
    let (auction, seq) = new.auction.unzip();
    let inserted = sql!(
        tx.on(),
        exec,
        text,
        new.id(),
        new.kind.name(),
        &new.cause,
        new.account.0,
        auction.map(|id| id.0),
        seq.map(number),
        new.currency.code(),
        new.amount.minor_units(),
        &new.reason,
        to_datetime(new.at)
    )?;
    Ok(inserted == 1)
}

/// Closes a case. False if it is closed already.
pub(in crate::features::sales) async fn close_case(
    tx: &mut Tx,
    id: Uuid,
    closing: &Closing<'_>,
) -> Result<bool, StoreError> {
    let text = "update staff_cases set closed_at = $2, closed_by = $3, resolution = $4, note = $5
         where id = $1 and closed_at is null";
    let Closing { by, at, resolution, note } = closing;
    Ok(sql!(tx.on(), exec, text, id, to_datetime(*at), by.0, resolution.name(), *note)? == 1)
}

/// A case.
pub(in crate::features::sales) async fn case(db: &Db, id: Uuid) -> Result<Option<CaseRow>, StoreError> {
    let text = "select entry.*, account.display_name as account_name from staff_cases entry
         left join accounts account on account.id = entry.account where entry.id = $1";
    Ok(sql!(db.read(), opt CaseRow, text, id)?)
}

/// Cases, the newest first: open or closed ones, and of one kind, if so asked.
pub(in crate::features::sales) async fn cases(
    db: &Db,
    open: Option<bool>,
    kind: Option<CaseKind>,
    page: &Page<Uuid>,
) -> Result<Vec<CaseRow>, StoreError> {
    let text = "select entry.*, account.display_name as account_name from staff_cases entry
         left join accounts account on account.id = entry.account
         where ($1 is null or (entry.closed_at is null) = $1) and ($2 is null or entry.kind = $2)
            and ($3 is null or entry.id < $3)
         order by entry.id desc limit $4";
    let kind = kind.map(CaseKind::name);
    Ok(sql!(db.read(), all CaseRow, text, open, kind, page.after, page.fetch())?)
}

/// How many cases are open, by kind; kinds without one are left out.
pub(in crate::features::sales) async fn open_cases(db: &Db) -> Result<Vec<(String, i64)>, StoreError> {
    let text = "select kind, count(*) from staff_cases where closed_at is null group by kind";
    Ok(sql!(db.read(), all(String, i64), text)?)
}
