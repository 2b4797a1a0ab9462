//! The journal in Redis, with PostgreSQL behind it: the contract, and what is lost, mended and refused when servers fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::redis::{FromRedisValue, cmd};
use bidhub::audit::allowances::{Allowances, Logs};
use bidhub::chance::Chance;
use bidhub::clock::Clock;
use bidhub::domain::{AuctionId, LogId, Seq, Timestamp};
use bidhub::journal::archiver::Archiver;
use bidhub::journal::redis::{Keeping, RedisJournal, keys};
use bidhub::journal::sql::Archive;
use bidhub::journal::*;
use bidhub::persistence::{Db, Redis};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::contract::{self, Desk, LOG, batch, head, new_log};
use crate::redis_server::{Cluster, PASSWORD, Server, Setup};
use crate::{postgres, story};

const TIMEOUT: Duration = Duration::from_secs(2);

/// A journal to ask, and whatever must live as long.
struct Subject {
    journal: RedisJournal,
    archiver: Archiver,
    redis: Redis,
    leases: AtomicU64,
    _archive: postgres::Server,
}

impl Subject {
    async fn over(url: &str, ca: Option<&[u8]>, keeping: Keeping) -> Option<Self> {
        let archive = postgres::Server::start().await?;
        let db = Db::postgres(&archive.url()).await.unwrap();
        bidhub::journal::sql::migrate(&db).await.unwrap();
        let redis = Redis::new(&url.parse().unwrap(), ca, TIMEOUT).unwrap();
        let kept = Archive::new(db, Uuid::from_u128(1), Clock::manual(story::at(0)));
        let archiver = Archiver::new(kept, Chance::seeded(1));
        let journal = RedisJournal::new(redis.clone(), redis.clone(), archiver.clone(), keeping);
        Some(Self { journal, archiver, redis, leases: AtomicU64::new(0), _archive: archive })
    }

    async fn run<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = cmd(words[0]);
        command.arg(&words[1..]);
        self.redis.run(&command).await.unwrap()
    }

    /// From here on, the journal of a node that has done nothing yet.
    fn another_node(&mut self, keeping: Keeping) {
        let redis = self.redis.clone();
        self.journal = RedisJournal::new(redis.clone(), redis, self.archiver.clone(), keeping);
    }

    async fn take(&self, auction: AuctionId, tails: Vec<Packed>) -> (Lease, TakenOver) {
        let lease = self.lease(auction).await;
        (lease, self.journal.take_over(auction, lease, tails).await.unwrap().unwrap())
    }

    /// A log with all records but the creation committed, the first `archived` of them archived.
    async fn told(&self, ack: AckLevel, archived: usize) -> (AuctionId, Vec<Record>, Lease) {
        let (records, ..) = story::told();
        let auction = story::auction();
        self.journal.create(NewLog { ack, ..new_log(&records, auction) }).await.unwrap();
        let (lease, _) = self.take(auction, Vec::new()).await;
        for pair in records.windows(2) {
            self.journal.append(Batch { ack, ..batch(lease, auction, &pair[0], &pair[1..]) }).await.unwrap();
            if pair[1].seq == Seq(archived as u64) {
                self.archive(auction).await;
            }
        }
        (auction, records, lease)
    }
}

#[async_trait::async_trait]
impl Desk for Subject {
    fn journal(&self) -> &dyn Journal {
        &self.journal
    }

    async fn lease(&self, auction: AuctionId) -> Lease {
        let nonce = self.leases.fetch_add(1, Ordering::SeqCst);
        let lease = Lease { epoch: 10 + nonce, holder: Uuid::from_u128(1), nonce };
        let text = lease.to_string();
        let _: () = self.run(&["SET", &keys::lease(auction), &text, "PX", "60000"]).await;
        let _: i64 = self.run(&["HSET", &keys::meta(auction), "epoch", &lease.epoch.to_string()]).await;
        lease
    }

