//! What is kept of searches so that it need not be looked up: whole answers, with what was counted for them. Who asks makes no
//! difference to them.

use std::time::Duration;

use super::Search;
use super::query::SearchQuery;
use super::response::SearchBody;
use crate::cache::{Key, Kind, Tag};
use crate::http::ApiError;

/// Prices change with every bid, and nobody forgets searches for that. A node keeps what another has looked up for as long
/// again, and both together stay below a second.
const FOUND: Kind = Kind { name: "search", version: 1, ttl: Duration::from_millis(400) };

impl Search {
    /// What is found for `query`.
    pub(super) async fn kept(&self, query: SearchQuery) -> Result<SearchBody, ApiError> {
        let key = Key::new(&FOUND, Tag::searches(), &query);
        let (asked, filter, page) = query.read()?;
        let load = async || self.find(asked.clone(), &filter, &page).await.map(Some);
        let found = self.cache.get_or_load(&key, load).await?;
        found.ok_or_else(|| ApiError::internal("the answer to a search is missing"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::response::{CorrectionBody, FacetBody, FacetsBody, FoundBody, TotalBody};
    use super::super::store::{AuctionFind, CommentFind};
    use super::super::terms::Asked;
    use super::*;
    use crate::cache::{Cache, Parts};
    use crate::clock::{self, to_datetime};

    /// A page with something in every member.
    fn page() -> SearchBody {
        let at = |text| to_datetime(clock::parse(text).unwrap());
        let Asked::Terms(terms) = Asked::read("walnut").unwrap() else { panic!("these are words") };
        let auction = AuctionFind {
            id: uuid::Uuid::from_u128(1),
            seller: uuid::Uuid::from_u128(2),
            seller_name: Some("Ada".to_owned()),
            title: "Walnut \"desk\"\n☃".to_owned(),
            description: "Walnut, about 1890.".to_owned(),
            category: "furniture".to_owned(),
            image_url: Some("https://example.com/a.png".to_owned()),
            status: "open".to_owned(),
            currency: "USD".to_owned(),
            price: 9_007_199_254_740_991,
            bid_count: 4,
            ends_at: at("2026-11-20T09:30:00.007Z"),
            created_at: at("1970-01-01T00:00:00.000Z"),
        };
        let comment = CommentFind {
            id: uuid::Uuid::from_u128(3),
            auction: uuid::Uuid::from_u128(1),
            title: "Walnut desk".to_owned(),
            author_name: "Ben".to_owned(),
            body: "Is it all walnut?".to_owned(),
            at: at("2026-11-20T09:30:00.000Z"),
        };
        let facet = |value: &str| vec![FacetBody { value: value.to_owned(), count: 1 }];
        SearchBody {
            items: vec![FoundBody::auction(auction, &terms), FoundBody::comment(comment, &terms)],
            next: Some("bmV4dA".to_owned()),
            total: Some(TotalBody { count: 2, more: true }),
            facets: Some(FacetsBody { kind: facet("auction"), status: facet("open"), category: facet("furniture") }),
            corrections: vec![CorrectionBody { word: "wallnut".to_owned(), to: vec!["walnut".to_owned()] }],
        }
    }

    #[tokio::test]
    async fn an_answer_goes_through_a_cache_unchanged_with_times_in_the_one_format() {
        let page = page();
        let json = serde_json::to_string(&page).unwrap();
        for time in ["2026-11-20T09:30:00.000Z", "2026-11-20T09:30:00.007Z", "1970-01-01T00:00:00.000Z"] {
            assert!(json.contains(&format!("\"{time}\"")), "{json}");
        }
        assert_eq!(serde_json::from_str::<SearchBody>(&json).unwrap(), page);
        let parts =
            Parts { bytes: 1 << 20, others: None, clock: Default::default(), chance: crate::chance::Chance::System };
        let (cache, _) = Cache::new(parts, Default::default());
        let key = Key::new(&FOUND, Tag::searches(), &"walnut");
        for _ in 0..2 {
            let kept = cache.get_or_load(&key, async || Ok::<_, ApiError>(Some(page.clone()))).await.unwrap();
            assert_eq!(kept.as_ref(), Some(&page));
        }
    }
}
