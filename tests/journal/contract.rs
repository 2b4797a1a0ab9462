//! What every journal promises, asked of each adapter alike.

use std::sync::Arc;

use bidhub::domain::{AuctionId, LogId, Seq};
use bidhub::journal::*;
use uuid::Uuid;

use crate::story;

pub const LOG: LogId = LogId(Uuid::from_u128(9));

/// A journal to ask, and what else moves it.
#[async_trait::async_trait]
pub trait Desk: Send + Sync {
    fn journal(&self) -> &dyn Journal;

    /// The right to append from now on.
    async fn lease(&self, auction: AuctionId) -> Lease;

    /// What is committed gets into the archive.
    async fn archive(&self, auction: AuctionId);
}

pub fn new_log(records: &[Record], auction: AuctionId) -> NewLog {
    let due_at = Some(story::at(10));
    NewLog { auction, log: LOG, secret: story::SECRET, genesis: records[0].clone(), due_at, ack: AckLevel::default() }
}

pub fn head(record: &Record) -> Head {
    Head { seq: record.seq, digest: record.digest }
}

pub fn batch(lease: Lease, auction: AuctionId, onto: &Record, records: &[Record]) -> Batch {
    Batch {
        auction,
        log: LOG,
        ack: AckLevel::default(),
        lease,
        onto: head(onto),
        records: records.into(),
        due_at: Some(story::at(20)),
    }
}

pub async fn keeps_it(desk: &dyn Desk) {
    let (records, _, state) = story::told();
    let auction = story::auction();
    let journal = desk.journal();

    assert!(journal.open(auction).await.unwrap().is_none());
    journal.create(new_log(&records, auction)).await.unwrap();
    assert!(matches!(journal.create(new_log(&records, auction)).await, Err(JournalError::Exists(_))));
    assert_eq!(journal.due_by(story::at(9), 10).await.unwrap(), []);
    assert_eq!(journal.due_by(story::at(10), 10).await.unwrap(), [auction]);
    let open = journal.open(auction).await.unwrap().unwrap();
    assert_eq!((open.log, open.head), (LOG, head(&records[0])));

    let lease = desk.lease(auction).await;
    let taken = journal.take_over(auction, lease, Vec::new()).await.unwrap().unwrap();
    assert_eq!((taken.log.log, taken.log.head, taken.lost), (LOG, head(&records[0]), false));

    journal.append(batch(lease, auction, &records[0], &records[1..4])).await.unwrap();
    desk.archive(auction).await;
    assert_eq!(journal.due_by(story::at(19), 10).await.unwrap(), []);
    assert_eq!(journal.due_by(story::at(20), 10).await.unwrap(), [auction]);
    let gap = journal.append(batch(lease, auction, &records[4], &records[5..6])).await;
    assert_eq!(gap, Err(AppendError::HeadMoved), "a batch builds on the head");
    let mut forked = records[3].clone();
    forked.digest.0[0] ^= 1;
    let fork = journal.append(batch(lease, auction, &forked, &records[4..5])).await;
    assert_eq!(fork, Err(AppendError::HeadMoved), "the digest counts, not only the number");
    let stranger = Lease { epoch: 1, holder: Uuid::from_u128(2), nonce: 0 };
    let fenced = journal.append(batch(stranger, auction, &records[3], &records[4..])).await;
    assert_eq!(fenced, Err(AppendError::Fenced));
    journal.append(batch(lease, auction, &records[3], &records[4..])).await.unwrap();
    let moved = journal.append(batch(lease, auction, &records[0], &records[1..4])).await;
    assert_eq!(moved, Err(AppendError::HeadMoved), "a batch is appended once");
    journal.append(batch(lease, auction, records.last().unwrap(), &[])).await.unwrap();

    let last = records.last().unwrap();
    for _ in 0..2 {
        let read = journal.read(auction, Seq(0), 100).await.unwrap();
        assert_eq!(read, records[1..]);
        assert_eq!(journal.read(auction, Seq(2), 2).await.unwrap(), records[3..5]);
        assert_eq!(journal.read(auction, last.seq, 10).await.unwrap(), []);
        let open = journal.open(auction).await.unwrap().unwrap();
        assert_eq!((open.head, &open.genesis, &open.secret), (head(last), &records[0], &story::SECRET));
        desk.archive(auction).await;
    }
    journal.settle(auction, head(last), std::time::Duration::from_secs(10)).await.unwrap();
    assert!(journal.open(auction).await.unwrap().unwrap().snapshot.is_none());
    for _ in 0..2 {
        journal.save_snapshot(auction, Snapshot::take(&state, head(last))).await.unwrap();
    }
    assert_eq!(journal.open(auction).await.unwrap().unwrap().snapshot.unwrap().restore(), Some(state));
    assert!(journal.epoch(auction).await.unwrap() >= Some(lease.epoch));
    journal.probe().await.unwrap();
}

/// Many rooms at once: each log is whole and in order, whatever happens beside it.
pub async fn keeps_rooms_apart(desk: impl Desk + 'static) {
    let (records, ..) = story::told();
    let auctions: Vec<AuctionId> = (0..40).map(|number| AuctionId(Uuid::from_u128(1_000 + number))).collect();
    let desk = Arc::new(desk);
    let mut rooms = tokio::task::JoinSet::new();
    for auction in auctions.clone() {
        let (desk, records) = (desk.clone(), records.clone());
        rooms.spawn(async move {
            let journal = desk.journal();
            journal.create(new_log(&records, auction)).await.unwrap();
            let lease = desk.lease(auction).await;
            journal.take_over(auction, lease, Vec::new()).await.unwrap().unwrap();
            for pair in records.windows(2) {
                journal.append(batch(lease, auction, &pair[0], &pair[1..])).await.unwrap();
            }
        });
    }
    while let Some(done) = rooms.join_next().await {
        done.unwrap();
    }
    for auction in auctions {
        assert_eq!(desk.journal().read(auction, Seq(0), 100).await.unwrap(), records[1..]);
    }
}
