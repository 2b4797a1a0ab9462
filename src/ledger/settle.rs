//! What follows from the log of an auction: holds are lowered when the room has lowered its allowance, and at the end the
//! sale is paid and everything else released. The caller has locked books and wallets and calls this once for each event,
//! and tells people what became of their auction. Only that a debt was paid out of what came in is told here, since nobody
//! else sees it.

use serde_json::json;

use super::movement::{Account, Kind, Movement, Transfer, post};
use super::store::{self, BookRow};
use crate::domain::{AccountId, AuctionId, Currency, Money, Seq, Timestamp};
use crate::notify::{self, Note, NoteKind};
use crate::persistence::{StoreError, Tx};

/// How an auction ended, as far as money is concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Sold, and bids were covered by money set aside.
    Sold {
        /// Who won.
        winner: AccountId,
        /// The price.
        price: Money,
    },
    /// Nothing is to be paid through the hub: it was not sold, or bids needed no money.
    Nothing,
}

/// What settling came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settled {
    /// What was paid, if it was sold.
    pub sale: Option<Result<Paid, Unpaid>>,
    /// Who got back how much.
    pub released: Vec<(AccountId, Money)>,
}

/// A sale that is paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Paid {
    /// The price.
    pub price: Money,
    /// What the winner paid on top of it.
    pub premium: Money,
    /// What the hub kept of the price.
    pub commission: Money,
    /// What the seller got.
    pub payout: Money,
}

/// Why a sale could not be paid. The winner's hold stays as it is until staff decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unpaid {
    /// The account is frozen or banned.
    Frozen,
    /// Less is set aside than the winner owes.
    Short {
        /// What is set aside.
        held: Money,
    },
    /// The seller's wallet can hold no more.
    SellerFull,
}

impl Unpaid {
    /// The code of the reason.
    pub fn code(self) -> &'static str {
        match self {
            Self::Frozen => "account_frozen",
            Self::Short { .. } => "hold_too_small",
            Self::SellerFull => "seller_wallet_full",
        }
    }
}

/// Notes that the log has an allowance, and releases what is set aside beyond it, if nothing newer was asked for since.
/// Gives what was released.
pub async fn confirm(
    tx: &mut Tx,
    auction: AuctionId,
    bidder: AccountId,
    (amount, version): (Money, u64),
    (seq, at): (Seq, Timestamp),
) -> Result<Money, StoreError> {
    let Some(book) = store::book(tx, auction).await? else { return Ok(Money::ZERO) };
    store::confirm_version(tx, auction, bidder, version).await?;
    let hold = store::hold(tx, auction, bidder).await?.unwrap_or_default();
    if book.is_settled() || hold.version != version || hold.allowance <= amount {
        return Ok(Money::ZERO);
    }
    let held = store::balance(tx, &Account::Held(bidder, auction), book.currency()?).await?;
    let keep = book.fees()?.gross(amount).unwrap_or(held);
    let freed = held.checked_sub(keep).unwrap_or(Money::ZERO);
    let cause = format!("release:{auction}:{bidder}:{version}");
    release(tx, &book, bidder, freed, cause, (Some(seq), at)).await?;
    store::write_hold(tx, auction, bidder, amount, version, amount, at).await?;
    Ok(freed)
}

/// Settles an auction that ended with event `seq`; none if it is settled already.
pub async fn settle(
    tx: &mut Tx,
    auction: AuctionId,
    outcome: Outcome,
    (seq, at): (Seq, Timestamp),
) -> Result<Option<Settled>, StoreError> {
    if !store::mark_settled(tx, auction, seq, at).await? {
        return Ok(None);
    }
    let missing = || StoreError::Inconsistent { table: "auction_books", detail: format!("auction {auction} has none") };
    let book = store::book(tx, auction).await?.ok_or_else(missing)?;
    let mut settled = Settled { sale: None, released: Vec::new() };
    if let Outcome::Sold { winner, price } = outcome {
        let sale = if store::is_barred(tx, winner).await? {
            Err(Unpaid::Frozen)
        } else {
            capture(tx, &book, winner, price, (Some(seq), at)).await?
        };
        settled.sale = Some(sale);
    }
    let keeps = match (outcome, &settled.sale) {
        (Outcome::Sold { winner, .. }, Some(Err(_))) => Some(winner),
        _ => None,
    };
    for (owner, held) in store::held_for(tx, auction).await? {
        if Some(owner) != keeps {
            release(tx, &book, owner, held, format!("release:{auction}:{owner}:end"), (Some(seq), at)).await?;
            settled.released.push((owner, held));
        }
    }
    Ok(Some(settled))
}

