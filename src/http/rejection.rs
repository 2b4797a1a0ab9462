//! Refusals of the core and of rooms, as callers of the REST API see them.

use axum::http::StatusCode;

use super::problem::ApiError;
use crate::domain::auction::Rejection;
use crate::room::RoomError;
use crate::wire::Hints;

/// Seconds after which a request that found the hub without a verdict may be sent again.
const RETRY_AFTER_S: u64 = 1;

impl From<Rejection> for ApiError {
    fn from(rejection: Rejection) -> Self {
        let status = match rejection {
            Rejection::Unauthenticated => StatusCode::UNAUTHORIZED,
            Rejection::UnknownAuction | Rejection::UnknownBid => StatusCode::NOT_FOUND,
            Rejection::InvalidAmount | Rejection::InvalidTerms => StatusCode::UNPROCESSABLE_ENTITY,
            Rejection::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Rejection::Busy | Rejection::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::CONFLICT,
        };
        let error = Self::new(status, rejection.code(), rejection.message());
        let Hints { minimum_bid, your_max, allowance, retry } = Hints::from(rejection);
        let hints = [("minimum_bid", minimum_bid), ("your_max", your_max), ("allowance", allowance)];
        let error = hints.into_iter().fold(error, |error, (name, hint)| match hint {
            Some(minor) => error.with(name, minor),
            None => error,
        });
        let error = if rejection == Rejection::InvalidAmount { error.with("field", "amount") } else { error };
        if retry.is_some() { error.with("retry", true).retry_after_s(RETRY_AFTER_S) } else { error }
    }
}

impl From<RoomError> for ApiError {
    fn from(error: RoomError) -> Self {
        error.rejection().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Money;

    #[test]
    fn each_refusal_has_the_status_of_the_contract() {
        let minimum = Money::new(130).unwrap();
        for (rejection, status) in [
            (Rejection::Unauthenticated, 401),
            (Rejection::UnknownAuction, 404),
            (Rejection::InvalidAmount, 422),
            (Rejection::RateLimited, 429),
            (Rejection::Busy, 503),
            (Rejection::Unavailable, 503),
            (Rejection::BidTooLow { minimum }, 409),
            (Rejection::Banned, 409),
            (Rejection::AccountFrozen, 409),
            (Rejection::OwnAuction, 409),
            (Rejection::BidInFlight, 409),
            (Rejection::KeyReused, 409),
        ] {
            let error = ApiError::from(rejection);
            assert_eq!((error.status().as_u16(), error.code()), (status, rejection.code()));
        }
    }
}
