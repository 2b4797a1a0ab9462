//! The archive of a hub of many nodes: asked of SQLite always, of PostgreSQL where the server's programs are found.

use std::collections::HashSet;
use std::time::Duration;

use bidhub::clock::Clock;
use bidhub::domain::{AuctionId, LogId, Seq};
use bidhub::journal::chain::BrokenChain;
use bidhub::journal::sql::{self, Archive, Chunk, LockError, Outcome, ProcessLock, SqlJournal, Standing};
use bidhub::journal::*;
use bidhub::persistence::{Db, Durability};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::postgres;
use crate::story;

const LOG: LogId = LogId(Uuid::from_u128(9));
const PATIENCE: Duration = Duration::from_secs(60);

/// A database with the tables of the journal, and whatever must live as long.
pub struct Place {
    pub db: Db,
    _keep: Box<dyn Send + Sync>,
}

impl Place {
    pub async fn over(db: Db, keep: Box<dyn Send + Sync>) -> Self {
        sql::migrate(&db).await.unwrap();
        Self { db, _keep: keep }
    }

    pub async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&dir.path().join("archive.db"), Durability::Normal).await.unwrap();
        Self::over(db, Box::new(dir)).await
    }

    pub async fn postgresql() -> Option<Self> {
        let server = postgres::Server::start().await?;
        let db = Db::postgres(&server.url()).await.unwrap();
        Some(Self::over(db, Box::new(server)).await)
    }

    pub fn archive(&self, node: u128) -> Archive {
        Archive::new(self.db.clone(), Uuid::from_u128(node), Clock::manual(story::at(0)))
    }
}

pub fn auction(number: u128) -> AuctionId {
    AuctionId(Uuid::from_u128(5_000 + number))
}

pub fn new_log(auction: AuctionId, genesis: &Record) -> NewLog {
    let (secret, genesis) = (story::SECRET, genesis.clone());
    NewLog { auction, log: LOG, secret, genesis, due_at: Some(story::at(10)), ack: AckLevel::default() }
}

pub fn head(record: &Record) -> Head {
    Head { seq: record.seq, digest: record.digest }
}

/// The records `from ..= to` of the story, as the log of `auction`.
fn chunk(auction: AuctionId, records: &[Record], from: usize, to: usize) -> Chunk {
    let (onto, records) = (head(&records[from - 1]), records[from..=to].to_vec());
    Chunk { auction, log: LOG, onto, records, due_at: Some(story::at(20)) }
}

/// Other records with the same numbers after the first `keep`: a history that parted from the story.
fn parted(records: &[Record], keep: usize) -> Vec<Record> {
    let mut chain = Chain::new(&story::SECRET, head(&records[keep - 1]));
    let mut other = records[..keep].to_vec();
    for record in &records[keep..] {
        other.push(chain.seal(record.seq, 4, record.public.clone(), record.private.clone()));
    }
    other
}

