//! What features need of each other, put together where both are known.

use crate::features::sales::{self, Decision};
use crate::features::staff::{self, Deed, Target};
use crate::persistence::{StoreError, Tx};

/// The audit trail, for decisions about cases.
pub(super) struct Audit;

#[async_trait::async_trait]
impl sales::Trail for Audit {
    async fn record(&self, tx: &mut Tx, decision: &Decision) -> Result<(), StoreError> {
        let reason = format!("{}: {}", decision.resolution.name(), decision.note);
        let deed = Deed {
            actor: decision.actor,
            at: decision.at,
            action: "resolve_case",
            target: Target::Case(decision.case),
            reason: &reason,
            request: &decision.request,
        };
        staff::record(tx, &deed).await
    }
}
