//! The query of a search: what is looked for, among which documents, and where the next page goes on.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;

use super::store::{Filter, Kind};
use super::terms::Asked;
use super::typos::Meant;
use crate::clock::{WireTime, to_datetime};
use crate::domain::Money;
use crate::http::{ApiError, Page};

const STATUSES: [&str; 6] = ["scheduled", "open", "paused", "suspended", "ended", "stopped"];
const CATEGORY_MAX_CHARS: usize = 60;

/// The query of a search.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// At most 200 characters: words that must all be there, the last one perhaps unfinished; `"words side by side"`;
    /// `-word` or `-"words"` that must not be there. Without it, all that pass the filters, the newest first.
    #[param(example = "walnut \"writing desk\" -veneer")]
    q: Option<String>,
    /// Only auctions created and comments written from this moment on.
    from: Option<WireTime>,
    /// Only auctions created and comments written before this moment.
    to: Option<WireTime>,
    /// Only auctions of this category, as their sellers write it.
    category: Option<String>,
    /// Only what this account sells or has written.
    author: Option<Uuid>,
    /// Only auctions that are `scheduled`, `open`, `paused`, `suspended`, `ended` or `stopped`.
    status: Option<String>,
    /// Only auctions at this price or above, in minor units; before the first bid the opening price counts.
    price_min: Option<i64>,
    /// Only auctions at this price or below.
    price_max: Option<i64>,
    /// Only `auction` or only `comment`.
    kind: Option<String>,
    /// Items on the page, 1 to 200; 50 unless given.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// Where a page ends, and what the list was made of when its first page was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    /// What the last find of the page is worth.
    pub rank: i64,
    /// Its number; the greater comes first among equals.
    pub number: i64,
    /// The newest document that belongs to the list.
    pub newest: i64,
    /// The words that are meant beside those that were typed.
    #[serde(default, skip_serializing_if = "Meant::is_empty")]
    pub near: Meant,
}

impl SearchQuery {
    /// Reads the query.
    pub(super) fn read(self) -> Result<(Asked, Filter, Page<Key>), ApiError> {
        let asked = Asked::read(self.q.as_deref().unwrap_or_default())?;
        if self.status.as_ref().is_some_and(|status| !STATUSES.contains(&status.as_str())) {
            return Err(refused("status", "there is no such status"));
        }
        let kind =
            self.kind.as_deref().map(|name| Kind::of(name).ok_or_else(|| refused("kind", "there is no such kind")));
        let kind = kind.transpose()?;
        let fits = |text: &String| text.chars().count() <= CATEGORY_MAX_CHARS && !text.chars().any(char::is_control);
        if !self.category.as_ref().is_none_or(fits) {
            return Err(refused("category", "there is no such category"));
        }
        for (field, price) in [("price_min", self.price_min), ("price_max", self.price_max)] {
            if price.is_some_and(|price| Money::or_zero(price).is_none()) {
                return Err(refused(field, "a price is a whole number of minor units from 0 to 9007199254740991"));
            }
        }
        let filter = Filter {
            kind,
            category: self.category,
            author: self.author,
            status: self.status,
            price_min: self.price_min,
            price_max: self.price_max,
            from: self.from.map(|at| to_datetime(at.0)),
            to: self.to.map(|at| to_datetime(at.0)),
        };
        Ok((asked, filter, Page::of(self.limit, self.cursor.as_deref())?))
    }
}

fn refused(field: &str, detail: &str) -> ApiError {
    ApiError::invalid("invalid_query", field, detail)
}
