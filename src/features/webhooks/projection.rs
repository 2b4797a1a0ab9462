//! From the journal into the outbox: each event once for each endpoint that hears of its auction.

use std::collections::{BTreeSet, HashMap};

use super::kinds::hears;
use super::store::deliveries::{self, Owed};
use super::store::outbox::{self, Listener};
use crate::clock::Clock;
use crate::domain::{AuctionId, Timestamp};
use crate::persistence::{StoreError, Tx};
use crate::projection::{Fact, Projected, Projection};

/// What stands with a delivery that was given up because too many waited behind it.
const OVERFLOW: &str = "overflow";

/// The projection of webhooks.
#[derive(Debug, Clone)]
pub struct WebhooksProjection {
    clock: Clock,
    waiting_max: i64,
}

impl WebhooksProjection {
    /// No more than `waiting_max` deliveries wait for one endpoint.
    pub fn new(clock: Clock, waiting_max: u32) -> Self {
        Self { clock, waiting_max: waiting_max.into() }
    }
}

#[async_trait::async_trait]
impl Projection for WebhooksProjection {
    fn name(&self) -> &'static str {
        "webhooks"
    }

    async fn apply(&self, tx: &mut Tx, page: &[Projected]) -> Result<(), StoreError> {
        for projected in page {
            if let Fact::Created(created) = &projected.fact {
                outbox::sells(tx, projected.auction, created.terms.seller.0).await?;
            }
        }
        let auctions: BTreeSet<AuctionId> = page.iter().map(|projected| projected.auction).collect();
        let mut listeners: HashMap<AuctionId, Vec<Listener>> = HashMap::new();
        for listener in outbox::listeners(tx, &auctions.into_iter().collect::<Vec<_>>()).await? {
            listeners.entry(AuctionId(listener.heard)).or_default().push(listener);
        }
        let mut owed = Vec::new();
        for projected in page {
            if let Some(listeners) = listeners.get(&projected.auction) {
                owe(&mut owed, projected, listeners)?;
            }
        }
        self.write(tx, &owed, self.clock.now()).await
    }
}

impl WebhooksProjection {
    async fn write(&self, tx: &mut Tx, owed: &[Owed], now: Timestamp) -> Result<(), StoreError> {
        deliveries::owe(tx, owed, now).await?;
        let endpoints: BTreeSet<_> = owed.iter().map(|owed| owed.endpoint).collect();
        for endpoint in endpoints {
            let cut = deliveries::cut(tx, endpoint, self.waiting_max, OVERFLOW, now).await?;
            if cut > 0 {
                metrics::counter!("bidhub_webhook_dead_total", "reason" => OVERFLOW).increment(cut);
                tracing::warn!(%endpoint, cut, "endpoint {endpoint} does not keep up: {cut} deliveries are given up");
            }
        }
        Ok(())
    }
}

/// What of this record is to be sent to whom.
fn owe(owed: &mut Vec<Owed>, projected: &Projected, listeners: &[Listener]) -> Result<(), StoreError> {
    let unreadable = |error| StoreError::Inconsistent { table: "journal_records", detail: format!("{error}") };
    let kind = projected.record.public().map_err(unreadable)?.kind;
    let seq = i64::try_from(projected.record.seq.0).unwrap_or(i64::MAX);
    let hear =
        |listener: &&Listener| projected.position > listener.after_position && hears(listener.events.as_ref(), &kind);
    owed.extend(listeners.iter().filter(hear).map(|listener| Owed {
        endpoint: listener.endpoint,
        auction: projected.auction.0,
        seq,
        kind: kind.to_string(),
    }));
    Ok(())
}
