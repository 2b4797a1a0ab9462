//! Webhooks: the events of a seller's auctions, sent to endpoints of theirs and signed after Standard Webhooks.
//!
//! What is sent is what everyone may read in the public log, no more. A projection writes down which endpoint is owed which
//! event; a deliverer on one node sends it until it is taken or given up. No room waits for any of it, and nothing here
//! follows an answer anywhere.

mod attempts;
mod deliverer;
mod kinds;
mod message;
mod personal;
mod places;
mod projection;
mod request;
mod response;
pub mod routes;
mod schedule;
mod sender;
mod signing;
mod store;
mod target;

use std::sync::Arc;

use tokio::sync::Notify;
use uuid::Uuid;

use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::ConfigError;
use crate::coordination::Leases;
use crate::domain::auction::Rejection;
use crate::domain::{AccountId, AuctionId, Seq, Span, Timestamp};
use crate::http::ApiError;
use crate::journal::sql::Feed;
use crate::journal::{Journal, JournalError, Record};
use crate::notify::Outbox;
use crate::persistence::{Db, Tx};
use crate::projection::Progress;
use crate::rate_limit::RateLimits;

use attempts::Attempts;
pub use deliverer::Deliverer;
pub use personal::WebhooksPart;
pub use projection::WebhooksProjection;
use request::{CreateWebhook, PatchWebhook, Replay};
use response::{NewWebhookBody, Replayed};
use sender::Sender;
use signing::SigningSecret;
use store::deliveries::{self, DeliveryRow, Owed};
use store::endpoints::{self, EndpointRow, NewEndpoint};
pub use target::Policy;

/// How many endpoints an account may have.
const ENDPOINTS_MAX: i64 = 10;
/// How long an old secret holds beside the new one.
const OLD_SECRET_LIFE: Span = Span::from_secs(24 * 3_600);
/// How many events one replay looks at.
const REPLAY_EVENTS: usize = 1_000;
/// Why an endpoint is disabled whose owner wants it so.
const REASON_OWNER: &str = "owner";

/// What webhooks need.
pub struct Parts {
    /// Where endpoints and deliveries are kept.
    pub db: Db,
    /// Where the events are.
    pub journal: Arc<dyn Journal>,
    /// The committed records of all auctions: an endpoint hears of what comes after it was made.
    pub feed: Feed,
    /// Says whether this node sends.
    pub leases: Arc<dyn Leases>,
    /// Tells when something was projected.
    pub progress: Progress,
    /// Where it is said that an owner was told something.
    pub outbox: Outbox,
    /// How often owners may act.
    pub limits: Arc<RateLimits>,
    /// The time.
    pub clock: Clock,
    /// For ids, secrets and jitter.
    pub chance: Chance,
    /// Where messages may go.
    pub policy: Policy,
    /// How many deliveries may wait for one endpoint.
    pub waiting_max: u32,
}

/// The webhooks of the hub.
#[derive(Clone)]
pub struct Webhooks(Arc<Inner>);

struct Inner {
    parts: Parts,
    sender: Sender,
    /// Something may be due.
    wake: Arc<Notify>,
}

impl Webhooks {
    /// Webhooks over these parts.
    pub fn new(parts: Parts) -> Result<Self, ConfigError> {
        let sender = Sender::new(parts.policy, target::system_lookup())?;
        Ok(Self(Arc::new(Inner { parts, sender, wake: Arc::default() })))
    }

    /// What sends; to be run once in each process.
    pub fn deliverer(&self) -> Deliverer {
        let Parts { db, journal, leases, progress, outbox, clock, chance, .. } = &self.0.parts;
        let attempts = Attempts {
            db: db.clone(),
            journal: journal.clone(),
            sender: self.0.sender.clone(),
            outbox: outbox.clone(),
            clock: clock.clone(),
            chance: chance.clone(),
        };
        Deliverer::new(attempts, leases.clone(), progress.clone(), self.0.wake.clone())
    }

