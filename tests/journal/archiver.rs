//! The archiver of a node, over a live journal in memory: exact whatever happens to the database, and careful with what
//! it lets go of.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bidhub::chance::Chance;
use bidhub::domain::{AuctionId, LogId, Seq};
use bidhub::journal::archiver::{Archiver, NotArchived, Source, Unarchived};
use bidhub::journal::*;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::archive::{Place, auction, head, new_log};
use crate::postgres;
use crate::story;

const LOG: LogId = LogId(Uuid::from_u128(9));
const PATIENCE: Duration = Duration::from_secs(60);

/// A live journal in memory.
#[derive(Default)]
struct Live {
    logs: Mutex<HashMap<AuctionId, Log>>,
    down: AtomicBool,
    reads: AtomicUsize,
}

#[derive(Default)]
struct Log {
    batches: Vec<Packed>,
    snapshot: Option<Seq>,
    archived: Option<Head>,
    trimmed: Seq,
}

impl Live {
    /// Seals `count` more records of the log in one batch, and gives its head.
    fn commit(&self, auction: AuctionId, genesis: &Record, count: u64) -> Head {
        let mut logs = self.logs.lock().unwrap();
        let batches = &mut logs.entry(auction).or_default().batches;
        let onto = batches.last().and_then(|batch| batch.records.last()).map_or(head(genesis), head);
        let mut chain = Chain::new(&story::SECRET, onto);
        let seal = |seq| chain.seal(Seq(seq), story::EPOCH, format!("{{\"seq\":{seq}}}").into(), vec![0xc0]);
        let records: Vec<Record> = (onto.seq.0 + 1..=onto.seq.0 + count).map(seal).collect();
        let end = head(records.last().unwrap());
        batches.push(Packed { log: LOG, onto, records });
        end
    }

    fn marked(&self, auction: AuctionId) -> Option<Head> {
        self.logs.lock().unwrap().get(&auction).and_then(|log| log.archived)
    }
}

#[async_trait::async_trait]
impl Source for Live {
    async fn unarchived(&self, auction: AuctionId, after: Seq, bytes: usize) -> Result<Unarchived, JournalError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if self.down.load(Ordering::SeqCst) {
            return Err(JournalError::Closed);
        }
        let mut logs = self.logs.lock().unwrap();
        let log = logs.entry(auction).or_default();
        let (mut taken, mut batches) = (0, Vec::new());
        for batch in log.batches.iter().filter(|batch| batch.records.last().unwrap().seq > after) {
            if taken > bytes {
                break;
            }
            taken += Packed::pack(batch.log, batch.onto, &batch.records).len();
            batches.push(batch.clone());
        }
        Ok(Unarchived { log: LOG, snapshot: log.snapshot, batches })
    }

    async fn mark_archived(&self, auction: AuctionId, head: Head, trim: Option<Seq>) -> Result<(), JournalError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(JournalError::Closed);
        }
        let mut logs = self.logs.lock().unwrap();
        let log = logs.entry(auction).or_default();
        assert!(log.archived.is_none_or(|before| before.seq <= head.seq), "the mark only grows");
        log.archived = Some(head);
        if let Some(upto) = trim {
            assert!(upto <= head.seq && Some(upto) <= log.snapshot, "{upto} {head:?} {:?}", log.snapshot);
            log.batches.retain(|batch| batch.records.last().unwrap().seq > upto);
            log.trimmed = log.trimmed.max(upto);
        }
        Ok(())
    }
}

/// A running archiver over a database.
struct Node {
    place: Place,
    live: Arc<Live>,
    archiver: Archiver,
    genesis: Record,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<()>,
}

impl Node {
    async fn over(place: Place, auctions: u128) -> Self {
        let genesis = story::told().0.remove(0);
        let (archive, live, stop) = (place.archive(1), Arc::new(Live::default()), CancellationToken::new());
        for number in 0..auctions {
            archive.create(&new_log(auction(number), &genesis)).await.unwrap();
        }
        let archiver = Archiver::new(archive, Chance::seeded(5));
        let running = tokio::spawn(archiver.clone().run(live.clone(), stop.clone(), PATIENCE));
        Self { place, live, archiver, genesis, stop, running }
    }

    /// Commits and notes it.
    fn commit(&self, number: u128, count: u64) -> Head {
        let end = self.live.commit(auction(number), &self.genesis, count);
        self.archiver.note(auction(number), end, None);
        end
    }

    async fn archived(&self, number: u128, seq: Seq) -> Result<(), NotArchived> {
        self.archiver.reached(auction(number), seq, PATIENCE).await
    }

    /// Asserts that the archive holds exactly what was committed, and that nothing is passed over or doubled in its feed.
    async fn holds(&self, number: u128, end: Head) {
        let records = sql::read(&self.place.db, auction(number), None, 1_000_000).await.unwrap();
        let mut chain = Chain::origin(&story::SECRET);
        records.iter().for_each(|record| chain.follow(record).unwrap());
        assert_eq!(chain.head(), end);
    }

