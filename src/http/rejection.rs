//! Refusals of the core and of rooms, as callers of the REST API see them.

use axum::http::StatusCode;

use super::problem::ApiError;
use crate::domain::auction::Rejection;
use crate::room::RoomError;

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
        let error = match rejection {
            Rejection::BidTooLow { minimum } => error.with("minimum_bid", minimum.minor_units()),
            Rejection::MaxNotRaised { your_max } => error.with("your_max", your_max.minor_units()),
            Rejection::InsufficientFunds { allowance } => error.with("allowance", allowance.minor_units()),
            Rejection::InvalidAmount => error.with("field", "amount"),
            _ => error,
        };
        if rejection.is_final() { error } else { error.with("retry", true).retry_after_s(RETRY_AFTER_S) }
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
            (Rejection::OwnAuction, 409),
            (Rejection::BidInFlight, 409),
            (Rejection::KeyReused, 409),
        ] {
            let error = ApiError::from(rejection);
            assert_eq!((error.status().as_u16(), error.code()), (status, rejection.code()));
        }
    }
}
