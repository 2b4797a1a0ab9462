//! What the hub keeps of a person, part by part: each part says which of its columns name accounts, tells what it has of one,
//! and lets it go. Whoever exports or erases asks all of them and knows none.
//!
//! A column that names an account and that no part lists fails a test, so that nobody's data is forgotten. Nothing here
//! decides who may ask.

mod sheet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use crate::cache::Tag;
use crate::clock::{WireTime, from_datetime};
use crate::domain::{AccountId, Timestamp};
use crate::persistence::{StoreError, Tx};

pub use sheet::{Chunk, Sheet, Unwritten};

/// What others see in place of a text that was erased.
pub const ERASED: &str = "[erased]";
/// What others see in place of the name of an account whose person is gone.
pub const NAMELESS: &str = "Deleted user";

/// What becomes of a column that names an account when its person is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The row goes, or what it says of the person.
    Erased,
    /// It stays, for this reason; the id alone leads to nobody.
    Kept(&'static str),
}

/// A column that names an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its table.
    pub table: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What becomes of it.
    pub fate: Fate,
}

/// Why somebody cannot be erased now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Obstacle {
    /// For programs, stable.
    pub code: &'static str,
    /// For people.
    pub detail: &'static str,
}

/// A part of what the hub keeps of a person.
#[async_trait]
pub trait Personal: Send + Sync + 'static {
    /// The member of the export that it fills.
    fn name(&self) -> &'static str;

    /// Every column of its tables that names an account.
    fn columns(&self) -> Vec<Column>;

    /// Writes all that it has of the account, as its person may read it: a list for each table.
    async fn export(&self, tx: &mut Tx, account: AccountId, out: &mut Sheet) -> Result<(), Unwritten>;

    /// Keeps from changing until the transaction ends what [`Personal::obstacles`] looks at, as far as it can be. Called
    /// before the account itself is locked.
    async fn lock(&self, _tx: &mut Tx, _account: AccountId) -> Result<(), StoreError> {
        Ok(())
    }

    /// What stands in the way of erasing.
    async fn obstacles(&self, _tx: &mut Tx, _account: AccountId) -> Result<Vec<Obstacle>, StoreError> {
        Ok(Vec::new())
    }

    /// What is kept ready for others and shows the person: it is made anew after they are erased.
    async fn shown(&self, _tx: &mut Tx, _account: AccountId) -> Result<Vec<Tag>, StoreError> {
        Ok(Vec::new())
    }

    /// Lets go of the person. Done twice it changes nothing more.
    async fn erase(&self, tx: &mut Tx, account: AccountId, now: Timestamp) -> Result<(), StoreError>;
}

/// A moment of a row, written as everywhere on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct At(pub DateTime<Utc>);

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WireTime(from_datetime(self.0)).serialize(serializer)
    }
}

/// A column whose person is let go.
pub const fn erased(table: &'static str, name: &'static str) -> Column {
    Column { table, name, fate: Fate::Erased }
}

/// A column that stays, and why.
pub const fn kept(table: &'static str, name: &'static str, why: &'static str) -> Column {
    Column { table, name, fate: Fate::Kept(why) }
}
