//! A provider that moves no money: it credits what nobody has paid, for trying the hub out and for tests. It keeps
//! nothing; what it answers follows from the order alone, so that every outcome can be had through the public API. The
//! last two digits of the amount, in minor units, choose it:
//!
//! | digits | deposit | withdrawal |
//! |---|---|---|
//! | 02 | refused, `card_declined` | refused, `payout_declined` |
//! | 03 | unavailable until [`DELAY`] after the order was made, and nothing happens; from then on paid when asked again | the same |
//! | 04 | paid, but the reply is lost: unknown, until the status is asked for | the same |
//! | 05 | the user is sent to a page (the one to come back to); paid after that time | under way; paid after that time |
//! | 06 | the same, but it expires after that time | the same, but it fails after that time, `account_closed` |
//! | others | paid at once | paid at once |
//!
//! When an order was made is in its id, a UUIDv7; an order with another id counts as old.

use async_trait::async_trait;
use reqwest::header::HeaderMap;
use uuid::Uuid;

use super::{
    Deposit, DepositOrder, DepositStatus, Onboarding, OnboardingOrder, PaymentEvent, PaymentProvider, ProviderError,
    WebhookError, Withdrawal, WithdrawalOrder, WithdrawalStatus,
};
use crate::clock::Clock;
use crate::domain::{Money, Span, Timestamp};

/// How long what is not done at once takes.
pub const DELAY: Span = Span::from_secs(10);

/// The provider that moves no money.
#[derive(Debug, Clone)]
pub struct PlayMoney {
    clock: Clock,
}

/// What the amount asks for.
#[derive(Clone, Copy)]
enum Way {
    Refused,
    Unavailable,
    ReplyLost,
    Later,
    Never,
    AtOnce,
}

impl Way {
    fn of(amount: Money) -> Self {
        match amount.minor_units() % 100 {
            2 => Self::Refused,
            3 => Self::Unavailable,
            4 => Self::ReplyLost,
            5 => Self::Later,
            6 => Self::Never,
            _ => Self::AtOnce,
        }
    }
}

fn reference(order: Uuid) -> String {
    format!("test_{}", order.simple())
}

impl PlayMoney {
    /// The provider, by this clock.
    pub fn new(clock: Clock) -> Self {
        Self { clock }
    }

    fn delay_is_over(&self, order: Uuid) -> bool {
        let made = order.get_timestamp().map(|at| {
            let (seconds, nanos) = at.to_unix();
            let millis = i64::try_from(seconds).unwrap_or_default().saturating_mul(1_000);
            Timestamp::from_millis(millis.saturating_add(i64::from(nanos / 1_000_000)))
        });
        made.is_none_or(|made| self.clock.now() >= made.plus(DELAY))
    }
}

#[async_trait]
impl PaymentProvider for PlayMoney {
    fn name(&self) -> &'static str {
        "test"
    }

    async fn deposit(&self, order: &DepositOrder) -> Result<Deposit, ProviderError> {
        match Way::of(order.amount) {
            Way::Refused => Err(ProviderError::refused("card_declined", "the card was declined")),
            Way::Unavailable if !self.delay_is_over(order.id) => Err(ProviderError::Unavailable),
            Way::ReplyLost => Err(ProviderError::Unknown),
            Way::Later | Way::Never => {
                Ok(Deposit::Redirect { url: order.return_url.clone(), reference: reference(order.id) })
            }
            Way::Unavailable | Way::AtOnce => Ok(Deposit::Credited { reference: reference(order.id) }),
        }
    }

    async fn deposit_status(&self, order: &DepositOrder, _: Option<&str>) -> Result<DepositStatus, ProviderError> {
        let paid =
            DepositStatus::Paid { reference: reference(order.id), amount: order.amount, currency: order.currency };
        Ok(match Way::of(order.amount) {
            Way::Refused => DepositStatus::Expired,
            Way::Unavailable => DepositStatus::NotFound,
            Way::ReplyLost | Way::AtOnce => paid,
            Way::Later if self.delay_is_over(order.id) => paid,
            Way::Never if self.delay_is_over(order.id) => DepositStatus::Expired,
            Way::Later | Way::Never => DepositStatus::Open { url: Some(order.return_url.clone()) },
        })
    }

    async fn withdraw(&self, order: &WithdrawalOrder) -> Result<Withdrawal, ProviderError> {
        match Way::of(order.amount) {
            Way::Refused => Err(ProviderError::refused("payout_declined", "the bank declined the payment")),
            Way::Unavailable if !self.delay_is_over(order.id) => Err(ProviderError::Unavailable),
            Way::ReplyLost => Err(ProviderError::Unknown),
            Way::Later | Way::Never => Ok(Withdrawal::Pending { reference: reference(order.id) }),
            Way::Unavailable | Way::AtOnce => Ok(Withdrawal::Paid { reference: reference(order.id) }),
        }
    }

    async fn withdrawal_status(&self, order: &WithdrawalOrder) -> Result<WithdrawalStatus, ProviderError> {
        let failed = |reason: &str| WithdrawalStatus::Failed { reason: reason.to_owned() };
        Ok(match Way::of(order.amount) {
            Way::Refused => failed("payout_declined"),
            Way::Unavailable => WithdrawalStatus::NotFound,
            Way::ReplyLost | Way::AtOnce => WithdrawalStatus::Paid { reference: reference(order.id) },
            Way::Later if self.delay_is_over(order.id) => WithdrawalStatus::Paid { reference: reference(order.id) },
            Way::Never if self.delay_is_over(order.id) => failed("account_closed"),
            Way::Later | Way::Never => WithdrawalStatus::Pending,
        })
    }

    async fn onboard(&self, _: &OnboardingOrder) -> Result<Option<Onboarding>, ProviderError> {
        Ok(None)
    }

    async fn webhook(&self, _: &HeaderMap, _: &[u8], _: Timestamp) -> Result<Vec<PaymentEvent>, WebhookError> {
        Err(WebhookError::Unsupported)
    }
}
