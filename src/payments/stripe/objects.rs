//! What Stripe's API answers and its messages hold, as far as it is read here. What is missing in one version of the API
//! or another may be missing; what is new is passed over.

use std::collections::BTreeMap;

use serde::Deserialize;
use uuid::Uuid;

/// The name in `metadata` under which an order's id is kept.
pub(super) const ORDER: &str = "order";

/// An answer that says no.
#[derive(Default, Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default)]
    pub error: Failure,
}

#[derive(Default, Deserialize)]
pub(super) struct Failure {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub code: Option<String>,
    pub message: Option<String>,
}

/// Names and values that we gave an object.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Metadata(BTreeMap<String, String>);

impl Metadata {
    /// The order that the object belongs to. Objects that others made in the same account have none.
    pub(super) fn order(&self) -> Option<Uuid> {
        self.0.get(ORDER)?.parse().ok()
    }
}

/// An object, or only its id.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Expandable<T> {
    Id(String),
    Whole(T),
}

impl Expandable<PaymentIntent> {
    /// The payment's id.
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Id(id) | Self::Whole(PaymentIntent { id, .. }) => id,
        }
    }

    /// The payment, if more than its id is there.
    pub(super) fn whole(&self) -> Option<&PaymentIntent> {
        match self {
            Self::Id(_) => None,
            Self::Whole(intent) => Some(intent),
        }
    }
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct List<T> {
    pub data: Vec<T>,
}

/// A page on which someone pays.
#[derive(Debug, Deserialize)]
pub(super) struct Session {
    pub id: String,
    pub url: Option<String>,
    /// `open`, `complete` or `expired`.
    pub status: Option<String>,
    /// `paid`, `unpaid` or `no_payment_required`.
    pub payment_status: Option<String>,
    pub amount_total: Option<i64>,
    pub currency: Option<String>,
    pub payment_intent: Option<Expandable<PaymentIntent>>,
    #[serde(default)]
    pub metadata: Metadata,
}

impl Session {
    /// The payment's id, or the session's while there is none.
    pub(super) fn reference(&self) -> String {
        self.payment_intent.as_ref().map_or(&*self.id, Expandable::id).to_owned()
    }
}

/// A payment.
#[derive(Debug, Deserialize)]
pub(super) struct PaymentIntent {
    pub id: String,
    /// `processing`, `succeeded`, `requires_payment_method`, `canceled`, or another that it may still leave.
    pub status: Option<String>,
    #[serde(default)]
    pub metadata: Metadata,
}

/// Money given back.
#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    pub id: String,
    pub amount: i64,
    pub currency: String,
    /// `succeeded`, `pending`, `requires_action`, `failed` or `canceled`.
    pub status: Option<String>,
    pub payment_intent: Option<Expandable<PaymentIntent>>,
}

/// Money that the payer's bank takes back.
#[derive(Debug, Deserialize)]
pub(super) struct Dispute {
    pub id: String,
    pub amount: i64,
    pub currency: String,
    /// `warning_…` while nothing is taken; `needs_response`, `under_review`, `lost` when it is gone; `won`; or newer ones.
    pub status: String,
    pub payment_intent: Option<Expandable<PaymentIntent>>,
}

/// What a charge or refund says of the payment it belongs to.
#[derive(Debug, Deserialize)]
pub(super) struct OfPayment {
    pub payment_intent: Option<Expandable<PaymentIntent>>,
}

/// An object of which only the id counts.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub id: String,
}

/// Money sent to a connected account.
#[derive(Debug, Deserialize)]
pub(super) struct Transfer {
    pub id: String,
    #[serde(default)]
    pub metadata: Metadata,
}

/// Money of a transfer that came back.
#[derive(Debug, Deserialize)]
pub(super) struct TransferReversal {
    pub id: String,
    pub amount: i64,
    pub currency: String,
}

/// The page on which a user says how to be paid.
#[derive(Debug, Deserialize)]
pub(super) struct AccountLink {
    pub url: String,
}

/// Whether `text` can be the id of an object, so that it can stand in a path.
pub(super) fn is_id(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
