//! Which tickets staff looks at, and in which order.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::standing::Status;
use crate::domain::AccountId;
use crate::http::{ApiError, Page, plain_line};

const WORDS_MAX_CHARS: usize = 100;

/// The query of the queue.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QueueQuery {
    /// Where they are on their way.
    status: Option<Status>,
    /// `me`, `none`, or the account that handles them.
    assignee: Option<String>,
    /// The auction that they are about.
    auction: Option<Uuid>,
    /// What stands in their subject or in a message of theirs, in capitals or not; 1 to 100 characters.
    q: Option<String>,
    /// `desc`, the newest first, unless given; or `asc`.
    #[param(inline)]
    order: Option<Order>,
    /// Items on the page, 1 to 200; 50 unless given.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// The query of the own tickets.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OwnQuery {
    /// Where they are on their way.
    pub status: Option<Status>,
    /// Items on the page, 1 to 200; 50 unless given.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// By when they were opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = QueueOrder)]
pub enum Order {
    /// The oldest first.
    Asc,
    /// The newest first.
    Desc,
}

/// The queue as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    pub status: Option<Status>,
    pub assigned: Option<Assigned>,
    pub auction: Option<Uuid>,
    pub words: Option<String>,
    pub order: Order,
}

/// Who handles a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assigned {
    Nobody,
    To(AccountId),
}

impl QueueQuery {
    /// Reads the query of `reader`.
    pub fn read(self, reader: AccountId) -> Result<(Filter, Page<i64>), ApiError> {
        let assigned = match self.assignee.as_deref() {
            None => None,
            Some("me") => Some(Assigned::To(reader)),
            Some("none") => Some(Assigned::Nobody),
            Some(id) => {
                let wrong = |_| ApiError::invalid("invalid_query", "assignee", "assignee is me, none or an account");
                Some(Assigned::To(id.parse().map_err(wrong)?))
            }
        };
        let words = self.q.as_deref().map(|words| {
            let detail = || format!("q has 1 to {WORDS_MAX_CHARS} characters");
            let words = plain_line(words, WORDS_MAX_CHARS).map(str::to_owned);
            words.ok_or_else(|| ApiError::invalid("invalid_query", "q", detail()))
        });
        let (auction, order) = (self.auction, self.order.unwrap_or(Order::Desc));
        let filter = Filter { status: self.status, assigned, auction, words: words.transpose()?, order };
        Ok((filter, Page::of(self.limit, self.cursor.as_deref())?))
    }
}
