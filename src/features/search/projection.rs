//! Keeps the documents of auctions as the journal says they are. A page of records writes each auction once, and its words
//! only where a seller has changed them.

use std::collections::{BTreeSet, HashMap};

use super::store::{self, AuctionDocument, Kind, New, Standing};
use super::vocabulary::Vocabulary;
use super::words::words;
use crate::clock::to_datetime;
use crate::domain::auction::{Event, EventKind, ExtensionCause, Listing, Terms};
use crate::domain::{AuctionId, Money};
use crate::persistence::{StoreError, Tx};
use crate::projection::{Created, Fact, Projected, Projection};

/// The projection of auctions into what search finds.
#[derive(Debug, Clone, Copy, Default)]
pub struct SearchProjection;

/// A document on its way through a page.
struct Draft<'a> {
    /// Where in the page the auction begins; 0 if it has a document.
    place: usize,
    document: AuctionDocument,
    /// As it is in the database; none if it is not there yet.
    before: Option<AuctionDocument>,
    /// The words, if this page gives them.
    listing: Option<&'a Listing>,
}

#[async_trait::async_trait]
impl Projection for SearchProjection {
    fn name(&self) -> &'static str {
        "search"
    }

    async fn apply(&self, tx: &mut Tx, page: &[Projected]) -> Result<(), StoreError> {
        let ids: BTreeSet<AuctionId> = page.iter().map(|projected| projected.auction).collect();
        let ids: Vec<AuctionId> = ids.into_iter().collect();
        let mut drafts: HashMap<AuctionId, Draft<'_>> = HashMap::new();
        for document in store::auctions_in(tx, &ids).await? {
            let before = Some(document.clone());
            drafts.insert(AuctionId(document.id), Draft { place: 0, document, before, listing: None });
        }
        for (place, projected) in page.iter().enumerate() {
            let auction = projected.auction;
            match (&projected.fact, drafts.get_mut(&auction)) {
                (Fact::Created(created), None) => {
                    drafts.insert(auction, Draft::new(auction, created, place));
                }
                (Fact::Created(_), Some(_)) => {}
                (Fact::Event(event), Some(draft)) => draft.take_in(event),
                (Fact::Event(_), None) => {
                    let detail = format!("auction {auction} has events but no document");
                    return Err(StoreError::Inconsistent { table: "search_documents", detail });
                }
            }
        }
        // In the order of the log, so that numbers follow from it however it is cut into pages.
        let mut drafts: Vec<Draft<'_>> = drafts.into_values().collect();
        drafts.sort_by_key(|draft| (draft.place, draft.document.id));
        write(tx, &drafts).await
    }
}

async fn write(tx: &mut Tx, drafts: &[Draft<'_>]) -> Result<(), StoreError> {
    let mut vocabulary = Vocabulary::default();
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for draft in drafts {
        let document = &draft.document;
        if let Some(listing) = draft.listing {
            let fields = [&*listing.title, &*listing.category, &*listing.description];
            vocabulary.add(&fields);
            match draft.before {
                None => new.push(document.to_insert(&fields)),
                Some(_) => vocabulary.remove(store::replace_text(tx, document, &fields).await?),
            }
        }
        if draft.before.as_ref().is_some_and(|before| before.standing != document.standing) {
            changed.push(document);
        }
    }
    store::insert(tx, &new).await?;
    store::set_standings(tx, &changed).await?;
    store::count_words(tx, &vocabulary).await
}

impl<'a> Draft<'a> {
    fn new(auction: AuctionId, created: &'a Created, place: usize) -> Self {
        let price = opening_price(&created.terms);
        let document = AuctionDocument {
            number: 0,
            id: auction.0,
            author: created.terms.seller.0,
            title: compared(&created.listing.title),
            category: created.listing.category.to_string(),
            standing: Standing { status: "scheduled".to_owned(), opening_price: price, price, seq: 0 },
            at: to_datetime(created.at),
        };
        Self { place, document, before: None, listing: Some(&created.listing) }
    }

    /// Takes an event in, unless it has been already.
    fn take_in(&mut self, event: &'a Event) {
        let seq = i64::try_from(event.seq.0).unwrap_or(i64::MAX);
        let standing = &mut self.document.standing;
        if seq <= standing.seq {
            return;
        }
        match &event.kind {
            EventKind::Opened { .. } | EventKind::Resumed { .. } => standing.set_status("open"),
            EventKind::Extended { cause: ExtensionCause::Outage, .. } => standing.set_status("open"),
            EventKind::Paused { .. } => standing.set_status("paused"),
            EventKind::Suspended { .. } => standing.set_status("suspended"),
            EventKind::Stopped { .. } => standing.set_status("stopped"),
            EventKind::Ended { .. } => standing.set_status("ended"),
            EventKind::Bid(bid) => standing.price = bid.price.minor_units(),
            EventKind::BidVoided(void) => {
                standing.price = void.price.map_or(standing.opening_price, Money::minor_units);
            }
            EventKind::Amended { terms, listing, .. } => {
                standing.opening_price = opening_price(terms);
                standing.price = standing.opening_price;
                self.document.title = compared(&listing.title);
                self.document.category = listing.category.to_string();
                self.listing = Some(listing);
            }
            EventKind::ReserveMet { .. }
            | EventKind::Extended { cause: ExtensionCause::SoftClose, .. }
            | EventKind::AllowanceSet { .. } => return,
        }
        self.document.standing.seq = seq;
    }
}

impl AuctionDocument {
    fn to_insert<'a>(&'a self, fields: &[&'a str]) -> New<'a> {
        New {
            kind: Kind::Auction,
            id: self.id,
            auction: self.id,
            author: self.author,
            title: &self.title,
            category: Some(&self.category),
            standing: Some(&self.standing),
            at: self.at,
            fields: fields.to_vec(),
        }
    }
}

impl Standing {
    fn set_status(&mut self, status: &'static str) {
        self.status = status.to_owned();
    }
}

fn opening_price(terms: &Terms) -> i64 {
    terms.format.minimum_bid(None).minor_units()
}

/// The words of a title, as they are compared.
fn compared(title: &str) -> String {
    words(title).collect::<Vec<_>>().join(" ")
}
