//! The live journal alone: batches as busy rooms make them, a few rooms at a time, one batch of each under way. Beside it
//! stand bare `XADD`s of the same bytes over the same kind of connection, which check and publish nothing.

use std::sync::Arc;
use std::time::Duration;

use bidhub::chance::Chance;
use bidhub::clock::Clock;
use bidhub::domain::{AuctionId, LogId, Seq};
use bidhub::journal::archiver::Archiver;
use bidhub::journal::redis::{Keeping, RedisJournal};
use bidhub::journal::sql::Archive;
use bidhub::journal::{AckLevel, Batch, Digest, Head, Journal, Lease, NewLog, Packed, Record};
use bidhub::persistence::{Db, redis as redis_way};
use redis::aio::MultiplexedConnection;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::servers::{self, Redis};
use crate::{Plan, median};

#[allow(dead_code, reason = "tests tell more of the story")]
#[path = "../../tests/journal/story.rs"]
mod story;

const BATCH: u64 = 50;
const ROOMS: [u128; 2] = [4, 16];
const LOG: LogId = LogId(Uuid::from_u128(9));

/// How long an answer of Redis may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What a Redis may keep of what it is told.
const MEMORY: &[&str] = &["--appendonly", "no"];
const EVERY_SECOND: &[&str] = &["--appendonly", "yes", "--appendfsync", "everysec"];

pub async fn run(plan: Plan) {
    println!("the live journal, batches of {BATCH} records of {} bytes packed", packed_bytes() / BATCH as usize);
    let database = servers::postgres().await;
    let db = Db::postgres(&database.url()).await.unwrap();
    bidhub::journal::sql::migrate(&db).await.unwrap();
    for (name, settings) in [("no append-only file", MEMORY), ("append-only file, synced each second", EVERY_SECOND)] {
        println!("  {name}");
        for rooms in ROOMS {
            let (mut bare, mut journal) = (Vec::new(), Vec::new());
            for _ in 0..plan.rounds {
                bare.push(self::bare(&Redis::start_with(settings).await, rooms, plan.time).await);
                journal.push(self::journal(&Redis::start_with(settings).await, &db, rooms, plan.time).await);
            }
            let (bare, journal) = (median(bare), median(journal));
            println!(
                "    {rooms:>2} rooms: bare XADD {bare:>9.0} events/s, journal {journal:>9.0} events/s: {:.2}",
                journal / bare
            );
        }
    }
}

/// A bid as it is written down.
fn bid() -> Record {
    let (records, ..) = story::told();
    records.into_iter().find(|record| record.public.contains(r#""kind":"bid""#)).expect("somebody bids in the story")
}

/// As many bids as a batch has, after `onto`. The journal compares heads, and takes the digests as they are.
fn bids(bid: &Record, onto: Head) -> Vec<Record> {
    (onto.seq.0 + 1..=onto.seq.0 + BATCH)
        .map(|seq| Record { seq: Seq(seq), digest: digest(seq), ..bid.clone() })
        .collect()
}

fn digest(seq: u64) -> Digest {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&seq.to_be_bytes());
    Digest(digest)
}

fn head_of(record: &Record) -> Head {
    Head { seq: record.seq, digest: record.digest }
}

fn packed_bytes() -> usize {
    let onto = Head { seq: Seq(1_000), digest: digest(1_000) };
    Packed::pack(LOG, onto, &bids(&bid(), onto)).len()
}

/// Events a second that a journal takes from so many rooms.
async fn journal(server: &Redis, db: &Db, rooms: u128, time: Duration) -> f64 {
    let redis = redis_way::Redis::new(&server.url().parse().unwrap(), None, TIMEOUT).unwrap();
    // Nobody runs the archiver: this is the journal alone.
    let archive = Archive::new(db.clone(), Uuid::from_u128(1), Clock::System);
    let journal = RedisJournal::new(redis.clone(), redis, Archiver::new(archive, Chance::System), Keeping::default());
    let mut connection = server.connection().await;
    let mut ready = Vec::new();
    for _ in 0..rooms {
        ready.push(Room::open(&journal, &mut connection).await);
    }
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for room in ready {
        tasks.spawn(room.fill(journal.clone(), started + time));
    }
    let appended: u64 = tasks.join_all().await.into_iter().sum();
    appended as f64 / started.elapsed().as_secs_f64()
}

/// A room that this node holds.
struct Room {
    auction: AuctionId,
    lease: Lease,
    log: LogId,
    head: Head,
}

impl Room {
    async fn open(journal: &RedisJournal, redis: &mut MultiplexedConnection) -> Self {
        let auction = AuctionId(Chance::System.uuid(Clock::System.now()));
        let genesis = story::told().0.swap_remove(0);
        let (secret, ack) = (story::SECRET, AckLevel::Redis);
        journal.create(NewLog { auction, log: LOG, secret, genesis, due_at: None, ack }).await.unwrap();
        let lease = Lease { epoch: 10, holder: Uuid::from_u128(1), nonce: 1 };
        let key = format!("bidhub:{{{auction}}}:lease");
        redis::cmd("SET").arg(key).arg(lease.to_string()).exec_async(redis).await.unwrap();
        let taken = journal.take_over(auction, lease, Vec::new()).await.unwrap().unwrap();
        Self { auction, lease, log: taken.log.log, head: taken.log.head }
    }

    /// Commits batches, one under way at a time, and says how many records that were.
    async fn fill(mut self, journal: RedisJournal, until: Instant) -> u64 {
        let (bid, before) = (bid(), self.head.seq);
        while Instant::now() < until {
            let records: Arc<[Record]> = bids(&bid, self.head).into();
            let head = head_of(records.last().unwrap());
            let batch = Batch {
                auction: self.auction,
                log: self.log,
                ack: AckLevel::Redis,
                lease: self.lease,
                onto: self.head,
                records,
                due_at: None,
            };
            journal.append(batch).await.unwrap();
            self.head = head;
        }
        self.head.seq.0 - before.0
    }
}

/// Events a second in bare entries of streams.
async fn bare(redis: &Redis, rooms: u128, time: Duration) -> f64 {
    let connection = redis.connection().await;
    let mut tasks = JoinSet::new();
    let started = Instant::now();
    for room in 0..rooms {
        tasks.spawn(add(connection.clone(), room, started + time));
    }
    let appended: u64 = tasks.join_all().await.into_iter().sum();
    appended as f64 / started.elapsed().as_secs_f64()
}

async fn add(mut redis: MultiplexedConnection, room: u128, until: Instant) -> u64 {
    let bid = bid();
    let mut head = Head { seq: Seq(0), digest: digest(0) };
    while Instant::now() < until {
        let records = bids(&bid, head);
        let bytes = Packed::pack(LOG, head, &records);
        head = head_of(records.last().unwrap());
        let mut add = redis::cmd("XADD");
        add.arg(format!("stream:{room}")).arg(format!("{}-0", head.seq.0)).arg("b").arg(&bytes[..]);
        add.exec_async(&mut redis).await.unwrap();
    }
    head.seq.0
}
