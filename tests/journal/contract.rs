//! What every journal promises, asked of each adapter: SQLite always, PostgreSQL where the server's programs are found.

use std::sync::Arc;

use bidhub::clock::Clock;
use bidhub::domain::{AuctionId, LogId, Seq, Span};
use bidhub::journal::sql::SqlJournal;
use bidhub::journal::*;
use bidhub::persistence::{Db, Durability};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::story;

#[path = "../support/postgres.rs"]
pub mod postgres;

/// A journal to ask, and whatever must live as long.
struct Subject {
    journal: SqlJournal,
    db: Db,
    clock: Clock,
    lost: CancellationToken,
    _keep: Box<dyn Send + Sync>,
}

impl Subject {
    async fn over(db: Db, keep: Box<dyn Send + Sync>) -> Self {
        let clock = Clock::manual(story::at(0));
        let lost = CancellationToken::new();
        let journal = SqlJournal::take_over(db.clone(), Uuid::from_u128(1), &clock, lost.clone()).await.unwrap();
        Self { journal, db, clock, lost, _keep: keep }
    }
}

fn new_log(records: &[Record], auction: AuctionId) -> NewLog {
    let due_at = Some(story::at(10));
    NewLog {
        auction,
        log: LogId(Uuid::from_u128(9)),
        secret: story::SECRET,
        genesis: records[0].clone(),
        due_at,
        ack: AckLevel::default(),
    }
}

fn batch(subject: &Subject, auction: AuctionId, onto: &Record, records: &[Record]) -> Batch {
    Batch {
        auction,
        log: LogId(Uuid::from_u128(9)),
        ack: AckLevel::default(),
        lease: subject.journal.lease(),
        onto: Head { seq: onto.seq, digest: onto.digest },
        records: records.into(),
        due_at: Some(story::at(20)),
    }
}

async fn keeps_the_contract(subject: Subject) {
    let (records, _, state) = story::told();
    let auction = story::auction();
    let journal = &subject.journal;

    assert!(journal.open(auction).await.unwrap().is_none());
    journal.create(new_log(&records, auction)).await.unwrap();
    assert!(matches!(journal.create(new_log(&records, auction)).await, Err(JournalError::Exists(_))));
    assert_eq!(journal.due_by(story::at(9), 10).await.unwrap(), []);
    assert_eq!(journal.due_by(story::at(10), 10).await.unwrap(), [auction]);

    journal.append(batch(&subject, auction, &records[0], &records[1..4])).await.unwrap();
    assert_eq!(journal.due_by(story::at(19), 10).await.unwrap(), []);
    let moved = journal.append(batch(&subject, auction, &records[0], &records[1..4])).await;
    assert_eq!(moved, Err(AppendError::HeadMoved), "a batch is appended once");
    let gap = journal.append(batch(&subject, auction, &records[4], &records[5..6])).await;
    assert_eq!(gap, Err(AppendError::HeadMoved), "a batch builds on the head");
    let mut forked = records[3].clone();
    forked.digest.0[0] ^= 1;
    let fork = journal.append(batch(&subject, auction, &forked, &records[4..5])).await;
    assert_eq!(fork, Err(AppendError::HeadMoved), "the digest counts, not only the number");
    let stranger = Lease { epoch: 1, holder: Uuid::from_u128(2), nonce: 0 };
    let fenced = Batch { lease: stranger, ..batch(&subject, auction, &records[3], &records[4..]) };
    assert_eq!(journal.append(fenced).await, Err(AppendError::Fenced));
    journal.append(batch(&subject, auction, &records[3], &records[4..])).await.unwrap();

    let read = journal.read(auction, Seq(0), 100).await.unwrap();
    assert_eq!(read, records[1..]);
    assert_eq!(journal.read(auction, Seq(2), 2).await.unwrap(), records[3..5]);
    let last = records.last().unwrap();
    let head = Head { seq: last.seq, digest: last.digest };
    let open = journal.open(auction).await.unwrap().unwrap();
    assert_eq!((open.head, &open.genesis, &open.secret), (head, &records[0], &story::SECRET));
    assert!(open.snapshot.is_none());
    for _ in 0..2 {
        journal.save_snapshot(auction, Snapshot::take(&state, head)).await.unwrap();
    }
    assert_eq!(journal.open(auction).await.unwrap().unwrap().snapshot.unwrap().restore(), Some(state));

    let all = journal.feed().after(0, 1_000).await.unwrap();
    assert_eq!(all.iter().map(|it| it.record.clone()).collect::<Vec<_>>(), records, "in the order of their commit");
    assert!(all.windows(2).all(|pair| pair[0].position < pair[1].position));
    assert_eq!(journal.feed().last_position().await.unwrap(), all.last().unwrap().position);
    takes_over(subject).await;
}

