//! Snapshots as staff reads them.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::store::{RunRow, SnapshotRow, SpendRow};
use crate::clock::{WireTime, from_datetime};

/// A customer as seen by a snapshot. Figures are totals up to the moment at which it fell due.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = CustomerSnapshot)]
pub struct SnapshotBody {
    /// When the snapshot fell due.
    pub taken_at: WireTime,
    /// The account.
    pub user: Uuid,
    /// Its name as it is now.
    pub display_name: String,
    /// Bids that were accepted and not taken back.
    pub bids: i64,
    /// Auctions won, but for sales that were cancelled.
    pub wins: i64,
    /// Prices and premiums of what was won and is paid, or is paid outside of the hub, by currency.
    pub spend: Vec<SpendBody>,
    /// How long they were in at least one room, signed in on a socket, in whole seconds; null if the snapshot was taken too
    /// late to tell.
    pub watch_s: Option<i64>,
    /// When they last called, were signed in on a socket, bid or won, up to then; null if the snapshot was taken too late to tell.
    pub last_seen: Option<WireTime>,
}

/// An amount spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CustomerSpend)]
pub struct SpendBody {
    /// By its code of ISO 4217.
    pub currency: String,
    /// In minor units.
    pub amount: i64,
}

/// A run of the scheduler.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = CustomerRun)]
pub struct RunBody {
    /// When it fell due: the `taken_at` of its snapshot.
    pub due_at: WireTime,
    /// When it began.
    pub started_at: WireTime,
    /// The node that did it.
    pub node: Uuid,
    /// How many customers were looked at.
    pub customers: i64,
    /// How many runs that fell due before it were never done, for no node was there, and then they were too old.
    pub skipped: i64,
    /// The first of them.
    pub skipped_from: Option<WireTime>,
}

/// The form in which snapshots are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CustomersFormat)]
pub enum Format {
    /// A page of JSON.
    #[default]
    Json,
    /// All of it as a file of comma-separated values.
    Csv,
}

/// The query of snapshots.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CustomersQuery {
    /// `json` unless given, or `csv`.
    #[param(inline)]
    pub format: Option<Format>,
    /// The last snapshot up to then; the last of all unless given.
    pub at: Option<WireTime>,
    /// The snapshots of one customer, the newest first.
    pub user: Option<Uuid>,
    /// Items on the page of JSON, 1 to 200; 50 unless given.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl SnapshotBody {
    /// A row with what of `spend` belongs to it.
    pub fn new(row: SnapshotRow, spend: &[SpendRow]) -> Self {
        let own = spend.iter().filter(|spend| spend.account == row.account && spend.due_at == row.due_at);
        Self {
            taken_at: WireTime(from_datetime(row.due_at)),
            user: row.account,
            spend: own.map(|own| SpendBody { currency: own.currency.clone(), amount: own.amount }).collect(),
            display_name: row.display_name,
            bids: row.bids,
            wins: row.wins,
            watch_s: row.watched_ms.map(|watched| watched / 1_000),
            last_seen: row.last_seen.map(from_datetime).map(WireTime),
        }
    }
}

impl From<RunRow> for RunBody {
    fn from(row: RunRow) -> Self {
        Self {
            due_at: WireTime(from_datetime(row.due_at)),
            started_at: WireTime(from_datetime(row.started_at)),
            node: row.node,
            customers: row.found,
            skipped: row.skipped,
            skipped_from: row.skipped_from.map(from_datetime).map(WireTime),
        }
    }
}
