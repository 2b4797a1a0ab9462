//! The journal in SQL: SQLite always, PostgreSQL where the server's programs are found.

use bidhub::clock::Clock;
use bidhub::domain::{AuctionId, Span};
use bidhub::journal::sql::SqlJournal;
use bidhub::journal::*;
use bidhub::persistence::{Db, Durability};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::contract::{self, Desk, new_log};
use crate::{postgres, story};

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

#[async_trait::async_trait]
impl Desk for Subject {
    fn journal(&self) -> &dyn Journal {
        &self.journal
    }

    async fn lease(&self, _auction: AuctionId) -> Lease {
        self.journal.lease()
    }

    /// It is its own archive.
    async fn archive(&self, _auction: AuctionId) {}
}

async fn keeps_the_contract(subject: Subject) {
    contract::keeps_it(&subject).await;
    let (records, ..) = story::told();
    let all = subject.journal.feed().after(0, 1_000).await.unwrap();
    assert_eq!(all.iter().map(|it| it.record.clone()).collect::<Vec<_>>(), records, "in the order of their commit");
    assert!(all.windows(2).all(|pair| pair[0].position < pair[1].position));
    assert_eq!(subject.journal.feed().last_position().await.unwrap(), all.last().unwrap().position);
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
    contract::keeps_rooms_apart(sqlite().await).await;
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
        contract::keeps_rooms_apart(subject).await;
    }
}
