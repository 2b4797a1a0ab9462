//! Wallets: their locks, limits and policies, and what their owners read.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{currency as read_currency, money};
use crate::domain::{AccountId, Currency, Money};
use crate::ledger::movement::Account;
use crate::ledger::policy::Policy;
use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

/// What is set for a wallet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct WalletRow {
    raise_limit: Option<i64>,
    exposure_max: Option<i64>,
    daily_deposit_max: Option<i64>,
}

/// Limits of a wallet, where there are any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// The most that may be set aside at once.
    pub exposure_max: Option<Money>,
    /// The most that may be deposited in 24 hours.
    pub daily_deposit_max: Option<Money>,
}

/// What a user has in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wallet {
    /// Which.
    pub currency: Currency,
    /// What may be spent or taken out.
    pub available: Money,
    /// What is set aside for auctions.
    pub held: Money,
    /// What is on its way out.
    pub withdrawing: Money,
    /// What is owed.
    pub owed: Money,
    /// How holds are raised.
    pub policy: Policy,
    /// What staff has set.
    pub limits: Limits,
}

/// One side of a transfer, as the owner of the account reads it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Entry {
    /// Grows.
    pub id: i64,
    /// Those of one transaction share it.
    pub transaction_id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Why, by the name of its [`crate::ledger::Kind`].
    pub kind: String,
    /// Which account, by its kind.
    pub account: String,
    /// How much came (positive) or went.
    pub amount: i64,
    /// For which auction.
    pub auction: Option<Uuid>,
    /// By which of its events.
    pub seq: Option<i64>,
}

impl WalletRow {
    /// How holds are raised.
    pub fn policy(&self) -> Policy {
        self.raise_limit.and_then(Money::new).map_or(Policy::Exact, Policy::UpTo)
    }

    /// The most that may be set aside at once, if staff has set it.
    pub fn exposure_max(&self) -> Result<Option<Money>, StoreError> {
        self.exposure_max.map(|minor| money("wallets", minor)).transpose()
    }

    /// The most that may be deposited in 24 hours, if staff has set it.
    pub fn daily_deposit_max(&self) -> Result<Option<Money>, StoreError> {
        self.daily_deposit_max.map(|minor| money("wallets", minor)).transpose()
    }
}

/// Locks a wallet, which is made if it is new, until the transaction ends.
pub async fn lock_wallet(tx: &mut Tx, owner: AccountId, currency: Currency) -> Result<WalletRow, StoreError> {
    let text = "insert into wallets (owner, currency, revision) values ($1, $2, 1)
         on conflict (owner, currency) do update set revision = wallets.revision + 1
         returning raise_limit, exposure_max, daily_deposit_max";
    Ok(sql!(tx.on(), one WalletRow, text, owner.0, currency.code())?)
}

/// Locks wallets in the order in which all do.
pub async fn lock_wallets(tx: &mut Tx, wallets: &BTreeSet<(AccountId, Currency)>) -> Result<(), StoreError> {
    for (owner, currency) in wallets {
        lock_wallet(tx, *owner, *currency).await?;
    }
    Ok(())
}

/// Sets how holds are raised.
pub async fn set_policy(tx: &mut Tx, owner: AccountId, currency: Currency, policy: Policy) -> Result<(), StoreError> {
    let limit = match policy {
        Policy::Exact => None,
        Policy::UpTo(limit) => Some(limit.minor_units()),
    };
    let text = "update wallets set raise_limit = $3 where owner = $1 and currency = $2";
    sql!(tx.on(), exec, text, owner.0, currency.code(), limit)?;
    Ok(())
}

/// Sets the limits of a wallet; none takes a limit of its own away.
pub async fn set_limits(tx: &mut Tx, owner: AccountId, currency: Currency, limits: Limits) -> Result<(), StoreError> {
    let text = "update wallets set exposure_max = $3, daily_deposit_max = $4 where owner = $1 and currency = $2";
    let (exposure, deposit) = (limits.exposure_max, limits.daily_deposit_max);
    let (exposure, deposit) = (exposure.map(Money::minor_units), deposit.map(Money::minor_units));
    sql!(tx.on(), exec, text, owner.0, currency.code(), exposure, deposit)?;
    Ok(())
}

/// True if staff has frozen or banned the account.
pub(in crate::ledger) async fn is_barred(tx: &mut Tx, owner: AccountId) -> Result<bool, StoreError> {
    let text = "select frozen_at is not null or banned_at is not null from accounts where id = $1";
    Ok(sql!(tx.on(), opt_scalar bool, text, owner.0)?.unwrap_or(false))
}

