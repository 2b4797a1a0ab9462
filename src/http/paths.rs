//! What requests about auctions carry outside of their bodies: the auction in the path, the key of a bid in a header.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, OptionalFromRequestParts, Path};
use axum::http::request::Parts;

use super::problem::ApiError;
use crate::domain::auction::Rejection;
use crate::domain::ids::BID_KEY_MAX_BYTES;
use crate::domain::{AuctionId, BidKey};

/// The header that carries the key of a request that must be done once however often it is sent.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The auction that the path names as `{id}`. What cannot be the id of one names no auction: 404 `unknown_auction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuctionPath(pub AuctionId);

impl<S: Send + Sync> FromRequestParts<S> for AuctionPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        type Names = Path<HashMap<String, String>>;
        let path = <Names as FromRequestParts<S>>::from_request_parts(parts, state).await.ok();
        let id = path.as_ref().and_then(|Path(names)| names.get("id")?.parse().ok());
        id.map(Self).ok_or_else(|| Rejection::UnknownAuction.into())
    }
}

/// The caller's own name for what is asked, from the header `Idempotency-Key`; 400 without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(pub BidKey);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let mut given = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = given.next() else {
            let detail = "this needs the header Idempotency-Key, under which it may safely be sent again";
            return Err(ApiError::bad_request("missing_idempotency_key", detail));
        };
        let key = value.to_str().ok().and_then(BidKey::new).filter(|_| given.next().is_none());
        key.map(Self).ok_or_else(|| {
            let detail =
                format!("Idempotency-Key must be one value of 1 to {BID_KEY_MAX_BYTES} visible ASCII characters");
            ApiError::bad_request("invalid_idempotency_key", detail)
        })
    }
}

/// Where the key may be left out: none without the header, 400 for one that is no key.
impl<S: Send + Sync> OptionalFromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, ApiError> {
        if !parts.headers.contains_key(IDEMPOTENCY_KEY) {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}
