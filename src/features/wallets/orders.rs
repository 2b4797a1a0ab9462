//! Deposits and withdrawals. An order is written down before the provider is asked, and is asked about until it is known
//! what came of it: whatever reply is lost, no money moves twice and none is forgotten.

use std::time::Duration;

use axum::http::StatusCode;
use futures_util::StreamExt as _;

use super::outcome::{Order, Outcome, book};
use super::store::{self, OrderRow};
use super::{CONFLICTS_MAX, Wallets};
use crate::clock::to_datetime;
use crate::domain::auction::Rejection;
use crate::domain::{AccountId, BidKey, Currency, Money, Span, Timestamp};
use crate::http::ApiError;
use crate::ledger::{self, Account, Kind, Transfer, lock_wallet};
use crate::payments::{
    Deposit, DepositOrder, DepositStatus, OnboardingOrder, ProviderError, Withdrawal, WithdrawalOrder, WithdrawalStatus,
};
use crate::persistence::StoreError;

pub(super) const DEPOSIT: &str = "deposit";
pub(super) const WITHDRAWAL: &str = "withdrawal";

/// The one node that asks what came of orders.
const CHASE_TASK: &str = "payments";
/// How many orders are asked about at once.
const CHASE_MAX: i64 = 50;
/// Of these so many at a time: a provider that is slow for one does not hold up all.
const CHASED_AT_ONCE: usize = 8;
/// An order is asked about after this, then after twice as long, up to the longest.
const CHASE_FIRST_MS: u64 = 4_000;
const CHASE_LONGEST_MS: u64 = 3_600_000;
/// How long a provider may take.
const PROVIDER_PATIENCE: Duration = Duration::from_secs(20);
/// A deposit that its provider knows nothing of is given up after this.
const GIVE_UP_AFTER: Span = Span::from_secs(24 * 3_600);
const DAY: Span = Span::from_secs(24 * 3_600);
/// Messages are remembered for this long; no provider sends one again after it.
const MESSAGES_KEPT: Span = Span::from_secs(60 * 24 * 3_600);

/// What somebody asks for.
pub(super) struct Asked {
    pub owner: AccountId,
    pub key: BidKey,
    pub amount: Money,
    pub currency: Currency,
}

impl Wallets {
    /// Moves money in or out. The same key gets the same order.
    pub(super) async fn order(&self, kind: &'static str, asked: Asked) -> Result<OrderRow, ApiError> {
        let row = self.written(kind, &asked).await?;
        if row.status != "new" {
            return answered(row);
        }
        let order = Order::try_from(row)?;
        self.ask(&order).await?;
        self.settled(&order).await
    }

    /// Where the owner tells the provider how to be paid; none if it needs not be told.
    pub(super) async fn onboard(&self, owner: AccountId) -> Result<Option<String>, ApiError> {
        let provider = &self.0.provider;
        let destination = store::destination(self.db(), owner, provider.name()).await?;
        let order = OnboardingOrder { account: owner, destination, return_url: self.0.return_url.clone() };
        match tokio::time::timeout(PROVIDER_PATIENCE, provider.onboard(&order)).await {
            Ok(Ok(Some(onboarding))) => {
                store::set_destination(self.db(), owner, provider.name(), &onboarding.destination).await?;
                Ok(Some(onboarding.url))
            }
            Ok(Ok(None)) => Ok(None),
            Ok(Err(ProviderError::Refused { code, message })) => Err(refused(&code, &message)),
            Ok(Err(_)) | Err(_) => Err(ApiError::unavailable("the payment provider does not answer")),
        }
    }

    /// The order, which is written if it is new; begun anew when it was in another's way.
    async fn written(&self, kind: &'static str, asked: &Asked) -> Result<OrderRow, ApiError> {
        let destination = match kind {
            WITHDRAWAL => store::destination(self.db(), asked.owner, self.0.provider.name()).await?,
            _ => None,
        };
        let mut tries = 0;
        loop {
            match self.write_once(kind, asked, destination.clone()).await {
                // Whoever used the same key at the same moment for a wallet in another currency was first.
                Err(Failed::Store(error)) if (error.is_passing() || error.is_duplicate()) && tries < CONFLICTS_MAX => {
                    tries += 1;
                }
                Err(Failed::Store(error)) => return Err(error.into()),
                Err(Failed::Refused(error)) => return Err(*error),
                Ok(row) => return Ok(row),
            }
        }
    }

