//! A stand-in, the adapter that speaks to it with little patience, and orders.

use std::time::Duration;

use bidhub::chance::Chance;
use bidhub::clock::{self, Clock};
use bidhub::domain::{AccountId, Currency, Money, Span, Timestamp};
use bidhub::payments::stripe::{Parts, Patience, Stripe};
use bidhub::payments::{
    Deposit, DepositOrder, OnboardingOrder, PaymentEvent, PaymentFact, PaymentProvider, ProviderError, WebhookError,
    WithdrawalOrder,
};
use uuid::Uuid;

use crate::stand_in::{Message, SECRET_KEY, Server, WEBHOOK_SECRET};

pub const RETURN_URL: &str = "https://bid.example/wallet?from=payment&ok=1";
/// Longest time of one attempt here.
pub const ATTEMPT: Duration = Duration::from_millis(400);

pub struct World {
    pub server: Server,
    pub stripe: Stripe,
    pub clock: Clock,
}

pub fn patient(attempt: Duration) -> Patience {
    Patience { attempt, first_pause: Duration::from_millis(20) }
}

pub fn adapter(url: String, secret_key: &str, patience: Patience) -> Stripe {
    let (secret_key, webhook_secret) = (secret_key.into(), WEBHOOK_SECRET.into());
    Stripe::new(Parts { url, secret_key, webhook_secret, chance: Chance::seeded(1), patience }).unwrap()
}

pub fn moment() -> Timestamp {
    clock::parse("2026-11-20T09:30:00.000Z").unwrap()
}

impl World {
    /// With much patience: for tests in which nothing is slow.
    pub async fn start() -> Self {
        Self::with(patient(Duration::from_secs(20))).await
    }

    pub async fn with(patience: Patience) -> Self {
        let server = Server::start().await;
        let stripe = adapter(server.url(), SECRET_KEY, patience);
        Self { server, stripe, clock: Clock::manual(moment()) }
    }

    /// Begins a deposit; gives the order and the session that it is paid in.
    pub async fn begin(&self, amount: i64) -> (DepositOrder, String) {
        let order = deposit(amount, "USD");
        match self.stripe.deposit(&order).await.unwrap() {
            Deposit::Redirect { reference, .. } => (order, reference),
            Deposit::Credited { .. } => panic!("Stripe credits nothing at once"),
        }
    }

    /// A new account at Stripe, to be paid to.
    pub async fn destination(&self) -> String {
        let order = OnboardingOrder {
            account: AccountId(Uuid::from_u128(7)),
            destination: None,
            return_url: RETURN_URL.into(),
        };
        self.stripe.onboard(&order).await.unwrap().unwrap().destination
    }

    pub fn message(&self, kind: &str, object: &str) -> Message {
        self.server.message(kind, object, self.clock.now())
    }

    pub async fn told(&self, message: &Message) -> Result<Vec<PaymentEvent>, WebhookError> {
        self.stripe.webhook(&message.headers, &message.body, self.clock.now()).await
    }

    /// The facts of a message of this kind about this object.
    pub async fn facts(&self, kind: &str, object: &str) -> Vec<PaymentFact> {
        let events = self.told(&self.message(kind, object)).await.unwrap();
        events.into_iter().map(|event| event.fact).collect()
    }
}

fn new_id() -> Uuid {
    Chance::System.uuid(moment())
}

pub fn deposit(amount: i64, currency: &str) -> DepositOrder {
    DepositOrder {
        id: new_id(),
        account: AccountId(Uuid::from_u128(7)),
        amount: Money::new(amount).unwrap(),
        currency: Currency::new(currency).unwrap(),
        return_url: RETURN_URL.into(),
    }
}

pub fn withdrawal(amount: i64, destination: Option<&str>) -> WithdrawalOrder {
    let DepositOrder { id, account, amount, currency, .. } = deposit(amount, "USD");
    WithdrawalOrder { id, account, amount, currency, destination: destination.map(Into::into) }
}

/// The code of a refusal.
#[track_caller]
pub fn code<T: std::fmt::Debug>(result: Result<T, ProviderError>) -> String {
    match result {
        Err(ProviderError::Refused { code, .. }) => code,
        other => panic!("{other:?} is no refusal"),
    }
}

/// After the test provider has had the time it takes.
pub fn later(clock: &Clock) {
    clock.advance(Span::from_secs(10));
}
