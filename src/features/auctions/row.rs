//! An auction as a row: what the journal says of it up to one event. Folding events into it copies what they carry and
//! judges nothing.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use crate::clock::to_datetime;
use crate::domain::auction::view::{PublicTerms, Reserve};
use crate::domain::auction::{BidPlaced, Event, EventKind, ExtensionCause, Listing, Terms};
use crate::domain::{AuctionId, Timestamp};
use crate::journal::public::{BandRecord, SoftCloseRecord, TermsRecord};

/// A row of `auctions`.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns, by the names of the API")]
pub struct AuctionRow {
    pub id: Uuid,
    pub seller: Uuid,
    pub title: String,
    pub description: String,
    pub category: String,
    pub image_url: Option<String>,
    pub currency: String,
    pub opening_price: i64,
    pub increments: Json<Vec<BandRecord>>,
    pub has_reserve: bool,
    pub reserve_met: bool,
    pub buy_now: Option<i64>,
    pub buy_now_until: String,
    pub soft_close: Option<Json<SoftCloseRecord>>,
    pub funds: String,
    pub premium_bp: i64,
    pub commission_bp: i64,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub status: String,
    pub price: Option<i64>,
    pub minimum_bid: i64,
    pub leader: Option<i64>,
    pub bid_count: i64,
    pub outcome: Option<String>,
    pub winner: Option<i64>,
    /// Never shown: settlement needs it.
    pub winner_account: Option<Uuid>,
    pub closed_at: Option<DateTime<Utc>>,
    pub seq: i64,
}

/// A row of `bids`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns, by the names of the API")]
pub struct BidRow {
    pub auction: Uuid,
    pub seq: i64,
    pub at: DateTime<Utc>,
    /// Never shown: the alias is.
    pub bidder: Uuid,
    pub alias: i64,
    pub amount: i64,
    pub price: i64,
    pub voided: bool,
}

impl AuctionRow {
    /// The row of an auction just created.
    pub fn created(auction: AuctionId, at: Timestamp, terms: &Terms, listing: &Listing) -> Self {
        let record = TermsRecord::new(&PublicTerms::new(terms, listing));
        let mut row = Self {
            id: auction.0,
            seller: record.seller,
            title: String::new(),
            description: String::new(),
            category: String::new(),
            image_url: None,
            currency: record.currency.clone(),
            opening_price: record.opening_price,
            increments: Json(Vec::new()),
            has_reserve: false,
            reserve_met: false,
            buy_now: None,
            buy_now_until: String::new(),
            soft_close: None,
            funds: String::new(),
            premium_bp: 0,
            commission_bp: 0,
            starts_at: to_datetime(terms.starts_at),
            ends_at: to_datetime(terms.ends_at),
            created_at: to_datetime(at),
            status: "scheduled".to_owned(),
            price: None,
            minimum_bid: record.opening_price,
            leader: None,
            bid_count: 0,
            outcome: None,
            winner: None,
            winner_account: None,
            closed_at: None,
            seq: 0,
        };
        row.set_terms(record);
        row
    }

    fn set_terms(&mut self, record: TermsRecord) {
        self.title = record.title.to_string();
        self.description = record.description.to_string();
        self.category = record.category.to_string();
        self.image_url = record.image_url.as_deref().map(str::to_owned);
        self.opening_price = record.opening_price;
        self.minimum_bid = record.opening_price;
        self.increments = Json(record.increments);
        self.has_reserve = record.has_reserve;
        self.buy_now = record.buy_now;
        self.buy_now_until = record.buy_now_until.into_owned();
        self.soft_close = record.soft_close.map(Json);
        self.funds = record.funds.into_owned();
        self.premium_bp = record.premium_bp.into();
        self.commission_bp = record.commission_bp.into();
        self.starts_at = to_datetime(record.starts_at.0);
        self.ends_at = to_datetime(record.ends_at.0);
    }

    /// Takes the next event in.
    pub fn fold(&mut self, event: &Event) {
        self.seq = number(event.seq.0);
        match &event.kind {
            EventKind::Opened { .. } => self.set_status("open"),
            EventKind::Bid(bid) => self.fold_bid(bid),
            EventKind::ReserveMet { .. } => self.reserve_met = true,
            EventKind::Extended { ends_at, cause } => {
                self.ends_at = to_datetime(*ends_at);
                if *cause == ExtensionCause::Outage {
                    self.set_status("open");
                }
            }
            EventKind::Paused { .. } => self.set_status("paused"),
            EventKind::Resumed { ends_at, .. } => {
                self.ends_at = to_datetime(*ends_at);
                self.set_status("open");
            }
            EventKind::Suspended { .. } => self.set_status("suspended"),
            EventKind::BidVoided(void) => {
                self.leader = void.leader.map(|leader| i64::from(leader.alias));
                self.price = void.price.map(|price| price.minor_units());
                self.minimum_bid = void.minimum_bid.minor_units();
                self.bid_count = i64::from(void.bid_count);
                self.reserve_met = void.reserve_met;
            }
            EventKind::Stopped { .. } => {
                self.set_status("stopped");
                self.closed_at = Some(to_datetime(event.at));
            }
            EventKind::Ended { outcome, winner, .. } => {
                self.set_status("ended");
                self.closed_at = Some(to_datetime(event.at));
                self.outcome = Some(outcome.name().to_owned());
                self.winner = winner.map(|winner| i64::from(winner.alias));
                self.winner_account = winner.map(|winner| winner.account.0);
            }
            EventKind::Amended { terms, listing, .. } => {
                self.set_terms(TermsRecord::new(&PublicTerms::new(terms, listing)));
            }
            EventKind::AllowanceSet { .. } => {}
        }
    }

    fn fold_bid(&mut self, bid: &BidPlaced) {
        self.price = Some(bid.price.minor_units());
        self.minimum_bid = bid.minimum_bid.minor_units();
        self.leader = Some(i64::from(bid.leader));
        self.bid_count = i64::from(bid.bid_count);
    }

    fn set_status(&mut self, status: &'static str) {
        self.status = status.to_owned();
    }

    /// What everyone may know of the reserve.
    pub fn reserve(&self) -> Reserve {
        match (self.has_reserve, self.reserve_met) {
            (false, _) => Reserve::None,
            (true, false) => Reserve::NotMet,
            (true, true) => Reserve::Met,
        }
    }

    /// The words of the auction.
    pub fn listing(&self) -> Listing {
        Listing {
            title: self.title.as_str().into(),
            description: self.description.as_str().into(),
            category: self.category.as_str().into(),
            image_url: self.image_url.as_deref().map(Into::into),
        }
    }
}

impl BidRow {
    /// The row of a bid just accepted.
    pub fn placed(auction: AuctionId, event: &Event, bid: &BidPlaced) -> Self {
        Self {
            auction: auction.0,
            seq: number(event.seq.0),
            at: to_datetime(event.at),
            bidder: bid.bidder.0,
            alias: i64::from(bid.alias),
            amount: bid.amount.minor_units(),
            price: bid.price.minor_units(),
            voided: false,
        }
    }
}

/// Numbers of events stay far below the largest signed one.
pub(super) fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
