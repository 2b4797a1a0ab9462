//! Which auctions a list shows, in which order, and where its next page goes on.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::row::AuctionRow;
use crate::clock::{WireTime, from_datetime};
use crate::http::{ApiError, Page};

const STATUSES: [&str; 6] = ["scheduled", "open", "paused", "suspended", "ended", "stopped"];

/// The query of the list of auctions.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// `scheduled`, `open`, `paused`, `suspended`, `ended` or `stopped`.
    status: Option<String>,
    /// The category, as its sellers write it.
    category: Option<String>,
    /// The account that sells.
    seller: Option<Uuid>,
    /// Only what ends before this moment.
    ends_before: Option<WireTime>,
    /// `ends_at`, `price`, `created_at`; with `-` before it, the other way round. `-created_at` unless given.
    sort: Option<String>,
    /// Items on the page, 1 to 200; 50 unless given.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// The list as asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Filter {
    pub status: Option<String>,
    pub category: Option<String>,
    pub seller: Option<Uuid>,
    pub ends_before: Option<WireTime>,
    pub sort: Sort,
}

/// By what and in which direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sort {
    pub by: SortBy,
    pub order: Order,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum SortBy {
    EndsAt,
    /// The price, or before the first bid the opening price.
    Price,
    CreatedAt,
}

/// The direction of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The least, or the oldest, first.
    Asc,
    /// The greatest, or the newest, first.
    Desc,
}

/// Where a page ends: the sort and its value, and the id among equals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    pub sort: Sort,
    pub value: i64,
    pub id: Uuid,
}

impl ListQuery {
    /// Reads the query.
    pub(super) fn read(self) -> Result<(Filter, Page<Key>), ApiError> {
        let sort = self.sort.as_deref().map_or(Some(Sort::NEWEST), Sort::parse);
        let sort =
            sort.ok_or_else(|| refused("sort", "sort must be ends_at, price or created_at, perhaps after a -"))?;
        if self.status.as_ref().is_some_and(|status| !STATUSES.contains(&status.as_str())) {
            return Err(refused("status", "there is no such status"));
        }
        let page = Page::<Key>::of(self.limit, self.cursor.as_deref())?;
        if page.after.as_ref().is_some_and(|key| key.sort != sort) {
            return Err(refused("cursor", "the cursor is of a list with another sort"));
        }
        let Self { status, category, seller, ends_before, .. } = self;
        let filter = Filter { status, category, seller, ends_before, sort };
        Ok((filter, page))
    }
}

impl Sort {
    const NEWEST: Self = Self { by: SortBy::CreatedAt, order: Order::Desc };

    fn parse(text: &str) -> Option<Self> {
        let (name, order) = text.strip_prefix('-').map_or((text, Order::Asc), |name| (name, Order::Desc));
        let by = match name {
            "ends_at" => SortBy::EndsAt,
            "price" => SortBy::Price,
            "created_at" => SortBy::CreatedAt,
            _ => return None,
        };
        Some(Self { by, order })
    }

    /// The key of a row in a list so sorted.
    pub(super) fn key(self, row: &AuctionRow) -> Key {
        let value = match self.by {
            SortBy::EndsAt => from_datetime(row.ends_at).millis(),
            SortBy::Price => row.price.unwrap_or(row.opening_price),
            SortBy::CreatedAt => from_datetime(row.created_at).millis(),
        };
        Key { sort: self, value, id: row.id }
    }
}

fn refused(field: &str, detail: &str) -> ApiError {
    ApiError::invalid("invalid_query", field, detail)
}
