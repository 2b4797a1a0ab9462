//! The SQL of reports: what people have told staff of, once for each of them and each thing.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Closing;
use crate::clock::to_datetime;
use crate::domain::{AccountId, AuctionId, Timestamp};
use crate::features::moderation::Subject;
use crate::http::Page;
use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

/// A report, with the present name of who made it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ReportRow {
    pub id: Uuid,
    pub target: Uuid,
    pub reporter: Uuid,
    pub reporter_name: String,
    pub reason: String,
    pub at: DateTime<Utc>,
    pub status: String,
}

/// A report to insert.
#[derive(Debug, Clone, Copy)]
pub struct NewReport<'a> {
    pub id: Uuid,
    pub item: Uuid,
    pub subject: Subject,
    pub auction: AuctionId,
    pub reporter: AccountId,
    pub reason: &'a str,
    pub at: Timestamp,
}

macro_rules! reports {
    ($which:literal) => {
        concat!(
            "select r.id, r.target, r.reporter, a.display_name as reporter_name, r.reason, r.at, r.status
             from reports r join accounts a on a.id = r.reporter ",
            $which
        )
    };
}

/// Inserts a report, unless its reporter has made one of the same before. True if it is new.
pub async fn insert_report(tx: &mut Tx, new: &NewReport<'_>) -> Result<bool, StoreError> {
    let text = "insert into reports (id, kind, target, auction, reporter, reason, at, item)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (kind, target, reporter) do nothing";
    let (kind, target) = new.subject.parts();
    let (at, auction, reporter) = (to_datetime(new.at), new.auction.0, new.reporter.0);
    Ok(sql!(tx.on(), exec, text, new.id, kind, target, auction, reporter, new.reason, at, new.item)? == 1)
}

/// What somebody has reported of this.
pub async fn report_of(db: &Db, subject: Subject, reporter: AccountId) -> Result<Option<ReportRow>, StoreError> {
    let (kind, target) = subject.parts();
    let text = reports!("where r.kind = $1 and r.target = $2 and r.reporter = $3");
    Ok(sql!(db.write(), opt ReportRow, text, kind, target, reporter.0)?)
}

/// Closes the reports of an item.
pub async fn close_reports(tx: &mut Tx, item: Uuid, closing: &Closing<'_>) -> Result<(), StoreError> {
    let text = "update reports set status = 'closed', closed_at = $2, closed_by = $3, outcome = $4
         where item = $1 and status = 'open'";
    sql!(tx.on(), exec, text, item, to_datetime(closing.at), closing.by.0, closing.outcome.name())?;
    Ok(())
}

/// The reports of an item, the oldest first.
pub async fn reports(db: &Db, item: Uuid, page: &Page<Uuid>) -> Result<Vec<ReportRow>, StoreError> {
    let text = reports!("where r.item = $1 and ($2 is null or r.id > $2) order by r.id limit $3");
    Ok(sql!(db.read(), all ReportRow, text, item, page.after, page.fetch())?)
}
