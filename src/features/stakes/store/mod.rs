//! The SQL of stakes.

pub(super) mod personal;
mod races;
mod stakes;
mod watchlist;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::to_datetime;
use crate::domain::Timestamp;

pub(super) use races::{RaceRow, insert_race, race, update_race};
pub(super) use stakes::{BidRow, StakeRow, bidders, bids, end_stakes, losers, stakes, write_stakes};
pub(super) use watchlist::{WatchRow, is_known, reminders_due, take_reminder, unwatch, watch, watched, watchers};

/// What lists show of an auction.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct LotRow {
    pub title: String,
    pub image_url: Option<String>,
    pub currency: String,
    pub price: Option<i64>,
    pub minimum_bid: i64,
    pub bid_count: i64,
    pub status: String,
    pub ends_at: DateTime<Utc>,
    pub outcome: Option<String>,
}

/// Where a page ends: the moment by which the list is sorted, in milliseconds, and the auction among equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    pub at: i64,
    pub auction: Uuid,
}

impl Key {
    /// As the database takes it.
    fn parts(key: Option<&Self>) -> (Option<DateTime<Utc>>, Option<Uuid>) {
        (key.map(|key| to_datetime(Timestamp::from_millis(key.at))), key.map(|key| key.auction))
    }
}