    async fn write_once(
        &self,
        kind: &'static str,
        asked: &Asked,
        destination: Option<String>,
    ) -> Result<OrderRow, Failed> {
        let (Asked { owner, key, amount, currency }, now) = (asked, self.now());
        let mut tx = self.db().begin().await?;
        let wallet = lock_wallet(&mut tx, *owner, *currency).await?;
        if let Some(known) = store::order_of_key(&mut tx, *owner, kind, key.as_str()).await? {
            let same = known.amount == amount.minor_units() && known.currency == currency.code();
            return if same { Ok(known) } else { Err(ApiError::from(Rejection::KeyReused).into()) };
        }
        if !store::lock_owner(&mut tx, *owner, now).await? {
            return Err(ApiError::from(crate::auth::Denied::Banned).into());
        }
        let row = OrderRow {
            id: self.0.chance.uuid(now),
            kind: kind.to_owned(),
            owner: owner.0,
            key: key.as_str().to_owned(),
            currency: currency.code().to_owned(),
            amount: amount.minor_units(),
            provider: self.0.provider.name().to_owned(),
            destination,
            status: "new".to_owned(),
            reference: None,
            url: None,
            reason: None,
            created_at: to_datetime(now),
            settled_at: None,
            asks: 0,
            next_ask_at: to_datetime(self.next_ask(0, now)),
        };
        if kind == DEPOSIT {
            if let Some(max) = wallet.daily_deposit_max()?.or(self.0.holds.limits().daily_deposit_max) {
                let so_far = store::deposits_since(&mut tx, *owner, *currency, now.minus(DAY)).await?;
                if so_far.saturating_add(amount.minor_units()) > max.minor_units() {
                    let detail = "more would be deposited within 24 hours than this account may";
                    let error = ApiError::conflict("deposit_limit", detail);
                    return Err(error.with("daily_deposit_limit", max.minor_units()).with("deposited", so_far).into());
                }
            }
            if !ledger::has_room(&mut tx, *owner, *currency, *amount).await? {
                return Err(ApiError::conflict("wallet_full", "the wallet can hold no more").into());
            }
            store::insert_order(&mut tx, &row).await?;
        } else {
            if store::is_frozen(&mut tx, *owner).await? {
                return Err(ApiError::from(crate::auth::Denied::Frozen).into());
            }
            let available = ledger::balance(&mut tx, &Account::Available(*owner), *currency).await?;
            if *amount > available {
                let detail = "the wallet has not so much available";
                let error = ApiError::conflict("insufficient_funds", detail);
                return Err(error.with("available", available.minor_units()).into());
            }
            store::insert_order(&mut tx, &row).await?;
            let (from, to) = (Account::Available(*owner), Account::Withdrawing(*owner));
            let transfers = vec![Transfer { from, to, amount: *amount }];
            book(&mut tx, (Kind::Withdrawal, format!("withdrawal:{}", row.id)), *currency, transfers, now).await?;
        }
        tx.commit().await?;
        Ok(row)
    }

    /// Asks the provider to move the money of an order, and books what it says. What it does not say is asked for later.
    async fn ask(&self, order: &Order) -> Result<(), StoreError> {
        if !self.is_of_this_provider(order) {
            return Ok(());
        }
        let answer = if order.is_deposit {
            let order = self.deposit_order(order);
            match tokio::time::timeout(PROVIDER_PATIENCE, self.0.provider.deposit(&order)).await {
                Ok(Ok(Deposit::Credited { reference })) => {
                    Some(Outcome::Paid { reference: Some(reference), amount: None })
                }
                Ok(Ok(Deposit::Redirect { url, reference })) => {
                    Some(Outcome::Open { reference: Some(reference), url: Some(url) })
                }
                Ok(Err(error)) => failure(error),
                Err(_) => None,
            }
        } else {
            let order = withdrawal_order(order);
            match tokio::time::timeout(PROVIDER_PATIENCE, self.0.provider.withdraw(&order)).await {
                Ok(Ok(Withdrawal::Paid { reference })) => {
                    Some(Outcome::Paid { reference: Some(reference), amount: None })
                }
                Ok(Ok(Withdrawal::Pending { reference })) => {
                    Some(Outcome::Open { reference: Some(reference), url: None })
                }
                Ok(Err(error)) => failure(error),
                Err(_) => None,
            }
        };
        match answer {
            Some(outcome) => self.settle_order(order, outcome).await,
            None => Ok(()),
        }
    }

    /// The order as it stands after the provider was asked.
    async fn settled(&self, order: &Order) -> Result<OrderRow, ApiError> {
        let row = store::order(self.db(), order.id).await?;
        answered(row.ok_or_else(|| ApiError::internal("an order is gone"))?)
    }

    /// Asks what came of orders that nobody knows about yet, on one node.
    pub async fn chase_orders(&self) {
        if !self.0.leases.task(CHASE_TASK).await.unwrap_or(false) {
            return;
        }
        let due = match store::due_orders(self.db(), self.now(), CHASE_MAX).await {
            Ok(due) => due,
            Err(error) => return tracing::warn!(%error, "orders cannot be read: {error}"),
        };
        futures_util::stream::iter(due).for_each_concurrent(CHASED_AT_ONCE, |row| self.chase(row)).await;
        if let Err(error) = store::forget_messages(self.db(), self.now().minus(MESSAGES_KEPT)).await {
            tracing::warn!(%error, "old messages could not be forgotten: {error}");
        }
    }

