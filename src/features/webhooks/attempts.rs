//! Serving one endpoint: the next message, sent; then what came of it, written down.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::message::{body, message_id};
use super::schedule::{FAILING_MAX, pause, rest};
use super::sender::{Answer, Message, Sender};
use super::signing::{self, SigningSecret};
use super::store::endpoints;
use super::store::outbox::{self, Attempt, Job};
use crate::chance::Chance;
use crate::clock::{Clock, from_datetime};
use crate::domain::{Span, Timestamp};
use crate::journal::Journal;
use crate::notify::{self, Note, NoteKind, Outbox};
use crate::persistence::{Db, StoreError, Tx};

/// After so long an endpoint lets others have its place.
const SERIES_LIMIT: Duration = Duration::from_secs(3);
/// How long an endpoint is left alone after something failed within the hub.
const TROUBLE_PAUSE: Duration = Duration::from_secs(10);
/// How long a delivery is put off whose event cannot be read.
const UNREADABLE_PAUSE: Span = Span::from_secs(60);
/// The status of an endpoint that is gone for good.
const GONE: u16 = 410;

/// What stands with a delivery that is given up, and with an endpoint that is disabled.
const REASON_GONE: &str = "gone";
const REASON_ATTEMPTS: &str = "attempts";
const REASON_FAILING: &str = "failing";

/// What attempts need.
pub(super) struct Attempts {
    pub db: Db,
    pub journal: Arc<dyn Journal>,
    pub sender: Sender,
    pub outbox: Outbox,
    pub clock: Clock,
    pub chance: Chance,
}

/// How far an endpoint was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Served {
    /// Nothing could be sent: what is due waits behind what is not.
    Not,
    /// Nothing more is due.
    Whole,
    /// More may be.
    InPart,
}

impl Attempts {
    /// Sends an endpoint what is due, for a few seconds at most.
    pub async fn serve(&self, endpoint: Uuid) -> Served {
        let started = Instant::now();
        let mut served = Served::Not;
        while started.elapsed() < SERIES_LIMIT {
            match self.serve_one(endpoint).await {
                Ok(true) => served = Served::Whole,
                Ok(false) => return served,
                Err(error) => {
                    tracing::warn!(%endpoint, %error, "endpoint {endpoint} cannot be served: {error}");
                    // What was sent may not be written down, and would be sent again at once.
                    tokio::time::sleep(TROUBLE_PAUSE).await;
                    return Served::Whole;
                }
            }
        }
        Served::InPart
    }

    /// Sends the next message. False if none is due.
    async fn serve_one(&self, endpoint: Uuid) -> Result<bool, StoreError> {
        let Some(job) = outbox::next(&self.db, endpoint, self.clock.now()).await? else { return Ok(false) };
        let body = match body(&self.journal, &job).await {
            Ok(Some(body)) => body,
            unread => {
                let delivery = job.id;
                let error = unread.err().map(|error| error.to_string()).unwrap_or_default();
                tracing::warn!(%endpoint, delivery, error, "the event of delivery {delivery} cannot be read yet: {error}");
                outbox::put_off(&self.db, &job, self.clock.now().plus(UNREADABLE_PAUSE)).await?;
                return Ok(true);
            }
        };
        let id = message_id(job.endpoint, job.id, job.auction, job.seq);
        let now = self.clock.now();
        let headers = signing::headers(&id, now, &body, job.secrets(now));
        let answer = self.sender.send(Message { url: &job.url, headers, body }).await;
        self.settle(&job, &answer).await?;
        Ok(true)
    }

    /// Writes down what came of an attempt.
    async fn settle(&self, job: &Job, answer: &Answer) -> Result<(), StoreError> {
        let outcome = if answer.problem.is_none() { "delivered" } else { "failed" };
        metrics::counter!("bidhub_webhook_attempts_total", "outcome" => outcome).increment(1);
        metrics::histogram!("bidhub_webhook_seconds").record(answer.took);
        let now = self.clock.now();
        let mut attempt = Attempt {
            at: now,
            status_code: answer.status.map(|status| status.as_u16().into()),
            response_ms: i64::try_from(answer.took.as_millis()).unwrap_or(i64::MAX),
            problem: answer.problem.map(str::to_owned),
        };
        // The endpoint before its deliveries, as when it is removed: the two must not wait for each other.
        let mut tx = self.db.begin().await?;
        if answer.problem.is_none() {
            if job.failures > 0 {
                endpoints::took(&mut tx, job.endpoint).await?;
            }
            outbox::delivered(&mut tx, job, &attempt).await?;
            return tx.commit().await;
        }
        let retry_at = now.plus(rest(job.failures + 1, answer.retry_after, &self.chance));
        endpoints::refused(&mut tx, job.endpoint, now, retry_at).await?;
        let gone = answer.status.is_some_and(|status| status.as_u16() == GONE);
        let next = pause(job.attempts + 1, answer.retry_after, &self.chance).filter(|_| !gone);
        let written = match next {
            Some(pause) => outbox::postponed(&mut tx, job, &attempt, now.plus(pause)).await?,
            None => {
                let reason = if gone { REASON_GONE } else { REASON_ATTEMPTS };
                attempt.problem = Some(reason.to_owned());
                let written = outbox::given_up(&mut tx, job, &attempt).await?;
                metrics::counter!("bidhub_webhook_dead_total", "reason" => reason).increment(written.into());
                written
            }
        };
        if !written {
            // It was given up or asked for anew meanwhile; what this attempt came to counts no more.
            return Ok(());
        }
        let failing = job.failing_since.map_or(Span::ZERO, |since| now.since(from_datetime(since)));
        if gone {
            disable(&mut tx, job, (REASON_GONE, "it answered that it is gone"), now).await?;
        } else if failing >= FAILING_MAX {
            disable(&mut tx, job, (REASON_FAILING, "it has taken nothing for three days"), now).await?;
        }
        tx.commit().await?;
        self.outbox.wake();
        Ok(())
    }
}

/// Disables an endpoint and tells its owner why, in a word and in more.
async fn disable(
    tx: &mut Tx,
    job: &Job,
    (reason, told): (&'static str, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    let endpoint = job.endpoint;
    let Some(owner) = endpoints::give_up(tx, endpoint, reason, now).await? else { return Ok(()) };
    metrics::counter!("bidhub_webhook_disabled_total", "reason" => reason).increment(1);
    tracing::warn!(%endpoint, %owner, reason, "endpoint {endpoint} is disabled: {reason}");
    let host = Url::parse(&job.url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let note = Note {
        account: owner,
        kind: NoteKind::WebhookDisabled,
        auction: None,
        cause: format!("webhook:{endpoint}:disabled:{}", now.millis()),
        data: json!({"host": host, "reason": told}),
        at: now,
    };
    notify::write(tx, &[note]).await.map(drop)
}

impl Job {
    /// What it is signed with at `now`: the secret in force, and while it is new the one before.
    fn secrets(&self, now: Timestamp) -> impl Iterator<Item = &SigningSecret> {
        let old_holds = self.old_secret_until.is_some_and(|until| from_datetime(until) > now);
        std::iter::once(&self.secret).chain(self.old_secret.as_ref().filter(|_| old_holds))
    }
}
