//! Full text over auctions and comments: words, phrases, what is not wanted, unfinished and misspelt words; filters,
//! facets, and where in each text the words were found.
//!
//! What can be found is kept beside auctions and comments and follows from them. A search looks at the newest documents
//! that have its words, not at all of them, and is cut off when it takes too long: it never slows the bidding down. Nothing
//! here gives markup.

mod cached;
mod comments;
mod facets;
mod highlight;
mod personal;
mod projection;
mod query;
mod rank;
mod response;
pub mod routes;
mod store;
mod terms;
mod typos;
mod vocabulary;
mod words;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use uuid::Uuid;

use crate::cache::Cache;
use crate::http::{ApiError, List, Page};
use crate::persistence::{Bounds, Db, StoreError};
pub use comments::CommentIndex;
pub use personal::SearchPart;
pub use projection::SearchProjection;
use query::Key;
use rank::Ranking;
use response::{CorrectionBody, FoundBody, SearchBody, TotalBody};
use store::{Filter, Find, Kind, Scope};
use terms::{Asked, Term, Terms};

/// How many finds are ranked and counted: the newest, and as many again of those with all the words in the title.
const WINDOW: usize = 300;
/// With fewer finds than this, words near those that were typed are meant as well.
const LITTLE: usize = 3;

/// How searches reach the database. PostgreSQL chooses its way anew for each query, since the best one depends on how common
/// the words are, and is told that what it reads is in memory more often than not. It reads no table from end to end, and calls
/// nobody to help: a search is over before they come.
const BOUNDS: Bounds = Bounds {
    connections: 6,
    wait: Duration::from_secs(2),
    statement: Duration::from_secs(2),
    postgres: &[
        ("plan_cache_mode", "force_custom_plan"),
        ("random_page_cost", "1.1"),
        ("enable_mergejoin", "off"),
        ("enable_hashjoin", "off"),
        ("enable_seqscan", "off"),
        ("max_parallel_workers_per_gather", "0"),
        ("jit", "off"),
        ("pg_trgm.similarity_threshold", "0.2"),
    ],
};

/// The search of the hub.
#[derive(Clone)]
pub struct Search {
    db: Arc<Db>,
    cache: Cache,
}

/// What the database gave for a query.
#[derive(Default)]
struct Listing {
    terms: Terms,
    finds: Vec<Find>,
    /// True if there are more, or may be.
    more: bool,
    /// The newest document that belongs to the list.
    newest: i64,
}

impl Search {
    /// Searches what is in `db`, through connections of its own, and keeps what it finds for a moment in `cache`.
    pub fn new(db: &Db, cache: Cache) -> Self {
        Self { db: Arc::new(db.bounded(BOUNDS)), cache }
    }

    /// Gives the connections back once what runs on them has ended.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// Looks it up in the database.
    async fn find(&self, asked: Asked, filter: &Filter, page: &Page<Key>) -> Result<SearchBody, ApiError> {
        let after = page.after.as_ref();
        let listing = match asked {
            Asked::Nothing => Ok(Listing::default()),
            Asked::Anything => self.listed(Terms::default(), filter, page).await,
            Asked::Terms(terms) if terms.all.is_empty() => self.listed(terms, filter, page).await,
            Asked::Terms(terms) => self.matched(terms, filter, after).await,
        };
        let listing = listing.map_err(refusal)?;
        let ranked = listing.ranked(after);
        let key = |(rank, find): &(i64, &Find)| Key {
            rank: *rank,
            number: find.number,
            newest: listing.newest,
            near: typos::meant(&listing.terms.all),
        };
        let List { items, next } = page.cut(ranked, key, |(_, find)| find)?;
        Ok(SearchBody {
            items: self.shown(&items, &listing.terms).await.map_err(refusal)?,
            next,
            total: after.is_none().then(|| listing.total()),
            facets: after.is_none().then(|| facets::count(&listing.finds)),
            corrections: listing.corrections(),
        })
    }

    /// What passes the filters, the newest first: there is nothing to rank it by, so the list goes on to its end.
    async fn listed(&self, terms: Terms, filter: &Filter, page: &Page<Key>) -> Result<Listing, StoreError> {
        let Some(key) = &page.after else {
            let (finds, more) = self.window(filter, (&terms, Scope::Text), i64::MAX).await?;
            return Ok(Listing { terms, finds, more, ..Listing::default() });
        };
        let older = key.number.saturating_sub(1);
        let (finds, _) = store::window(&self.db, filter, (&terms, Scope::Text), older, page.fetch()).await?;
        Ok(Listing { terms, finds, ..Listing::default() })
    }

