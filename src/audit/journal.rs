//! The audit of a journal: hash chain, commitments, and every decision made anew by the rules. It reads page by page
//! beside a running hub, and holds one auction's state in memory, never its log.

use super::{Checked, Fault, Finding};
use crate::domain::auction::{Audit, Event, EventKind};
use crate::domain::{AuctionId, Seq};
use crate::journal::record::VERSION;
use crate::journal::sql::{self, Anchor};
use crate::journal::{Chain, Head, JournalError, Record, RecordError, Secret};
use crate::persistence::{Db, StoreError};

/// How many records are read at once.
const PAGE_RECORDS: usize = 1_024;

/// The audit of one log, record by record. No database.
#[derive(Debug)]
pub struct LogAudit {
    auction: AuctionId,
    chain: Chain,
    rules: Option<Audit>,
    epoch: u64,
    checked: Checked,
}

impl LogAudit {
    /// An audit of the log of `auction`, whose commitments are made with `secret`.
    pub fn new(auction: AuctionId, secret: &Secret) -> Self {
        Self { auction, chain: Chain::origin(secret), rules: None, epoch: 0, checked: Checked::default() }
    }

    /// The number of the record to be checked next.
    pub fn expects(&self) -> Seq {
        if self.rules.is_none() { Seq(0) } else { self.chain.head().seq.next() }
    }

    /// Checks the next record.
    pub fn check(&mut self, record: &Record) -> Result<(), Finding> {
        let seq = self.expects();
        self.judge(seq, record).map_err(|fault| Finding { seq, fault })
    }

    fn judge(&mut self, seq: Seq, record: &Record) -> Result<(), Fault> {
        if record.seq != seq {
            return Err(Fault::Missing);
        }
        // A later format may hash otherwise, so this comes before the chain.
        if record.version != VERSION {
            return Err(RecordError::UnknownVersion(record.version).into());
        }
        self.chain.follow(record).map_err(RecordError::from)?;
        if record.epoch < self.epoch {
            return Err(Fault::Epoch { before: self.epoch, found: record.epoch });
        }
        self.epoch = record.epoch;
        match &mut self.rules {
            None => {
                let (auction, _, terms, _) = record.genesis()?;
                if auction != self.auction {
                    return Err(Fault::OtherAuction);
                }
                self.rules = Some(Audit::new(terms));
                self.checked.auctions = 1;
            }
            Some(rules) => {
                let event: Event = record.event()?;
                rules.check(&event).map_err(|divergence| Fault::Rules(divergence.detail))?;
                self.checked.events += 1;
                self.checked.bids += u64::from(matches!(event.kind, EventKind::Bid(_)));
            }
        }
        Ok(())
    }

    /// Checks that the log ends here, at the head that is kept apart from it.
    pub fn finish(self, head: Head) -> Result<Checked, Finding> {
        let expected = self.expects();
        let Some(rules) = self.rules else {
            return Err(Finding::new(expected, Fault::Missing));
        };
        let end = self.chain.head();
        if end.seq != head.seq {
            let fault = if end.seq < head.seq { Fault::Missing } else { Fault::BeyondHead };
            return Err(Finding::new(end.seq.min(head.seq).next(), fault));
        }
        if end.digest != head.digest {
            return Err(Finding::new(end.seq, Fault::Head));
        }
        rules.finish().map_err(|owed| Finding::new(owed.seq, Fault::Rules(owed.detail)))?;
        Ok(self.checked)
    }
}

/// Why an audit has no clean result.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A log is wrong.
    #[error("auction {0}: {1}")]
    Wrong(AuctionId, Finding),
    /// There is no such log.
    #[error("there is no auction {0}")]
    Unknown(AuctionId),
    /// The journal cannot be read, so nothing is known of it.
    #[error("the journal cannot be read: {0}")]
    Journal(#[from] JournalError),
}

/// Audits the log of one auction. `seen` is told of every page with the number of its records.
pub async fn audit(db: &Db, auction: AuctionId, mut seen: impl FnMut(u64)) -> Result<Checked, AuditError> {
    let wrong = |finding| AuditError::Wrong(auction, finding);
    let anchor = anchor(db, auction).await?;
    let mut log = LogAudit::new(auction, &anchor.secret);
    while log.expects() <= anchor.head.seq {
        let wanted = anchor.head.seq.0 - log.expects().0 + 1;
        let limit = usize::try_from(wanted).unwrap_or(PAGE_RECORDS).min(PAGE_RECORDS);
        let page = page(db, auction, log.expects(), limit).await?;
        if page.is_empty() {
            return Err(wrong(Finding::new(log.expects(), Fault::Missing)));
        }
        for record in &page {
            log.check(record).map_err(wrong)?;
        }
        seen(page.len() as u64);
    }
    let beyond = log.expects();
    let checked = log.finish(anchor.head).map_err(wrong)?;
    // A running hub may have gone on since the head was read; it moves the head together with the records.
    if !page(db, auction, beyond, 1).await?.is_empty() && self::anchor(db, auction).await?.head.seq < beyond {
        return Err(wrong(Finding::new(beyond, Fault::BeyondHead)));
    }
    Ok(checked)
}

/// Every auction to audit: those that have a log. Records that no log owns are an error.
pub async fn auctions(db: &Db) -> Result<Vec<AuctionId>, AuditError> {
    let auctions = sql::auctions(db).await?;
    // Read after the logs: a log created in between has its row.
    match sql::orphan(db).await? {
        Some(orphan) => Err(AuditError::Wrong(orphan, Finding::new(Seq(0), Fault::NoLog))),
        None => Ok(auctions),
    }
}

async fn anchor(db: &Db, auction: AuctionId) -> Result<Anchor, AuditError> {
    match sql::anchor(db, auction).await {
        Ok(Some(anchor)) => Ok(anchor),
        Ok(None) if page(db, auction, Seq(0), 1).await?.is_empty() => Err(AuditError::Unknown(auction)),
        Ok(None) => Err(AuditError::Wrong(auction, Finding::new(Seq(0), Fault::NoLog))),
        Err(error) => Err(blame(auction, Seq(0), error)),
    }
}

/// The records from `from` on. If one of their rows cannot be read, those before it, or what is wrong with it.
async fn page(db: &Db, auction: AuctionId, from: Seq, limit: usize) -> Result<Vec<Record>, AuditError> {
    let after = from.0.checked_sub(1).map(Seq);
    match sql::read(db, auction, after, limit).await {
        Ok(page) => Ok(page),
        Err(error) if is_row_fault(&error) && limit > 1 => {
            let half = limit / 2;
            Box::pin(page(db, auction, from, half)).await
        }
        Err(error) => Err(blame(auction, from, error)),
    }
}

/// An error of a row is a finding; any other says nothing of the log.
fn blame(auction: AuctionId, seq: Seq, error: JournalError) -> AuditError {
    if is_row_fault(&error) {
        AuditError::Wrong(auction, Finding::new(seq, Fault::NoRecord(error.to_string())))
    } else {
        error.into()
    }
}

fn is_row_fault(error: &JournalError) -> bool {
    match error {
        JournalError::Store(StoreError::Inconsistent { .. }) => true,
        JournalError::Store(StoreError::Driver(driver)) => {
            matches!(driver, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
