//! The projector, over a journal with real rooms: what it writes, when it is cut off, when it is not alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bidhub::chance::Chance;
use bidhub::clock::{self, Clock};
use bidhub::coordination::local::{LocalBus, LocalLeases};
use bidhub::coordination::{Holding, LeaseError, Leases};
use bidhub::domain::auction::{Bid, Funds, Listing, Offer, Terms};
use bidhub::domain::formats::{English, Format, english::BuyNowUntil};
use bidhub::domain::increments::Increments;
use bidhub::domain::{AccountId, AuctionId, BidKey, Currency, Fees, Money, NodeId, Seq, Span, Timestamp};
use bidhub::features::auctions::AuctionsProjection;
use bidhub::journal::AckLevel;
use bidhub::journal::sql::SqlJournal;
use bidhub::persistence::{Db, Durability, StoreError, Tx, migrate};
use bidhub::projection::{Deps, Progress, Projected, Projection, Projector};
use bidhub::room::{self, NewAuction, Rooms};
use bidhub::sql;
use tokio_util::sync::CancellationToken;

struct World {
    db: Db,
    log: Db,
    journal: SqlJournal,
    leases: Arc<dyn Leases>,
    rooms: Rooms,
    clock: Clock,
    _dir: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&dir.path().join("hub.db"), Durability::Normal).await.unwrap();
        migrate(&db).await.unwrap();
        let clock = Clock::manual(clock::parse("2026-11-20T09:30:00.000Z").unwrap());
        let (lost, chance) = (CancellationToken::new(), Chance::seeded(7));
        let log = Db::sqlite(&dir.path().join("journal.db"), Durability::Normal).await.unwrap();
        let holder = chance.uuid(clock.now());
        let journal = SqlJournal::take_over(log.clone(), holder, &clock, lost.clone()).await.unwrap();
        let leases: Arc<dyn Leases> = Arc::new(LocalLeases::new(journal.lease(), lost.clone()));
        let rooms = Rooms::new(room::Deps {
            journal: Arc::new(journal.clone()),
            leases: leases.clone(),
            bus: Arc::new(LocalBus::new(bidhub::domain::NodeId(holder))),
            funding: Arc::new(room::NoFunding),
            clock: clock.clone(),
            chance,
            limits: room::Limits::default(),
            lost,
        });
        Self { db, log, journal, leases, rooms, clock, _dir: dir }
    }

    async fn auction(&self) -> AuctionId {
        let listing =
            Listing { title: "Desk".into(), description: "".into(), category: "furniture".into(), image_url: None };
        let english = English {
            opening_price: Money::new(1_000).unwrap(),
            increments: Increments::default(),
            reserve: None,
            buy_now: None,
            buy_now_until: BuyNowUntil::FirstBid,
            soft_close: None,
        };
        let now = self.clock.now();
        let terms = Terms {
            seller: account(0),
            currency: Currency::new("USD").unwrap(),
            starts_at: now,
            ends_at: now.plus(Span::from_secs(3_600)),
            funds: Funds::None,
            fees: Fees::default(),
            grace: Span::ZERO,
            format: Format::English(english),
        };
        self.rooms.create(NewAuction { terms, listing, ack: AckLevel::default() }).await.unwrap()
    }

    async fn bid(&self, auction: AuctionId, number: u64) -> Seq {
        let key = BidKey::new(&format!("k{number}")).unwrap();
        let offer = Offer::Straight(Money::new(1_000 + 1_000 * number as i64).unwrap());
        let bid = Bid { bidder: account(1 + number % 2), barred: None, key, offer };
        self.rooms.bid(auction, bid).await.unwrap().seq
    }

    fn projector(&self, projections: Vec<Arc<dyn Projection>>) -> Projector {
        self.projector_under(self.leases.clone(), projections)
    }

    fn projector_under(&self, leases: Arc<dyn Leases>, projections: Vec<Arc<dyn Projection>>) -> Projector {
        let (db, feed, clock) = (self.db.clone(), self.journal.feed(), self.clock.clone());
        Projector::new(Deps { db, feed, leases, clock, chance: Chance::seeded(1) }, projections)
    }

    /// Every row that the projection of auctions keeps, as text.
    async fn rows(&self) -> Vec<String> {
        let text = "select hex(id) || status || seq || coalesce(price, 0) || bid_count from auctions order by id";
        let mut rows = sql!(self.db.read(), scalars String, text).unwrap();
        let text = "select hex(auction) || seq || alias || amount || price from bids order by auction, seq";
        rows.extend(sql!(self.db.read(), scalars String, text).unwrap());
        rows
    }

    async fn checkpoint(&self, name: &str) -> i64 {
        let text = "select coalesce(max(position), 0) from projection_checkpoints where name = $1";
        sql!(self.db.read(), scalar i64, text, name).unwrap()
    }
}

fn account(number: u64) -> AccountId {
    AccountId(format!("01938b5e-0000-7000-8000-{number:012}").parse().unwrap())
}