/// Takes what the winner owes, after staff has cleared what stood in the way, and releases the rest.
pub async fn capture_late(
    tx: &mut Tx,
    auction: AuctionId,
    winner: AccountId,
    price: Money,
    at: Timestamp,
) -> Result<Option<Result<Paid, Unpaid>>, StoreError> {
    let Some(book) = store::book(tx, auction).await? else { return Ok(None) };
    let paid = capture(tx, &book, winner, price, (None, at)).await?;
    if paid.is_ok() {
        release_rest(tx, &book, winner, at).await?;
    }
    Ok(Some(paid))
}

/// Gives the winner back what is still set aside, after staff has decided that the sale does not happen. Gives how much.
pub async fn release_late(
    tx: &mut Tx,
    auction: AuctionId,
    winner: AccountId,
    at: Timestamp,
) -> Result<Money, StoreError> {
    match store::book(tx, auction).await? {
        Some(book) => release_rest(tx, &book, winner, at).await,
        None => Ok(Money::ZERO),
    }
}

/// Pays what `owner` owes from what is available, and tells them. Gives how much.
pub async fn pay_debt(
    tx: &mut Tx,
    owner: AccountId,
    currency: Currency,
    cause: &str,
    at: Timestamp,
) -> Result<Money, StoreError> {
    let owed = store::owed(tx, owner, currency).await?;
    let amount = owed.min(store::balance(tx, &Account::Available(owner), currency).await?);
    let movement = Movement {
        kind: Kind::DebtPaid,
        cause: format!("debt:{cause}"),
        currency,
        at,
        auction: None,
        transfers: vec![Transfer { from: Account::Available(owner), to: Account::Owed(owner), amount }],
    };
    if !post(tx, &movement).await? {
        return Ok(Money::ZERO);
    }
    let data = json!({"currency": currency.code(), "amount": amount.minor_units()});
    let cause = movement.cause;
    notify::write(tx, &[Note { account: owner, kind: NoteKind::DebtPaid, auction: None, cause, data, at }]).await?;
    Ok(amount)
}

async fn capture(
    tx: &mut Tx,
    book: &BookRow,
    winner: AccountId,
    price: Money,
    (seq, at): (Option<Seq>, Timestamp),
) -> Result<Result<Paid, Unpaid>, StoreError> {
    let (auction, fees, currency) = (book.auction(), book.fees()?, book.currency()?);
    let hold = Account::Held(winner, auction);
    let held = store::balance(tx, &hold, currency).await?;
    if fees.gross(price).is_none_or(|gross| gross > held) {
        return Ok(Err(Unpaid::Short { held }));
    }
    let (premium, commission) = (fees.premium(price), fees.commission(price));
    let payout = price.checked_sub(commission).unwrap_or(Money::ZERO);
    if !store::has_room(tx, book.seller(), currency, payout).await? {
        return Ok(Err(Unpaid::SellerFull));
    }
    let transfer = |to, amount| Transfer { from: hold, to, amount };
    let movement = Movement {
        kind: Kind::Sale,
        cause: format!("sale:{auction}"),
        currency,
        at,
        auction: Some((auction, seq)),
        transfers: vec![
            transfer(Account::Available(book.seller()), payout),
            transfer(Account::House, premium.saturating_add(commission)),
        ],
    };
    post(tx, &movement).await?;
    pay_debt(tx, book.seller(), currency, &movement.cause, at).await?;
    Ok(Ok(Paid { price, premium, commission, payout }))
}

async fn release_rest(tx: &mut Tx, book: &BookRow, owner: AccountId, at: Timestamp) -> Result<Money, StoreError> {
    let rest = store::balance(tx, &Account::Held(owner, book.auction()), book.currency()?).await?;
    release(tx, book, owner, rest, format!("release:{}:{owner}:end", book.auction()), (None, at)).await?;
    Ok(rest)
}

async fn release(
    tx: &mut Tx,
    book: &BookRow,
    owner: AccountId,
    amount: Money,
    cause: String,
    (seq, at): (Option<Seq>, Timestamp),
) -> Result<(), StoreError> {
    let auction = book.auction();
    let transfers = vec![Transfer { from: Account::Held(owner, auction), to: Account::Available(owner), amount }];
    let currency = book.currency()?;
    let movement = Movement { kind: Kind::Release, cause, currency, at, auction: Some((auction, seq)), transfers };
    post(tx, &movement).await?;
    pay_debt(tx, owner, currency, &movement.cause, at).await?;
    Ok(())
}