    async fn create(&self, owner: AccountId, body: CreateWebhook) -> Result<NewWebhookBody, ApiError> {
        let url = self.url(&body.url)?;
        let events = request::events(body.events)?;
        let description = request::description(body.description.as_deref().unwrap_or_default())?;
        if let Some(auction) = body.auction {
            self.own_auction(owner, AuctionId(auction)).await?;
        }
        let now = self.now();
        let new = NewEndpoint {
            id: self.0.parts.chance.uuid(now),
            owner,
            url,
            description,
            events,
            auction: body.auction,
            secret: SigningSecret::draw(&self.0.parts.chance),
            created_at: now,
            after_position: self.0.parts.feed.last_position().await?,
        };
        self.insert(&new).await?;
        tracing::info!(endpoint = %new.id, %owner, "endpoint {} was made", new.id);
        let row = self.read(owner, new.id).await?;
        Ok(NewWebhookBody::new(row, new.secret.text()))
    }

    /// Inserts an endpoint where its owner has a place left. Who asks twice at once may meet on a place; then the next.
    async fn insert(&self, new: &NewEndpoint) -> Result<(), ApiError> {
        for _ in 0..ENDPOINTS_MAX {
            let taken = endpoints::slots(self.db(), new.owner).await?;
            let Some(slot) = (0..ENDPOINTS_MAX).find(|slot| !taken.contains(slot)) else { break };
            match endpoints::insert(self.db(), new, slot).await {
                Err(error) if error.is_duplicate() => {}
                result => return Ok(result?),
            }
        }
        let detail = format!("an account may have {ENDPOINTS_MAX} webhooks");
        Err(ApiError::conflict("too_many_webhooks", detail))
    }

    async fn change(&self, owner: AccountId, id: Uuid, patch: PatchWebhook) -> Result<EndpointRow, ApiError> {
        let mut row = self.read(owner, id).await?;
        if let Some(url) = &patch.url {
            row.url = self.url(url)?;
        }
        if let Some(events) = patch.events {
            row.events = request::events(events)?;
        }
        if let Some(auction) = patch.auction {
            if let Some(auction) = auction {
                self.own_auction(owner, AuctionId(auction)).await?;
            }
            row.auction = auction;
        }
        if let Some(description) = &patch.description {
            row.description = request::description(description)?;
        }
        endpoints::change(self.db(), owner, &row).await?.ok_or_else(unknown)?;
        match patch.enabled {
            Some(true) => {
                let after_position = self.0.parts.feed.last_position().await?;
                endpoints::enable(self.db(), owner, id, after_position).await?;
            }
            Some(false) => endpoints::disable(self.db(), owner, id, REASON_OWNER, self.now()).await?,
            None => {}
        }
        self.0.wake.notify_one();
        self.read(owner, id).await
    }

    async fn delete(&self, owner: AccountId, id: Uuid) -> Result<(), ApiError> {
        if !endpoints::delete(self.db(), owner, id).await? {
            return Err(unknown());
        }
        tracing::info!(endpoint = %id, %owner, "endpoint {id} was removed");
        Ok(())
    }

    async fn rotate(&self, owner: AccountId, id: Uuid) -> Result<NewWebhookBody, ApiError> {
        let secret = SigningSecret::draw(&self.0.parts.chance);
        let until = self.now().plus(OLD_SECRET_LIFE);
        let row = endpoints::rotate(self.db(), owner, id, &secret, until).await?.ok_or_else(unknown)?;
        tracing::info!(endpoint = %id, %owner, "endpoint {id} got a new secret");
        Ok(NewWebhookBody::new(row, secret.text()))
    }

    async fn test(&self, owner: AccountId, id: Uuid) -> Result<DeliveryRow, ApiError> {
        self.enabled(owner, id).await?;
        let mut tx = self.db().begin().await?;
        self.check_room(&mut tx, id, 1).await?;
        let delivery = deliveries::insert_test(&mut tx, id, self.now()).await?;
        tx.commit().await?;
        self.0.wake.notify_one();
        Ok(delivery)
    }

    async fn retry(&self, owner: AccountId, id: Uuid, delivery: i64) -> Result<DeliveryRow, ApiError> {
        self.enabled(owner, id).await?;
        let unknown = || ApiError::not_found("unknown_delivery", "there is no such delivery, or no longer");
        let delivery = deliveries::retry(self.db(), id, delivery, self.now()).await?.ok_or_else(unknown)?;
        self.0.wake.notify_one();
        Ok(delivery)
    }

