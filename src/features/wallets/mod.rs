//! Wallets: what people have, what is set aside for their bids, and how much may be.
//!
//! Money is set aside in SQL before a room hears of it, and is free again only after the log says that the room has lowered
//! what may be bid: at every instant at least as much is held as any room lets anyone bid. Nothing here decides a bid.

mod allowance;
mod body;
mod funding;
mod orders;
mod outcome;
mod personal;
pub mod routes;
mod store;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;

use crate::chance::Chance;
use crate::clock::Clock;
use crate::coordination::Leases;
use crate::currency::IsoCurrency;
use crate::domain::auction::Rejection;
use crate::domain::{AccountId, Currency, Money, Span, Timestamp};
use crate::http::ApiError;
use crate::ledger::{self, Unconfirmed};
use crate::notify::Outbox;
use crate::payments::PaymentProvider;
use crate::persistence::{Db, StoreError, Tx};
use crate::projection::Progress;
use crate::room::{Act, Rooms};

pub use funding::Holds;
pub use personal::WalletsPart;

/// How often it is looked for what nobody knows the end of, in seconds.
pub const UPKEEP_INTERVAL_S: u64 = 3;
/// Of these so many at a time.
const MENDED_AT_ONCE: usize = 8;
/// How often a transaction is begun anew that was in another's way.
const CONFLICTS_MAX: u32 = 8;
/// How long a room may take to hear of an allowance before it is told again.
const MEND_AFTER: Span = Span::from_secs(10);
/// How many are told again at once.
const MEND_MAX: i64 = 100;
/// How long an answer waits until what the room has lowered is free in the wallet.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(2);
const REASON_MAX_CHARS: usize = 500;
/// The one node that tells again.
const MEND_TASK: &str = "holds";

/// Limits that staff has set for a wallet, for the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsSet {
    /// Who set them.
    pub actor: AccountId,
    /// When.
    pub at: Timestamp,
    /// For whom.
    pub owner: AccountId,
    /// Why.
    pub reason: String,
    /// The request that asked for it.
    pub request: String,
}

/// Where acts of staff are written down.
#[async_trait::async_trait]
pub trait Trail: Send + Sync + 'static {
    /// Writes one down in the transaction that does it.
    async fn record(&self, tx: &mut Tx, set: &LimitsSet) -> Result<(), StoreError>;
}

/// What about money only people can decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What it is about.
    pub kind: TroubleKind,
    /// What it follows from; the same cause is the same trouble.
    pub cause: String,
    /// Whose wallet it is about.
    pub owner: AccountId,
    /// In which currency.
    pub currency: Currency,
    /// How much.
    pub amount: Money,
    /// A code that says why.
    pub reason: &'static str,
    /// When it came up.
    pub at: Timestamp,
}

/// What a [`Trouble`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    /// A deposit was taken back after it had been spent: the rest is owed.
    DepositReversed,
    /// Money has come to the provider that cannot be credited.
    NotCredited,
    /// A withdrawal was paid that counted as failed: its money is back in the wallet, and has gone out.
    PaidAfterAll,
}

/// What must happen elsewhere when something is wrong with money.
#[async_trait::async_trait]
pub trait Guard: Send + Sync + 'static {
    /// Has staff look into it, in the transaction in which it came up.
    async fn leave_to_staff(&self, tx: &mut Tx, trouble: &Trouble) -> Result<(), StoreError>;
    /// The account is frozen now: whoever acts for it must be told.
    async fn frozen(&self, owner: AccountId);
}

/// What wallets need.
pub struct Parts {
    /// Who moves money in and out.
    pub provider: Arc<dyn PaymentProvider>,
    /// What must happen elsewhere.
    pub guard: Arc<dyn Guard>,
    /// Where it is said that somebody was told something.
    pub outbox: Outbox,
    /// The page to which payers come back.
    pub return_url: String,
    /// Ids and jitter.
    pub chance: Chance,
    /// Where acts of staff are written down.
    pub trail: Arc<dyn Trail>,
    /// How money is set aside.
    pub holds: Holds,
    /// Where auctions are live.
    pub rooms: Rooms,
    /// Which node does what is done once.
    pub leases: Arc<dyn Leases>,
    /// How far the rows behind the log have come.
    pub progress: Progress,
    /// The currency of whoever names none.
    pub default_currency: Currency,
}

/// The wallets of the hub.
#[derive(Clone)]
pub struct Wallets(Arc<Parts>);

impl Wallets {
    /// Wallets over these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Tells rooms again, on one node, what they may not have heard: the process that set it aside may have ended in between.
    pub async fn tell_rooms(&self) {
        if !self.0.leases.task(MEND_TASK).await.unwrap_or(false) {
            return;
        }
        let before = self.now().minus(MEND_AFTER);
        let open = match ledger::unconfirmed(self.db(), before, MEND_MAX).await {
            Ok(open) => open,
            Err(error) => return tracing::warn!(%error, "unconfirmed allowances cannot be read: {error}"),
        };
        futures_util::stream::iter(open).for_each_concurrent(MENDED_AT_ONCE, |it| self.tell_room(it)).await;
    }

    async fn tell_room(&self, it: Unconfirmed) {
        // Noted first: what cannot be told stands behind everything else the next time.
        if let Err(error) = ledger::touch(self.db(), &it, self.now()).await {
            return tracing::warn!(auction = %it.auction, %error, "an allowance could not be noted as told again: {error}");
        }
        let act = Act::SetAllowance { bidder: it.bidder, amount: it.wanted, version: it.version };
        // Whatever else comes of it: the projection confirms what the room has taken, and settling releases what no room
        // will take any more.
        if self.0.rooms.act(it.auction, act).await == Err(Rejection::Leading)
            && let Err(error) = self.restore(it.auction, it.bidder).await
        {
            tracing::warn!(auction = %it.auction, ?error, "an allowance could not be restored");
        }
    }

    fn db(&self) -> &Db {
        self.0.holds.db()
    }

    fn clock(&self) -> &Clock {
        self.0.holds.clock()
    }

    fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// The currency of this code, or else the usual one.
    fn currency(&self, code: Option<&str>) -> Result<Currency, ApiError> {
        let Some(code) = code else { return Ok(self.0.default_currency) };
        let detail = "must be a currency of ISO 4217, such as USD";
        let listed = IsoCurrency::new(code).map(IsoCurrency::currency);
        listed.ok_or_else(|| ApiError::invalid("invalid_currency", "currency", detail.to_owned()))
    }
}

/// Why staff does something.
fn reason(text: &str) -> Result<&str, ApiError> {
    let text = text.trim();
    let fits = (1..=REASON_MAX_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then_some(text)
        .ok_or_else(|| ApiError::invalid("invalid_reason", "reason", "must be one line of 1 to 500 characters"))
}

/// An amount that somebody sends.
fn amount(field: &'static str, minor: i64) -> Result<Money, ApiError> {
    Money::new(minor).ok_or_else(|| ApiError::from(Rejection::InvalidAmount).with("field", field))
}

impl std::fmt::Debug for Wallets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wallets")
    }
}
