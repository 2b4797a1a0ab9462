//! The outbox when something goes wrong: a process dies anywhere between the commit and the push, nodes cannot be told, two
//! believe that they push, a node cannot keep up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bidhub::chance::Chance;
use bidhub::clock::{self, Clock};
use bidhub::config::Settings;
use bidhub::coordination::local::LocalBus;
use bidhub::coordination::{Bus, BusError, News, NoteIds, Notice};
use bidhub::domain::{AccountId, AuctionId, NodeId};
use bidhub::lifecycle::Tasks;
use bidhub::mail::Mailer;
use bidhub::notify::{self, Addresses, Deps, Mailing, Note, NoteKind, Outbox, Pushed, Pusher, Sink};
use bidhub::persistence::{Db, Durability, StoreError, migrate};
use bidhub::sql;
use bytes::Bytes;
use serde_json::json;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::mail_server::MailServer;
use crate::projection::Turn;

const PATIENCE: Duration = Duration::from_secs(30);

/// What becomes of the next notices about notifications.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    /// They are not said, and the answer never comes.
    HangsBefore,
    /// They are said, and the answer never comes.
    HangsAfter,
    /// They are refused.
    Fails,
}

/// A bus of one process that can be in trouble.
struct Line {
    bus: LocalBus,
    trouble: Mutex<Trouble>,
    tried: AtomicUsize,
}

impl Line {
    fn new() -> Arc<Self> {
        let bus = LocalBus::new(NodeId(uuid::Uuid::from_u128(1)));
        Arc::new(Self { bus, trouble: Mutex::new(Trouble::None), tried: AtomicUsize::new(0) })
    }

    fn set(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap() = trouble;
        self.tried.store(0, Ordering::SeqCst);
    }

    /// Waits until it was tried so often since the trouble began.
    async fn tried(&self, count: usize) {
        eventually(async || self.tried.load(Ordering::SeqCst) >= count).await;
    }
}

#[async_trait::async_trait]
impl Bus for Line {
    fn node(&self) -> NodeId {
        self.bus.node()
    }

    fn members(&self) -> Arc<[NodeId]> {
        self.bus.members()
    }

    async fn publish(&self, notice: Notice) -> Result<(), BusError> {
        let trouble = *self.trouble.lock().unwrap();
        let said = match trouble {
            Trouble::None | Trouble::HangsAfter => self.bus.publish(notice).await,
            Trouble::HangsBefore => Ok(()),
            Trouble::Fails => Err(BusError("told to fail".to_owned())),
        };
        self.tried.fetch_add(1, Ordering::SeqCst);
        if matches!(trouble, Trouble::HangsBefore | Trouble::HangsAfter) {
            std::future::pending::<()>().await;
        }
        said
    }

    fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.bus.subscribe()
    }

    async fn cast(&self, message: Bytes) {
        self.bus.cast(message).await;
    }

    fn casts(&self) -> broadcast::Receiver<Bytes> {
        self.bus.casts()
    }

    async fn tell(&self, node: NodeId, message: Bytes) -> Result<(), BusError> {
        self.bus.tell(node, message).await
    }

    fn told(&self) -> Option<mpsc::Receiver<(NodeId, Bytes)>> {
        self.bus.told()
    }

    async fn follow(&self, auction: AuctionId) -> Result<mpsc::Receiver<News>, BusError> {
        self.bus.follow(auction).await
    }

    async fn leave(&self) {}

    async fn probe(&self) -> Result<(), BusError> {
        Ok(())
    }
}

/// Connections of everybody, which remember what they were handed.
#[derive(Default)]
struct Everybody {
    handed: Mutex<Vec<i64>>,
    missed: AtomicUsize,
    nobody: AtomicBool,
}

impl Everybody {
    fn handed(&self) -> Vec<i64> {
        self.handed.lock().unwrap().clone()
    }
}

impl Sink for Everybody {
    fn has(&self, _account: AccountId) -> bool {
        true
    }

    fn is_empty(&self) -> bool {
        self.nobody.load(Ordering::SeqCst)
    }

    fn push(&self, _account: AccountId, note: &Pushed) {
        self.handed.lock().unwrap().push(note.note.id);
    }

