//! Setting money aside for an auction. A hold never falls here: it is lowered once the log of the auction says that the
//! room lets the bidder bid no higher, see [`super::confirm`].

use super::movement::{Account, Kind, Movement, Transfer, post};
use super::policy::covered_by;
use super::store;
use crate::domain::{AccountId, AuctionId, Currency, Fees, Money, Timestamp};
use crate::persistence::{StoreError, Tx};

/// What the ledger knows of an auction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Book {
    /// Which.
    pub auction: AuctionId,
    /// Who sells.
    pub seller: AccountId,
    /// In which currency.
    pub currency: Currency,
    /// What a sale costs beyond the price.
    pub fees: Fees,
}

/// What an allowance is to become.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// At least this, as a bid needs it and the bidder's policy allows.
    ForBid(Money),
    /// This, higher or lower.
    Exactly(Money),
}

/// What the room must now be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Set {
    /// The allowance.
    pub allowance: Money,
    /// The version of the hold.
    pub version: u64,
    /// What was set aside for it now, premium included.
    pub moved: Money,
}

/// Why nothing is set aside.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The wallet has not so much, or the bidder's policy forbids it.
    #[error("there is not enough money, or more than the bidder lets the hub set aside")]
    Insufficient {
        /// What the allowance is.
        allowance: Money,
        /// What the wallet could still set aside.
        available: Money,
    },
    /// The wallet would have more set aside than it may.
    #[error("more would be set aside than this account may")]
    Exposure {
        /// The most that may be.
        max: Money,
    },
    /// The auction is over and paid, or about to be.
    #[error("the auction is settled")]
    Settled,
    /// The account may set nothing aside.
    #[error("the account is frozen or banned")]
    Frozen,
    /// The database could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sets the allowance of `bidder` and moves what must be set aside for it; `exposure_max` is the most that may be set aside
/// in one wallet where staff has said nothing else. Once this is committed, tell the room.
pub async fn set_allowance(
    tx: &mut Tx,
    book: &Book,
    bidder: AccountId,
    target: Target,
    exposure_max: Option<Money>,
    now: Timestamp,
) -> Result<Set, Refusal> {
    if store::is_settled(tx, book).await? {
        return Err(Refusal::Settled);
    }
    let wallet = store::lock_wallet(tx, bidder, book.currency).await?;
    let hold = store::hold(tx, book.auction, bidder).await?.unwrap_or_default();
    let unchanged = Set { allowance: hold.wanted, version: hold.version, moved: Money::ZERO };
    let available = store::balance(tx, &Account::Available(bidder), book.currency).await?;
    let held = store::balance(tx, &Account::Held(bidder, book.auction), book.currency).await?;
    let short = Refusal::Insufficient { allowance: hold.wanted, available };
    // How much more may be set aside in this wallet, whatever there is.
    let exposure_max = wallet.exposure_max()?.or(exposure_max);
    let more = match exposure_max {
        Some(max) => {
            let exposed = store::exposure(tx, bidder, book.currency).await?;
            max.checked_sub(exposed).unwrap_or(Money::ZERO)
        }
        None => Money::MAX,
    };
    let exposure = Refusal::Exposure { max: exposure_max.unwrap_or(Money::MAX) };
    let wanted = match target {
        // A raise that is on its way to the room already is enough.
        Target::ForBid(needed) if hold.version > 0 && needed <= hold.wanted => return Ok(unchanged),
        Target::Exactly(amount) if hold.version > 0 && amount == hold.wanted => return Ok(unchanged),
        Target::Exactly(amount) => amount,
        Target::ForBid(needed) => {
            let within = |most: Money| {
                let affordable = covered_by(available.min(most).saturating_add(held), book.fees).max(hold.allowance);
                wallet.policy().raise(needed, affordable)
            };
            match within(more) {
                Some(wanted) => wanted,
                None if within(Money::MAX).is_some() => return Err(exposure),
                None => return Err(short),
            }
        }
    };
    let Some(gross) = book.fees.gross(wanted) else { return Err(short) };
    let moved = gross.checked_sub(held).unwrap_or(Money::ZERO);
    if moved > available {
        return Err(short);
    }
    if moved > more {
        return Err(exposure);
    }
    // Who is barred may still be left with less.
    if moved > Money::ZERO && store::is_barred(tx, bidder).await? {
        return Err(Refusal::Frozen);
    }
    let version = hold.version + 1;
    let movement = Movement {
        kind: Kind::Hold,
        cause: format!("hold:{}:{bidder}:{version}", book.auction),
        currency: book.currency,
        at: now,
        auction: Some((book.auction, None)),
        transfers: vec![Transfer {
            from: Account::Available(bidder),
            to: Account::Held(bidder, book.auction),
            amount: moved,
        }],
    };
    if moved > Money::ZERO && !post(tx, &movement).await? {
        return Err(StoreError::Inconsistent {
            table: "holds",
            detail: format!("{} is booked already", movement.cause),
        }
        .into());
    }
    store::write_hold(tx, book.auction, bidder, hold.allowance.max(wanted), version, wanted, now).await?;
    Ok(Set { allowance: wanted, version, moved })
}

/// Asks for the allowance of `bidder` to be no more than `remaining`: a bid of theirs was voided, and nothing beyond that is
/// needed for those that still stand. Tell the room; once its log has it, the money is free. Lock the wallet first.
pub async fn lower_after_void(
    tx: &mut Tx,
    auction: AuctionId,
    bidder: AccountId,
    remaining: Money,
    at: Timestamp,
) -> Result<(), StoreError> {
    match store::hold(tx, auction, bidder).await? {
        Some(hold) if hold.wanted > remaining => {
            store::write_hold(tx, auction, bidder, hold.allowance, hold.version + 1, remaining, at).await
        }
        _ => Ok(()),
    }
}
