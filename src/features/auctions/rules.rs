//! From what a seller writes to terms and words that the core accepts, or the field that is at fault. Pure.

use std::sync::Arc;

use super::request::{AckBody, BandBody, BuyNowUntilBody, CreateAuction, FundsBody, PatchAuction, SoftCloseBody};
use crate::currency::IsoCurrency;
use crate::domain::auction::{Funds, Listing, Terms, TermsError};
use crate::domain::formats::{English, Format, SoftClose, english::BuyNowUntil};
use crate::domain::increments::{Band, Increments};
use crate::domain::{AccountId, Fees, Money, Span, Timestamp};
use crate::journal::AckLevel;

const TITLE_MAX_CHARS: usize = 200;
const DESCRIPTION_MAX_CHARS: usize = 10_000;
const CATEGORY_MAX_CHARS: usize = 60;
const IMAGE_URL_MAX_BYTES: usize = 2_000;

const AMOUNT: &str = "must be a whole number of minor units from 1 to 9007199254740991";

/// The terms and words of an auction to be, sold by `seller` for these `fees`, made at `now`.
pub(super) fn create(
    body: &CreateAuction,
    seller: AccountId,
    fees: Fees,
    grace: Span,
    now: Timestamp,
) -> Result<(Terms, Listing), TermsError> {
    let listing = Listing {
        title: title(&body.title)?,
        description: description(&body.description)?,
        category: category(&body.category)?,
        image_url: body.image_url.as_deref().map(image_url).transpose()?,
    };
    let english = English {
        opening_price: money("opening_price", body.opening_price)?,
        increments: body.increments.as_deref().map_or_else(|| Ok(Increments::default()), increments)?,
        reserve: body.reserve.map(|reserve| money("reserve", reserve)).transpose()?,
        buy_now: body.buy_now.map(|price| money("buy_now", price)).transpose()?,
        buy_now_until: body.buy_now_until.map(Into::into).unwrap_or_default(),
        soft_close: body.soft_close.map(Into::into),
    };
    let currency = IsoCurrency::new(&body.currency).map(IsoCurrency::currency);
    let terms = Terms {
        seller,
        currency: currency.ok_or(refused("currency", "must be a currency of ISO 4217, such as USD"))?,
        starts_at: body.starts_at.map_or(now, |at| at.0),
        ends_at: body.ends_at.0,
        funds: body.funds.map_or(Funds::None, Into::into),
        fees,
        grace,
        format: Format::English(english),
    };
    terms.validate(now)?;
    Ok((terms, listing))
}

/// Which ack levels new auctions may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AckRule {
    /// Where the seller asks for none.
    pub default: AckLevel,
    /// True if there are replicas to wait for.
    pub replicas: bool,
}

/// The ack level of an auction to be.
pub(super) fn ack(asked: Option<AckBody>, rule: AckRule) -> Result<AckLevel, TermsError> {
    match asked.map(Into::into) {
        Some(AckLevel::Replica) if !rule.replicas => Err(refused("ack", "cannot be replica: this hub has no replicas")),
        Some(level) => Ok(level),
        None => Ok(rule.default),
    }
}

/// The terms and words after a change; `opened` is true once bidding has opened.
pub(super) fn amend(
    patch: &PatchAuction,
    terms: &Terms,
    listing: &Listing,
    opened: bool,
    now: Timestamp,
) -> Result<(Terms, Listing), TermsError> {
    let (mut terms, mut listing) = (terms.clone(), listing.clone());
    let Format::English(english) = &mut terms.format;
    if let Some(text) = &patch.title {
        listing.title = title(text)?;
    }
    if let Some(text) = &patch.description {
        listing.description = description(text)?;
    }
    if let Some(text) = &patch.category {
        listing.category = category(text)?;
    }
    if let Some(url) = &patch.image_url {
        listing.image_url = url.as_deref().map(image_url).transpose()?;
    }
    if let Some(price) = patch.opening_price {
        english.opening_price = money("opening_price", price)?;
    }
    if let Some(bands) = &patch.increments {
        english.increments = increments(bands)?;
    }
    if let Some(reserve) = patch.reserve {
        english.reserve = reserve.map(|reserve| money("reserve", reserve)).transpose()?;
    }
    if let Some(price) = patch.buy_now {
        english.buy_now = price.map(|price| money("buy_now", price)).transpose()?;
    }
    if let Some(until) = patch.buy_now_until {
        english.buy_now_until = until.into();
    }
    if let Some(soft) = patch.soft_close {
        english.soft_close = soft.map(Into::into);
    }
    if let Some(funds) = patch.funds {
        terms.funds = funds.into();
    }
    if let Some(at) = patch.starts_at {
        if opened && at.0 != terms.starts_at {
            return Err(refused("starts_at", "is fixed once bidding has opened"));
        }
        terms.starts_at = at.0;
    }
    if let Some(at) = patch.ends_at {
        terms.ends_at = at.0;
    }
    terms.validate(now)?;
    Ok((terms, listing))
}

