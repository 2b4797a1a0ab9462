//! Counting who is there: each node looks every few seconds who is signed in on its sockets and who of them is in a room, and
//! adds it to what all nodes have counted every half minute, with who has called it meanwhile. The node that is about to take a
//! snapshot adds what it has right before.
//!
//! No bid and no socket waits for it. A node that dies loses what it had not written yet. Whoever watches from two nodes at
//! once is counted by both.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::store;
use crate::clock::Clock;
use crate::domain::{AccountId, Span, Timestamp};
use crate::persistence::Db;

/// How often it is looked who is there.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// How often what was counted is written.
const WRITE_EVERY: Span = Span::from_secs(30);
/// The longest time between two looks that counts: nobody knows who was there while a machine slept.
const LOOK_COUNTS_MAX: Span = Span::from_secs(30);
/// How many accounts are counted between two writes at most.
const ACCOUNTS_MAX: usize = 200_000;
/// How long one write may take.
const WRITE_LIMIT: Duration = Duration::from_secs(20);

/// How long it is waited until what is counted is written.
const WRITTEN_LIMIT: Duration = Duration::from_secs(5);

/// The people at this node. The calls return at once.
pub trait Crowd: Send + Sync + 'static {
    /// Tells `see` of each connection that is signed in: whose it is, and whether it is in a room.
    fn each(&self, see: &mut dyn FnMut(AccountId, bool));

    /// Who has called, and when last, of whom this has not been said before.
    fn callers(&self) -> Vec<(AccountId, Timestamp)>;
}

/// Has what is counted here written when it matters.
#[derive(Debug, Clone)]
pub struct Counted(mpsc::Sender<oneshot::Sender<()>>);

impl Counted {
    /// Waits until it is written, or a few seconds if that does not help.
    pub(super) async fn write_now(&self) {
        let (done, written) = oneshot::channel();
        if self.0.try_send(done).is_ok() {
            let _ = timeout(WRITTEN_LIMIT, written).await;
        }
    }
}

/// What was counted of an account and is not written yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// How long it was in at least one room.
    pub watched: Span,
    /// When it was there last.
    pub last: Timestamp,
}

/// Counts who is there.
pub struct Presence {
    db: Db,
    crowd: Arc<dyn Crowd>,
    clock: Clock,
    looked_at: Timestamp,
    written_at: Timestamp,
    seen: BTreeMap<AccountId, Seen>,
    asked: mpsc::Receiver<oneshot::Sender<()>>,
}

impl Presence {
    /// Begins to count now.
    pub fn new(db: Db, crowd: Arc<dyn Crowd>, clock: Clock) -> (Self, Counted) {
        let (now, (ask, asked)) = (clock.now(), mpsc::channel(1));
        (Self { db, crowd, clock, looked_at: now, written_at: now, seen: BTreeMap::new(), asked }, Counted(ask))
    }

    /// Counts until `stop` is cancelled, and then writes what it has.
    pub async fn keep_counting(mut self, stop: CancellationToken) {
        let mut ticks = interval(LOOK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => self.round(false).await,
                Some(done) = self.asked.recv() => {
                    self.round(true).await;
                    let _ = done.send(());
                }
            }
        }
        self.write(self.clock.now()).await;
    }

    /// Looks who is there, and writes what was counted if it is time or asked for.
    async fn round(&mut self, is_asked: bool) {
        let now = self.clock.now();
        let passed = now.since(self.looked_at).min(LOOK_COUNTS_MAX);
        self.looked_at = now;
        self.look(now, passed);
        if is_asked || now < self.written_at || now.since(self.written_at) >= WRITE_EVERY {
            self.written_at = now;
            self.write(now).await;
        }
    }

    /// Adds what passed since the last look to everybody who is in a room, once however many sockets they have.
    fn look(&mut self, now: Timestamp, passed: Span) {
        let mut here = BTreeMap::new();
        self.crowd.each(&mut |account, watching| *here.entry(account).or_insert(false) |= watching);
        for (account, watching) in here {
            if let Some(seen) = self.see(account, now)
                && watching
            {
                seen.watched = Span::from_millis(seen.watched.millis().saturating_add(passed.millis()));
            }
        }
    }

    /// Notes that an account was there; none if there is no place for it.
    fn see(&mut self, account: AccountId, at: Timestamp) -> Option<&mut Seen> {
        let full = self.seen.len() >= ACCOUNTS_MAX;
        let seen = match self.seen.entry(account) {
            Entry::Occupied(seen) => seen.into_mut(),
            Entry::Vacant(_) if full => return None,
            Entry::Vacant(place) => place.insert(Seen { watched: Span::ZERO, last: at }),
        };
        seen.last = seen.last.max(at);
        Some(seen)
    }

    /// Writes what was counted. What could not be written is let go: it may have been written all the same, and time that is
    /// lost does less harm than time that is counted twice.
    async fn write(&mut self, now: Timestamp) {
        for (account, at) in self.crowd.callers() {
            self.see(account, at);
        }
        let seen: Vec<(AccountId, Seen)> = std::mem::take(&mut self.seen).into_iter().collect();
        if seen.is_empty() {
            return;
        }
        match timeout(WRITE_LIMIT, store::add_presence(&self.db, &seen, now)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "who was there could not be written and is forgotten: {error}"),
            Err(_) => tracing::warn!("who was there was not written in time and is forgotten"),
        }
    }
}

