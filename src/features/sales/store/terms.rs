//! What settling must know of the terms of auctions.

use super::number;
use crate::domain::{AuctionId, Seq};
use crate::persistence::{StoreError, Tx};
use crate::sql;

/// The terms of an auction as far as they matter when it has ended.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(in crate::features::sales) struct SaleTerms {
    /// What was for sale.
    pub title: String,
    /// True if bids were covered by money set aside.
    pub funded: bool,
}

/// Inserts the terms that an auction was created with, unless they are there already.
pub(in crate::features::sales) async fn insert_terms(
    tx: &mut Tx,
    auction: AuctionId,
    title: &str,
    funded: bool,
) -> Result<(), StoreError> {
    let text = "insert into sale_terms (auction, title, funded, seq) values ($1, $2, $3, 0)
         on conflict (auction) do nothing";
    sql!(tx.on(), exec, text, auction.0, title, funded)?;
    Ok(())
}

/// Writes terms that event `seq` has changed, unless later ones are there.
pub(in crate::features::sales) async fn amend_terms(
    tx: &mut Tx,
    auction: AuctionId,
    title: &str,
    funded: bool,
    seq: Seq,
) -> Result<(), StoreError> {
    let text = "update sale_terms set title = $2, funded = $3, seq = $4 where auction = $1 and seq < $4";
    sql!(tx.on(), exec, text, auction.0, title, funded, number(seq))?;
    Ok(())
}

/// The terms of an auction whose creation is projected.
pub(in crate::features::sales) async fn terms(tx: &mut Tx, auction: AuctionId) -> Result<SaleTerms, StoreError> {
    let text = "select title, funded from sale_terms where auction = $1";
    let missing = || StoreError::Inconsistent { table: "sale_terms", detail: format!("auction {auction} has none") };
    sql!(tx.on(), opt SaleTerms, text, auction.0)?.ok_or_else(missing)
}
