//! The statements that write to the tables of the journal. Whoever runs them holds the instance row locked, so that
//! positions are given out in the order of commits; nothing here begins or ends a transaction.

use crate::clock::to_datetime;
use crate::domain::{AuctionId, Timestamp};
use crate::journal::{Head, NewLog, Record, Snapshot};
use crate::persistence::{On, StoreError, Tx};
use crate::sql;

/// How many rows one statement inserts at most: with eight columns well below SQLite's 32,766 parameters.
const ROWS_PER_STATEMENT: usize = 1_000;

/// A log that moves on: from this head to that, and when something falls due in its auction after it.
#[derive(Clone, Copy)]
pub(super) struct Move {
    pub auction: AuctionId,
    pub from: Head,
    pub to: Head,
    pub due_at: Option<Timestamp>,
}

/// Moves a log on; false if it does not end where the move begins.
pub(super) async fn move_head(tx: &mut Tx, to: &Move) -> Result<bool, StoreError> {
    let text = "update journal_logs set head_seq = $1, head_digest = $2, due_at = $3
         where auction = $4 and head_seq = $5 and head_digest = $6";
    let moved = sql!(
        tx.on(),
        exec,
        text,
        number(to.to.seq.0),
        to.to.digest.0.to_vec(),
        to.due_at.map(to_datetime),
        to.auction.0,
        number(to.from.seq.0),
        to.from.digest.0.to_vec()
    )?;
    Ok(moved == 1)
}

/// Moves many logs on, each of another auction; all of them, or it fails.
pub(super) async fn move_heads(tx: &mut Tx, moves: &[Move]) -> Result<(), StoreError> {
    if moves.is_empty() {
        return Ok(());
    }
    let expected = moves.len() as u64;
    let found = match tx.on() {
        On::Lite(_) => {
            let mut found = 0;
            for to in moves {
                found += u64::from(move_head(tx, to).await?);
            }
            found
        }
        On::Pg(on) => {
            let text = "update journal_logs l
                 set head_seq = m.to_seq, head_digest = m.to_digest, due_at = m.due_at
                 from unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bytea[], $6::timestamptz[])
                     as m(auction, seq, digest, to_seq, to_digest, due_at)
                 where l.auction = m.auction and l.head_seq = m.seq and l.head_digest = m.digest";
            sqlx::query(text)
                .bind(moves.iter().map(|it| it.auction.0).collect::<Vec<_>>())
                .bind(moves.iter().map(|it| number(it.from.seq.0)).collect::<Vec<_>>())
                .bind(moves.iter().map(|it| it.from.digest.0.as_slice()).collect::<Vec<_>>())
                .bind(moves.iter().map(|it| number(it.to.seq.0)).collect::<Vec<_>>())
                .bind(moves.iter().map(|it| it.to.digest.0.as_slice()).collect::<Vec<_>>())
                .bind(moves.iter().map(|it| it.due_at.map(to_datetime)).collect::<Vec<_>>())
                .execute(on)
                .await?
                .rows_affected()
        }
    };
    match found == expected {
        true => Ok(()),
        false => Err(StoreError::WrongRowCount { statement: "move heads", expected, found }),
    }
}

/// Writes a new log down, but not its first record; false if there is one already.
pub(super) async fn create(tx: &mut Tx, log: &NewLog) -> Result<bool, StoreError> {
    let text = "insert into journal_logs (auction, log, secret, head_seq, head_digest, due_at, ack)
         values ($1, $2, $3, 0, $4, $5, $6) on conflict (auction) do nothing";
    let (secret, digest) = (log.secret.0.to_vec(), log.genesis.digest.0.to_vec());
    let due_at = log.due_at.map(to_datetime);
    let created = sql!(tx.on(), exec, text, log.auction.0, log.log.0, secret, digest, due_at, log.ack.name())?;
    Ok(created == 1)
}

/// Keeps a snapshot in place of the one before.
pub(super) async fn save_snapshot(tx: &mut Tx, auction: AuctionId, snapshot: &Snapshot) -> Result<(), StoreError> {
    let text = "insert into journal_snapshots (auction, seq, digest, body) values ($1, $2, $3, $4)
         on conflict (auction) do update set seq = $2, digest = $3, body = $4";
    let (seq, digest) = (number(snapshot.head.seq.0), snapshot.head.digest.0.to_vec());
    sql!(tx.on(), exec, text, auction.0, seq, digest, snapshot.body.as_slice())?;
    Ok(())
}

/// Inserts records, which get their positions in this order.
pub(super) async fn insert(tx: &mut Tx, rows: &[(AuctionId, &Record)]) -> Result<(), StoreError> {
    for chunk in rows.chunks(ROWS_PER_STATEMENT) {
        let inserted = match tx.on() {
            On::Lite(on) => insert_values(on, chunk).await?,
            On::Pg(on) => insert_arrays(on, chunk).await?,
        };
        let expected = chunk.len() as u64;
        if inserted != expected {
            return Err(StoreError::WrongRowCount { statement: "append", expected, found: inserted });
        }
    }
    Ok(())
}

async fn insert_values(
    on: &mut sqlx::sqlite::SqliteConnection,
    rows: &[(AuctionId, &Record)],
) -> Result<u64, sqlx::Error> {
    const TEXT: &str =
        "insert into journal_records (auction, seq, epoch, version, public, private, commitment, digest) ";
    let mut builder = sqlx::QueryBuilder::new(TEXT);
    builder.push_values(rows, |mut row, (auction, record)| {
        row.push_bind(auction.0)
            .push_bind(number(record.seq.0))
            .push_bind(number(record.epoch))
            .push_bind(i32::from(record.version))
            .push_bind(&*record.public)
            .push_bind(record.private.as_slice())
            .push_bind(record.commitment.as_slice())
            .push_bind(record.digest.0.as_slice());
    });
    Ok(builder.build().persistent(rows.len() == 1).execute(on).await?.rows_affected())
}

/// One text however many rows there are, so that the server reads it once.
async fn insert_arrays(
    on: &mut sqlx::postgres::PgConnection,
    rows: &[(AuctionId, &Record)],
) -> Result<u64, sqlx::Error> {
    let text = "insert into journal_records (auction, seq, epoch, version, public, private, commitment, digest)
         select auction, seq, epoch, version, public, private, commitment, digest
         from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::integer[], $5::text[], $6::bytea[], $7::bytea[],
             $8::bytea[]) with ordinality as n(auction, seq, epoch, version, public, private, commitment, digest, nth)
         order by nth";
    let done = sqlx::query(text)
        .bind(rows.iter().map(|(auction, _)| auction.0).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, it)| number(it.seq.0)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, it)| number(it.epoch)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, it)| i32::from(it.version)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, it)| &*it.public).collect::<Vec<&str>>())
        .bind(rows.iter().map(|(_, it)| it.private.as_slice()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, it)| it.commitment.as_slice()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, it)| it.digest.0.as_slice()).collect::<Vec<_>>())
        .execute(on)
        .await?;
    Ok(done.rows_affected())
}

/// Numbers of the journal stay far below the largest signed one.
pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
