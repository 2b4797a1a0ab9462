//! Who moves money in and out of the hub: a port, and an adapter for each provider.
//!
//! Nothing here keeps anything or knows a wallet. Whoever calls writes the order down first, under an id of its own, and
//! books what it is told; the id is the provider's idempotency key, so that asking again never moves money twice. Replies
//! get lost and providers tell things late, twice and out of order: [`ProviderError::Unknown`], the two questions for a
//! status, and the names that each [`PaymentFact`] carries are there for that.

mod play_money;
pub mod stripe;

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::header::HeaderMap;
use uuid::Uuid;

use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::{self, ConfigError, Payments};
use crate::domain::{AccountId, Currency, Money, Timestamp};

pub use play_money::PlayMoney;

/// Money that a user wants to bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepositOrder {
    /// The order, for good.
    pub id: Uuid,
    /// Whose money it will be.
    pub account: AccountId,
    /// How much.
    pub amount: Money,
    /// Of what.
    pub currency: Currency,
    /// The page to which a browser comes back when it has been sent elsewhere to pay.
    pub return_url: String,
}

/// What came of a deposit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deposit {
    /// The money is there.
    Credited {
        /// The provider's name for the payment.
        reference: String,
    },
    /// The user has to pay on another page. What came of it is told later.
    Redirect {
        /// That page.
        url: String,
        /// The provider's name for the attempt; [`PaymentProvider::deposit_status`] asks for it.
        reference: String,
    },
}

/// How a deposit stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DepositStatus {
    /// The money is there.
    Paid {
        /// The provider's name for the payment.
        reference: String,
        /// How much was paid.
        amount: Money,
        /// Of what.
        currency: Currency,
    },
    /// It may still be paid.
    Open {
        /// The page to pay on, if there is still something to do there.
        url: Option<String>,
    },
    /// It will not be paid any more.
    Expired,
    /// The provider cannot tell. [`PaymentProvider::deposit`] may be called again.
    NotFound,
}

/// Money that a user wants to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithdrawalOrder {
    /// The order, for good.
    pub id: Uuid,
    /// Whose money it is.
    pub account: AccountId,
    /// How much.
    pub amount: Money,
    /// Of what.
    pub currency: Currency,
    /// The provider's name for where it goes, as [`PaymentProvider::onboard`] gave it.
    pub destination: Option<String>,
}

/// What came of a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Withdrawal {
    /// The money has left.
    Paid {
        /// The provider's name for the payment.
        reference: String,
    },
    /// It is under way.
    Pending {
        /// The provider's name for the payment.
        reference: String,
    },
}

/// How a withdrawal stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WithdrawalStatus {
    /// The money has left.
    Paid {
        /// The provider's name for the payment.
        reference: String,
    },
    /// It is under way.
    Pending,
    /// It was not paid, and will not be.
    Failed {
        /// Why, in a stable word.
        reason: String,
    },
    /// The provider knows no such withdrawal at this moment. A copy of the order may still be on its way to it.
    NotFound,
}

/// A user who wants to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnboardingOrder {
    /// Who.
    pub account: AccountId,
    /// Where their money goes, if they have begun before.
    pub destination: Option<String>,
    /// The page to which the browser comes back.
    pub return_url: String,
}

/// Where a user tells the provider how to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onboarding {
    /// The provider's name for where the money goes, for [`WithdrawalOrder::destination`].
    pub destination: String,
    /// The page on which the provider asks; good once, for minutes.
    pub url: String,
}

/// What a provider has told by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentEvent {
    /// The provider's id of the message. A message sent again has the same; one message may tell several facts.
    pub id: String,
    /// What it says.
    pub fact: PaymentFact,
}