    /// The newest of what has the words; where that is little, of what has words near them.
    async fn matched(&self, mut terms: Terms, filter: &Filter, after: Option<&Key>) -> Result<Listing, StoreError> {
        let newest = after.map_or(i64::MAX, |key| key.newest);
        if let Some(key) = after {
            self.take_in_again(&mut terms.all, &key.near).await?;
        }
        let (mut finds, mut more) = self.newest(&terms, filter, newest).await?;
        if after.is_none() && finds.len() < LITTLE {
            self.take_near_words_in(&mut terms.all).await?;
            if terms.all.iter().any(|term| !term.near.is_empty()) {
                (finds, more) = self.newest(&terms, filter, newest).await?;
            }
        }
        let newest = newest.min(finds.iter().map(|find| find.number).max().unwrap_or(0));
        Ok(Listing { terms, finds, more, newest })
    }

    /// The newest of what has these words, with older ones that have all of them in their titles, which must not go under in what
    /// merely mentions them; and whether there are more, or may be.
    async fn newest(&self, terms: &Terms, filter: &Filter, newest: i64) -> Result<(Vec<Find>, bool), StoreError> {
        let titled = async {
            // Comments have no titles.
            let none = filter.kind == Some(Kind::Comment);
            if none { Ok(Default::default()) } else { self.window(filter, (terms, Scope::Title), newest).await }
        };
        // Both at once: what is common has to be looked for in both, and what is rare costs little.
        let text = self.window(filter, (terms, Scope::Text), newest);
        let ((mut finds, more), (titled, _)) = tokio::try_join!(text, titled)?;
        if more {
            let known: HashSet<i64> = finds.iter().map(|find| find.number).collect();
            finds.extend(titled.into_iter().filter(|find| !known.contains(&find.number)));
        }
        Ok((finds, more))
    }

    /// The newest finds, and whether there are more, or may be.
    async fn window(
        &self,
        filter: &Filter,
        what: (&Terms, Scope),
        newest: i64,
    ) -> Result<(Vec<Find>, bool), StoreError> {
        let (mut finds, cut) = store::window(&self.db, filter, what, newest, WINDOW as i64 + 1).await?;
        let more = cut || finds.len() > WINDOW;
        finds.truncate(WINDOW);
        Ok((finds, more))
    }

    /// These finds as they are shown. One that has gone meanwhile is left out.
    async fn shown(&self, finds: &[&Find], terms: &Terms) -> Result<Vec<FoundBody>, StoreError> {
        let of = |kind: Kind| {
            finds.iter().filter(move |find| find.kind == kind.name()).map(|find| find.id).collect::<Vec<_>>()
        };
        let (auctions, comments) = (of(Kind::Auction), of(Kind::Comment));
        let (auctions, comments) =
            tokio::try_join!(store::auctions(&self.db, &auctions), store::comments(&self.db, &comments))?;
        let mut bodies: HashMap<Uuid, FoundBody> = HashMap::new();
        for found in auctions {
            bodies.insert(found.id, FoundBody::auction(found, terms));
            // Texts may be long; others are served between two of them.
            tokio::task::yield_now().await;
        }
        bodies.extend(comments.into_iter().map(|found| (found.id, FoundBody::comment(found, terms))));
        Ok(finds.iter().filter_map(|find| bodies.remove(&find.id)).collect())
    }
}

impl Listing {
    /// The finds that come after `after`, with what they are worth, the best first.
    fn ranked(&self, after: Option<&Key>) -> Vec<(i64, &Find)> {
        if self.terms.all.is_empty() {
            return self.finds.iter().map(|find| (0, find)).collect();
        }
        let mut ranking = Ranking::new(&self.terms);
        let mut rank = |find: &Find| ranking.rank(&find.title, find.category.as_deref());
        let mut ranked: Vec<(i64, &Find)> = self.finds.iter().map(|find| (rank(find), find)).collect();
        ranked.retain(|(rank, find)| after.is_none_or(|key| (*rank, find.number) < (key.rank, key.number)));
        ranked.sort_by_key(|(rank, find)| Reverse((*rank, find.number)));
        ranked
    }

    fn total(&self) -> TotalBody {
        TotalBody { count: self.finds.len(), more: self.more }
    }

    fn corrections(&self) -> Vec<CorrectionBody> {
        let corrected = self.terms.all.iter().filter(|term| !term.near.is_empty());
        let correction = |term: &Term| CorrectionBody {
            word: term.words.join(" "),
            to: term.near.iter().map(|near| near.word.clone()).collect(),
        };
        corrected.map(correction).collect()
    }
}

/// A search that took too long, or found too many others under way, may be tried again.
fn refusal(error: StoreError) -> ApiError {
    if error.is_overrun() {
        tracing::warn!(%error, "a search was cut off: {error}");
        let busy = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "searching takes too long at this moment");
        return busy.with("retry", true).retry_after_s(1);
    }
    error.into()
}

impl std::fmt::Debug for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Search")
    }
}
