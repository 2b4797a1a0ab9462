//! The public bytes of a record: one line of JSON, its keys sorted, without spaces, times in the wire format. They are
//! made once and then stored, hashed, pushed to sockets and served over REST as they are. This form stays for ever:
//! a later field may be added, none may change its name or meaning.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::clock::WireTime;
use crate::domain::auction::view::{PublicEvent, PublicKind, PublicTerms};
use crate::domain::auction::{Funds, Listing, Terms};
use crate::domain::formats::{English, Format, SoftClose, english::BuyNowUntil};
use crate::domain::increments::{Band, Increments};
use crate::domain::{AccountId, AuctionId, Currency, Fees, Money, Span, Timestamp};

/// A bidder's public name in one auction: `Bidder 7`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alias(pub u32);

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bidder {}", self.0)
    }
}

impl Serialize for Alias {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Alias {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let number = text.strip_prefix("Bidder ").and_then(|number| number.parse().ok());
        number.map(Self).ok_or_else(|| D::Error::custom("not an alias such as \"Bidder 7\""))
    }
}

/// A public record, flat: the fields that its kind has. In the order of the alphabet, which is the order of the bytes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are those of PublicKind, by their names on the wire")]
pub struct PublicRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    pub at: WireTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auction: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bid_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bidder: Option<Alias>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<WireTime>,
    pub kind: Cow<'static, str>,
    #[serde(default, with = "present", skip_serializing_if = "Option::is_none")]
    pub leader: Option<Option<Alias>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_bid: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Cow<'static, str>>,
    #[serde(default, with = "present", skip_serializing_if = "Option::is_none")]
    pub price: Option<Option<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserve: Option<Cow<'static, str>>,
    pub seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<WireTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms: Option<Box<TermsRecord>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<WireTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voided: Option<u64>,
    #[serde(default, with = "present", skip_serializing_if = "Option::is_none")]
    pub winner: Option<Option<Alias>>,
}

/// Terms and listing, in the order of the alphabet. Fees came later: without them it is written as it was before.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are those of Terms, English and Listing, by their names on the wire")]
pub struct TermsRecord {
    pub buy_now: Option<i64>,
    pub buy_now_until: Cow<'static, str>,
    pub category: Arc<str>,
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub commission_bp: u16,
    pub currency: String,
    pub description: Arc<str>,
    pub ends_at: WireTime,
    pub format: Cow<'static, str>,
    pub funds: Cow<'static, str>,
    pub grace_ms: i64,
    pub has_reserve: bool,
    pub image_url: Option<Arc<str>>,
    pub increments: Vec<BandRecord>,
    pub opening_price: i64,
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub premium_bp: u16,
    pub seller: Uuid,
    pub soft_close: Option<SoftCloseRecord>,
    pub starts_at: WireTime,
    pub title: Arc<str>,
}

/// One band of an increment table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "see Band")]
pub struct BandRecord {
    pub from: i64,
    pub step: i64,
}

/// The soft close, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "see SoftClose")]
pub struct SoftCloseRecord {
    pub extension_ms: i64,
    pub max_total_ms: i64,
    pub window_ms: i64,
}

impl PublicRecord {
    /// A record with nothing but what every record has.
    pub fn bare(seq: u64, at: Timestamp, kind: &'static str) -> Self {
        Self {
            amount: None,
            at: WireTime(at),
            auction: None,
            bid_count: None,
            bidder: None,
            cause: None,
            ends_at: None,
            kind: Cow::Borrowed(kind),
            leader: None,
            minimum_bid: None,
            outcome: None,
            price: None,
            reason: None,
            reserve: None,
            seq,
            since: None,
            terms: None,
            until: None,
            voided: None,
            winner: None,
        }
    }

    /// The record of a creation.
    pub fn created(auction: AuctionId, at: Timestamp, terms: &PublicTerms) -> Self {
        let terms = Some(Box::new(TermsRecord::new(terms)));
        Self { auction: Some(auction.0), terms, ..Self::bare(0, at, "created") }
    }

    /// The record of an event.
    pub fn new(event: &PublicEvent) -> Self {
        let bare = Self::bare(event.seq.0, event.at, event.kind.name());
        let money = |amount: &Money| Some(amount.minor_units());
        let time = |at: &Timestamp| Some(WireTime(*at));
        match &event.kind {
            PublicKind::Private => bare,
            PublicKind::Opened { ends_at } => Self { ends_at: time(ends_at), ..bare },
            PublicKind::Resumed { reason, ends_at } => Self { ends_at: time(ends_at), reason: reason.clone(), ..bare },
            PublicKind::Bid { bidder, amount, price, minimum_bid, leader, bid_count, ends_at } => Self {
                bidder: Some(Alias(*bidder)),
                amount: money(amount),
                price: Some(money(price)),
                minimum_bid: money(minimum_bid),
                leader: Some(Some(Alias(*leader))),
                bid_count: Some(*bid_count),
                ends_at: time(ends_at),
                ..bare
            },
            PublicKind::ReserveMet { price } => Self { price: Some(money(price)), ..bare },
            PublicKind::Extended { ends_at, cause } => {
                Self { ends_at: time(ends_at), cause: Some(Cow::Borrowed(cause.name())), ..bare }
            }
            PublicKind::Paused { reason } | PublicKind::Stopped { reason } => {
                Self { reason: Some(reason.clone()), ..bare }
            }
            PublicKind::Suspended { since, until } => Self { since: time(since), until: time(until), ..bare },
            PublicKind::BidVoided { voided, bidder, reason, leader, price, minimum_bid, bid_count, reserve } => Self {
                voided: Some(voided.0),
                bidder: Some(Alias(*bidder)),
                reason: Some(reason.clone()),
                leader: Some(leader.map(Alias)),
                price: Some(price.map(Money::minor_units)),
                minimum_bid: money(minimum_bid),
                bid_count: Some(*bid_count),
                reserve: Some(Cow::Borrowed(reserve.name())),
                ..bare
            },
            PublicKind::Ended { outcome, price, winner } => Self {
                outcome: Some(Cow::Borrowed(outcome.name())),
                price: Some(price.map(Money::minor_units)),
                winner: Some(winner.map(Alias)),
                ..bare
            },
            PublicKind::Amended { terms } => Self { terms: Some(Box::new(TermsRecord::new(terms))), ..bare },
        }
    }

