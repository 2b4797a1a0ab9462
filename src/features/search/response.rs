//! What callers get to see of what was found.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::highlight::{Highlight, excerpt, whole};
use super::store::{AuctionFind, CommentFind};
use super::terms::Terms;
use crate::clock::{WireTime, from_datetime};

/// A page of finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchBody {
    /// The best first, among equals the newest.
    pub(super) items: Vec<FoundBody>,
    /// The cursor of the page after this one; null on the last.
    pub(super) next: Option<String>,
    /// How many there are; null on all pages but the first.
    pub(super) total: Option<TotalBody>,
    /// What they are; null on all pages but the first.
    pub(super) facets: Option<FacetsBody>,
    /// Words that were taken to be meant as well, since hardly anything has those that were typed.
    pub(super) corrections: Vec<CorrectionBody>,
}

/// How many finds there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TotalBody {
    pub(super) count: usize,
    /// True if there are more: then the newest 300 are ranked and counted, and the newest 300 with all the words in the
    /// title; no others are. With fewer than that it says that there may be older ones: where of many that have the words
    /// hardly any pass the filters, or have the phrase, only the newest are looked through.
    pub(super) more: bool,
}

/// What the finds are, and how many are so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FacetsBody {
    /// `auction` and `comment`.
    pub(super) kind: Vec<FacetBody>,
    /// Of auctions.
    pub(super) status: Vec<FacetBody>,
    /// Of auctions: the 20 commonest.
    pub(super) category: Vec<FacetBody>,
}

/// One value of a facet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FacetBody {
    /// As the filter of this name takes it.
    pub(super) value: String,
    pub(super) count: usize,
}

/// A word and what may have been meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CorrectionBody {
    /// As it was typed, in lower case and without accents.
    #[schema(example = "wallnut")]
    pub(super) word: String,
    /// The nearest first.
    #[schema(example = json!(["walnut"]))]
    pub(super) to: Vec<String>,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundBody {
    /// `auction` or `comment`.
    kind: String,
    /// The id of the auction or of the comment.
    id: Uuid,
    /// The auction, or the one that the comment is about.
    auction: Uuid,
    /// The title of that auction.
    title: String,
    category: Option<String>,
    image_url: Option<String>,
    /// `scheduled`, `open`, `paused`, `suspended`, `ended` or `stopped`.
    status: Option<String>,
    #[schema(example = "USD")]
    currency: Option<String>,
    /// Before the first bid the opening price.
    price: Option<i64>,
    bid_count: Option<i64>,
    ends_at: Option<WireTime>,
    /// The account that sells; null for a comment, whose author is known by name alone.
    author: Option<Uuid>,
    /// What the seller, or the author of the comment, is called.
    author_name: Option<String>,
    /// The whole comment; null for an auction.
    body: Option<String>,
    /// When the auction was created or the comment written.
    at: WireTime,
    /// Where it was found, field by field; empty if no words were asked for.
    highlights: Vec<Highlight>,
}

impl FoundBody {
    /// An auction as it is shown.
    pub(super) fn auction(found: AuctionFind, terms: &Terms) -> Self {
        let highlights = [
            whole("title", &found.title, terms),
            whole("category", &found.category, terms),
            excerpt("description", &found.description, terms),
        ];
        Self {
            kind: "auction".to_owned(),
            id: found.id,
            auction: found.id,
            title: found.title,
            category: Some(found.category),
            image_url: found.image_url,
            status: Some(found.status),
            currency: Some(found.currency),
            price: Some(found.price),
            bid_count: Some(found.bid_count),
            ends_at: Some(WireTime(from_datetime(found.ends_at))),
            author: Some(found.seller),
            author_name: found.seller_name,
            body: None,
            at: WireTime(from_datetime(found.created_at)),
            highlights: highlights.into_iter().flatten().collect(),
        }
    }
    /// A comment as it is shown.
    pub(super) fn comment(found: CommentFind, terms: &Terms) -> Self {
        Self {
            kind: "comment".to_owned(),
            id: found.id,
            auction: found.auction,
            title: found.title,
            category: None,
            image_url: None,
            status: None,
            currency: None,
            price: None,
            bid_count: None,
            ends_at: None,
            author: None,
            author_name: Some(found.author_name),
            highlights: excerpt("body", &found.body, terms).into_iter().collect(),
            body: Some(found.body),
            at: WireTime(from_datetime(found.at)),
        }
    }
}
