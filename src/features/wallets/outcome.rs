//! What came of an order, booked once however often and in whatever order it is told: by the answer of the provider, by a
//! message of its own, or because it was asked again.

use serde_json::json;
use uuid::Uuid;

use super::store::{self, OrderRow};
use super::{Trouble, TroubleKind, Wallets, orders};
use crate::domain::{AccountId, Currency, Money, Timestamp};
use crate::ledger::{self, Account, Kind, Movement, Transfer, lock_wallet, post};
use crate::notify::{self, Note, NoteKind};
use crate::payments::PaymentFact;
use crate::persistence::{StoreError, Tx};

/// Why a deposit failed that was paid: the wallet can hold no more. Staff decides about it.
const WALLET_FULL: &str = "wallet_full";
/// The same, as something else was paid than was ordered.
const OTHER_CURRENCY: &str = "other_currency";

/// What is known of an order now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The money has moved: as much as was ordered, unless it is said how much of what.
    Paid { reference: Option<String>, amount: Option<(Money, Currency)> },
    /// It is under way, or the user has to pay on a page.
    Open { reference: Option<String>, url: Option<String> },
    /// It will not move.
    Failed { reason: String },
}

/// An order with what can be said of it.
pub(super) struct Order {
    pub id: Uuid,
    pub owner: AccountId,
    pub currency: Currency,
    pub amount: Money,
    pub is_deposit: bool,
    pub row: OrderRow,
}

impl TryFrom<OrderRow> for Order {
    type Error = StoreError;

    fn try_from(row: OrderRow) -> Result<Self, StoreError> {
        let odd = || StoreError::Inconsistent { table: "payment_orders", detail: format!("order {}", row.id) };
        Ok(Self {
            id: row.id,
            owner: AccountId(row.owner),
            currency: Currency::new(&row.currency).ok_or_else(odd)?,
            amount: Money::new(row.amount).ok_or_else(odd)?,
            is_deposit: row.kind == orders::DEPOSIT,
            row,
        })
    }
}

