//! Finding: which documents have the words and pass the filters, the newest first, and what is shown of them.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use super::matching::{fts5_query, fts5_unwanted, tsquery_unwanted};
use super::newest;
use crate::features::search::terms::Terms;
use crate::persistence::{Db, On, StoreError};

/// Which documents are looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Filter {
    pub kind: Option<Kind>,
    pub category: Option<String>,
    pub author: Option<Uuid>,
    pub status: Option<String>,
    pub price_min: Option<i64>,
    pub price_max: Option<i64>,
    pub from: Option<DateTime<Utc>>,
    /// Not including this moment.
    pub to: Option<DateTime<Utc>>,
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    Auction,
    Comment,
}

impl Kind {
    pub fn of(name: &str) -> Option<Self> {
        [Self::Auction, Self::Comment].into_iter().find(|kind| kind.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Auction => "auction",
            Self::Comment => "comment",
        }
    }
}

/// A document that was found, as far as it is ranked and counted by.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(in super::super) struct Find {
    pub number: i64,
    pub id: Uuid,
    pub kind: String,
    pub title: String,
    pub category: Option<String>,
    pub status: Option<String>,
}

/// Where the words must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Scope {
    /// Anywhere in a document.
    Text,
    /// All in its title.
    Title,
}

/// The filters of a text, over `search_documents d`, as `bound!` binds them.
macro_rules! passes {
    () => {
        "($2 is null or d.kind = $2) and ($3 is null or d.category = $3) and ($4 is null or d.author = $4)
            and ($5 is null or d.status = $5) and ($6 is null or d.price >= $6) and ($7 is null or d.price <= $7)
            and ($8 is null or d.at >= $8) and ($9 is null or d.at < $9)"
    };
}
pub(super) use passes;

/// A text with the columns of a [`Find`], from these sources, under this condition and the filters. `bound!` binds `$1` to
/// `$10`, and what comes after for texts that name it.
macro_rules! text {
    ($from:literal, $condition:literal, $number:literal) => {
        concat!(
            "select d.number, d.id, d.kind, d.title, d.category, d.status from ",
            $from,
            " where ",
            $condition,
            " and d.number <= $1 and ",
            passes!(),
            " order by ",
            $number,
            " desc limit $10"
        )
    };
}

/// A query of this text, bound to a filter, the highest number, and how many rows there may be.
macro_rules! bound {
    ($text:expr, $filter:expr, $number:expr, $limit:expr) => {
        sqlx::query_as($text)
            .bind($number)
            .bind($filter.kind.map(Kind::name))
            .bind(&$filter.category)
            .bind($filter.author)
            .bind(&$filter.status)
            .bind($filter.price_min)
            .bind($filter.price_max)
            .bind($filter.from)
            .bind($filter.to)
            .bind($limit)
    };
}
pub(super) use bound;

const LISTED: &str = text!("search_documents d", "true", "d.number");
// Nearly all pass, so each is looked into until there are enough.
const UNMATCHED_BY_POSTGRES: &str = text!(
    "search_documents d",
    "(select t.words from search_texts t where t.number = d.number) @@ $11::tsquery",
    "d.number"
);
// FTS5 gives rows in the order of their numbers by itself, and stops when it is told to.
const MATCHED_BY_SQLITE: &str = text!(
    "search_texts t cross join search_documents d on d.number = t.rowid",
    "t.search_texts match $11 and t.rowid <= $1",
    "t.rowid"
);
const UNMATCHED_BY_SQLITE: &str = text!(
    "search_documents d",
    "d.number not in (select rowid from search_texts where search_texts match $11)",
    "d.number"
);

/// At most `limit` documents with these terms that pass the filter, the newest first, from `number` on; and whether older
/// ones may have gone unseen, though these are fewer.
pub(in super::super) async fn window(
    db: &Db,
    filter: &Filter,
    (terms, scope): (&Terms, Scope),
    number: i64,
    limit: i64,
) -> Result<(Vec<Find>, bool), StoreError> {
    let column = match scope {
        Scope::Text => "words",
        Scope::Title => "titles",
    };
    let finds = match db.read() {
        On::Pg(on) => match (terms.all.is_empty(), tsquery_unwanted(terms)) {
            (true, Some(unwanted)) => {
                bound!(UNMATCHED_BY_POSTGRES, filter, number, limit).bind(unwanted).fetch_all(on).await?
            }
            (true, None) => listed(on, filter, number, limit).await?,
            (false, _) => return newest::window(on, filter, (terms, scope), number, limit).await,
        },
        On::Lite(on) => match (fts5_query(terms, column), fts5_unwanted(terms)) {
            (Some(wanted), _) => bound!(MATCHED_BY_SQLITE, filter, number, limit).bind(wanted).fetch_all(on).await?,
            (None, Some(unwanted)) => {
                bound!(UNMATCHED_BY_SQLITE, filter, number, limit).bind(unwanted).fetch_all(on).await?
            }
            (None, None) => bound!(LISTED, filter, number, limit).fetch_all(on).await?,
        },
    };
    Ok((finds, false))
}

/// All documents that pass the filter, as [`window`] has them.
pub(super) async fn listed(on: &PgPool, filter: &Filter, number: i64, limit: i64) -> Result<Vec<Find>, StoreError> {
    Ok(bound!(LISTED, filter, number, limit).fetch_all(on).await?)
}

/// An auction that was found, as it is shown.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(in super::super) struct AuctionFind {
    pub id: Uuid,
    pub seller: Uuid,
    /// What the seller is called; none if the account is gone.
    pub seller_name: Option<String>,
    pub title: String,
    pub description: String,
    pub category: String,
    pub image_url: Option<String>,
    pub currency: String,
    pub status: String,
    pub price: i64,
    pub bid_count: i64,
    pub created_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
}

/// What is shown of these auctions, in no order.
pub(in super::super) async fn auctions(db: &Db, ids: &[Uuid]) -> Result<Vec<AuctionFind>, StoreError> {
    const TEXT: &str =
        "select a.id, a.seller, s.display_name as seller_name, a.title, a.description, a.category, a.image_url,
            a.currency, a.status, coalesce(a.price, a.opening_price) as price, a.bid_count, a.created_at, a.ends_at
        from auctions a left join accounts s on s.id = a.seller where a.id";
    Ok(read_list!(db.read(), TEXT, ids))
}
