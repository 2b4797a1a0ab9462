//! Allowances that bidders set themselves. Raising moves money first and then tells the room; lowering tells the room
//! first, and the log of the auction frees the money.

use super::funding::book;
use super::store::{self, HoldRow};
use super::{CATCH_UP_LIMIT, Wallets};
use crate::domain::auction::{Funds, Rejection};
use crate::domain::{AccountId, AuctionId, Money};
use crate::http::ApiError;
use crate::ledger::{Refusal, Target};
use crate::persistence::StoreError;
use crate::room::{Act, RoomHandle};

/// How often the room may know something newer before the caller is told.
const STALE_MAX: u32 = 3;

impl Wallets {
    /// Sets what `bidder` may bid in an auction, higher or lower.
    pub(super) async fn set_allowance(
        &self,
        auction: AuctionId,
        bidder: AccountId,
        amount: Money,
    ) -> Result<HoldRow, ApiError> {
        let room = self.0.rooms.get(auction).await.map_err(|error| error.rejection())?;
        check(&room, bidder, amount)?;
        let mut stale = 0;
        let version = loop {
            let set = self.0.holds.set(&book(auction, &room.terms()), bidder, Target::Exactly(amount)).await;
            let set = set.map_err(refused)?;
            let act = Act::SetAllowance { bidder, amount: set.allowance, version: set.version };
            match self.0.rooms.act(auction, act).await {
                Ok(_) => break set.version,
                // Somebody has set another one since; the next is newer.
                Err(Rejection::StaleAllowance) if stale < STALE_MAX => stale += 1,
                Err(Rejection::Leading) => {
                    self.restore(auction, bidder).await?;
                    return Err(Rejection::Leading.into());
                }
                Err(rejection) => return Err(rejection.into()),
            }
        };
        self.confirmed(auction, bidder, version).await?;
        let hold = store::hold(self.db(), auction, bidder).await?;
        hold.ok_or_else(|| ApiError::unavailable("the allowance cannot be read yet"))
    }

    /// Takes back a lower allowance that the room has refused: what is held stays, and so does what may be bid.
    pub(super) async fn restore(&self, auction: AuctionId, bidder: AccountId) -> Result<(), ApiError> {
        let Some(hold) = store::hold(self.db(), auction, bidder).await? else { return Ok(()) };
        let before = Money::or_zero(hold.allowance).ok_or_else(|| ApiError::internal("an allowance out of range"))?;
        let room = self.0.rooms.get(auction).await.map_err(|error| error.rejection())?;
        let set = self.0.holds.set(&book(auction, &room.terms()), bidder, Target::Exactly(before)).await;
        let set = set.map_err(refused)?;
        let act = Act::SetAllowance { bidder, amount: set.allowance, version: set.version };
        // If the room does not hear of it now it is told again later; nothing depends on when.
        if let Err(rejection) = self.0.rooms.act(auction, act).await {
            tracing::debug!(%auction, code = rejection.code(), "a restored allowance was not taken at once");
        }
        Ok(())
    }

    /// Waits until the wallet shows what the room has taken, but not for long.
    async fn confirmed(&self, auction: AuctionId, bidder: AccountId, version: u64) -> Result<bool, ApiError> {
        let reached = || async move {
            let hold = store::hold(self.db(), auction, bidder).await?;
            Ok::<_, StoreError>(hold.is_some_and(|hold| hold.confirmed.unsigned_abs() >= version))
        };
        Ok(self.0.progress.wait_until(CATCH_UP_LIMIT, reached).await?)
    }
}

/// What can be said at once, without moving anything.
fn check(room: &RoomHandle, bidder: AccountId, amount: Money) -> Result<(), ApiError> {
    let terms = room.terms();
    if terms.seller == bidder {
        return Err(Rejection::OwnAuction.into());
    }
    let view = room.view(Some(bidder));
    match view.public.status {
        "ended" => return Err(Rejection::AuctionClosed.into()),
        "stopped" => return Err(Rejection::AuctionStopped.into()),
        _ => {}
    }
    let own = view.own;
    if terms.funds == Funds::None && own.is_none_or(|own| amount > own.allowance) {
        return Err(ApiError::conflict("no_funds_needed", "bids in this auction need no money set aside"));
    }
    let leads_with_more = own.is_some_and(|own| own.leading && own.max.is_some_and(|max| amount < max));
    if terms.funds == Funds::Required && leads_with_more { Err(Rejection::Leading.into()) } else { Ok(()) }
}

/// What somebody is told who asked to set money aside.
pub(super) fn refused(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::Insufficient { allowance, available } => {
            ApiError::from(Rejection::InsufficientFunds { allowance }).with("available", available.minor_units())
        }
        Refusal::Exposure { max } => {
            let detail = "more would be set aside than this account may have set aside at once";
            ApiError::conflict("exposure_limit", detail).with("max_exposure", max.minor_units())
        }
        Refusal::Settled => Rejection::AuctionClosed.into(),
        Refusal::Frozen => Rejection::AccountFrozen.into(),
        Refusal::Store(error) => error.into(),
    }
}