    async fn archive(&self, _auction: AuctionId) {
        // An archiver that is told to stop archives what is left before it does.
        let stop = CancellationToken::new();
        stop.cancel();
        self.archiver.clone().run(Arc::new(self.journal.clone()), stop, Duration::from_secs(20)).await;
    }
}

/// Whoever audits reads what is committed and not yet archived, and goes on from where it was.
#[tokio::test]
async fn allowances_are_read_where_the_log_is_furthest() {
    let Some(server) = Server::start().await else { return };
    let Some(subject) = subject(&server).await else { return };
    let (auction, ..) = subject.told(AckLevel::Redis, 3).await;
    let db = Db::postgres(&subject._archive.url()).await.unwrap();
    let (live, archived) = (Logs::Live(Box::new(subject.journal.clone()), db.clone()), Logs::Sql(db));
    let told = async |logs: &Logs, known: Allowances| {
        let read = logs.allowances(auction, known).await.unwrap().unwrap();
        let mut told: Vec<_> = read.told.iter().map(|(bidder, told)| (*bidder, told.clone())).collect();
        told.sort();
        (read, told)
    };
    let one = |number| (story::account(number), vec![(1, story::money(100_000))]);
    let (known, behind) = told(&archived, Allowances::default()).await;
    assert_eq!(behind, [one(1)]);
    assert_eq!(told(&live, Allowances::default()).await.1, [one(1), one(2)]);
    assert_eq!(told(&live, known).await.1, [one(1), one(2)], "from there on");
    subject.run::<()>(&["FLUSHALL"]).await;
    assert_eq!(told(&live, Allowances::default()).await.1, [one(1)], "Redis forgot; the archive has not");
    assert!(live.allowances(AuctionId(Uuid::from_u128(5)), Allowances::default()).await.unwrap().is_none());
}

async fn subject(server: &Server) -> Option<Subject> {
    Subject::over(&server.url(), None, Keeping::default()).await
}

#[tokio::test]
async fn redis_keeps_the_contract() {
    let Some(server) = Server::start().await else { return };
    let Some(subject) = subject(&server).await else { return };
    contract::keeps_it(&subject).await;
    contract::keeps_rooms_apart(subject).await;
}

#[tokio::test]
async fn a_cluster_keeps_the_contract_for_a_user_with_few_rights() {
    let Some(cluster) = Cluster::start().await else { return };
    let allowed = |server: &Server| {
        let mut words = vec!["ACL", "SETUSER", "hub", "on"];
        let password = format!(">{PASSWORD}");
        words.push(&password);
        words.extend(keys::ACL_RULES.split(' '));
        assert_eq!(server.cli(&words), "OK");
    };
    cluster.servers.iter().for_each(allowed);
    let url = cluster.url().replace("://", &format!("://hub:{PASSWORD}@"));
    let Some(subject) = Subject::over(&url, None, Keeping::default()).await else { return };
    assert!(subject.redis.fitness().await.unwrap().append_only);
    contract::keeps_it(&subject).await;
    contract::keeps_rooms_apart(subject).await;
}

#[tokio::test]
async fn tls_and_few_rights_are_enough() {
    let rules = format!("user hub on >{PASSWORD} {}", keys::ACL_RULES);
    let users = vec!["user default on nopass ~* &* +@all".to_owned(), rules];
    let Some(server) = Server::with(Setup { tls: true, users, ..Setup::default() }).await else { return };
    let authority = std::fs::read(server.authority()).unwrap();
    let url = server.url_as("hub", PASSWORD);
    let Some(subject) = Subject::over(&url, Some(&authority), Keeping::default()).await else { return };
    contract::keeps_it(&subject).await;
    let foreign = subject.redis.run::<()>(cmd("SET").arg("other").arg(1)).await;
    assert!(foreign.is_err(), "nothing beside what is its own");
}