    fn missed(&self) {
        self.missed.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait::async_trait]
impl Addresses for Everybody {
    async fn confirmed(&self, account: AccountId) -> Result<Option<lettre::Address>, StoreError> {
        Ok(Some(format!("{}@example.com", account.0.simple()).parse().unwrap()))
    }
}

struct World {
    db: Db,
    line: Arc<Line>,
    sink: Arc<Everybody>,
    settings: Settings,
    whose: Arc<AtomicUsize>,
    stop: CancellationToken,
    _dir: tempfile::TempDir,
}

impl World {
    /// With one node that hands over what is pushed.
    async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    async fn with(settings: Settings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&dir.path().join("hub.db"), Durability::Normal).await.unwrap();
        migrate(&db).await.unwrap();
        let (line, sink, stop) = (Line::new(), Arc::new(Everybody::default()), CancellationToken::new());
        tokio::spawn(notify::deliver(db.clone(), line.clone(), sink.clone(), Chance::seeded(1), stop.clone()));
        // It listens from its first turn on.
        tokio::task::yield_now().await;
        Self { db, line, sink, settings, whose: Arc::default(), stop, _dir: dir }
    }

    /// The pusher of a node, and how it is woken there.
    fn pusher(&self, node: usize) -> (Outbox, JoinHandle<()>) {
        let outbox = Outbox::default();
        let mailer = Mailer::start(&self.settings.mail, false, &Tasks::new(self.stop.clone())).unwrap();
        let deps = Deps {
            db: self.db.clone(),
            leases: Arc::new(Turn { mine: node, whose: self.whose.clone() }),
            bus: self.line.clone(),
            mailing: Mailing::new(mailer, self.sink.clone(), "http://hub"),
            clock: Clock::manual(clock::parse("2026-11-20T09:30:00.000Z").unwrap()),
            chance: Chance::seeded(2),
        };
        let running = tokio::spawn(Pusher::new(deps, outbox.clone()).run(self.stop.clone()));
        (outbox, running)
    }

