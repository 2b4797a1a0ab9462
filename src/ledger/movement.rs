//! Movements: what is booked, between which accounts, and from which cause.

use uuid::Uuid;

use super::store;
use crate::domain::{AccountId, AuctionId, Currency, Money, Seq, Timestamp};
use crate::persistence::{StoreError, Tx};

/// An account of the ledger, in the currency of its movement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Account {
    /// What a user may spend.
    Available(AccountId),
    /// What a user has set aside for an auction.
    Held(AccountId, AuctionId),
    /// What a user is taking out, until the provider has paid it.
    Withdrawing(AccountId),
    /// What a user owes, as a negative balance: deposits that the provider took back after they were spent.
    Owed(AccountId),
    /// The world beyond a payment provider: minus what came from it and is still here.
    Provider(&'static str),
    /// What the hub has earned.
    House,
}

/// Why money moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are those of the API, and speak for themselves")]
pub enum Kind {
    Deposit,
    DepositReversal,
    Withdrawal,
    WithdrawalPaid,
    WithdrawalReturn,
    Hold,
    Release,
    Sale,
    DebtPaid,
}

/// One amount from one account to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transfer {
    /// Who gives.
    pub from: Account,
    /// Who gets.
    pub to: Account,
    /// How much; nothing is not booked.
    pub amount: Money,
}

/// A transaction to be booked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Movement {
    /// Why.
    pub kind: Kind,
    /// What it follows from; a cause is booked once.
    pub cause: String,
    /// In which currency.
    pub currency: Currency,
    /// When.
    pub at: Timestamp,
    /// For which auction, and by which of its events.
    pub auction: Option<(AuctionId, Option<Seq>)>,
    /// What moves.
    pub transfers: Vec<Transfer>,
}

impl Kind {
    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deposit => "deposit",
            Self::DepositReversal => "deposit_reversal",
            Self::Withdrawal => "withdrawal",
            Self::WithdrawalPaid => "withdrawal_paid",
            Self::WithdrawalReturn => "withdrawal_return",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Sale => "sale",
            Self::DebtPaid => "debt_paid",
        }
    }
}

impl Account {
    /// The kind of the account.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Available(_) => "available",
            Self::Held(..) => "held",
            Self::Withdrawing(_) => "withdrawing",
            Self::Owed(_) => "owed",
            Self::Provider(_) => "provider",
            Self::House => "house",
        }
    }

    /// Whose it is, if a user's.
    pub fn owner(&self) -> Option<Uuid> {
        match self {
            Self::Available(owner) | Self::Held(owner, _) | Self::Withdrawing(owner) | Self::Owed(owner) => {
                Some(owner.0)
            }
            Self::Provider(_) | Self::House => None,
        }
    }

    /// For which auction, if it is money set aside.
    pub fn auction(&self) -> Option<Uuid> {
        match self {
            Self::Held(_, auction) => Some(auction.0),
            _ => None,
        }
    }

    /// The name of the account in `currency`; no two accounts share one.
    pub fn name(&self, currency: Currency) -> String {
        let kind = self.kind();
        match self {
            Self::Available(owner) | Self::Withdrawing(owner) | Self::Owed(owner) => {
                format!("{kind}:{owner}:{currency}")
            }
            Self::Held(owner, auction) => format!("{kind}:{owner}:{auction}:{currency}"),
            Self::Provider(name) => format!("{kind}:{name}:{currency}"),
            Self::House => format!("{kind}:{currency}"),
        }
    }
}

/// Books a movement, unless its cause is booked already or nothing moves. True if it was booked now. Lock the wallets
/// concerned first.
pub async fn post(tx: &mut Tx, movement: &Movement) -> Result<bool, StoreError> {
    let transfers: Vec<_> = movement.transfers.iter().filter(|it| it.amount > Money::ZERO).collect();
    if transfers.is_empty() {
        return Ok(false);
    }
    let Some(transaction) = store::insert_transaction(tx, movement).await? else { return Ok(false) };
    for Transfer { from, to, amount } in transfers {
        let from = store::account(tx, from, movement.currency).await?;
        let to = store::account(tx, to, movement.currency).await?;
        store::insert_transfer(tx, transaction, from, to, *amount).await?;
    }
    Ok(true)
}