/// Notes what it is given, and fails as often as it is told to.
#[derive(Default)]
struct Notes {
    fail: AtomicUsize,
    hang: bool,
    seen: Mutex<Vec<i64>>,
}

#[async_trait::async_trait]
impl Projection for Notes {
    fn name(&self) -> &'static str {
        "notes"
    }

    async fn apply(&self, _tx: &mut Tx, page: &[Projected]) -> Result<(), StoreError> {
        if self.hang {
            std::future::pending::<()>().await;
        }
        if self.fail.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(StoreError::Inconsistent { table: "notes", detail: "told to fail".to_owned() });
        }
        self.seen.lock().unwrap().extend(page.iter().map(|it| it.position));
        Ok(())
    }
}

#[tokio::test]
async fn records_projected_twice_leave_the_same_rows() {
    let world = World::new().await;
    let (one, two) = (world.auction().await, world.auction().await);
    for number in 0..20 {
        world.bid(if number % 3 == 0 { one } else { two }, number).await;
    }
    world.projector(vec![Arc::new(AuctionsProjection)]).catch_up().await;
    let rows = world.rows().await;
    assert_eq!(rows.len(), 22);
    assert_eq!(world.checkpoint("auctions").await, world.journal.feed().last_position().await.unwrap());
    sql!(world.db.write(), exec, "update projection_checkpoints set position = 0").unwrap();
    world.projector(vec![Arc::new(AuctionsProjection)]).catch_up().await;
    assert_eq!(world.rows().await, rows);
}

#[tokio::test]
async fn a_projector_cut_off_in_the_middle_has_written_nothing_and_the_next_one_all() {
    let world = World::new().await;
    let auction = world.auction().await;
    for number in 0..5 {
        world.bid(auction, number).await;
    }
    let hung = Arc::new(Notes { hang: true, ..Notes::default() });
    let mut projector = world.projector(vec![Arc::new(AuctionsProjection), hung]);
    let cut = tokio::time::timeout(Duration::from_millis(200), projector.catch_up()).await;
    assert!(cut.is_err());
    drop(projector);
    assert_eq!((world.rows().await.len(), world.checkpoint("auctions").await), (0, 0));
    world.projector(vec![Arc::new(AuctionsProjection)]).catch_up().await;
    assert_eq!(world.rows().await.len(), 6);
}

#[tokio::test]
async fn one_that_fails_is_left_behind_and_catches_up_by_itself() {
    let world = World::new().await;
    let auction = world.auction().await;
    world.bid(auction, 0).await;
    // Once with the others, once alone.
    let notes = Arc::new(Notes { fail: AtomicUsize::new(2), ..Notes::default() });
    let mut projector = world.projector(vec![Arc::new(AuctionsProjection), notes.clone()]);
    let progress = projector.progress();
    projector.catch_up().await;
    let last = world.journal.feed().last_position().await.unwrap();
    assert_eq!((world.checkpoint("auctions").await, world.checkpoint("notes").await), (last, 0));
    world.clock.advance(Span::from_secs(31));
    assert!(progress.check(world.clock.now()).unwrap_err().contains("31 s"), "what is left behind counts as lag");

    let (stop, running) = (CancellationToken::new(), progress.clone());
    let task = tokio::spawn(projector.run(stop.clone(), Duration::from_secs(5)));
    let (world_of, wanted) = (&world, world.bid(auction, 1).await);
    let reached = || async move {
        Ok::<_, StoreError>(
            world_of.checkpoint("notes").await == world_of.journal.feed().last_position().await.unwrap(),
        )
    };
    assert!(running.wait_until(Duration::from_secs(10), reached).await.unwrap());
    stop.cancel();
    task.await.unwrap();
    assert_eq!(progress.lag(world.clock.now()), Span::ZERO);
    let last = world.journal.feed().last_position().await.unwrap();
    assert_eq!(*notes.seen.lock().unwrap(), (1..=last).collect::<Vec<_>>());
    assert!(wanted > Seq(1));
}