    /// The canonical bytes.
    pub fn to_json(&self) -> Arc<str> {
        // Writing plain numbers and strings to memory cannot fail; an empty line would break the chain at once.
        serde_json::to_string(self).unwrap_or_default().into()
    }
}

impl TermsRecord {
    /// The public part of terms, in words of the wire.
    pub fn new(public: &PublicTerms) -> Self {
        let PublicTerms { terms, has_reserve, listing } = public;
        let Format::English(english) = &terms.format;
        let band = |band: &Band| BandRecord { from: band.from.minor_units(), step: band.step.minor_units() };
        Self {
            buy_now: english.buy_now.map(Money::minor_units),
            buy_now_until: Cow::Borrowed(match english.buy_now_until {
                BuyNowUntil::FirstBid => "first_bid",
                BuyNowUntil::ReserveMet => "reserve_met",
            }),
            category: listing.category.clone(),
            commission_bp: terms.fees.commission_bp,
            currency: terms.currency.code().to_owned(),
            description: listing.description.clone(),
            ends_at: WireTime(terms.ends_at),
            format: Cow::Borrowed("english"),
            funds: Cow::Borrowed(match terms.funds {
                Funds::None => "none",
                Funds::Required => "required",
            }),
            grace_ms: terms.grace.millis(),
            has_reserve: *has_reserve,
            image_url: listing.image_url.clone(),
            increments: english.increments.bands().iter().map(band).collect(),
            opening_price: english.opening_price.minor_units(),
            premium_bp: terms.fees.premium_bp,
            seller: terms.seller.0,
            soft_close: english.soft_close.map(|soft| SoftCloseRecord {
                extension_ms: soft.extension.millis(),
                max_total_ms: soft.max_total.millis(),
                window_ms: soft.window.millis(),
            }),
            starts_at: WireTime(terms.starts_at),
            title: listing.title.clone(),
        }
    }

    /// As text, for what writes fields by their places: there, one that is left out would shift those behind it.
    pub fn to_json(&self) -> String {
        // Writing plain numbers and strings to memory cannot fail; an empty text is not read back.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From the text of [`TermsRecord::to_json`].
    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The terms with the hidden reserve put back, and the listing.
    pub fn restore(&self, reserve: Option<Money>) -> Result<(Terms, Listing), &'static str> {
        if self.has_reserve != reserve.is_some() {
            return Err("the reserve is missing or was never there");
        }
        let money = |minor| Money::or_zero(minor).ok_or("an amount is out of range");
        let bands = self.increments.iter().map(|band| Ok(Band { from: money(band.from)?, step: money(band.step)? }));
        let bands = bands.collect::<Result<Vec<_>, &'static str>>()?;
        let english = English {
            opening_price: money(self.opening_price)?,
            increments: Increments::new(&bands)?,
            reserve,
            buy_now: self.buy_now.map(money).transpose()?,
            buy_now_until: match &*self.buy_now_until {
                "first_bid" => BuyNowUntil::FirstBid,
                "reserve_met" => BuyNowUntil::ReserveMet,
                _ => return Err("unknown buy_now_until"),
            },
            soft_close: self.soft_close.map(|soft| SoftClose {
                window: Span::from_millis(soft.window_ms),
                extension: Span::from_millis(soft.extension_ms),
                max_total: Span::from_millis(soft.max_total_ms),
            }),
        };
        if self.format != "english" {
            return Err("unknown format");
        }
        let terms = Terms {
            seller: AccountId(self.seller),
            currency: Currency::new(&self.currency).ok_or("unknown currency")?,
            starts_at: self.starts_at.0,
            ends_at: self.ends_at.0,
            funds: match &*self.funds {
                "none" => Funds::None,
                "required" => Funds::Required,
                _ => return Err("unknown funds"),
            },
            fees: Some(Fees { premium_bp: self.premium_bp, commission_bp: self.commission_bp })
                .filter(|fees| fees.are_acceptable())
                .ok_or("a fee is out of range")?,
            grace: Span::from_millis(self.grace_ms),
            format: Format::English(english),
        };
        let listing = Listing {
            title: self.title.clone(),
            description: self.description.clone(),
            category: self.category.clone(),
            image_url: self.image_url.clone(),
        };
        Ok((terms, listing))
    }
}

/// A fee that is not taken is not written.
fn is_nothing(bp: &u16) -> bool {
    *bp == 0
}

/// A field that may be `null`, told apart from one that is absent.
mod present {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<T: Serialize, S: Serializer>(field: &Option<Option<T>>, serializer: S) -> Result<S::Ok, S::Error> {
        field.as_ref().and_then(Option::as_ref).serialize(serializer)
    }

    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        Option::<T>::deserialize(deserializer).map(Some)
    }
}