    /// Has events sent once more, as far as the endpoint hears of their kinds.
    async fn replay(&self, owner: AccountId, id: Uuid, asked: &Replay) -> Result<Replayed, ApiError> {
        let endpoint = self.enabled(owner, id).await?;
        let auction = AuctionId(asked.auction);
        let genesis = self.own_auction(owner, auction).await?;
        if endpoint.auction.is_some_and(|only| only != auction.0) {
            let detail = "this webhook hears of another auction alone";
            return Err(ApiError::invalid("invalid_field", "auction", detail));
        }
        let after = Seq(asked.after_seq.unwrap_or(0));
        let last = Seq(asked.up_to_seq.unwrap_or(u64::MAX));
        if last < after {
            let detail = "up_to_seq must not be less than after_seq";
            return Err(ApiError::invalid("invalid_field", "up_to_seq", detail));
        }
        let mut records = self.0.parts.journal.read(auction, after, REPLAY_EVENTS + 1).await?;
        records.retain(|record| record.seq <= last);
        let more = records.len() > REPLAY_EVENTS;
        records.truncate(REPLAY_EVENTS);
        if asked.after_seq.is_none() {
            records.insert(0, genesis);
        }
        let up_to_seq = records.last().map_or(after, |last| last.seq).0;
        let owed = owed(&endpoint, auction, &records)?;
        self.owe_again(id, &owed).await?;
        self.0.wake.notify_one();
        Ok(Replayed { queued: owed.len(), up_to_seq, more })
    }

    async fn owe_again(&self, endpoint: Uuid, owed: &[Owed]) -> Result<(), ApiError> {
        let mut tx = self.db().begin().await?;
        self.check_room(&mut tx, endpoint, owed.len()).await?;
        deliveries::owe_again(&mut tx, owed, self.now()).await?;
        Ok(tx.commit().await?)
    }

    /// Refuses if an endpoint has no room for so many deliveries more.
    async fn check_room(&self, tx: &mut Tx, endpoint: Uuid, more: usize) -> Result<(), ApiError> {
        let waiting = deliveries::waiting(tx, endpoint).await?;
        let sum = waiting.saturating_add(i64::try_from(more).unwrap_or(i64::MAX));
        if sum > self.0.parts.waiting_max.into() {
            let detail = "too many deliveries wait for this webhook already";
            return Err(ApiError::conflict("too_many_deliveries", detail).with("waiting", waiting));
        }
        Ok(())
    }

    async fn read(&self, owner: AccountId, id: Uuid) -> Result<EndpointRow, ApiError> {
        endpoints::read(self.db(), owner, id).await?.ok_or_else(unknown)
    }

    /// The endpoint, if it is sent anything.
    async fn enabled(&self, owner: AccountId, id: Uuid) -> Result<EndpointRow, ApiError> {
        let row = self.read(owner, id).await?;
        let disabled = || ApiError::conflict("webhook_disabled", "this webhook is disabled; enable it first");
        if row.disabled_at.is_some() { Err(disabled()) } else { Ok(row) }
    }

    /// The creation of an auction that `account` sells; 403 for anyone else.
    async fn own_auction(&self, account: AccountId, auction: AuctionId) -> Result<Record, ApiError> {
        let log = self.0.parts.journal.open(auction).await?.ok_or(Rejection::UnknownAuction)?;
        let (_, _, terms, _) = log.genesis.genesis().map_err(ApiError::internal)?;
        if terms.seller != account {
            return Err(crate::auth::Denied::Forbidden.into());
        }
        Ok(log.genesis)
    }

    fn url(&self, text: &str) -> Result<String, ApiError> {
        let refused = |why: target::Refused| ApiError::invalid("invalid_url", "url", why.to_string());
        self.0.parts.policy.read(text).map(String::from).map_err(refused)
    }

    fn db(&self) -> &Db {
        &self.0.parts.db
    }

    fn now(&self) -> Timestamp {
        self.0.parts.clock.now()
    }
}

/// What of these records an endpoint hears of.
fn owed(endpoint: &EndpointRow, auction: AuctionId, records: &[Record]) -> Result<Vec<Owed>, ApiError> {
    let mut owed = Vec::new();
    for record in records {
        let unreadable = |source| JournalError::Unreadable { auction, source };
        let kind = record.public().map_err(unreadable)?.kind;
        if kinds::hears(endpoint.events.as_ref(), &kind) {
            let seq = i64::try_from(record.seq.0).unwrap_or(i64::MAX);
            owed.push(Owed { endpoint: endpoint.id, auction: auction.0, seq, kind: kind.into_owned() });
        }
    }
    Ok(owed)
}

fn unknown() -> ApiError {
    ApiError::not_found("unknown_webhook", "there is no such webhook, or it is another's")
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Webhooks")
    }
}