#[tokio::test]
async fn of_two_projectors_the_stale_one_changes_nothing() {
    let world = World::new().await;
    let auction = world.auction().await;
    let (first, second) = (Arc::new(Notes::default()), Arc::new(Notes::default()));
    let mut stale = world.projector(vec![first.clone()]);
    let mut other = world.projector(vec![second.clone()]);
    stale.catch_up().await;
    let before = first.seen.lock().unwrap().clone();
    world.bid(auction, 0).await;
    other.catch_up().await;
    world.bid(auction, 1).await;
    stale.catch_up().await;
    assert_eq!(*first.seen.lock().unwrap(), before, "its checkpoint was moved by the other");
    other.catch_up().await;
    let both = [before, second.seen.lock().unwrap().clone()].concat();
    assert_eq!(both, (1..=world.journal.feed().last_position().await.unwrap()).collect::<Vec<_>>(), "each record once");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_stops_its_auction_alone_until_it_can_be_read() {
    let world = World::new().await;
    let (one, two) = (world.auction().await, world.auction().await);
    for number in 0..6 {
        world.bid(if number % 2 == 0 { one } else { two }, number).await;
    }
    let version = async |version: i32| {
        let text = "update journal_records set version = $1 where auction = $2 and seq = 3";
        assert_eq!(sql!(world.log.write(), exec, text, version, one.0).unwrap(), 1);
    };
    version(99).await;
    let project = async || {
        let notes = Arc::new(Notes::default());
        world.projector(vec![Arc::new(AuctionsProjection), notes.clone()]).catch_up().await;
        let last = world.journal.feed().last_position().await.unwrap();
        assert_eq!((world.checkpoint("auctions").await, world.checkpoint("notes").await), (last, last));
        let seq = "select seq from auctions where id = $1";
        let one = sql!(world.db.read(), scalar i64, seq, one.0).unwrap();
        (one, sql!(world.db.read(), scalar i64, seq, two.0).unwrap())
    };
    assert_eq!(project().await, (2, 4));
    // Also by the next process, and for what happens later.
    world.bid(one, 6).await;
    world.bid(two, 7).await;
    assert_eq!(project().await, (2, 5));
    version(1).await;
    assert_eq!(project().await, (5, 5));
    let rows = world.rows().await;
    sql!(world.db.write(), exec, "update projection_checkpoints set position = 0").unwrap();
    assert_eq!((project().await, world.rows().await), ((5, 5), rows));
}

/// Leases of which only the task counts: it is whose turn it is.
pub struct Turn {
    pub mine: usize,
    pub whose: Arc<AtomicUsize>,
}

#[async_trait::async_trait]
impl Leases for Turn {
    async fn acquire(&self, auction: AuctionId, _floor: u64) -> Result<Holding, LeaseError> {
        Err(LeaseError::Unavailable(format!("nobody runs {auction} here")))
    }

    async fn release(&self, _auction: AuctionId, _holding: &Holding, _wake_at: Option<Timestamp>) {}

    async fn owner(&self, _auction: AuctionId) -> Result<Option<NodeId>, LeaseError> {
        Ok(None)
    }

    async fn unattended(&self, _by: Timestamp, _limit: usize) -> Result<Vec<AuctionId>, LeaseError> {
        Ok(Vec::new())
    }

    async fn attend(&self, _auction: AuctionId, _wake_at: Timestamp) -> Result<(), LeaseError> {
        Ok(())
    }

    async fn task(&self, _task: &'static str) -> Result<bool, LeaseError> {
        Ok(self.whose.load(Ordering::SeqCst) == self.mine)
    }
}

#[tokio::test]
async fn of_two_nodes_one_projects_and_when_it_is_killed_the_other_goes_on() {
    let world = World::new().await;
    let auction = world.auction().await;
    let whose = Arc::new(AtomicUsize::new(0));
    let notes: [Arc<Notes>; 2] = Default::default();
    let (mut tasks, mut progress) = (Vec::new(), Vec::new());
    let stop = CancellationToken::new();
    for (mine, notes) in notes.iter().enumerate() {
        let turn = Arc::new(Turn { mine, whose: whose.clone() });
        let projector = world.projector_under(turn, vec![Arc::new(AuctionsProjection), notes.clone()]);
        progress.push(projector.progress());
        tasks.push(tokio::spawn(projector.run(stop.clone(), Duration::from_secs(5))));
    }
    let caught_up = async |progress: &Progress| {
        let last = world.journal.feed().last_position().await.unwrap();
        let world = &world;
        let reached = || async move { Ok::<_, StoreError>(world.checkpoint("notes").await == last) };
        assert!(progress.wait_until(Duration::from_secs(30), reached).await.unwrap());
        last
    };
    world.bid(auction, 0).await;
    let last = caught_up(&progress[1]).await;
    assert_eq!(*notes[0].seen.lock().unwrap(), (1..=last).collect::<Vec<_>>());
    tasks[0].abort();
    world.bid(auction, 1).await;
    world.clock.advance(Span::from_secs(31));
    // The one that is left only looks on, but it sees that nothing moves.
    let behind = async {
        while progress[1].check(world.clock.now()).is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), behind).await.unwrap();
    whose.store(1, Ordering::SeqCst);
    let last = caught_up(&progress[1]).await;
    let seen = [notes[0].seen.lock().unwrap().clone(), notes[1].seen.lock().unwrap().clone()].concat();
    assert_eq!(seen, (1..=last).collect::<Vec<_>>(), "each record once");
    stop.cancel();
    assert!(tasks.remove(0).await.unwrap_err().is_cancelled());
    tasks.remove(0).await.unwrap();
    assert_eq!(progress[1].lag(world.clock.now()), Span::ZERO);
}

#[tokio::test]
async fn what_is_left_at_the_stop_is_flushed() {
    let world = World::new().await;
    let auction = world.auction().await;
    for number in 0..3 {
        world.bid(auction, number).await;
    }
    let stop = CancellationToken::new();
    stop.cancel();
    world.projector(vec![Arc::new(AuctionsProjection)]).run(stop, Duration::from_secs(5)).await;
    assert_eq!(world.rows().await.len(), 4);
}
