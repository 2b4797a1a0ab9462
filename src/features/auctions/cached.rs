//! What is kept of auctions so that it need not be looked up: pages of the list, and of each auction what its seller has
//! written. What bids change on its page comes from the room each time; nothing of it is kept.

use std::time::Duration;

use super::list::{Filter, Key as After};
use super::response::AuctionBody;
use super::{Auctions, store};
use crate::cache::{Cache, Forgetting, Key, Kind, Tag};
use crate::domain::AuctionId;
use crate::domain::auction::{EventKind, ExtensionCause};
use crate::http::{ApiError, List, Page};
use crate::projection::{Fact, Projected, Witness};

/// Lists change with every bid.
const LIST: Kind = Kind { name: "auctions", version: 1, ttl: Duration::from_secs(10) };
/// What an auction is changes before its first bid only.
const STORED: Kind = Kind { name: "auction", version: 1, ttl: Duration::from_secs(30) };

/// Forgets what projections change.
#[derive(Debug, Clone)]
pub struct AuctionsWitness(pub Cache);

impl Auctions {
    /// A page of the list.
    pub(super) async fn list(&self, filter: &Filter, page: &Page<After>) -> Result<List<AuctionBody>, ApiError> {
        let load = async || {
            let rows = store::list(self.db(), filter, page).await?;
            page.cut(rows, |row| filter.sort.key(row), AuctionBody::from).map(Some)
        };
        let key = Key::new(&LIST, lists(), &(filter, page));
        let list = self.0.cache.get_or_load(&key, load).await?;
        list.ok_or_else(|| ApiError::internal("a list of auctions is missing"))
    }

    /// An auction as it is stored; none if it is not yet. Of what bids change it may be behind.
    pub(super) async fn stored(&self, id: AuctionId) -> Result<Option<AuctionBody>, ApiError> {
        let key = Key::new(&STORED, auction(id), &());
        let load = async || Ok(store::auction(self.db(), id).await?.map(AuctionBody::from));
        self.0.cache.get_or_load(&key, load).await
    }

    /// Promises to forget what is kept of an auction and of all lists.
    pub(super) fn forgetting(&self, id: AuctionId) -> Forgetting {
        self.0.cache.forgetting(vec![lists(), auction(id)])
    }
}

#[async_trait::async_trait]
impl Witness for AuctionsWitness {
    async fn written(&self, page: &[Projected]) {
        let amended = |it: &&Projected| matches!(&it.fact, Fact::Event(event) if is_amended(&event.kind));
        let mut tags: Vec<Tag> = page.iter().filter(amended).map(|it| auction(it.auction)).collect();
        tags.sort();
        tags.dedup();
        tags.push(lists());
        if page.iter().any(|it| changes_searches(&it.fact)) {
            tags.push(Tag::searches());
        }
        self.0.forgetting(tags).now().await;
    }
}

fn is_amended(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Amended { .. })
}

/// False for what comes with every bid: searches are kept so shortly that it need not be told.
fn changes_searches(fact: &Fact) -> bool {
    let Fact::Event(event) = fact else { return true };
    !matches!(
        event.kind,
        EventKind::Bid(_)
            | EventKind::BidVoided(_)
            | EventKind::ReserveMet { .. }
            | EventKind::AllowanceSet { .. }
            | EventKind::Extended { cause: ExtensionCause::SoftClose, .. }
    )
}

fn lists() -> Tag {
    Tag::all("auctions")
}

fn auction(id: AuctionId) -> Tag {
    Tag::one("auction", id)
}

#[cfg(test)]
mod tests {
    use super::super::row::AuctionRow;
    use super::*;
    use crate::clock::{self, to_datetime};
    use crate::journal::public::{BandRecord, SoftCloseRecord};

    /// A row with something in every column.
    fn row() -> AuctionRow {
        let at = |text| to_datetime(clock::parse(text).unwrap());
        AuctionRow {
            id: uuid::Uuid::from_u128(1),
            seller: uuid::Uuid::from_u128(2),
            title: "Walnut \"desk\"\n☃".to_owned(),
            description: "About 1890.".to_owned(),
            category: "furniture".to_owned(),
            image_url: Some("https://example.com/a.png".to_owned()),
            currency: "USD".to_owned(),
            opening_price: 1,
            increments: sqlx::types::Json(vec![BandRecord { from: 0, step: 5 }]),
            has_reserve: true,
            reserve_met: true,
            buy_now: Some(i64::MAX),
            buy_now_until: "first_bid".to_owned(),
            soft_close: Some(sqlx::types::Json(SoftCloseRecord {
                window_ms: 1_000,
                extension_ms: 2_000,
                max_total_ms: 3_000,
            })),
            funds: "required".to_owned(),
            premium_bp: 250,
            commission_bp: 500,
            starts_at: at("2026-11-20T09:30:00.000Z"),
            ends_at: at("2026-11-20T09:30:00.007Z"),
            created_at: at("1970-01-01T00:00:00.000Z"),
            status: "ended".to_owned(),
            price: Some(9_007_199_254_740_991),
            minimum_bid: 7,
            leader: Some(3),
            bid_count: 4,
            outcome: Some("sold".to_owned()),
            winner: Some(3),
            winner_account: Some(uuid::Uuid::from_u128(77)),
            closed_at: Some(at("2026-11-20T09:30:00.007Z")),
            seq: 12,
        }
    }

    #[test]
    fn what_is_kept_comes_back_as_it_was_with_times_in_the_one_format_and_no_account_of_a_bidder() {
        let auction = AuctionBody::from(row());
        let list = List { items: vec![auction.clone()], next: Some("bmV4dA".to_owned()) };
        let json = serde_json::to_string(&list).unwrap();
        assert_eq!(serde_json::from_str::<List<AuctionBody>>(&json).unwrap(), list);
        let one = serde_json::to_string(&auction).unwrap();
        assert_eq!(serde_json::from_str::<AuctionBody>(&one).unwrap(), auction);
        for time in ["2026-11-20T09:30:00.000Z", "2026-11-20T09:30:00.007Z", "1970-01-01T00:00:00.000Z"] {
            assert!(one.contains(&format!("\"{time}\"")), "{one}");
        }
        assert!(!one.contains(&uuid::Uuid::from_u128(77).to_string()), "{one}");
    }

    #[tokio::test]
    async fn every_kind_goes_through_a_cache_unchanged() {
        use crate::cache::Parts;
        let parts =
            Parts { bytes: 1 << 20, others: None, clock: Default::default(), chance: crate::chance::Chance::System };
        let (cache, _) = Cache::new(parts, Default::default());
        let auction = AuctionBody::from(row());
        let list = List { items: vec![auction.clone(), auction.clone()], next: None };
        let (one, all) = (Key::new(&STORED, Tag::all("one"), &()), Key::new(&LIST, lists(), &()));
        for _ in 0..2 {
            let kept = cache.get_or_load(&one, async || Ok::<_, ApiError>(Some(auction.clone()))).await.unwrap();
            assert_eq!(kept.as_ref(), Some(&auction));
            let kept = cache.get_or_load(&all, async || Ok::<_, ApiError>(Some(list.clone()))).await.unwrap();
            assert_eq!(kept.as_ref(), Some(&list));
        }
    }
}