async fn archives(place: Place) {
    let (records, ..) = story::told();
    let (archive, last) = (place.archive(1), records.len() - 1);
    let (one, two) = (auction(1), auction(2));
    assert_eq!(archive.archive(&[]).await.unwrap(), []);
    assert_eq!(archive.archive(&[chunk(one, &records, 1, 2)]).await.unwrap(), [Outcome::Behind(None)]);
    for auction in [one, two] {
        archive.create(&new_log(auction, &records[0])).await.unwrap();
        let again = archive.create(&new_log(auction, &records[0])).await;
        assert!(matches!(again, Err(JournalError::Exists(_))));
    }
    let archived = |to: usize, new| Outcome::Archived { head: head(&records[to]), new };
    let done = archive.archive(&[chunk(one, &records, 1, 4), chunk(two, &records, 1, 6)]).await.unwrap();
    assert_eq!(done, [archived(4, 4), archived(6, 6)]);
    assert_eq!(sql::due_by(&place.db, story::at(20), 9).await.unwrap().len(), 2);

    // What is there already, all of it or in part, and beyond where the archive ends.
    let again = archive.archive(&[chunk(one, &records, 1, 4), chunk(two, &records, 2, 5)]).await.unwrap();
    assert_eq!(again, [archived(4, 0), archived(6, 0)]);
    let nothing = Chunk { records: Vec::new(), ..chunk(one, &records, 4, 4) };
    assert_eq!(archive.archive(&[nothing]).await.unwrap(), [archived(4, 0)]);
    assert_eq!(archive.archive(&[chunk(one, &records, 3, 8)]).await.unwrap(), [archived(8, 4)]);
    let gap = archive.archive(&[chunk(one, &records, 10, 11)]).await.unwrap();
    assert_eq!(gap, [Outcome::Behind(Some(head(&records[8])))]);

    // One that cannot be archived leaves no trace, and the others go on.
    let other = parted(&records, 5);
    let fork = chunk(one, &other, 5, last);
    let done = archive.archive(&[fork, chunk(two, &records, 7, 7)]).await.unwrap();
    let (mine, theirs) = (records[8].digest, other[8].digest);
    assert_eq!(done, [Outcome::Conflict { at: Seq(8), archived: mine, live: theirs }, archived(7, 1)]);
    let rewound = archive.archive(&[chunk(one, &other, 5, 6)]).await.unwrap();
    let (mine, theirs) = (records[6].digest, other[6].digest);
    assert_eq!(rewound, [Outcome::Conflict { at: Seq(6), archived: mine, live: theirs }]);
    let mut torn = chunk(two, &records, 8, 9);
    torn.records[1].public = "{}".into();
    let mut holed = chunk(two, &records, 8, 10);
    holed.records.remove(1);
    for (broken, why) in [(torn, BrokenChain::Digest), (holed, BrokenChain::Gap)] {
        assert_eq!(archive.archive(&[broken]).await.unwrap(), [Outcome::Broken(why)]);
    }

    // A log that lost records has another id; who does not know it writes nothing.
    let new = LogId(Uuid::from_u128(10));
    let at = archive.standings(&[one]).await.unwrap()[&one].head;
    let elsewhere = Head { digest: Digest([1; 32]), ..at };
    assert!(!archive.set_log(one, (LOG, elsewhere), new).await.unwrap(), "it has moved meanwhile");
    assert!(archive.set_log(one, (LOG, at), new).await.unwrap());
    assert!(archive.set_log(one, (LOG, at), new).await.unwrap(), "once more is harmless");
    assert!(!archive.set_log(one, (LogId(Uuid::nil()), at), LOG).await.unwrap());
    let rest = chunk(one, &records, 9, last);
    assert_eq!(archive.archive(std::slice::from_ref(&rest)).await.unwrap(), [Outcome::OtherLog(new)]);
    let rest = Chunk { log: new, ..rest };
    assert_eq!(archive.archive(&[rest]).await.unwrap(), [archived(last, last - 8)]);

    let read = sql::read(&place.db, one, None, 1_000).await.unwrap();
    assert_eq!(read, records);
    assert_eq!(sql::read(&place.db, two, None, 1_000).await.unwrap(), records[..=7]);
    let standings = archive.standings(&[one, two, auction(3)]).await.unwrap();
    assert_eq!(standings.len(), 2);
    assert_eq!(standings[&one], Standing { log: new, head: head(&records[last]) });
    let epochs = (archive.last_epoch(one).await.unwrap(), archive.last_epoch(auction(3)).await.unwrap());
    assert_eq!(epochs, (Some(story::EPOCH), None));
    puts_out_a_process_that_is_alone(place, &archive).await;
}

/// A hub of one process that still believes to have the tables finds that it has not, and the next one begins at a
/// greater epoch than any archived.
async fn puts_out_a_process_that_is_alone(place: Place, archive: &Archive) {
    let (records, ..) = story::told();
    let (clock, lost) = (Clock::manual(story::at(100)), CancellationToken::new());
    let alone = SqlJournal::take_over(place.db.clone(), Uuid::from_u128(7), &clock, lost.clone()).await.unwrap();
    assert!(alone.lease().epoch > story::EPOCH);
    alone.create(new_log(auction(4), &records[0])).await.unwrap();
    archive.archive(&[chunk(auction(4), &records, 1, 1)]).await.unwrap();
    assert!(alone.create(new_log(auction(5), &records[0])).await.is_err());
    tokio::time::timeout(PATIENCE, lost.cancelled()).await.unwrap();
}