    async fn write(&self, causes: std::ops::Range<usize>) {
        let at = clock::parse("2026-11-20T09:30:00.000Z").unwrap();
        let note = |number: usize| Note {
            account: AccountId(uuid::Uuid::from_u128(number as u128 % 50 + 1)),
            kind: NoteKind::Won,
            auction: None,
            cause: number.to_string(),
            data: json!({}),
            at,
        };
        let mut tx = self.db.begin().await.unwrap();
        notify::write(&mut tx, &causes.map(note).collect::<Vec<_>>()).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn pending(&self) -> i64 {
        let text = "select count(*) from notifications where pushed_at is null";
        sql!(self.db.read(), scalar i64, text).unwrap()
    }

    async fn handed(&self, count: usize) -> Vec<i64> {
        eventually(async || self.sink.handed().len() >= count && self.pending().await == 0).await;
        self.sink.handed()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn eventually(holds: impl AsyncFn() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it comes about");
}

#[tokio::test]
async fn what_was_committed_before_a_crash_is_pushed_after_it() {
    let world = World::new().await;
    world.line.set(Trouble::HangsBefore);
    let (outbox, running) = world.pusher(0);
    world.write(0..3).await;
    outbox.wake();
    world.line.tried(1).await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    assert_eq!((world.pending().await, world.sink.handed().len()), (3, 0));
    world.line.set(Trouble::None);
    world.pusher(0);
    assert_eq!(world.handed(3).await, [1, 2, 3], "once, and in order");
}

#[tokio::test]
async fn what_was_told_but_not_marked_before_a_crash_is_pushed_again() {
    let world = World::new().await;
    world.line.set(Trouble::HangsAfter);
    let (outbox, running) = world.pusher(0);
    world.write(0..2).await;
    outbox.wake();
    world.line.tried(1).await;
    running.abort();
    eventually(async || world.sink.handed().len() == 2).await;
    world.line.set(Trouble::None);
    world.pusher(0);
    assert_eq!(world.handed(4).await, [1, 2, 1, 2], "rather twice than never");
}

#[tokio::test]
async fn nodes_that_cannot_be_told_are_told_later() {
    let world = World::new().await;
    world.line.set(Trouble::Fails);
    world.write(0..3).await;
    world.pusher(0);
    world.line.tried(2).await;
    assert_eq!((world.pending().await, world.sink.handed().len()), (3, 0));
    world.line.set(Trouble::None);
    assert_eq!(world.handed(3).await, [1, 2, 3]);
}

#[tokio::test]
async fn many_are_pushed_in_order_also_where_numbers_are_missing() {
    let world = World::new().await;
    world.write(0..3_000).await;
    sql!(world.db.write(), exec, "delete from notifications where id % 7 = 0 or id between 100 and 900").unwrap();
    world.pusher(0);
    let expected: Vec<i64> = (1..=3_000).filter(|id| id % 7 != 0 && !(100..=900).contains(id)).collect();
    assert_eq!(world.handed(expected.len()).await, expected);
}

#[tokio::test]
async fn only_the_node_whose_turn_it_is_pushes_and_hears_of_what_is_written_elsewhere() {
    let world = World::new().await;
    world.pusher(0);
    let (elsewhere, _) = world.pusher(1);
    world.write(0..1).await;
    assert_eq!(world.handed(1).await, [1]);
    let mut notices = world.line.subscribe();
    world.write(1..2).await;
    elsewhere.wake();
    let expected = [Notice::NotesWritten, Notice::PushNotes(NoteIds::covering(&[2])[0])];
    let mut heard = Vec::new();
    while heard.len() < 2 {
        let notice = tokio::time::timeout(PATIENCE, notices.recv()).await.unwrap().unwrap();
        heard.push(notice);
    }
    // A look that was due anyway may have been quicker.
    assert!(heard == expected || heard == [expected[1], expected[0]], "{heard:?}");
    world.whose.store(1, Ordering::SeqCst);
    world.write(2..3).await;
    assert_eq!(world.handed(3).await, [1, 2, 3], "the other one takes over");
}

#[tokio::test]
async fn two_that_believe_it_is_their_turn_leave_nothing_out_and_mail_nothing_twice() {
    let mut server = MailServer::start().await;
    let mut settings = Settings::default();
    settings.mail.smtp_url = Some(server.url.clone().into());
    let world = World::with(settings).await;
    for number in 1..=50 {
        let account = uuid::Uuid::from_u128(number);
        let text = "insert into accounts (id, display_name, created_at) values ($1, 'x', '2026-11-20T09:30:00+00:00')";
        sql!(world.db.write(), exec, text, account).unwrap();
        let text = "insert into notification_preferences (account, group_name, push, email) values ($1, 'bidding', true, true)";
        sql!(world.db.write(), exec, text, account).unwrap();
    }
    world.write(0..50).await;
    let pushers = [world.pusher(0), world.pusher(0), world.pusher(0)];
    for round in 1..4 {
        world.write(round * 50..round * 50 + 50).await;
        pushers.iter().for_each(|(outbox, _)| outbox.wake());
    }
    let handed = world.handed(200).await;
    assert_eq!(handed.iter().collect::<BTreeSet<_>>().len(), 200, "each at least once");
    let mut mails = BTreeMap::<String, usize>::new();
    for _ in 0..200 {
        let mail = server.next().await;
        let to = mail.lines().find_map(|line| line.strip_prefix("To: ")).expect("a receiver").to_owned();
        *mails.entry(to).or_default() += 1;
    }
    assert_eq!((mails.len(), mails.values().max()), (50, Some(&4)), "each account its own, once");
    let text = "select count(*) from notifications where mail_due or mailed_at is null";
    assert_eq!(sql!(world.db.read(), scalar i64, text).unwrap(), 0);
}

#[tokio::test]
async fn a_node_that_cannot_keep_up_says_that_something_was_missed() {
    let world = World::new().await;
    world.write(0..1).await;
    // It gets no turn while all this is said, and the bus keeps only so much for it.
    for _ in 0..3_000 {
        world.line.publish(Notice::PushNotes(NoteIds::covering(&[1])[0])).await.unwrap();
    }
    eventually(async || world.sink.missed.load(Ordering::SeqCst) == 1).await;
    assert!(world.sink.handed().len() < 3_000);
}

#[tokio::test]
async fn where_nobody_is_nothing_is_read_and_where_reading_fails_it_is_said_so() {
    let world = World::new().await;
    world.sink.nobody.store(true, Ordering::SeqCst);
    let ids = NoteIds::covering(&[1])[0];
    world.db.close().await;
    world.line.publish(Notice::PushNotes(ids)).await.unwrap();
    // Its turn: it would only just begin to try again if it had asked.
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.sink.nobody.store(false, Ordering::SeqCst);
    world.line.publish(Notice::PushNotes(ids)).await.unwrap();
    eventually(async || world.sink.missed.load(Ordering::SeqCst) >= 1).await;
    assert!(world.sink.handed().is_empty());
}
