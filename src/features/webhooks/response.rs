//! What owners get to see. A secret has a field in one answer only: that to making it.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use uuid::Uuid;

use super::kinds::TEST;
use super::message::message_id;
use super::store::PENDING;
use super::store::deliveries::DeliveryRow;
use super::store::endpoints::EndpointRow;
use crate::clock::{WireTime, from_datetime};

/// An endpoint.
#[derive(Serialize, ToSchema)]
pub(super) struct WebhookBody {
    id: Uuid,
    url: String,
    /// The kinds of events; null for all but `private`.
    events: Option<Vec<String>>,
    /// The one auction whose events are sent; null for all of the owner's.
    auction: Option<Uuid>,
    description: String,
    created_at: WireTime,
    /// False if nothing is sent.
    enabled: bool,
    /// Why not: `owner`, `gone` (it answered 410) or `failing` (it took nothing for three days).
    disabled_reason: Option<String>,
    disabled_at: Option<WireTime>,
    /// Since when it has taken nothing; null if it took the last thing that it was sent.
    failing_since: Option<WireTime>,
    /// It is left alone until then.
    retry_at: Option<WireTime>,
    /// Until when messages are signed with the secret before this one too.
    old_secret_until: Option<WireTime>,
}

/// An endpoint with its secret, which is told this once.
#[derive(Serialize, ToSchema)]
pub(super) struct NewWebhookBody {
    #[serde(flatten)]
    webhook: WebhookBody,
    /// What messages are signed with: `whsec_` and base64.
    #[serde(serialize_with = "exposed")]
    #[schema(value_type = String, example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: SecretString,
}

/// What was sent to an endpoint, or is to be.
#[derive(Serialize, ToSchema)]
pub(super) struct DeliveryBody {
    id: i64,
    /// The header `webhook-id`: the same for every attempt.
    message_id: String,
    /// As in the message.
    #[serde(rename = "type")]
    #[schema(example = "auction.bid")]
    kind: String,
    /// Null for a test.
    auction: Option<Uuid>,
    seq: Option<i64>,
    /// `pending`, `delivered` or `dead`.
    status: String,
    /// When it was last asked to be sent.
    queued_at: WireTime,
    attempts: i64,
    /// When it is sent, or sent again; null if it is not.
    next_attempt_at: Option<WireTime>,
    attempted_at: Option<WireTime>,
    /// The status that the last attempt was answered with; null if there was no answer.
    status_code: Option<i64>,
    response_ms: Option<i64>,
    /// Why the last attempt failed: `refused`, `redirected`, `timeout`, `no_connection`, `no_answer`, `tls`, `unknown_host`,
    /// `forbidden_address`; or why there will be no more: `attempts`, `expired`, `overflow`, `gone`.
    problem: Option<String>,
    /// When it was delivered or given up.
    ended_at: Option<WireTime>,
}

/// What a replay has put before an endpoint.
#[derive(Serialize, ToSchema)]
pub(super) struct Replayed {
    /// How many events will be sent.
    pub queued: usize,
    /// The last event that was looked at.
    pub up_to_seq: u64,
    /// True if that is not all that was asked for: ask again with `after_seq` set to this `up_to_seq`.
    pub more: bool,
}

impl From<EndpointRow> for WebhookBody {
    fn from(row: EndpointRow) -> Self {
        let time = |at| WireTime(from_datetime(at));
        Self {
            id: row.id,
            url: row.url,
            events: row.events.map(|events| events.0),
            auction: row.auction,
            description: row.description,
            created_at: time(row.created_at),
            enabled: row.disabled_at.is_none(),
            disabled_reason: row.disabled_reason,
            disabled_at: row.disabled_at.map(time),
            failing_since: row.failing_since.map(time),
            retry_at: row.retry_at.map(time),
            old_secret_until: row.old_secret_until.map(time),
        }
    }
}

impl NewWebhookBody {
    pub fn new(row: EndpointRow, secret: SecretString) -> Self {
        Self { webhook: row.into(), secret }
    }

    pub fn id(&self) -> Uuid {
        self.webhook.id
    }
}

impl From<DeliveryRow> for DeliveryBody {
    fn from(row: DeliveryRow) -> Self {
        let time = |at| WireTime(from_datetime(at));
        let prefix = if row.kind == TEST { "webhook" } else { "auction" };
        Self {
            id: row.id,
            message_id: message_id(row.endpoint, row.id, row.auction, row.seq),
            kind: format!("{prefix}.{}", row.kind),
            auction: row.auction,
            seq: row.seq,
            next_attempt_at: (row.status == PENDING).then(|| time(row.next_at)),
            status: row.status,
            queued_at: time(row.queued_at),
            attempts: row.attempts,
            attempted_at: row.attempted_at.map(time),
            status_code: row.status_code,
            response_ms: row.response_ms,
            problem: row.problem,
            ended_at: row.ended_at.map(time),
        }
    }
}

fn exposed<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}
