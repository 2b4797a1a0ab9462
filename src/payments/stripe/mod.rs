//! Stripe. Deposits are paid on a page of Stripe's (Checkout); withdrawals are transfers to an account that the user has
//! there (Connect, Express), from where Stripe pays their bank. What happens to money after it has reached that account
//! is between the user and Stripe, and is not told here.
//!
//! The few calls are written out over the HTTP client that the hub has anyway; cards and bank details never pass here.

mod amounts;
mod client;
mod messages;
mod objects;
mod signature;

use async_trait::async_trait;
use reqwest::header::HeaderMap;
use secrecy::SecretString;

use super::{
    Deposit, DepositOrder, DepositStatus, Onboarding, OnboardingOrder, PaymentEvent, PaymentProvider, ProviderError,
    WebhookError, Withdrawal, WithdrawalOrder, WithdrawalStatus,
};
use crate::chance::Chance;
use crate::config::{self, ConfigError};
use crate::domain::Timestamp;
use amounts::{from_stripe, to_stripe};
use client::Client;
pub use client::Patience;
use objects::{AccountLink, List, Named, Session, Transfer, is_id};

/// Stripe, under the keys of one account there.
#[derive(Debug)]
pub struct Stripe {
    client: Client,
    webhook_secret: SecretString,
}

/// What it takes to speak with Stripe.
#[derive(Debug)]
pub struct Parts {
    /// Where its API is.
    pub url: String,
    /// The secret or restricted key of the account.
    pub secret_key: SecretString,
    /// The secret of the endpoint to which messages are sent.
    pub webhook_secret: SecretString,
    /// For uneven pauses, and keys of what may be done twice.
    pub chance: Chance,
    /// How long it is waited for.
    pub patience: Patience,
}

impl Stripe {
    /// Stripe with these parts. Calls nobody yet.
    pub fn new(parts: Parts) -> Result<Self, ConfigError> {
        let Parts { url, secret_key, webhook_secret, chance, patience } = parts;
        Ok(Self { client: Client::new(&url, &secret_key, chance, patience)?, webhook_secret })
    }

    /// Stripe as the settings say.
    pub(super) fn open(settings: &config::Money, chance: Chance) -> Result<Self, ConfigError> {
        let missing = |name: &str| ConfigError(format!("payments is stripe, so {name} must be set"));
        let secret_key = settings.stripe_secret_key.clone().ok_or_else(|| missing("stripe_secret_key"))?;
        let webhook_secret = settings.stripe_webhook_secret.clone().ok_or_else(|| missing("stripe_webhook_secret"))?;
        let (url, patience) = (settings.stripe_url.clone(), Patience::default());
        Self::new(Parts { url, secret_key, webhook_secret, chance, patience })
    }
}

