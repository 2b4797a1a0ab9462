//! Brings acts on auctions from the journal into the audit trail, so that it misses none. Sellers who cancel their own
//! auction stand in it too: they used the same power.

use super::store::{self, Entry, Signed, Target};
use crate::domain::AuctionId;
use crate::domain::auction::{Event, EventKind};
use crate::persistence::{StoreError, Tx};
use crate::projection::{Fact, Projected, Projection};

/// The projection of the audit trail.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditProjection;

#[async_trait::async_trait]
impl Projection for AuditProjection {
    fn name(&self) -> &'static str {
        "staff_audit"
    }

    async fn apply(&self, tx: &mut Tx, page: &[Projected]) -> Result<(), StoreError> {
        for projected in page {
            if let Fact::Event(event) = &projected.fact
                && let Some(signed) = entry(projected.auction, event)
            {
                store::insert_in(tx, &signed).await?;
            }
        }
        Ok(())
    }
}

/// What the trail says of an event, if somebody with the power to moderate did it.
fn entry(auction: AuctionId, event: &Event) -> Option<Signed> {
    let (by, entry) = match &event.kind {
        EventKind::Paused { by, reason, .. } => (by, Entry::new("pause").because(Some(reason))),
        EventKind::Resumed { by, reason, .. } => (by, Entry::new("resume").because(reason.as_deref())),
        EventKind::Stopped { by, reason, .. } => (by, Entry::new("stop").because(Some(reason))),
        EventKind::BidVoided(void) => {
            (&void.by, Entry::new("void_bid").because(Some(&void.reason)).of_bid(void.voided))
        }
        _ => return None,
    };
    Some(entry.by(*by, event.at, Target::Auction(auction)).at_event(event.seq))
}
