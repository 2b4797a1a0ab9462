//! The SQL of wallets that is not the ledger's.

mod orders;
pub(super) mod personal;

use crate::domain::{AccountId, AuctionId};
use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

pub(super) use orders::*;

/// The title of an auction, as far as it is projected.
pub(super) async fn title(tx: &mut Tx, auction: AuctionId) -> Result<Option<String>, StoreError> {
    Ok(sql!(tx.on(), opt_scalar String, "select title from auctions where id = $1", auction.0)?)
}

/// An allowance: how high, what is held for it, and up to which version the log has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct HoldRow {
    pub allowance: i64,
    pub wanted: i64,
    pub version: i64,
    pub confirmed: i64,
    pub held: i64,
}

/// What a bidder has set aside for an auction.
pub(super) async fn hold(db: &Db, auction: AuctionId, bidder: AccountId) -> Result<Option<HoldRow>, StoreError> {
    let text = "select hold.allowance, hold.wanted, hold.version, hold.confirmed,
            coalesce(account.balance, 0) as held
         from holds hold
         left join ledger_accounts account
            on account.auction = hold.auction and account.owner = hold.bidder and account.kind = 'held'
         where hold.auction = $1 and hold.bidder = $2";
    Ok(sql!(db.read(), opt HoldRow, text, auction.0, bidder.0)?)
}

/// True if there is such an account.
pub(super) async fn account_exists(db: &Db, account: AccountId) -> Result<bool, StoreError> {
    let text = "select 1 from accounts where id = $1";
    Ok(sql!(db.read(), opt_scalar i32, text, account.0)?.is_some())
}
