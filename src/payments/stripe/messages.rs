//! What Stripe's messages say. A message names an object and how it was; where it matters how it is now, or where the
//! message leaves out to which order it belongs, Stripe is asked. So messages may come late, twice and out of order.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::amounts::from_stripe;
use super::client::Client;
use super::objects::{
    Dispute, List, Named, OfPayment, PaymentIntent, Refund, Session, Transfer, TransferReversal, is_id,
};
use crate::domain::{Currency, Money};
use crate::payments::{PaymentEvent, PaymentFact, ProviderError, WebhookError};

/// More parts of one payment or transfer than this are not looked at; nobody gives money back so often.
const PARTS_MAX: &str = "100";

/// A message.
#[derive(Deserialize)]
struct Message<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    /// Set if it is about another's account, connected to this one.
    account: Option<String>,
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    object: &'a RawValue,
}

impl Data<'_> {
    fn read<T: DeserializeOwned>(&self) -> Result<T, WebhookError> {
        serde_json::from_str(self.object.get()).map_err(|_| WebhookError::Malformed)
    }
}

/// The facts of a message whose signature holds.
pub(super) async fn facts(client: &Client, body: &[u8]) -> Result<Vec<PaymentEvent>, WebhookError> {
    let message: Message<'_> = serde_json::from_slice(body).map_err(|_| WebhookError::Malformed)?;
    let Message { id, kind, account, data } = message;
    if account.is_some() {
        return Ok(Vec::new());
    }
    let facts = match kind.as_str() {
        "checkout.session.completed" | "checkout.session.async_payment_succeeded" => paid(data.read()?)?,
        "checkout.session.expired" | "checkout.session.async_payment_failed" => {
            let session: Session = data.read()?;
            session.metadata.order().map(|order| PaymentFact::DepositExpired { order }).into_iter().collect()
        }
        "charge.refunded" | "charge.refund.updated" | "refund.created" | "refund.updated" | "refund.failed" => {
            match data.read::<OfPayment>()?.payment_intent {
                Some(intent) => refunds(client, intent.id()).await?,
                None => Vec::new(),
            }
        }
        "charge.dispute.created"
        | "charge.dispute.updated"
        | "charge.dispute.funds_withdrawn"
        | "charge.dispute.funds_reinstated"
        | "charge.dispute.closed" => {
            let withdrawn = kind == "charge.dispute.funds_withdrawn";
            dispute(client, &data.read::<Named>()?.id, withdrawn).await?
        }
        "transfer.created" => {
            let Transfer { id: reference, metadata } = data.read()?;
            metadata.order().map(|order| PaymentFact::WithdrawalPaid { order, reference }).into_iter().collect()
        }
        "transfer.reversed" => returned(client, data.read()?).await?,
        _ => Vec::new(),
    };
    tracing::debug!(id, kind, facts = facts.len(), "Stripe sent {kind}");
    Ok(facts.into_iter().map(|fact| PaymentEvent { id: id.clone(), fact }).collect())
}

/// A session that is over on the payer's side. Some ways of paying take days from there.
fn paid(session: Session) -> Result<Vec<PaymentFact>, WebhookError> {
    let is_paid = session.payment_status.as_deref() == Some("paid");
    let Some(order) = session.metadata.order().filter(|_| is_paid) else { return Ok(Vec::new()) };
    let (amount, currency) = session.amount_total.zip(session.currency.as_deref()).ok_or(WebhookError::Malformed)?;
    let (amount, currency) = money(amount, currency)?;
    Ok(vec![PaymentFact::DepositPaid { order, reference: session.reference(), amount, currency }])
}

/// All refunds of a payment, as they stand now.
async fn refunds(client: &Client, payment: &str) -> Result<Vec<PaymentFact>, WebhookError> {
    let query = [("payment_intent", payment), ("limit", PARTS_MAX), ("expand[]", "data.payment_intent")];
    let list: List<Refund> = look_up(client.get("refunds", "/v1/refunds", &query).await)?;
    let mut facts = Vec::new();
    for refund in list.data {
        let Some((order, reference)) = refund.payment_intent.as_ref().and_then(|it| owner(it.whole())) else {
            continue;
        };
        facts.push(match refund.status.as_deref() {
            Some("failed" | "canceled") => PaymentFact::ReversalUndone { order, reversal: refund.id },
            _ => {
                let (amount, currency) = money(refund.amount, &refund.currency)?;
                PaymentFact::DepositReversed { order, reference, reversal: refund.id, amount, currency }
            }
        });
    }
    Ok(facts)
}

/// A dispute as it stands now. While the payer's bank only asks, no money is gone; of a standing that is new to us,
/// `withdrawn` says whether it is.
async fn dispute(client: &Client, id: &str, withdrawn: bool) -> Result<Vec<PaymentFact>, WebhookError> {
    let path = format!("/v1/disputes/{}", checked(id)?);
    let dispute: Dispute = look_up(client.get("dispute", &path, &[("expand[]", "payment_intent")]).await)?;
    let Some((order, reference)) = dispute.payment_intent.as_ref().and_then(|it| owner(it.whole())) else {
        return Ok(Vec::new());
    };
    let gone = match dispute.status.as_str() {
        "won" => return Ok(vec![PaymentFact::ReversalUndone { order, reversal: dispute.id }]),
        "needs_response" | "under_review" | "lost" => true,
        status => withdrawn && !status.starts_with("warning_"),
    };
    if !gone {
        return Ok(Vec::new());
    }
    let (amount, currency) = money(dispute.amount, &dispute.currency)?;
    Ok(vec![PaymentFact::DepositReversed { order, reference, reversal: dispute.id, amount, currency }])
}

/// All that came back of a transfer.
async fn returned(client: &Client, transfer: Transfer) -> Result<Vec<PaymentFact>, WebhookError> {
    let Some(order) = transfer.metadata.order() else { return Ok(Vec::new()) };
    let path = format!("/v1/transfers/{}/reversals", checked(&transfer.id)?);
    let list: List<TransferReversal> = look_up(client.get("transfer_reversals", &path, &[("limit", PARTS_MAX)]).await)?;
    let fact = |TransferReversal { id: return_id, amount, currency }| {
        let (amount, currency) = money(amount, &currency)?;
        Ok(PaymentFact::WithdrawalReturned { order, return_id, amount, currency })
    };
    list.data.into_iter().map(fact).collect()
}

/// The order of a payment, and the payment's id, if it is one of ours.
fn owner(intent: Option<&PaymentIntent>) -> Option<(Uuid, String)> {
    let intent = intent?;
    Some((intent.metadata.order()?, intent.id.clone()))
}

fn money(amount: i64, currency: &str) -> Result<(Money, Currency), WebhookError> {
    from_stripe(amount, currency).ok_or_else(|| {
        tracing::error!(currency, "Stripe tells of an amount that the hub cannot count");
        WebhookError::Malformed
    })
}

fn checked(id: &str) -> Result<&str, WebhookError> {
    is_id(id).then_some(id).ok_or(WebhookError::Malformed)
}

fn look_up<T>(answer: Result<T, ProviderError>) -> Result<T, WebhookError> {
    answer.map_err(|_| WebhookError::Unavailable)
}
