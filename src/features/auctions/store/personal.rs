//! What the projections of auctions have of a person, and whether one is in the middle of one.

use serde::Serialize;
use uuid::Uuid;

use crate::domain::AccountId;
use crate::persistence::{Rows, StoreError, Tx};
use crate::personal::At;
use crate::sql;

/// An auction offered.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::auctions) struct OfferPart {
    id: Uuid,
    title: String,
    description: String,
    category: String,
    image_url: Option<String>,
    currency: String,
    opening_price: i64,
    status: String,
    price: Option<i64>,
    created_at: At,
    ends_at: At,
    closed_at: Option<At>,
}

pub(in crate::features::auctions) fn offers(tx: &mut Tx, account: AccountId) -> Rows<'_, OfferPart> {
    let text = "select id, title, description, category, image_url, currency, opening_price, status, price, created_at, ends_at, closed_at
         from auctions where seller = $1 order by created_at, id";
    sql!(tx.on(), stream OfferPart, text, account.0)
}

/// A bid.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::auctions) struct BidPart {
    auction: Uuid,
    seq: i64,
    at: At,
    alias: i64,
    amount: i64,
    price: i64,
    voided: bool,
}

pub(in crate::features::auctions) fn bids(tx: &mut Tx, account: AccountId) -> Rows<'_, BidPart> {
    let text =
        "select auction, seq, at, alias, amount, price, voided from bids where bidder = $1 order by auction, seq";
    sql!(tx.on(), stream BidPart, text, account.0)
}

/// True if the account sells in an auction that is not over.
pub(in crate::features::auctions) async fn is_selling(tx: &mut Tx, account: AccountId) -> Result<bool, StoreError> {
    let text = "select count(*) > 0 from auctions where seller = $1 and status not in ('ended', 'stopped')";
    Ok(sql!(tx.on(), scalar bool, text, account.0)?)
}

/// True if the account leads in an auction that is not over.
pub(in crate::features::auctions) async fn is_leading(tx: &mut Tx, account: AccountId) -> Result<bool, StoreError> {
    let text = "select count(*) > 0 from auctions
         where status not in ('ended', 'stopped') and leader = (
            select max(bids.alias) from bids where bids.bidder = $1 and bids.auction = auctions.id)
            and id in (select auction from bids where bidder = $1)";
    Ok(sql!(tx.on(), scalar bool, text, account.0)?)
}
