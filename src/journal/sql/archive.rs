//! SQL as the archive of a live journal that many nodes share. Whoever writes here first locks the instance row, so that
//! the positions of records follow the order of their commit over all nodes.

use super::*;
use crate::persistence::Tx;

/// What the archive knows of the end of a log.
#[derive(Clone, Debug)]
pub struct Archived {
    /// The log as it is archived.
    pub log: OpenLog,
    /// The holding under which its last record was written.
    pub epoch: u64,
}

/// Waits until no other node writes to the archive, for as long as the transaction goes on.
pub async fn lock(tx: &mut Tx, at: Timestamp) -> Result<(), StoreError> {
    let text = "insert into journal_instance (id, epoch, holder, heartbeat_at) values (1, 0, $1, $2)
         on conflict (id) do update set heartbeat_at = $2";
    sql!(tx.on(), exec, text, uuid::Uuid::nil(), to_datetime(at))?;
    Ok(())
}

/// Creates a log with its first record.
pub async fn create(db: &Db, log: &NewLog, at: Timestamp) -> Result<(), JournalError> {
    let mut tx = db.begin().await?;
    lock(&mut tx, at).await?;
    if !writer::create(&mut tx, log).await? {
        return Err(JournalError::Exists(log.auction));
    }
    writer::insert(&mut tx, &[(log.auction, &log.genesis)]).await?;
    Ok(tx.commit().await?)
}

/// What is archived of a log; none if there is no such log.
pub async fn archived(db: &Db, auction: AuctionId) -> Result<Option<Archived>, JournalError> {
    let Some(log) = open(db, auction).await? else { return Ok(None) };
    Ok(Some(Archived { log, epoch: epoch(db, auction).await? }))
}

/// The holding under which the last archived record of a log was written; 0 if there is none.
pub async fn epoch(db: &Db, auction: AuctionId) -> Result<u64, JournalError> {
    let text = "select epoch from journal_records where auction = $1 order by seq desc limit 1";
    let epoch = sql!(db.read(), opt_scalar i64, text, auction.0)?;
    Ok(epoch.map_or(0, i64::unsigned_abs))
}

/// The log goes on as another history.
pub async fn rename(db: &Db, auction: AuctionId, log: LogId) -> Result<(), JournalError> {
    let text = "update journal_logs set log = $1 where auction = $2";
    sql!(db.write(), exec, text, log.0, auction.0)?;
    Ok(())
}

/// Keeps a snapshot in place of the one before.
pub async fn save_snapshot(db: &Db, auction: AuctionId, snapshot: &Snapshot) -> Result<(), JournalError> {
    let mut tx = db.begin().await?;
    writer::save_snapshot(&mut tx, auction, snapshot).await?;
    Ok(tx.commit().await?)
}

/// Auctions in which something falls due by `at`, as far as is archived, the earliest first.
pub async fn due_by(db: &Db, at: Timestamp, limit: usize) -> Result<Vec<AuctionId>, JournalError> {
    let text = "select auction from journal_logs where due_at <= $1 order by due_at limit $2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let auctions = sql!(db.read(), scalars uuid::Uuid, text, to_datetime(at), limit)?;
    Ok(auctions.into_iter().map(AuctionId).collect())
}