impl Wallets {
    /// Books what came of an order and tells its owner. An order that is settled stays as it is, but for a deposit that was
    /// given up and is paid all the same.
    pub(super) async fn settle_order(&self, order: &Order, outcome: Outcome) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        self.settle_order_in(&mut tx, order, outcome).await?;
        tx.commit().await?;
        self.0.outbox.wake();
        Ok(())
    }

    async fn settle_order_in(&self, tx: &mut Tx, order: &Order, outcome: Outcome) -> Result<(), StoreError> {
        let now = self.now();
        lock_wallet(tx, order.owner, order.currency).await?;
        let Some(row) = store::order_in(tx, order.id).await? else { return Ok(()) };
        if row.settled_at.is_some() {
            let paid_late = row.status == "failed" && matches!(outcome, Outcome::Paid { .. });
            match order.is_deposit {
                true if paid_late && !is_left_to_staff(&row) => {}
                false if paid_late => return self.paid_after_all(tx, order).await,
                _ => return Ok(()),
            }
        }
        let provider = self.0.provider.name();
        match outcome {
            Outcome::Open { reference, url } => {
                let known = (reference.as_deref(), url.as_deref());
                store::note_order(tx, order.id, ("open", None), known, None).await
            }
            Outcome::Paid { reference, amount } if order.is_deposit => {
                let (amount, currency) = amount.unwrap_or((order.amount, order.currency));
                let come = Credit { kind: Kind::Deposit, cause: format!("paid:{}", order.id), amount, currency };
                let (status, reason) = match self.credit(tx, order, come).await? {
                    None => ("paid", None),
                    Some(reason) => ("failed", Some(reason)),
                };
                let note = if reason.is_none() { NoteKind::Deposit } else { NoteKind::DepositFailed };
                tell(tx, order, (note, ""), amount, reason, now).await?;
                store::note_order(tx, order.id, (status, reason), (reference.as_deref(), None), Some(now)).await
            }
            Outcome::Paid { reference, .. } => {
                let (from, to) = (Account::Withdrawing(order.owner), Account::Provider(provider));
                let out = vec![Transfer { from, to, amount: order.amount }];
                book(tx, (Kind::WithdrawalPaid, format!("paid:{}", order.id)), order.currency, out, now).await?;
                store::note_order(tx, order.id, ("paid", None), (reference.as_deref(), None), Some(now)).await?;
                tell(tx, order, (NoteKind::Withdrawal, ""), order.amount, None, now).await
            }
            Outcome::Failed { reason } => {
                if !order.is_deposit {
                    let (from, to) = (Account::Withdrawing(order.owner), Account::Available(order.owner));
                    let back = vec![Transfer { from, to, amount: order.amount }];
                    let cause = format!("failed:{}", order.id);
                    book(tx, (Kind::WithdrawalReturn, cause.clone()), order.currency, back, now).await?;
                    ledger::pay_debt(tx, order.owner, order.currency, &cause, now).await?;
                }
                store::note_order(tx, order.id, ("failed", Some(&reason)), (None, None), Some(now)).await?;
                let note = if order.is_deposit { NoteKind::DepositFailed } else { NoteKind::WithdrawalFailed };
                tell(tx, order, (note, ""), order.amount, Some(&reason), now).await
            }
        }
    }

    /// Books a fact that a provider has told, with the id and part of its message. False if it is too early: the fact
    /// builds on another that has not been told yet.
    pub(super) async fn heed(&self, message: (&str, i64), fact: PaymentFact) -> Result<bool, StoreError> {
        let id = match &fact {
            PaymentFact::DepositPaid { order, .. }
            | PaymentFact::DepositExpired { order }
            | PaymentFact::DepositReversed { order, .. }
            | PaymentFact::ReversalUndone { order, .. }
            | PaymentFact::WithdrawalPaid { order, .. }
            | PaymentFact::WithdrawalReturned { order, .. } => *order,
        };
        let Some(row) = store::order(self.db(), id).await? else {
            tracing::error!(order = %id, "a payment provider speaks of an order that is not ours");
            return Ok(true);
        };
        let order = Order::try_from(row)?;
        let mut tx = self.db().begin().await?;
        if !store::insert_message(&mut tx, self.0.provider.name(), message, self.now()).await? {
            return Ok(true);
        }
        let barred = match fact {
            PaymentFact::DepositPaid { reference, amount, currency, .. } => {
                let outcome = Outcome::Paid { reference: Some(reference), amount: Some((amount, currency)) };
                self.settle_order_in(&mut tx, &order, outcome).await.map(|()| Some(false))
            }
            PaymentFact::DepositExpired { .. } => {
                let outcome = Outcome::Failed { reason: "expired".to_owned() };
                self.settle_order_in(&mut tx, &order, outcome).await.map(|()| Some(false))
            }
            PaymentFact::DepositReversed { reversal, amount, currency, .. } => {
                self.reverse(&mut tx, &order, &reversal, (amount, currency)).await
            }
            PaymentFact::ReversalUndone { reversal, .. } => self.undo(&mut tx, &order, &reversal).await.map(Some),
            PaymentFact::WithdrawalPaid { reference, .. } => {
                let outcome = Outcome::Paid { reference: Some(reference), amount: None };
                self.settle_order_in(&mut tx, &order, outcome).await.map(|()| Some(false))
            }
            PaymentFact::WithdrawalReturned { return_id, amount, currency, .. } => {
                self.returned(&mut tx, &order, &return_id, (amount, currency)).await
            }
        }?;
        let Some(barred) = barred else { return Ok(false) };
        tx.commit().await?;
        self.0.outbox.wake();
        if barred {
            self.0.guard.frozen(order.owner).await;
        }
        Ok(true)
    }

    /// Takes a deposit back, from what is still there; the rest is owed, the account frozen, and staff has a case. None if
    /// the deposit is not known to be paid yet. True if the account is frozen now.
    async fn reverse(
        &self,
        tx: &mut Tx,
        order: &Order,
        reversal: &str,
        (amount, currency): (Money, Currency),
    ) -> Result<Option<bool>, StoreError> {
        let (now, provider) = (self.now(), self.0.provider.name());
        lock_wallet(tx, order.owner, order.currency).await?;
        match store::order_in(tx, order.id).await? {
            Some(row) if row.status == "paid" && currency == order.currency => {}
            // What was never credited is not taken from anybody.
            Some(row) if row.status == "paid" || is_left_to_staff(&row) => return Ok(Some(false)),
            _ => return Ok(None),
        }
        let undone = store::is_heeded(tx, provider, (&undone(reversal), 0)).await?;
        if undone || store::reversal(tx, provider, reversal).await?.is_some() {
            return Ok(Some(false));
        }
        let available = ledger::balance(tx, &Account::Available(order.owner), order.currency).await?;
        let taken = amount.min(available);
        let rest = amount.checked_sub(taken).unwrap_or(Money::ZERO);
        let to = Account::Provider(provider);
        let transfers = vec![
            Transfer { from: Account::Available(order.owner), to, amount: taken },
            Transfer { from: Account::Owed(order.owner), to, amount: rest },
        ];
        book(tx, (Kind::DepositReversal, format!("reversal:{reversal}")), order.currency, transfers, now).await?;
        store::insert_reversal(tx, (provider, reversal), order.id, (amount, taken), now).await?;
        tell(tx, order, (NoteKind::DepositReversed, reversal), amount, None, now).await?;
        if rest > Money::ZERO {
            store::freeze(tx, order.owner, "a deposit that was spent was taken back", now).await?;
            let (kind, cause) = (TroubleKind::DepositReversed, format!("reversal:{reversal}"));
            let (owner, currency) = (order.owner, order.currency);
            let trouble = Trouble { kind, cause, owner, currency, amount: rest, reason: "deposit_reversed", at: now };
            self.0.guard.leave_to_staff(tx, &trouble).await?;
        }
        Ok(Some(rest > Money::ZERO))
    }

    /// Gives back what a reversal took that does not stand any more. The account stays as frozen as it is: staff decides.
    async fn undo(&self, tx: &mut Tx, order: &Order, reversal: &str) -> Result<bool, StoreError> {
        let (now, provider) = (self.now(), self.0.provider.name());
        lock_wallet(tx, order.owner, order.currency).await?;
        let Some(row) = store::reversal(tx, provider, reversal).await? else {
            // It was told first that it does not stand: then it never will.
            store::insert_message(tx, provider, (&undone(reversal), 0), now).await?;
            return Ok(false);
        };
        if row.undone_at.is_some() {
            return Ok(false);
        }
        let Some(amount) = Money::new(row.amount) else { return Ok(false) };
        let come = Credit { kind: Kind::Deposit, cause: undone(reversal), amount, currency: order.currency };
        if self.credit(tx, order, come).await?.is_some() {
            return Ok(false);
        }
        store::undo_reversal(tx, provider, reversal, now).await?;
        tell(tx, order, (NoteKind::Deposit, reversal), amount, None, now).await?;
        Ok(false)
    }

    /// Money of a withdrawal has come back. None if it is not known to be paid yet.
    async fn returned(
        &self,
        tx: &mut Tx,
        order: &Order,
        return_id: &str,
        (amount, currency): (Money, Currency),
    ) -> Result<Option<bool>, StoreError> {
        let now = self.now();
        lock_wallet(tx, order.owner, order.currency).await?;
        if store::order_in(tx, order.id).await?.is_none_or(|row| row.status != "paid") {
            return Ok(None);
        }
        let cause = format!("returned:{return_id}");
        // Each message about a withdrawal tells all that has come back of it.
        if ledger::is_booked(tx, &cause).await? {
            return Ok(Some(false));
        }
        let come = Credit { kind: Kind::WithdrawalReturn, cause, amount, currency };
        if self.credit(tx, order, come).await?.is_some() {
            return Ok(Some(false));
        }
        tell(tx, order, (NoteKind::WithdrawalFailed, return_id), amount, Some("returned"), now).await?;
        Ok(Some(false))
    }

    /// Books money that has come from the provider, and pays what is owed out of it. Where it has no place nothing is booked:
    /// staff has a case about money that the provider has, and this gives the reason.
    async fn credit(&self, tx: &mut Tx, order: &Order, come: Credit) -> Result<Option<&'static str>, StoreError> {
        let Credit { kind, cause, amount, currency } = come;
        let (owner, now) = (order.owner, self.now());
        let reason = if currency != order.currency {
            Some(OTHER_CURRENCY)
        } else if !ledger::has_room(tx, owner, currency, amount).await? {
            Some(WALLET_FULL)
        } else {
            None
        };
        if let Some(reason) = reason {
            let kind = TroubleKind::NotCredited;
            let trouble =
                Trouble { kind, cause: format!("uncredited:{cause}"), owner, currency, amount, reason, at: now };
            tracing::error!(order = %order.id, reason, %amount, %currency, "money has come that cannot be credited");
            self.0.guard.leave_to_staff(tx, &trouble).await?;
            return Ok(Some(reason));
        }
        let (from, to) = (Account::Provider(self.0.provider.name()), Account::Available(owner));
        book(tx, (kind, cause.clone()), currency, vec![Transfer { from, to, amount }], now).await?;
        ledger::pay_debt(tx, owner, currency, &cause, now).await?;
        Ok(None)
    }

    /// A withdrawal has gone out whose money was given back to its owner: people must see how it comes in again.
    async fn paid_after_all(&self, tx: &mut Tx, order: &Order) -> Result<(), StoreError> {
        let Order { id, owner, currency, amount, .. } = *order;
        tracing::error!(order = %id, "a withdrawal was paid that counted as failed");
        let (kind, cause, at) = (TroubleKind::PaidAfterAll, format!("paid_after_all:{id}"), self.now());
        let trouble = Trouble { kind, cause, owner, currency, amount, reason: "paid_after_all", at };
        self.0.guard.leave_to_staff(tx, &trouble).await
    }
}