/// What a wallet has set aside in all.
pub(in crate::ledger) async fn exposure(
    tx: &mut Tx,
    owner: AccountId,
    currency: Currency,
) -> Result<Money, StoreError> {
    let text = "select cast(coalesce(sum(balance), 0) as bigint) from ledger_accounts
         where owner = $1 and currency = $2 and kind = 'held' and balance <> 0";
    money("ledger_accounts", sql!(tx.on(), scalar i64, text, owner.0, currency.code())?)
}

/// True if a wallet can take so much more in, wherever in it what it has is. Whatever brings money into a wallet asks this,
/// so that what moves within it always fits.
pub async fn has_room(tx: &mut Tx, owner: AccountId, currency: Currency, amount: Money) -> Result<bool, StoreError> {
    let text = "select cast(coalesce(sum(balance), 0) as bigint) from ledger_accounts
         where owner = $1 and currency = $2 and kind <> 'owed' and balance <> 0";
    let total = sql!(tx.on(), scalar i64, text, owner.0, currency.code())?;
    Ok(Money::or_zero(total).and_then(|total| total.checked_add(amount)).is_some())
}

/// What a user owes.
pub(in crate::ledger) async fn owed(tx: &mut Tx, owner: AccountId, currency: Currency) -> Result<Money, StoreError> {
    let text = "select -balance from ledger_accounts where name = $1";
    let found = sql!(tx.on(), opt_scalar i64, text, Account::Owed(owner).name(currency))?;
    money("ledger_accounts", found.unwrap_or(0))
}

#[derive(sqlx::FromRow)]
struct Sums {
    currency: String,
    raise_limit: Option<i64>,
    exposure_max: Option<i64>,
    daily_deposit_max: Option<i64>,
    available: i64,
    held: i64,
    withdrawing: i64,
    owed: i64,
}

/// What a user has, one for each currency, by its code.
pub async fn wallets(db: &Db, owner: AccountId) -> Result<Vec<Wallet>, StoreError> {
    let text = "select wallet.currency, wallet.raise_limit, wallet.exposure_max, wallet.daily_deposit_max,
            cast(coalesce(sum(case when account.kind = 'available' then account.balance end), 0) as bigint) as available,
            cast(coalesce(sum(case when account.kind = 'held' then account.balance end), 0) as bigint) as held,
            cast(coalesce(sum(case when account.kind = 'withdrawing' then account.balance end), 0) as bigint)
                as withdrawing,
            cast(coalesce(sum(case when account.kind = 'owed' then -account.balance end), 0) as bigint) as owed
         from wallets wallet
         left join ledger_accounts account on account.owner = wallet.owner and account.currency = wallet.currency
         where wallet.owner = $1
         group by wallet.currency, wallet.raise_limit, wallet.exposure_max, wallet.daily_deposit_max
         order by wallet.currency";
    let rows = sql!(db.read(), all Sums, text, owner.0)?;
    rows.into_iter().map(Wallet::try_from).collect()
}

/// What a user has in one currency; nothing if the wallet is new.
pub async fn wallet(db: &Db, owner: AccountId, currency: Currency) -> Result<Wallet, StoreError> {
    let found = wallets(db, owner).await?.into_iter().find(|wallet| wallet.currency == currency);
    Ok(found.unwrap_or(Wallet {
        currency,
        available: Money::ZERO,
        held: Money::ZERO,
        withdrawing: Money::ZERO,
        owed: Money::ZERO,
        policy: Policy::Exact,
        limits: Limits::default(),
    }))
}

/// The entries of a wallet, the newest first: at most `limit`, those before the entry `before`.
pub async fn entries(
    db: &Db,
    owner: AccountId,
    currency: Currency,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    let text = "select entry.id, entry.transaction_id, booked.at, booked.kind, account.kind as account, entry.amount,
            booked.auction, booked.seq
         from ledger_entries entry
         join ledger_accounts account on account.id = entry.account
         join ledger_transactions booked on booked.id = entry.transaction_id
         where account.owner = $1 and account.currency = $2 and ($3 is null or entry.id < $3)
         order by entry.id desc limit $4";
    Ok(sql!(db.read(), all Entry, text, owner.0, currency.code(), before, limit)?)
}

impl TryFrom<Sums> for Wallet {
    type Error = StoreError;

    fn try_from(row: Sums) -> Result<Self, StoreError> {
        let set = WalletRow {
            raise_limit: row.raise_limit,
            exposure_max: row.exposure_max,
            daily_deposit_max: row.daily_deposit_max,
        };
        let amount = |minor| money("ledger_accounts", minor);
        Ok(Self {
            currency: read_currency("wallets", &row.currency)?,
            available: amount(row.available)?,
            held: amount(row.held)?,
            withdrawing: amount(row.withdrawing)?,
            owed: amount(row.owed)?,
            policy: set.policy(),
            limits: Limits { exposure_max: set.exposure_max()?, daily_deposit_max: set.daily_deposit_max()? },
        })
    }
}