/// A second holder puts the first out, knows since when nobody served, and counts one epoch more.
async fn takes_over(subject: Subject) {
    let first = &subject.journal;
    assert_eq!(first.outages_after(story::at(-1_000)).await.unwrap(), []);
    subject.clock.advance(Span::from_secs(5));
    first.heartbeat().await.unwrap();
    subject.clock.advance(Span::from_secs(90));
    let lost = CancellationToken::new();
    let second = SqlJournal::take_over(subject.db.clone(), Uuid::from_u128(2), &subject.clock, lost).await.unwrap();
    assert_eq!(second.lease().epoch, first.lease().epoch + 1);
    let outage = Outage { from: story::at(5), until: story::at(95) };
    assert_eq!(second.outages_after(story::at(0)).await.unwrap(), [outage]);
    assert_eq!(second.outages_after(story::at(95)).await.unwrap(), []);

    let (records, ..) = story::told();
    let other = AuctionId(Uuid::from_u128(77));
    assert!(first.create(new_log(&records, other)).await.is_err());
    subject.lost.cancelled().await;
    assert!(second.open(other).await.unwrap().is_none(), "who was put out writes nothing");
    second.create(new_log(&records, other)).await.unwrap();
}

/// Many rooms at once: each log is whole and in order, whatever shares its transaction.
async fn groups_rooms(subject: Subject) {
    let (records, ..) = story::told();
    let auctions: Vec<AuctionId> = (0..40).map(|number| AuctionId(Uuid::from_u128(1_000 + number))).collect();
    let subject = Arc::new(subject);
    let mut rooms = tokio::task::JoinSet::new();
    for auction in auctions.clone() {
        let (subject, records) = (subject.clone(), records.clone());
        rooms.spawn(async move {
            subject.journal.create(new_log(&records, auction)).await.unwrap();
            for pair in records.windows(2) {
                subject.journal.append(batch(&subject, auction, &pair[0], &pair[1..])).await.unwrap();
            }
        });
    }
    while let Some(done) = rooms.join_next().await {
        done.unwrap();
    }
    for auction in auctions {
        assert_eq!(subject.journal.read(auction, Seq(0), 100).await.unwrap(), records[1..]);
    }
}

async fn sqlite() -> Subject {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::sqlite(&dir.path().join("journal.db"), Durability::Full).await.unwrap();
    Subject::over(db, Box::new(dir)).await
}

async fn postgresql() -> Option<Subject> {
    let server = postgres::Server::start().await?;
    let db = Db::postgres(&server.url()).await.unwrap();
    Some(Subject::over(db, Box::new(server)).await)
}

#[tokio::test]
async fn sqlite_keeps_the_contract() {
    keeps_the_contract(sqlite().await).await;
}

#[tokio::test]
async fn sqlite_groups_rooms() {
    groups_rooms(sqlite().await).await;
}

#[tokio::test]
async fn postgresql_keeps_the_contract() {
    if let Some(subject) = postgresql().await {
        keeps_the_contract(subject).await;
    }
}

#[tokio::test]
async fn postgresql_groups_rooms() {
    if let Some(subject) = postgresql().await {
        groups_rooms(subject).await;
    }
}