    async fn chase(&self, row: OrderRow) {
        let (id, asks) = (row.id, row.asks);
        let next = self.next_ask(asks + 1, self.now());
        let done = async {
            // Noted first: an order that this process dies of is not asked about at once again.
            store::ask_again(self.db(), id, next).await?;
            self.chase_order(&Order::try_from(row)?).await
        };
        if let Err(error) = done.await {
            tracing::warn!(order = %id, %error, "what came of an order is not known yet: {error}");
        }
    }

    async fn chase_order(&self, order: &Order) -> Result<(), StoreError> {
        if !self.is_of_this_provider(order) {
            return Ok(());
        }
        let provider = &self.0.provider;
        let outcome = if order.is_deposit {
            let asked = self.deposit_order(order);
            let reference = order.row.reference.as_deref();
            match tokio::time::timeout(PROVIDER_PATIENCE, provider.deposit_status(&asked, reference)).await {
                Ok(Ok(DepositStatus::Paid { reference, amount, currency })) => {
                    Some(Outcome::Paid { reference: Some(reference), amount: Some((amount, currency)) })
                }
                Ok(Ok(DepositStatus::Expired)) => Some(Outcome::Failed { reason: "expired".to_owned() }),
                Ok(Ok(DepositStatus::NotFound)) if self.is_old(order) => {
                    Some(Outcome::Failed { reason: "abandoned".to_owned() })
                }
                Ok(Ok(DepositStatus::NotFound)) => return self.ask(order).await,
                // Whatever is wrong with the question says nothing of the order.
                Ok(Ok(DepositStatus::Open { .. }) | Err(_)) | Err(_) => None,
            }
        } else {
            let asked = withdrawal_order(order);
            match tokio::time::timeout(PROVIDER_PATIENCE, provider.withdrawal_status(&asked)).await {
                Ok(Ok(WithdrawalStatus::Paid { reference })) => {
                    Some(Outcome::Paid { reference: Some(reference), amount: None })
                }
                Ok(Ok(WithdrawalStatus::Failed { reason })) => Some(Outcome::Failed { reason }),
                Ok(Ok(WithdrawalStatus::NotFound)) => return self.ask(order).await,
                Ok(Ok(WithdrawalStatus::Pending) | Err(_)) | Err(_) => None,
            }
        };
        match outcome {
            Some(outcome) => self.settle_order(order, outcome).await,
            None => Ok(()),
        }
    }

    /// Whether the provider in force knows of the order at all.
    fn is_of_this_provider(&self, order: &Order) -> bool {
        let known = order.row.provider == self.0.provider.name();
        if !known {
            tracing::warn!(order = %order.id, provider = order.row.provider, "an order waits for a provider not in force");
        }
        known
    }

    fn is_old(&self, order: &Order) -> bool {
        crate::clock::from_datetime(order.row.created_at).plus(GIVE_UP_AFTER) < self.now()
    }

    fn deposit_order(&self, order: &Order) -> DepositOrder {
        DepositOrder {
            id: order.id,
            account: order.owner,
            amount: order.amount,
            currency: order.currency,
            return_url: self.0.return_url.clone(),
        }
    }

    /// When an order is asked about next, after `asks` times: later each time, and not all at once.
    fn next_ask(&self, asks: i64, now: Timestamp) -> Timestamp {
        let factor = 1_u64 << asks.clamp(0, 16);
        let wait_ms = CHASE_FIRST_MS.saturating_mul(factor).min(CHASE_LONGEST_MS);
        let jitter_ms = self.0.chance.below(wait_ms / 4 + 1);
        now.plus(Span::from_millis(i64::try_from(wait_ms + jitter_ms).unwrap_or(i64::MAX)))
    }
}

fn withdrawal_order(order: &Order) -> WithdrawalOrder {
    WithdrawalOrder {
        id: order.id,
        account: order.owner,
        amount: order.amount,
        currency: order.currency,
        destination: order.row.destination.clone(),
    }
}

/// What a provider's error says of an order; nothing if that has to be asked for.
fn failure(error: ProviderError) -> Option<Outcome> {
    match error {
        ProviderError::Refused { code, .. } => Some(Outcome::Failed { reason: code }),
        ProviderError::Unavailable | ProviderError::Unknown => None,
    }
}

/// An order that was refused is an error for who asked for it, each time.
fn answered(row: OrderRow) -> Result<OrderRow, ApiError> {
    match (row.status.as_str(), &row.reason) {
        ("failed", Some(reason)) => {
            Err(refused(reason, "the payment provider has refused").with("order", row.id.to_string()))
        }
        _ => Ok(row),
    }
}

fn refused(code: &str, message: &str) -> ApiError {
    ApiError::new(StatusCode::PAYMENT_REQUIRED, "payment_refused", message).with("reason", code)
}

/// Why an order is not written.
enum Failed {
    Store(StoreError),
    Refused(Box<ApiError>),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ApiError> for Failed {
    fn from(error: ApiError) -> Self {
        Self::Refused(Box::new(error))
    }
}