#[tokio::test]
async fn a_command_that_comes_twice_does_no_harm_and_an_unanswered_one_is_found_by_whoever_takes_over() {
    let Some(server) = Server::start().await else { return };
    let Some(subject) = subject(&server).await else { return };
    let (records, ..) = story::told();
    let auction = story::auction();
    subject.journal.create(new_log(&records, auction)).await.unwrap();
    let (lease, _) = subject.take(auction, Vec::new()).await;
    for _ in 0..2 {
        subject.journal.append(batch(lease, auction, &records[0], &records[1..3])).await.unwrap();
    }
    let entries: i64 = subject.run(&["XLEN", &keys::log(auction)]).await;
    assert_eq!(entries, 1, "written once");
    server.pause();
    let unknown = subject.journal.append(batch(lease, auction, &records[2], &records[3..5])).await;
    assert!(matches!(unknown, Err(AppendError::Unknown(_))), "{unknown:?}");
    server.resume();
    let taken = subject.take(auction, Vec::new()).await.1;
    assert_eq!((taken.log.head, taken.lost), (head(&records[4]), false), "it was committed after all");
    let late = subject.journal.append(batch(lease, auction, &records[4], &records[5..])).await;
    assert_eq!(late, Err(AppendError::Fenced), "the lease before is void");
}

#[tokio::test]
async fn a_log_that_was_let_go_tells_of_no_silence_and_one_that_was_not_does() {
    let Some(server) = Server::start().await else { return };
    let Some(subject) = subject(&server).await else { return };
    let (auction, records, _) = subject.told(AckLevel::Redis, 0).await;
    let taken = subject.take(auction, Vec::new()).await.1;
    assert_eq!((taken.log.head, taken.log.log, taken.lost), (head(records.last().unwrap()), LOG, false));
    let meta = keys::meta(auction);
    let alive_at: i64 = subject.run(&["HGET", &meta, "alive_at"]).await;
    let _: i64 = subject.run(&["HSET", &meta, "silent_since", &(alive_at - 7_000).to_string()]).await;
    let (lease, taken) = subject.take(auction, Vec::new()).await;
    let silence = taken.silence.expect("a silence");
    assert_eq!(silence.from.millis(), alive_at - 7_000);
    assert!(silence.until.millis() >= alive_at);
    subject.journal.append(batch(lease, auction, records.last().unwrap(), &[])).await.unwrap();
    assert_eq!(subject.take(auction, Vec::new()).await.1.silence, None, "whoever commits has accounted for it");
    let outages: [&str; 4] = ["RPUSH", keys::OUTAGES, "1000:5000", "9000:12000"];
    let _: i64 = subject.run(&outages).await;
    let outage = |from, until| Outage { from: Timestamp::from_millis(from), until: Timestamp::from_millis(until) };
    let after = subject.journal.outages_after(Timestamp::from_millis(5_000)).await.unwrap();
    assert_eq!(after, [outage(9_000, 12_000)]);
}

#[tokio::test]
async fn what_redis_forgot_comes_back_from_sql_and_mirrors_as_another_history() {
    let Some(mut server) = Server::start().await else { return };
    let Some(mut subject) = subject(&server).await else { return };
    let (auction, records, _) = subject.told(AckLevel::Redis, 4).await;
    server.restart_empty().await;
    until_reachable(&subject).await;
    let all = records.len() - 1;
    let (lease, taken) = subject.take(auction, vec![tail(LOG, &records[3..all], &records[2])]).await;
    assert!(taken.lost && taken.log.log != LOG, "something may have been lost");
    assert_eq!(taken.log.head, head(&records[all - 1]), "the mirror had more than the archive");
    assert_eq!(subject.journal.read(auction, Seq(0), 100).await.unwrap(), records[1..all]);
    let more = Batch { log: taken.log.log, ..batch(lease, auction, &records[all - 1], &records[all..]) };
    subject.journal.append(more).await.unwrap();
    subject.archive(auction).await;
    let again = subject.take(auction, Vec::new()).await.1;
    assert_eq!((again.log.log, again.log.head, again.lost), (taken.log.log, head(&records[all]), false));

    server.restart_empty().await;
    until_reachable(&subject).await;
    subject.another_node(Keeping::default());
    let alone = subject.take(auction, Vec::new()).await.1;
    assert_eq!((alone.log.head, alone.lost), (head(&records[all]), true), "from the archive alone");
    assert_eq!(subject.journal.read(auction, Seq(2), 3).await.unwrap(), records[3..6]);
}

