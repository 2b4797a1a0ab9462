//! What clients send and get about wallets.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::store::HoldRow;
use crate::clock::{WireTime, from_datetime};
use crate::domain::{AuctionId, Currency, Money};
use crate::http::ApiError;
use crate::ledger::{Entry, Limits, Policy, Wallet};

/// What somebody has in one currency, in minor units.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WalletBody {
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// All that is in it: available and held.
    #[schema(example = 50_000)]
    balance: i64,
    /// What is set aside for auctions.
    #[schema(example = 13_750)]
    held: i64,
    /// What can be bid with or taken out.
    #[schema(example = 36_250)]
    available: i64,
    /// What is on its way out.
    withdrawing: i64,
    /// What is owed: deposits that the provider took back after they were spent.
    owed: i64,
    policy: PolicyBody,
    limits: LimitsBody,
    /// The currencies in which there is a wallet.
    currencies: Vec<String>,
}

/// How much the hub may set aside by itself when a bid needs more than is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "raise", rename_all = "snake_case")]
pub(super) enum PolicyBody {
    /// Exactly what the bid needs, each time.
    Exact {},
    /// In steps, twice what the bid needs, so that a fast exchange of bids need not wait for it each time.
    UpTo {
        /// Never more than this allowance in one auction; a bid above it is refused.
        #[schema(example = 100_000)]
        limit: i64,
    },
}

/// The policy of one wallet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetPolicy {
    /// Of which wallet; the usual one unless given.
    pub currency: Option<String>,
    raise: RaiseBody,
    /// For `up_to`: never more than this allowance in one auction; a bid above it is refused.
    #[schema(example = 100_000, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    limit: Option<i64>,
}

/// How a hold is raised.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RaiseBody {
    /// Exactly what the bid needs, each time.
    Exact,
    /// In steps, up to a limit.
    UpTo,
}

/// What one wallet may do; null where there is no limit.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct LimitsBody {
    /// The most that may be set aside at once.
    max_exposure: Option<i64>,
    /// The most that may be deposited within 24 hours.
    daily_deposit_limit: Option<i64>,
}

/// Limits that staff sets for one wallet; null or nothing leaves the hub's own in force.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetLimits {
    /// Of which wallet; the usual one unless given.
    pub currency: Option<String>,
    /// The most that may be set aside at once.
    pub max_exposure: Option<i64>,
    /// The most that may be deposited within 24 hours.
    pub daily_deposit_limit: Option<i64>,
    /// Why, for the audit trail.
    pub reason: String,
}

/// One side of a movement.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EntryBody {
    id: i64,
    /// The entries of one transaction share it; those of all who take part in it sum to zero.
    transaction: i64,
    at: WireTime,
    /// `deposit`, `deposit_reversal`, `withdrawal`, `withdrawal_paid`, `withdrawal_return`, `hold`, `release`, `sale` or
    /// `debt_paid`.
    #[schema(example = "hold")]
    kind: String,
    /// `available`, `held`, `withdrawing` or `owed`.
    #[schema(example = "available")]
    account: String,
    /// What came (positive) or went, in minor units.
    #[schema(example = -13_750)]
    amount: i64,
    auction: Option<Uuid>,
    /// The event of the auction that it follows from.
    seq: Option<i64>,
}

/// An allowance to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetAllowance {
    /// How high the caller may bid, in minor units.
    #[schema(example = 12_500)]
    pub amount: i64,
}

/// What may be bid in an auction, and what is held for it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AllowanceBody {
    auction: Uuid,
    #[schema(example = "USD")]
    currency: String,
    /// How high the caller may bid, in minor units.
    #[schema(example = 12_500)]
    amount: i64,
    /// What is set aside for it, with the buyer's premium.
    #[schema(example = 13_750)]
    held: i64,
    /// False while what was lowered is still on its way back to the wallet.
    settled: bool,
}

impl WalletBody {
    /// `wallet` among those of `currencies`, with the hub's own limits where it has none.
    pub fn new(wallet: &Wallet, currencies: Vec<String>, usual: Limits) -> Self {
        let balance = wallet.available.minor_units() + wallet.held.minor_units();
        Self {
            currency: wallet.currency.code().to_owned(),
            balance,
            held: wallet.held.minor_units(),
            available: wallet.available.minor_units(),
            withdrawing: wallet.withdrawing.minor_units(),
            owed: wallet.owed.minor_units(),
            policy: wallet.policy.into(),
            limits: LimitsBody {
                max_exposure: wallet.limits.exposure_max.or(usual.exposure_max).map(Money::minor_units),
                daily_deposit_limit: wallet
                    .limits
                    .daily_deposit_max
                    .or(usual.daily_deposit_max)
                    .map(Money::minor_units),
            },
            currencies,
        }
    }
}

impl SetPolicy {
    /// The policy.
    pub fn policy(&self) -> Result<Policy, ApiError> {
        match (self.raise, self.limit) {
            (RaiseBody::Exact, None) => Ok(Policy::Exact),
            (RaiseBody::Exact, Some(_)) => Err(ApiError::invalid("invalid_field", "limit", "`exact` has no limit")),
            (RaiseBody::UpTo, Some(limit)) => super::amount("limit", limit).map(Policy::UpTo),
            (RaiseBody::UpTo, None) => Err(ApiError::invalid("invalid_field", "limit", "`up_to` needs a limit")),
        }
    }
}

impl From<Policy> for PolicyBody {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Exact => Self::Exact {},
            Policy::UpTo(limit) => Self::UpTo { limit: limit.minor_units() },
        }
    }
}

impl SetLimits {
    /// The limits; nothing at all may be set aside or deposited where one is 0.
    pub fn read(&self) -> Result<Limits, ApiError> {
        let read = |field, minor: Option<i64>| {
            let amount = |minor| {
                Money::or_zero(minor).ok_or_else(|| ApiError::invalid("invalid_amount", field, "must be 0 or more"))
            };
            minor.map(amount).transpose()
        };
        Ok(Limits {
            exposure_max: read("max_exposure", self.max_exposure)?,
            daily_deposit_max: read("daily_deposit_limit", self.daily_deposit_limit)?,
        })
    }
}

impl From<Entry> for EntryBody {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            transaction: entry.transaction_id,
            at: WireTime(from_datetime(entry.at)),
            kind: entry.kind,
            account: entry.account,
            amount: entry.amount,
            auction: entry.auction,
            seq: entry.seq,
        }
    }
}

impl AllowanceBody {
    /// What `hold` says; nothing is set aside where there is none.
    pub fn new(auction: AuctionId, currency: Currency, hold: Option<HoldRow>) -> Self {
        Self {
            auction: auction.0,
            currency: currency.code().to_owned(),
            amount: hold.map_or(0, |hold| hold.wanted),
            held: hold.map_or(0, |hold| hold.held),
            settled: hold.is_none_or(|hold| hold.allowance == hold.wanted && hold.confirmed >= hold.version),
        }
    }
}