    async fn stop(self) -> (Place, Arc<Live>) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.running).await.unwrap().unwrap();
        (self.place, self.live)
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_is_noted_is_archived_and_marked_and_trimmed_behind_the_snapshot() {
    let node = Node::over(Place::sqlite().await, 3).await;
    for round in 1..=30 {
        for number in 0..3 {
            node.commit(number, 1 + round % 7);
        }
    }
    let ends: Vec<Head> = (0..3).map(|number| node.commit(number, 2_000)).collect();
    for (number, end) in ends.iter().enumerate() {
        node.archived(number as u128, end.seq).await.unwrap();
        node.holds(number as u128, *end).await;
    }
    until("all is marked", || (0..3).all(|it| node.live.marked(auction(it)) == Some(ends[it as usize]))).await;
    assert!(node.live.logs.lock().unwrap().values().all(|log| log.trimmed == Seq(0)), "without a snapshot all stays");
    assert_eq!((node.archiver.lag().millis(), node.archiver.check()), (0, Ok(())));
    assert_eq!(node.archived(2, ends[2].seq).await, Ok(()), "what is done is found in the archive");
    assert_eq!(node.archived(2, ends[2].seq.next()).await, Err(NotArchived::Unnoted));

    // One snapshot is behind the archive, the other so near that records must stay for those who come back.
    for (number, snapshot) in [(0, Seq(50)), (1, ends[1].seq)] {
        node.live.logs.lock().unwrap().get_mut(&auction(number)).unwrap().snapshot = Some(snapshot);
    }
    let ends: Vec<Head> = (0..2).map(|number| node.commit(number, 5)).collect();
    until("trimmed", || ends.iter().zip(0..).all(|(end, it)| node.live.marked(auction(it)) == Some(*end))).await;
    {
        let logs = node.live.logs.lock().unwrap();
        assert_eq!(logs[&auction(0)].trimmed, Seq(50));
        assert_eq!(logs[&auction(1)].trimmed, Seq(ends[1].seq.0 - 1_024));
    }
    // The stop waits for what is left.
    let last = node.commit(2, 9);
    let (place, live) = node.stop().await;
    assert_eq!(live.marked(auction(2)), Some(last));
    assert_eq!(place.archive(1).standings(&[auction(2)]).await.unwrap()[&auction(2)].head, last);
}

#[tokio::test]
async fn another_history_is_left_alone_and_the_others_go_on() {
    let node = Node::over(Place::sqlite().await, 2).await;
    let other = Live::default();
    other.commit(auction(0), &node.genesis, 1);
    // The same numbers from another hand.
    let mut batch = other.logs.lock().unwrap()[&auction(0)].batches[0].clone();
    batch.records = vec![Chain::new(&story::SECRET, batch.onto).seal(Seq(1), story::EPOCH, "{}".into(), Vec::new())];
    let archived =
        sql::Chunk { auction: auction(0), log: LOG, onto: batch.onto, records: batch.records.clone(), due_at: None };
    node.place.archive(2).archive(&[archived]).await.unwrap();
    let (fork, fine) = (node.commit(0, 3), node.commit(1, 3));
    node.archived(1, fine.seq).await.unwrap();
    assert_eq!(node.archived(0, fork.seq).await, Err(NotArchived::Conflict));
    node.commit(0, 3);
    let more = node.commit(1, 3);
    node.archived(1, more.seq).await.unwrap();
    node.holds(0, head(&batch.records[0])).await;
    assert_eq!((node.live.marked(auction(0)), node.archiver.lag().millis()), (None, 0));
    node.stop().await;
}

#[tokio::test]
async fn a_live_journal_that_is_away_is_asked_again() {
    let node = Node::over(Place::sqlite().await, 1).await;
    node.live.down.store(true, Ordering::SeqCst);
    let end = node.commit(0, 4);
    until("it is asked", || node.live.reads.load(Ordering::SeqCst) > 1).await;
    assert_eq!(node.archiver.reached(auction(0), end.seq, Duration::ZERO).await, Err(NotArchived::Late));
    node.live.down.store(false, Ordering::SeqCst);
    node.archived(0, end.seq).await.unwrap();
    until("it is marked", || node.live.marked(auction(0)) == Some(end)).await;
    node.holds(0, end).await;
    node.stop().await;
}

/// The server is stopped in the middle and goes on after a while; and later all its connections are cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_outage_of_the_database_the_archive_is_exact() {
    let Some(server) = postgres::Server::start().await else { return };
    let url = server.url();
    let place = Place::over(bidhub::persistence::Db::postgres(&url).await.unwrap(), Box::new(())).await;
    let node = Node::over(place, 20).await;
    let commit_all = || (0..20).map(|number| node.commit(number, 1 + number as u64 % 3)).collect::<Vec<_>>();
    for _ in 0..10 {
        commit_all();
        tokio::task::yield_now().await;
    }
    server.freeze();
    let marks = || (0..20).map(|it| node.live.marked(auction(it))).collect::<Vec<_>>();
    for _ in 0..50 {
        commit_all();
    }
    let ends = commit_all();
    let late = node.archiver.reached(auction(7), ends[7].seq, Duration::from_millis(300)).await;
    assert_eq!(late, Err(NotArchived::Late));
    let frozen = marks();
    until("the lag shows", || node.archiver.lag().millis() > 200).await;
    assert_eq!(marks(), frozen, "nothing is marked meanwhile");
    server.thaw();
    for (number, end) in ends.iter().enumerate() {
        node.archived(number as u128, end.seq).await.unwrap();
        node.holds(number as u128, *end).await;
    }
    for _ in 0..5 {
        commit_all();
        let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity where pid <> pg_backend_pid()
            and backend_type = 'client backend'";
        let other = bidhub::persistence::Db::postgres(&url).await.unwrap();
        let _cut: i64 = bidhub::sql!(other.write(), scalar i64, cut).unwrap();
        other.close().await;
    }
    let ends = commit_all();
    for (number, end) in ends.iter().enumerate() {
        node.archived(number as u128, end.seq).await.unwrap();
        node.holds(number as u128, *end).await;
    }
    let expected: usize = ends.iter().map(|end| end.seq.0 as usize + 1).sum();
    let feed = node.archiver.archive().feed().after(0, 1_000_000).await.unwrap();
    assert_eq!(feed.len(), expected);
    until("all is marked", || marks().into_iter().eq(ends.iter().map(|end| Some(*end)))).await;
    node.stop().await;
}
