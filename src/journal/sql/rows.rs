//! The rows of the journal's tables, twins of its types.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Anchor, Positioned, Standing};
use crate::domain::{AuctionId, LogId, Seq};
use crate::journal::{AckLevel, Digest, Head, JournalError, OpenLog, Record, Secret, Snapshot};
use crate::persistence::StoreError;

#[derive(sqlx::FromRow)]
pub(super) struct RecordRow {
    seq: i64,
    epoch: i64,
    version: i32,
    public: String,
    private: Vec<u8>,
    commitment: Vec<u8>,
    digest: Vec<u8>,
}

#[derive(sqlx::FromRow)]
pub(super) struct PositionedRow {
    position: i64,
    auction: Uuid,
    #[sqlx(flatten)]
    record: RecordRow,
}

#[derive(sqlx::FromRow)]
pub(super) struct LogRow {
    log: Uuid,
    secret: Vec<u8>,
    head_seq: i64,
    head_digest: Vec<u8>,
    ack: String,
}

#[derive(sqlx::FromRow)]
pub(super) struct StandingRow {
    auction: Uuid,
    log: Uuid,
    head_seq: i64,
    head_digest: Vec<u8>,
}

#[derive(sqlx::FromRow)]
pub(super) struct SnapshotRow {
    seq: i64,
    digest: Vec<u8>,
    body: Vec<u8>,
}

#[derive(sqlx::FromRow)]
pub(super) struct OutageRow {
    pub lost_from: DateTime<Utc>,
    pub lost_until: DateTime<Utc>,
}

impl RecordRow {
    pub(super) fn into_record(self) -> Result<Record, JournalError> {
        let table = "journal_records";
        Ok(Record {
            version: u16::try_from(self.version).map_err(|_| inconsistent(table, "version"))?,
            seq: seq(table, self.seq)?,
            epoch: u64::try_from(self.epoch).map_err(|_| inconsistent(table, "epoch"))?,
            public: self.public.into(),
            private: self.private,
            commitment: bytes(table, self.commitment)?,
            digest: Digest(bytes(table, self.digest)?),
        })
    }
}

impl PositionedRow {
    pub(super) fn into_positioned(self) -> Result<Positioned, JournalError> {
        let record = self.record.into_record()?;
        Ok(Positioned { position: self.position, auction: AuctionId(self.auction), record })
    }
}

impl LogRow {
    pub(super) fn into_open_log(self, genesis: Record, snapshot: Option<Snapshot>) -> Result<OpenLog, JournalError> {
        let log = LogId(self.log);
        let ack = AckLevel::from_name(&self.ack).ok_or_else(|| inconsistent("journal_logs", "ack"))?;
        let Anchor { secret, head } = self.into_anchor()?;
        Ok(OpenLog { log, secret, genesis, snapshot, head, ack })
    }

    pub(super) fn into_anchor(self) -> Result<Anchor, JournalError> {
        let table = "journal_logs";
        let secret = Secret(bytes(table, self.secret)?);
        Ok(Anchor {
            secret,
            head: Head { seq: seq(table, self.head_seq)?, digest: Digest(bytes(table, self.head_digest)?) },
        })
    }
}

impl StandingRow {
    pub(super) fn into_standing(self) -> Result<(AuctionId, Standing), JournalError> {
        let table = "journal_logs";
        let head = Head { seq: seq(table, self.head_seq)?, digest: digest(table, self.head_digest)? };
        Ok((AuctionId(self.auction), Standing { log: LogId(self.log), head }))
    }
}

impl SnapshotRow {
    pub(super) fn into_snapshot(self) -> Result<Snapshot, JournalError> {
        let table = "journal_snapshots";
        let head = Head { seq: seq(table, self.seq)?, digest: Digest(bytes(table, self.digest)?) };
        Ok(Snapshot { head, body: self.body })
    }
}

fn seq(table: &'static str, value: i64) -> Result<Seq, JournalError> {
    u64::try_from(value).map(Seq).map_err(|_| inconsistent(table, "seq"))
}

pub(super) fn digest(table: &'static str, value: Vec<u8>) -> Result<Digest, JournalError> {
    bytes(table, value).map(Digest)
}

fn bytes(table: &'static str, value: Vec<u8>) -> Result<[u8; 32], JournalError> {
    value.try_into().map_err(|_| inconsistent(table, "a hash"))
}

fn inconsistent(table: &'static str, column: &str) -> JournalError {
    StoreError::Inconsistent { table, detail: format!("{column} is out of range") }.into()
}
