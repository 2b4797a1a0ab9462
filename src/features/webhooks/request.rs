//! What owners send, and what of it fits.

use serde::{Deserialize, Deserializer};
use sqlx::types::Json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::kinds::KINDS;
use super::store::{DEAD, DELIVERED, PENDING};
use crate::http::{ApiError, Page};

const DESCRIPTION_MAX_CHARS: usize = 200;

/// An endpoint to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateWebhook {
    /// Where events are sent: `https://…`, at most 2,048 bytes, no user and no fragment, an address of the open internet.
    #[schema(example = "https://shop.example/hooks/bidhub")]
    pub url: String,
    /// The kinds of events, by their names in the log; without them all but `private`.
    #[schema(example = json!(["bid", "ended"]))]
    pub events: Option<Vec<String>>,
    /// Only events of this auction, which must be the caller's; without it of all the caller's auctions.
    pub auction: Option<Uuid>,
    /// What it is for, in the owner's words: at most 200 characters.
    pub description: Option<String>,
}

/// What is to change. What is not given stays; `null` takes a limit away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PatchWebhook {
    /// Where events are sent.
    pub url: Option<String>,
    /// The kinds of events.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    pub events: Option<Option<Vec<String>>>,
    /// The one auction.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Uuid>)]
    pub auction: Option<Option<Uuid>>,
    /// What it is for.
    pub description: Option<String>,
    /// False: nothing more is written down for it nor sent. True: it is again, as if it had never failed.
    pub enabled: Option<bool>,
}

/// Events to be sent once more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Replay {
    /// Whose events; the auction must be the caller's.
    pub auction: Uuid,
    /// Only events after this number; without it all, the creation first.
    pub after_seq: Option<u64>,
    /// Only events up to this number; without it all that there are.
    pub up_to_seq: Option<u64>,
}

/// The query of the deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveriesQuery {
    /// `pending`, `delivered` or `dead`.
    pub status: Option<String>,
    /// Items on the page, 1 to 200; 50 unless given.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

impl DeliveriesQuery {
    /// The page asked for, if all of the query fits.
    pub fn page(&self) -> Result<Page<i64>, ApiError> {
        if self.status.as_deref().is_some_and(|status| ![PENDING, DELIVERED, DEAD].contains(&status)) {
            return Err(ApiError::invalid("invalid_query", "status", "there is no such status"));
        }
        Page::of(self.limit, self.cursor.as_deref())
    }
}

/// The kinds that are asked for, each once.
pub(super) fn events(asked: Option<Vec<String>>) -> Result<Option<Json<Vec<String>>>, ApiError> {
    let Some(asked) = asked else { return Ok(None) };
    let refuse = |detail: String| ApiError::invalid("invalid_field", "events", detail);
    if asked.is_empty() {
        return Err(refuse("events must name a kind, or be left out".to_owned()));
    }
    if asked.iter().any(|kind| !KINDS.contains(&kind.as_str())) {
        return Err(refuse(format!("each of events must be one of {}", KINDS.join(", "))));
    }
    let known = KINDS.iter().filter(|kind| asked.iter().any(|one| one == *kind));
    Ok(Some(Json(known.map(|kind| (*kind).to_owned()).collect())))
}

/// The description, stripped at its ends, if it is one.
pub(super) fn description(text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    if text.chars().count() > DESCRIPTION_MAX_CHARS || text.chars().any(char::is_control) {
        let detail = format!("a description is one line of at most {DESCRIPTION_MAX_CHARS} characters");
        return Err(ApiError::invalid("invalid_field", "description", detail));
    }
    Ok(text.to_owned())
}

/// A member that is there, even as `null`.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_those_of_the_log_each_once() {
        let read = |names: &[&str]| events(Some(names.iter().map(|name| (*name).to_owned()).collect()));
        assert_eq!(read(&["ended", "bid", "bid"]).unwrap().unwrap().0, ["bid", "ended"]);
        assert!(events(None).unwrap().is_none());
        for wrong in [&[][..], &["bid", "auction.bid"], &["test"], &[""]] {
            assert_eq!(read(wrong).unwrap_err().code(), "invalid_field", "{wrong:?}");
        }
    }

    #[test]
    fn a_description_is_one_line() {
        assert_eq!(description(" till ").unwrap(), "till");
        assert_eq!(description(&"ä".repeat(200)).unwrap().chars().count(), 200);
        for wrong in ["a\nb", "a\0b", &"x".repeat(201)] {
            assert_eq!(description(wrong).unwrap_err().code(), "invalid_field", "{wrong:?}");
        }
    }
}
