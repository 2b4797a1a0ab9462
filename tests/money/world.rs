//! The world of one run: the real ledger on SQLite, a few rooms, people, and whatever is on its way between them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bidhub::clock::to_datetime;
use bidhub::domain::{AccountId, AuctionId, Money, Timestamp};
use bidhub::persistence::{Db, Durability};
use bidhub::sql;
use uuid::Uuid;

use crate::dice::Dice;
use crate::look::Look;
use crate::people::{PEOPLE, at, person};
use crate::room::{Feed, Room};
use crate::tasks::Task;

/// What is wrong, said in words.
pub type Outcome<T = ()> = Result<T, String>;

/// A message to a room: an allowance at its version.
#[derive(Clone, Copy, Debug)]
pub struct Letter {
    pub room: usize,
    pub bidder: AccountId,
    pub amount: Money,
    pub version: u64,
}

/// How often something happened, by its name.
pub type Seen = BTreeMap<&'static str, u64>;

pub struct World {
    pub db: Db,
    pub now: Timestamp,
    pub rooms: Vec<Room>,
    pub feed: Feed,
    /// How much of the feed is projected, as the database has it.
    pub checkpoint: usize,
    pub letters: Vec<Letter>,
    pub tasks: Vec<Task>,
    pub look: Look,
    pub frozen: BTreeSet<AccountId>,
    /// What came in from outside for each, less what went out.
    pub brought: BTreeMap<AccountId, i64>,
    /// Sales that staff has called off.
    pub called_off: BTreeSet<AuctionId>,
    /// Numbers that were given out: for keys and causes.
    pub numbers: u64,
    /// How often what must be seen was seen.
    pub seen: Seen,
    /// What happened, a line for each step.
    pub story: Vec<String>,
}

impl World {
    /// A world whose database is the migrated one in `file`.
    pub async fn new(file: &Path, setting: u64) -> Self {
        let db = Db::sqlite(file, Durability::Normal).await.unwrap();
        let mut dice = Dice::new(setting);
        let mut feed = Feed::new();
        let rooms = (0..dice.between(2, 4)).map(|number| Room::open(number as usize, &mut dice, &mut feed)).collect();
        for number in 0..PEOPLE {
            let text = "insert into accounts (id, display_name, created_at) values ($1, 'A bidder', $2)";
            sql!(db.write(), exec, text, person(number).0, to_datetime(at(0))).unwrap();
        }
        let mut world = Self {
            db,
            now: at(2),
            rooms,
            feed,
            checkpoint: 0,
            letters: Vec::new(),
            tasks: Vec::new(),
            look: Look::Idle,
            frozen: BTreeSet::new(),
            brought: BTreeMap::new(),
            called_off: BTreeSet::new(),
            numbers: 0,
            seen: Seen::default(),
            story: Vec::new(),
        };
        world.tick();
        for number in 0..PEOPLE {
            world.deposit(person(number), dice.between(100, 400)).await.unwrap();
        }
        world
    }

    pub fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// The id of an order, the same in each run of the same seed.
    pub fn order_id(&mut self) -> Uuid {
        Uuid::from_u128(1_000_000 + u128::from(self.number()))
    }

    pub fn tell(&mut self, what: impl std::fmt::Display) {
        self.story.push(what.to_string());
    }

    pub fn saw(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    pub fn room_of(&self, auction: AuctionId) -> usize {
        self.rooms.iter().position(|room| room.auction == auction).unwrap()
    }
}

/// An error, as what is wrong.
pub fn wrong(error: impl std::fmt::Display) -> String {
    error.to_string()
}