impl std::fmt::Debug for Presence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Presence")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;
    use crate::clock;
    use crate::persistence::{Durability, migrate};
    use crate::sql;

    #[derive(Default)]
    struct Hall(Mutex<Vec<(AccountId, bool)>>, Mutex<Vec<(AccountId, Timestamp)>>);

    impl Hall {
        fn hold(&self, people: &[(u128, bool)]) {
            let people =
                people.iter().map(|(id, watching)| (AccountId(uuid::Uuid::from_u128(*id)), *watching)).collect();
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = people;
        }
    }

    impl Crowd for Hall {
        fn each(&self, see: &mut dyn FnMut(AccountId, bool)) {
            self.0.lock().unwrap().iter().for_each(|(account, watching)| see(*account, *watching));
        }

        fn callers(&self) -> Vec<(AccountId, Timestamp)> {
            std::mem::take(&mut *self.1.lock().unwrap())
        }
    }

    async fn noted(db: &Db, id: u128) -> Option<i64> {
        let text = "select watched_ms from customer_presence where account = $1";
        sql!(db.read(), opt_scalar i64, text, uuid::Uuid::from_u128(id)).unwrap()
    }

    #[tokio::test]
    async fn who_is_in_a_room_is_counted_once_however_many_sockets_they_have() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&dir.path().join("hub.db"), Durability::Normal).await.unwrap();
        migrate(&db).await.unwrap();
        let clock = Clock::manual(Timestamp::from_millis(1_000_000));
        for id in [1_u128, 2] {
            let text = "insert into accounts (id, display_name, created_at) values ($1, 'a', '2026-11-20T09:30:00Z')";
            sql!(db.write(), exec, text, uuid::Uuid::from_u128(id)).unwrap();
        }
        let hall = Arc::new(Hall::default());
        let (mut presence, _) = Presence::new(db.clone(), hall.clone(), clock.clone());
        hall.hold(&[(1, false), (1, true), (1, true), (2, false)]);
        for _ in 0..14 {
            clock.advance(Span::from_secs(2));
            presence.round(false).await;
        }
        assert_eq!(noted(&db, 1).await, None, "it is written every half minute");
        clock.advance(Span::from_secs(2));
        presence.round(false).await;
        assert_eq!((noted(&db, 1).await, noted(&db, 2).await), (Some(30_000), Some(0)));
        // A machine that slept for a day saw nobody in that day.
        clock.advance(Span::from_secs(86_400));
        presence.round(false).await;
        assert_eq!(noted(&db, 1).await, Some(60_000));
        hall.hold(&[]);
        clock.advance(Span::from_secs(40));
        presence.round(false).await;
        assert_eq!(noted(&db, 1).await, Some(60_000), "who is gone is not counted");
    }

    #[tokio::test]
    async fn who_only_calls_is_written_when_it_is_asked_for_unless_they_are_erased() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&dir.path().join("hub.db"), Durability::Normal).await.unwrap();
        migrate(&db).await.unwrap();
        let now = clock::parse("2026-11-20T09:30:00.000Z").unwrap();
        for (id, erased_at) in [(1_u128, None), (2, Some("2026-11-20T09:30:00Z"))] {
            let text = "insert into accounts (id, display_name, created_at, erased_at)
                 values ($1, 'a', '2026-11-20T09:30:00Z', $2)";
            sql!(db.write(), exec, text, uuid::Uuid::from_u128(id), erased_at).unwrap();
        }
        let hall = Arc::new(Hall::default());
        let stop = CancellationToken::new();
        let (presence, counted) = Presence::new(db.clone(), hall.clone(), Clock::manual(now));
        let counting = tokio::spawn(presence.keep_counting(stop.clone()));
        let called = [1, 2, 3].map(|id| (AccountId(uuid::Uuid::from_u128(id)), now));
        hall.1.lock().unwrap().extend(called);
        counted.write_now().await;
        assert_eq!([noted(&db, 1).await, noted(&db, 2).await, noted(&db, 3).await], [Some(0), None, None]);
        stop.cancel();
        counting.await.unwrap();
        counted.write_now().await;
        db.close().await;
    }
}
