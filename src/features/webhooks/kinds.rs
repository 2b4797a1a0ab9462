//! The kinds of events that an endpoint can ask for, by the names of the log.

use sqlx::types::Json;

/// All of them. What is `private` says only that something happened that is nobody else's concern.
pub(super) const KINDS: [&str; 13] = [
    "created",
    "opened",
    "bid",
    "reserve_met",
    "extended",
    "paused",
    "resumed",
    "suspended",
    "bid_voided",
    "amended",
    "stopped",
    "ended",
    PRIVATE,
];
/// Sent only to those who ask for it by name.
const PRIVATE: &str = "private";
/// The kind of a delivery that is about no event.
pub(super) const TEST: &str = "test";

/// True if an endpoint that asks for `wanted` hears of `kind`.
pub(super) fn hears(wanted: Option<&Json<Vec<String>>>, kind: &str) -> bool {
    match wanted {
        Some(Json(wanted)) => wanted.iter().any(|one| one == kind),
        None => kind != PRIVATE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_names_no_kinds_hears_of_all_that_is_public() {
        let only = Json(vec!["bid".to_owned(), PRIVATE.to_owned()]);
        let heard = |wanted| KINDS.into_iter().filter(|kind| hears(wanted, kind)).collect::<Vec<_>>();
        assert_eq!(heard(None), KINDS[..12]);
        assert_eq!(heard(Some(&only)), ["bid", PRIVATE]);
    }
}