/// A fact about money. Each may be told any number of times, by messages of different ids; it is one fact by its order,
/// and where it has one, by its `reversal` or `return_id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentFact {
    /// A deposit was paid.
    DepositPaid {
        /// Which.
        order: Uuid,
        /// The provider's name for the payment.
        reference: String,
        /// How much was paid.
        amount: Money,
        /// Of what.
        currency: Currency,
    },
    /// A deposit will not be paid any more.
    DepositExpired {
        /// Which.
        order: Uuid,
    },
    /// Money of a deposit was taken back: refunded, or disputed by who had paid.
    DepositReversed {
        /// Which deposit.
        order: Uuid,
        /// The provider's name for the payment.
        reference: String,
        /// The provider's name for the reversal. A deposit may have several.
        reversal: String,
        /// How much.
        amount: Money,
        /// Of what.
        currency: Currency,
    },
    /// A reversal does not stand any more: the refund failed, or the dispute was won. It says nothing about a reversal
    /// that was never told.
    ReversalUndone {
        /// Which deposit.
        order: Uuid,
        /// Which reversal.
        reversal: String,
    },
    /// A withdrawal was paid.
    WithdrawalPaid {
        /// Which.
        order: Uuid,
        /// The provider's name for the payment.
        reference: String,
    },
    /// Money of a withdrawal has come back, after it was paid.
    WithdrawalReturned {
        /// Which withdrawal.
        order: Uuid,
        /// The provider's name for the return. A withdrawal may have several.
        return_id: String,
        /// How much.
        amount: Money,
        /// Of what.
        currency: Currency,
    },
}

/// Why nothing is known to have moved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The provider will not, and asking again under the same order changes nothing.
    #[error("{message}")]
    Refused {
        /// Why, in a stable word of lower-case letters, digits and underscores.
        code: String,
        /// Why, in words that may be shown to the user.
        message: String,
    },
    /// The provider cannot be reached or takes nothing at this moment. Nothing has happened.
    #[error("the payment provider cannot be reached")]
    Unavailable,
    /// It may have happened or not. Ask for the status, or ask again under the same order.
    #[error("the payment provider has not said what came of it")]
    Unknown,
}

impl ProviderError {
    fn refused(code: &str, message: impl Into<String>) -> Self {
        Self::Refused { code: code.to_owned(), message: message.into() }
    }
}

/// Why a message of a provider was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// It is not signed, not by the provider, or too long ago.
    #[error("the signature is missing, wrong, or too old")]
    BadSignature,
    /// It is signed, but cannot be read.
    #[error("the message cannot be read")]
    Malformed,
    /// What it is about could not be looked up. It should be sent again.
    #[error("the message cannot be taken at this moment")]
    Unavailable,
    /// This provider sends no messages.
    #[error("the payment provider in force sends no messages")]
    Unsupported,
}

/// Someone who moves money.
#[async_trait]
pub trait PaymentProvider: Send + Sync + std::fmt::Debug + 'static {
    /// Its name, for accounts and paths: lower-case letters.
    fn name(&self) -> &'static str;

    /// Begins a deposit. Safe to call again with the same order within a day.
    async fn deposit(&self, order: &DepositOrder) -> Result<Deposit, ProviderError>;

    /// How a deposit stands, by the reference that it was begun under, if one was heard. Moves nothing.
    async fn deposit_status(
        &self,
        order: &DepositOrder,
        reference: Option<&str>,
    ) -> Result<DepositStatus, ProviderError>;

    /// Pays out. Safe to call again with the same order within a day; later only once
    /// [`withdrawal_status`](Self::withdrawal_status) does not find it.
    async fn withdraw(&self, order: &WithdrawalOrder) -> Result<Withdrawal, ProviderError>;

    /// How a withdrawal stands. Moves nothing.
    async fn withdrawal_status(&self, order: &WithdrawalOrder) -> Result<WithdrawalStatus, ProviderError>;

    /// Begins or goes on with asking a user how they want to be paid. None if withdrawals need no destination.
    async fn onboard(&self, order: &OnboardingOrder) -> Result<Option<Onboarding>, ProviderError>;

    /// What a message that came at `now` says; nothing if it is about something else. `body` as it was sent, to the byte.
    async fn webhook(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Vec<PaymentEvent>, WebhookError>;
}

/// The provider that the settings name. Says loudly if it moves no real money.
pub fn open(settings: &config::Money, clock: Clock, chance: Chance) -> Result<Arc<dyn PaymentProvider>, ConfigError> {
    match settings.payments {
        Payments::Test => {
            tracing::warn!(
                "THE MONEY IS NOT REAL: payments is test, so deposits are credited though nobody pays, and withdrawals \
                 reach nobody. Set payments to stripe before anyone bids with money of theirs"
            );
            Ok(Arc::new(PlayMoney::new(clock)))
        }
        Payments::Stripe => Ok(Arc::new(stripe::Stripe::open(settings, chance)?)),
    }
}