fn title(text: &str) -> Result<Arc<str>, TermsError> {
    let text = text.trim();
    let fits = (1..=TITLE_MAX_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then(|| text.into()).ok_or(refused("title", "must be one line of 1 to 200 characters"))
}

fn description(text: &str) -> Result<Arc<str>, TermsError> {
    let strange = |sign: char| sign.is_control() && !matches!(sign, '\n' | '\r' | '\t');
    let fits = text.chars().count() <= DESCRIPTION_MAX_CHARS && !text.chars().any(strange);
    fits.then(|| text.into()).ok_or(refused("description", "must be plain text of at most 10,000 characters"))
}

fn category(text: &str) -> Result<Arc<str>, TermsError> {
    let text = text.trim();
    let fits = text.chars().count() <= CATEGORY_MAX_CHARS && !text.chars().any(char::is_control);
    fits.then(|| text.into()).ok_or(refused("category", "must be one line of at most 60 characters"))
}

/// An address that a browser may load a picture from: no script, no data, no other host by two slashes.
fn image_url(text: &str) -> Result<Arc<str>, TermsError> {
    let plain = text.len() <= IMAGE_URL_MAX_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let path = text.starts_with('/') && !text.starts_with("//");
    let host = |scheme| text.strip_prefix(scheme).is_some_and(|rest: &str| !rest.is_empty() && !rest.starts_with('/'));
    let fits = plain && (path || host("https://") || host("http://"));
    fits.then(|| text.into()).ok_or(refused("image_url", "must be an http or https address, or a path of the hub"))
}

fn increments(bands: &[BandBody]) -> Result<Increments, TermsError> {
    let band = |band: &BandBody| Some(Band { from: Money::or_zero(band.from)?, step: Money::new(band.step)? });
    let bands: Option<Vec<Band>> = bands.iter().map(band).collect();
    let bands = bands.ok_or(refused("increments", "every `from` is 0 or more, every `step` at least 1"))?;
    Increments::new(&bands).map_err(|why| refused("increments", why))
}

fn money(field: &'static str, minor: i64) -> Result<Money, TermsError> {
    Money::new(minor).ok_or(refused(field, AMOUNT))
}

const fn refused(field: &'static str, message: &'static str) -> TermsError {
    TermsError { field, message }
}

impl From<SoftCloseBody> for SoftClose {
    fn from(body: SoftCloseBody) -> Self {
        Self {
            window: Span::from_secs(body.window_s),
            extension: Span::from_secs(body.extension_s),
            max_total: Span::from_secs(body.max_total_s),
        }
    }
}

impl From<BuyNowUntilBody> for BuyNowUntil {
    fn from(body: BuyNowUntilBody) -> Self {
        match body {
            BuyNowUntilBody::FirstBid => Self::FirstBid,
            BuyNowUntilBody::ReserveMet => Self::ReserveMet,
        }
    }
}

impl From<AckBody> for AckLevel {
    fn from(body: AckBody) -> Self {
        match body {
            AckBody::Redis => Self::Redis,
            AckBody::Replica => Self::Replica,
            AckBody::Sql => Self::Sql,
        }
    }
}

impl From<FundsBody> for Funds {
    fn from(body: FundsBody) -> Self {
        match body {
            FundsBody::Required => Self::Required,
            FundsBody::None => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_from_the_web_or_from_the_hub() {
        for good in ["https://example.com/a.jpg", "http://example.com/a?b=c", "/images/a.webp"] {
            assert!(image_url(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a.jpg",
            "javascript:alert(1)",
            "data:image/png;base64,AA",
            "//evil.example/a",
            "/\\evil",
            "https://",
            "https:///a",
            "http://a b",
        ] {
            assert_eq!(image_url(bad).unwrap_err().field, "image_url", "{bad}");
        }
    }

    #[test]
    fn replicas_are_waited_for_only_where_there_are_some() {
        let rule = AckRule { default: AckLevel::Sql, replicas: false };
        assert_eq!(ack(None, rule), Ok(AckLevel::Sql));
        assert_eq!(ack(Some(AckBody::Redis), rule), Ok(AckLevel::Redis));
        assert_eq!(ack(Some(AckBody::Replica), rule).unwrap_err().field, "ack");
        assert_eq!(ack(Some(AckBody::Replica), AckRule { replicas: true, ..rule }), Ok(AckLevel::Replica));
    }

    #[test]
    fn texts_are_counted_in_characters_and_stripped_at_the_ends() {
        assert_eq!(&*title(&format!(" {} ", "ä".repeat(200))).unwrap(), "ä".repeat(200));
        assert!(title(&"ä".repeat(201)).is_err() && title("  ").is_err() && title("a\nb").is_err());
        assert!(description("a\nb").is_ok() && description("a\u{0}b").is_err() && description("").is_ok());
        assert!(category(&"x".repeat(61)).is_err());
    }
}