#[async_trait]
impl PaymentProvider for Stripe {
    fn name(&self) -> &'static str {
        "stripe"
    }

    async fn deposit(&self, order: &DepositOrder) -> Result<Deposit, ProviderError> {
        let amount = to_stripe(order.amount, order.currency)?.to_string();
        let (id, account) = (order.id.to_string(), order.account.to_string());
        let currency = order.currency.code().to_lowercase();
        let form = [
            ("mode", "payment"),
            ("client_reference_id", &*id),
            ("line_items[0][quantity]", "1"),
            ("line_items[0][price_data][currency]", &*currency),
            ("line_items[0][price_data][unit_amount]", &*amount),
            ("line_items[0][price_data][product_data][name]", "Deposit"),
            // What is paid is what was ordered, not that much in the payer's own currency.
            ("adaptive_pricing[enabled]", "false"),
            ("success_url", &*order.return_url),
            ("cancel_url", &*order.return_url),
            ("metadata[order]", &*id),
            ("metadata[account]", &*account),
            ("payment_intent_data[metadata][order]", &*id),
            ("payment_intent_data[metadata][account]", &*account),
        ];
        let session: Session = self.client.post("checkout_session", "/v1/checkout/sessions", &id, &form).await?;
        match session.url {
            Some(url) => Ok(Deposit::Redirect { url, reference: session.id }),
            // An answer from before, of a session that has ended since: its status says how.
            None => Err(ProviderError::Unknown),
        }
    }

    async fn deposit_status(&self, _: &DepositOrder, reference: Option<&str>) -> Result<DepositStatus, ProviderError> {
        let Some(reference) = reference.filter(|reference| is_id(reference)) else {
            return Ok(DepositStatus::NotFound);
        };
        let path = format!("/v1/checkout/sessions/{reference}");
        match self.client.get("checkout_session_status", &path, &[("expand[]", "payment_intent")]).await {
            Ok(session) => standing(session),
            Err(ProviderError::Refused { code, .. }) if code == "resource_missing" => Ok(DepositStatus::NotFound),
            Err(error) => Err(error),
        }
    }

    async fn withdraw(&self, order: &WithdrawalOrder) -> Result<Withdrawal, ProviderError> {
        let Some(destination) = &order.destination else {
            let why = "say first where the money is to go";
            return Err(ProviderError::refused("destination_required", why));
        };
        let amount = to_stripe(order.amount, order.currency)?.to_string();
        let (id, account) = (order.id.to_string(), order.account.to_string());
        let currency = order.currency.code().to_lowercase();
        let form = [
            ("amount", &*amount),
            ("currency", &*currency),
            ("destination", &**destination),
            // By this it can be found without a reference.
            ("transfer_group", &*id),
            ("metadata[order]", &*id),
            ("metadata[account]", &*account),
        ];
        let transfer: Transfer = self.client.post("transfer", "/v1/transfers", &id, &form).await?;
        Ok(Withdrawal::Paid { reference: transfer.id })
    }

    async fn withdrawal_status(&self, order: &WithdrawalOrder) -> Result<WithdrawalStatus, ProviderError> {
        let id = order.id.to_string();
        let query = [("transfer_group", &*id), ("limit", "10")];
        let found: List<Transfer> = self.client.get("transfer_status", "/v1/transfers", &query).await?;
        let transfer = found.data.into_iter().find(|transfer| transfer.metadata.order() == Some(order.id));
        Ok(transfer.map_or(WithdrawalStatus::NotFound, |transfer| WithdrawalStatus::Paid { reference: transfer.id }))
    }

    async fn onboard(&self, order: &OnboardingOrder) -> Result<Option<Onboarding>, ProviderError> {
        let destination = match &order.destination {
            Some(destination) => destination.clone(),
            None => {
                let account = order.account.to_string();
                let key = format!("account-{account}");
                let form = [
                    ("type", "express"),
                    ("capabilities[transfers][requested]", "true"),
                    ("metadata[account]", &*account),
                ];
                self.client.post::<Named>("account", "/v1/accounts", &key, &form).await?.id
            }
        };
        // A link is good once, so each asking is for a new one.
        let key = self.client.new_key();
        let form = [
            ("account", &*destination),
            ("type", "account_onboarding"),
            ("return_url", &*order.return_url),
            ("refresh_url", &*order.return_url),
        ];
        let link: AccountLink = self.client.post("account_link", "/v1/account_links", &key, &form).await?;
        Ok(Some(Onboarding { destination, url: link.url }))
    }

    async fn webhook(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Vec<PaymentEvent>, WebhookError> {
        let header = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
        signature::verify(&self.webhook_secret, header.ok_or(WebhookError::BadSignature)?, body, now)?;
        messages::facts(&self.client, body).await
    }
}

/// What a session says of its deposit.
fn standing(session: Session) -> Result<DepositStatus, ProviderError> {
    let paid = matches!(session.payment_status.as_deref(), Some("paid" | "no_payment_required"));
    if paid {
        let money = session.amount_total.zip(session.currency.as_deref());
        let Some((amount, currency)) = money.and_then(|(amount, currency)| from_stripe(amount, currency)) else {
            tracing::error!(session = session.id, "Stripe was paid an amount that the hub cannot count");
            return Err(ProviderError::Unavailable);
        };
        return Ok(DepositStatus::Paid { reference: session.reference(), amount, currency });
    }
    let intent = session.payment_intent.as_ref().and_then(|intent| intent.whole());
    let intent = intent.and_then(|intent| intent.status.as_deref());
    Ok(match (session.status.as_deref(), intent) {
        (Some("expired"), _) | (Some("complete"), Some("requires_payment_method" | "canceled")) => {
            DepositStatus::Expired
        }
        (Some("complete"), _) => DepositStatus::Open { url: None },
        _ => DepositStatus::Open { url: session.url },
    })
}