#[tokio::test]
async fn after_a_restart_nobody_can_know_that_nothing_was_lost() {
    let Some(mut server) = Server::start().await else { return };
    let Some(subject) = Subject::over(&server.url(), None, Keeping::default()).await else { return };
    let (auction, records, _) = subject.told(AckLevel::Redis, 4).await;
    server.stop();
    server.restart().await;
    until_reachable(&subject).await;
    let taken = subject.take(auction, Vec::new()).await.1;
    assert_eq!((taken.log.head, taken.lost), (head(records.last().unwrap()), true), "even if all of it is there");
    assert_ne!(taken.log.log, LOG);
    assert_eq!(subject.journal.read(auction, Seq(0), 100).await.unwrap(), records[1..]);
    let again = subject.take(auction, Vec::new()).await.1;
    assert_eq!((again.log.log, again.lost), (taken.log.log, false), "once");
}

#[tokio::test]
async fn what_mirrors_hold_counts_after_a_loss_alone_and_what_was_given_up_stays_so() {
    let Some(mut server) = Server::start().await else { return };
    let Some(subject) = subject(&server).await else { return };
    let (auction, records, _) = subject.told(AckLevel::Redis, 3).await;
    let last = records.last().unwrap();
    let mut chain = Chain::new(&story::SECRET, head(last));
    let more = [&records[4..], &[chain.seal(last.seq.next(), 20, "{}".into(), Vec::new())]].concat();
    let longer = tail(LOG, &more, &records[3]);
    let untouched = subject.take(auction, vec![longer.clone()]).await.1;
    assert_eq!((untouched.log.head, untouched.lost), (head(last), false), "nothing was lost, so nothing is missing");

    server.restart_empty().await;
    until_reachable(&subject).await;
    let mut chain = Chain::new(&story::SECRET, head(&records[5]));
    let other = [&records[4..6], &[chain.seal(Seq(6), 30, "{\"other\":1}".into(), Vec::new())]].concat();
    let shorter = tail(LOG, &other, &records[3]);
    let taken = subject.take(auction, vec![longer.clone(), shorter]).await.1;
    assert!(taken.lost && taken.log.log != LOG);
    assert_eq!(taken.log.head, head(&other[2]), "the greater epoch wins though it is shorter");
    let read = subject.journal.read(auction, Seq(0), 100).await.unwrap();
    assert_eq!(read, [&records[1..4], &other].concat());
    let kept: Vec<u8> = subject.run(&["GET", &keys::fork(auction, 6)]).await;
    assert_eq!(Packed::unpack(&kept).unwrap().records, more[2..]);

    server.restart_empty().await;
    until_reachable(&subject).await;
    let current = tail(taken.log.log, &other[..2], &records[3]);
    let again = subject.take(auction, vec![longer, current]).await.1;
    assert_eq!(again.log.head, head(&other[1]), "a history that was given up does not come back by its length");
}

#[tokio::test]
async fn a_stream_that_was_cut_is_read_from_where_it_was_archived() {
    let Some(server) = Server::start().await else { return };
    let Some(subject) = subject(&server).await else { return };
    let (auction, records, _) = subject.told(AckLevel::Redis, 5).await;
    let _: i64 = subject.run(&["XTRIM", &keys::log(auction), "MINID", "5-0"]).await;
    assert_eq!(subject.journal.read(auction, Seq(0), 100).await.unwrap(), records[1..]);
    assert_eq!(subject.journal.read(auction, Seq(0), 3).await.unwrap(), records[1..4]);
    assert_eq!(subject.journal.read(auction, Seq(6), 100).await.unwrap(), records[7..]);
    let taken = subject.take(auction, Vec::new()).await.1;
    assert!(!taken.lost);
    subject.archive(auction).await;
    let _: i64 = subject.run(&["DEL", &keys::log(auction)]).await;
    assert!(!subject.take(auction, Vec::new()).await.1.lost, "all of it is archived");
    assert_eq!(subject.journal.read(auction, Seq(0), 100).await.unwrap(), records[1..]);
}

