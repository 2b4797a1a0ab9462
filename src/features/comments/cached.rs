//! What is kept of comments so that it need not be looked up: the first pages of each auction, with how many there are.
//! Whether a comment is the reader's own is no part of it.

use std::time::Duration;

use super::Comments;
use super::body::Threads;
use crate::cache::{Forgetting, Key, Kind, Tag};
use crate::domain::AuctionId;
use crate::http::ApiError;

const FIRST_PAGE: Kind = Kind { name: "comments", version: 1, ttl: Duration::from_secs(15) };

impl Comments {
    /// The first page with so many items; none if `load` gives none.
    pub(super) async fn first_page<F>(
        &self,
        auction: AuctionId,
        limit: u32,
        load: impl Fn() -> F,
    ) -> Result<Option<Threads>, ApiError>
    where
        F: Future<Output = Result<Option<Threads>, ApiError>>,
    {
        self.0.cache.get_or_load(&Key::new(&FIRST_PAGE, comments(auction), &limit), load).await
    }

    /// Promises to forget what is kept of the comments on an auction, and searches, which show comments.
    pub(super) fn forgetting(&self, auction: AuctionId) -> Forgetting {
        self.0.cache.forgetting(vec![comments(auction), Tag::searches()])
    }
}

/// What depends on the comments on an auction.
pub(super) fn comments(auction: AuctionId) -> Tag {
    Tag::one("comments", auction)
}

#[cfg(test)]
mod tests {
    use super::super::body::Thread;
    use super::super::store::CommentRow;
    use super::*;
    use crate::cache::{Cache, Parts};
    use crate::clock::{self, to_datetime};
    use crate::domain::AccountId;

    fn row(number: i64, author: u128) -> CommentRow {
        CommentRow {
            id: uuid::Uuid::from_u128(number.unsigned_abs().into()),
            auction: uuid::Uuid::from_u128(9),
            number,
            author: uuid::Uuid::from_u128(author),
            author_name: "Ada".to_owned(),
            by_seller: true,
            thread: (number > 1).then(|| uuid::Uuid::from_u128(1)),
            place: (number > 1).then_some(number - 1),
            parent: (number > 1).then(|| uuid::Uuid::from_u128(1)),
            body: (number < 3).then(|| "How \"old\"?\n☃".to_owned()),
            at: to_datetime(clock::parse("2026-11-20T09:30:00.007Z").unwrap()),
            replies: if number == 1 { 2 } else { 0 },
            deleted_by: (number == 3).then(|| "staff".to_owned()),
            request: Some(b"what was asked".to_vec()),
        }
    }

    #[tokio::test]
    async fn a_page_goes_through_a_cache_unchanged_and_whose_a_comment_is_shows_to_its_author_alone() {
        let thread = Thread::new(row(1, 50), vec![row(2, 60), row(3, 50)]);
        let page = Threads { items: vec![thread], next: Some("bmV4dA".to_owned()), total: 2 };
        let json = serde_json::to_string(&page).unwrap();
        assert!(json.contains("\"2026-11-20T09:30:00.007Z\"") && !json.contains("mine"), "{json}");
        let parts =
            Parts { bytes: 1 << 20, others: None, clock: Default::default(), chance: crate::chance::Chance::System };
        let (cache, _) = Cache::new(parts, Default::default());
        let key = Key::new(&FIRST_PAGE, comments(AuctionId(uuid::Uuid::from_u128(9))), &50_u32);
        for _ in 0..2 {
            let kept = cache.get_or_load(&key, async || Ok::<_, ApiError>(Some(page.clone()))).await.unwrap();
            assert_eq!(kept.as_ref(), Some(&page));
        }
        let seen = |reader: Option<u128>| {
            let reader = reader.map(|reader| AccountId(uuid::Uuid::from_u128(reader)));
            let seen = serde_json::to_value(page.clone().seen_by(reader)).unwrap();
            assert!(!seen.to_string().contains(&uuid::Uuid::from_u128(60).to_string()), "{seen}");
            let first = &seen["items"][0];
            [&first["mine"], &first["first_replies"][0]["mine"], &first["first_replies"][1]["mine"]]
                .map(|mine| mine == true)
        };
        assert_eq!(seen(None), [false, false, false]);
        assert_eq!(seen(Some(50)), [true, false, true]);
        assert_eq!(seen(Some(60)), [false, true, false]);
    }
}
