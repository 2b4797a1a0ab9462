//! What features need of each other, put together where both are known.

use std::sync::Arc;

use crate::auth::Roles;
use crate::config::Settings;
use crate::domain::AccountId;
use crate::env::Env;
use crate::features::accounts::Accounts;
use crate::features::auctions;
use crate::features::images::{self, Images, Removal};
use crate::features::sales::{self, CaseKind, Decision, NewCase};
use crate::features::staff::{self, Deed, Sanction, Sanctions, Target};
use crate::features::wallets::{self, LimitsSet, Trouble, TroubleKind};
use crate::hub::Hub;
use crate::persistence::{Db, StoreError, Tx};
use crate::projection::Progress;
use crate::rate_limit::RateLimits;

/// The audit trail, for decisions about cases, for limits and for images taken down.
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
            reason: Some(&reason),
            request: &decision.request,
        };
        staff::record(tx, &deed).await
    }
}

#[async_trait::async_trait]
impl wallets::Trail for Audit {
    async fn record(&self, tx: &mut Tx, set: &LimitsSet) -> Result<(), StoreError> {
        let deed = Deed {
            actor: set.actor,
            at: set.at,
            action: "set_limits",
            target: Target::User(set.owner),
            reason: Some(&set.reason),
            request: &set.request,
        };
        staff::record(tx, &deed).await
    }
}

/// Trouble with money is a case of staff, and whoever acts for a frozen account has to come again.
#[async_trait::async_trait]
impl wallets::Guard for Accounts {
    async fn leave_to_staff(&self, tx: &mut Tx, trouble: &Trouble) -> Result<(), StoreError> {
        let case = NewCase {
            kind: match trouble.kind {
                TroubleKind::DepositReversed => CaseKind::DepositReversed,
                TroubleKind::NotCredited => CaseKind::NotCredited,
                TroubleKind::PaidAfterAll => CaseKind::PaidAfterAll,
            },
            cause: trouble.cause.clone(),
            account: trouble.owner,
            auction: None,
            currency: trouble.currency,
            amount: trouble.amount,
            reason: trouble.reason.to_owned(),
            at: trouble.at,
        };
        sales::open_case(tx, &case).await.map(drop)
    }

    async fn frozen(&self, owner: AccountId) {
        self.end_sockets(owner).await;
    }
}

/// What moderation needs of accounts.
#[async_trait::async_trait]
impl Sanctions for Accounts {
    async fn roles(&self, account: AccountId) -> Result<Option<Roles>, StoreError> {
        Ok(self.account(account).await?.map(|row| row.roles))
    }

    async fn impose(&self, tx: &mut Tx, account: AccountId, sanction: Sanction<'_>) -> Result<(), StoreError> {
        match sanction {
            Sanction::Ban(reason) => self.ban(tx, account, reason).await,
            Sanction::Unban => self.unban(tx, account).await,
            Sanction::Freeze(reason) => self.freeze(tx, account, reason).await,
            Sanction::Unfreeze => self.unfreeze(tx, account).await,
        }
        .map(drop)
    }

    async fn end_sockets(&self, account: AccountId) {
        Accounts::end_sockets(self, account).await;
    }
}

#[async_trait::async_trait]
impl images::Trail for Audit {
    async fn record(&self, tx: &mut Tx, removal: &Removal) -> Result<(), StoreError> {
        let deed = Deed {
            actor: removal.actor,
            at: removal.at,
            action: "remove_image",
            target: Target::Image(removal.image),
            reason: Some(&removal.reason),
            request: &removal.request,
        };
        staff::record(tx, &deed).await
    }
}

/// The images of the hub, which browsers reach at `public_url`.
pub(super) fn images(
    settings: &Settings,
    env: &Env,
    db: &Db,
    hub: &Hub,
    progress: &Progress,
    limits: &Arc<RateLimits>,
    public_url: &str,
) -> Images {
    Images::new(images::Parts {
        db: db.clone(),
        leases: hub.leases.clone(),
        progress: progress.clone(),
        trail: Arc::new(Audit),
        limits: Arc::clone(limits),
        clock: env.clock.clone(),
        chance: env.chance.clone(),
        bounds: settings.images.clone(),
        public_url: public_url.to_owned(),
    })
}

/// What auctions show of the hub's own images.
#[async_trait::async_trait]
impl auctions::Pictures for Images {
    async fn shown(&self, seller: AccountId, url: &str) -> Result<Option<Arc<str>>, StoreError> {
        self.wanted(seller, url).await
    }
}