#[tokio::test]
async fn a_replica_must_have_it_before_anyone_hears_of_it() {
    let Some(primary) = Server::start().await else { return };
    let setup = Setup { replica_of: Some(primary.port()), ..Setup::default() };
    let Some(replica) = Server::with(setup).await else { return };
    primary.has_replicas(1).await;
    let keeping = Keeping { replicas: 1, safe_within: Duration::from_millis(1_500), ..Keeping::default() };
    let Some(subject) = Subject::over(&primary.url(), None, keeping).await else { return };
    let (records, ..) = story::told();
    let (auction, ack) = (story::auction(), AckLevel::Replica);
    subject.journal.create(NewLog { ack, ..new_log(&records, auction) }).await.unwrap();
    let (lease, _) = subject.take(auction, Vec::new()).await;
    let replicated =
        |onto: usize, to: usize| Batch { ack, ..batch(lease, auction, &records[onto], &records[onto + 1..=to]) };
    subject.journal.append(replicated(0, 2)).await.unwrap();
    assert_eq!(subject.journal.read(auction, Seq(0), 100).await.unwrap(), records[1..3]);
    replica.pause();
    let unknown = subject.journal.append(replicated(2, 4)).await;
    assert!(matches!(unknown, Err(AppendError::Unknown(_))), "{unknown:?}");
    assert_eq!(subject.journal.read(auction, Seq(0), 100).await.unwrap(), records[1..3], "nobody hears of it");
    assert_eq!(subject.journal.open(auction).await.unwrap().unwrap().head, head(&records[2]));
    replica.resume();
    primary.has_replicas(1).await;
    let taken = subject.take(auction, Vec::new()).await.1;
    assert_eq!((taken.log.head, taken.lost), (head(&records[4]), false));
    assert_eq!(subject.journal.read(auction, Seq(0), 100).await.unwrap(), records[1..5]);
}

#[tokio::test]
async fn the_archive_must_have_it_before_anyone_hears_of_it() {
    let Some(server) = Server::start().await else { return };
    let within = |safe_within| Keeping { safe_within, ..Keeping::default() };
    let impatient = within(Duration::from_millis(100));
    let Some(mut subject) = Subject::over(&server.url(), None, impatient).await else { return };
    let (records, ..) = story::told();
    let (auction, ack) = (story::auction(), AckLevel::Sql);
    subject.journal.create(NewLog { ack, ..new_log(&records, auction) }).await.unwrap();
    let (lease, _) = subject.take(auction, Vec::new()).await;
    let unknown = subject.journal.append(Batch { ack, ..batch(lease, auction, &records[0], &records[1..3]) }).await;
    assert!(matches!(unknown, Err(AppendError::Unknown(_))), "{unknown:?}");
    let late = subject.journal.settle(auction, head(&records[2]), Duration::from_millis(50)).await;
    assert!(matches!(late, Err(JournalError::NotArchived(_))), "{late:?}");
    subject.archive(auction).await;
    subject.another_node(within(Duration::from_secs(30)));
    let (lease, taken) = subject.take(auction, Vec::new()).await;
    assert_eq!(taken.log.head, head(&records[2]));
    let more = Batch { ack, ..batch(lease, auction, &records[2], &records[3..]) };
    let archiving = async {
        while subject.journal.read(auction, Seq(2), 1).await.unwrap().is_empty() {
            subject.archive(auction).await;
        }
    };
    let both = async { tokio::join!(subject.journal.append(more), archiving) };
    let (appended, ()) = tokio::time::timeout(Duration::from_secs(60), both).await.unwrap();
    appended.unwrap();
}

fn tail(log: LogId, records: &[Record], onto: &Record) -> Packed {
    Packed { log, onto: head(onto), records: records.to_vec() }
}

async fn until_reachable(subject: &Subject) {
    let reached = async {
        while subject.journal.probe().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reached).await.expect("redis answers at last");
}