/// Many nodes archive at once, in small pieces and some of it twice, while somebody follows: no record is passed over.
async fn is_followed_without_a_gap(place: Place) {
    const NODES: u128 = 6;
    const AUCTIONS: u128 = 12;
    let (records, ..) = story::told();
    for number in 0..AUCTIONS {
        place.archive(1).create(&new_log(auction(number), &records[0])).await.unwrap();
    }
    let mut nodes = tokio::task::JoinSet::new();
    for node in 0..NODES {
        // Each auction is archived by two of the nodes.
        let (archive, records) = (place.archive(node), records.clone());
        nodes.spawn(async move {
            let mine: Vec<u128> = (0..AUCTIONS).filter(|it| it % NODES == node || (it + 1) % NODES == node).collect();
            for last in 1..records.len() {
                for pair in mine.chunks(2) {
                    let chunks: Vec<_> = pair.iter().map(|it| chunk(auction(*it), &records, 1, last)).collect();
                    let done = archive.archive(&chunks).await.unwrap();
                    assert!(done.iter().all(|it| matches!(it, Outcome::Archived { .. })), "{done:?}");
                }
            }
        });
    }
    let (feed, expected) = (place.archive(1).feed(), AUCTIONS as usize * records.len());
    let (mut position, mut seen) = (0, Vec::new());
    let follow = async {
        while seen.len() < expected {
            let page = feed.after(position, 7).await.unwrap();
            position = page.last().map_or(position, |it| it.position);
            seen.extend(page.into_iter().map(|it| (it.auction, it.record.seq)));
        }
    };
    tokio::time::timeout(PATIENCE, follow).await.expect("a record was passed over");
    while let Some(done) = nodes.join_next().await {
        done.unwrap();
    }
    assert_eq!(feed.after(position, 7).await.unwrap(), []);
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), expected);
    for number in 0..AUCTIONS {
        let own: Vec<Seq> = seen.iter().filter(|(it, _)| *it == auction(number)).map(|(_, seq)| *seq).collect();
        assert!(own.is_sorted(), "{own:?}");
    }
}

#[tokio::test]
async fn sqlite_archives() {
    archives(Place::sqlite().await).await;
}

#[tokio::test]
async fn postgresql_archives() {
    if let Some(place) = Place::postgresql().await {
        archives(place).await;
    }
}

#[tokio::test]
async fn sqlite_is_followed_without_a_gap() {
    is_followed_without_a_gap(Place::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_is_followed_without_a_gap() {
    if let Some(place) = Place::postgresql().await {
        is_followed_without_a_gap(place).await;
    }
}

#[tokio::test]
async fn nodes_share_the_database_and_keep_a_process_out_that_wants_it_alone() {
    let Some(server) = postgres::Server::start().await else { return };
    let url = server.url();
    let mut nodes = Vec::new();
    for _ in 0..2 {
        nodes.push(ProcessLock::postgres_shared(&url).await.unwrap());
    }
    let refused = ProcessLock::postgres(&url).await.unwrap_err();
    assert!(matches!(refused, LockError::HeldByNodes(_)) && refused.to_string().contains("many nodes"), "{refused}");
    drop(nodes);
    let until = std::time::Instant::now() + PATIENCE;
    let alone = loop {
        match ProcessLock::postgres(&url).await {
            Ok(lock) => break lock,
            Err(error) => assert!(std::time::Instant::now() < until, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let refused = ProcessLock::postgres_shared(&url).await.unwrap_err();
    assert!(matches!(refused, LockError::HeldByOne(_)) && refused.to_string().contains("one process"), "{refused}");
    let refused = ProcessLock::postgres(&url).await.unwrap_err();
    assert!(matches!(refused, LockError::Held(_)), "{refused}");
    drop(alone);
}