/// True if money of the deposit has come that could not be credited.
fn is_left_to_staff(row: &OrderRow) -> bool {
    matches!(row.reason.as_deref(), Some(WALLET_FULL | OTHER_CURRENCY))
}

/// The cause of what gives back a reversal.
fn undone(reversal: &str) -> String {
    format!("undone:{reversal}")
}

/// Money that comes into a wallet.
struct Credit {
    kind: Kind,
    cause: String,
    amount: Money,
    currency: Currency,
}

pub(super) async fn book(
    tx: &mut Tx,
    (kind, cause): (Kind, String),
    currency: Currency,
    transfers: Vec<Transfer>,
    at: Timestamp,
) -> Result<(), StoreError> {
    post(tx, &Movement { kind, cause, currency, at, auction: None, transfers }).await.map(drop)
}

/// Tells the owner of an order what came of it; `part` names which of several things of one kind.
async fn tell(
    tx: &mut Tx,
    order: &Order,
    (kind, part): (NoteKind, &str),
    amount: Money,
    reason: Option<&str>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut data = json!({"currency": order.currency.code(), "amount": amount.minor_units(), "order": order.id});
    if let Some(reason) = reason {
        data["reason"] = reason.into();
    }
    let cause = format!("{kind}:{}:{part}", order.id);
    let note = Note { account: order.owner, kind, auction: None, cause, data, at };
    notify::write(tx, &[note]).await.map(drop)
}
