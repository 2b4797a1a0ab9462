//! What the hub knows of people, put together: what customers do, and what anyone may ask for about themselves.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::auth::{Caller, Roles};
use crate::cache::Cache;
use crate::config::Settings;
use crate::domain::{AccountId, Timestamp};
use crate::env::Env;
use crate::features::accounts::{Accounts, AccountsPart};
use crate::features::auctions::AuctionsPart;
use crate::features::comments::CommentsPart;
use crate::features::customers::{self, Before, Crowd, Customers, CustomersPart, Presence};
use crate::features::images::ImagesPart;
use crate::features::moderation::ModerationPart;
use crate::features::notifications::NotificationsPart;
use crate::features::privacy::{self, Doors, Privacy};
use crate::features::sales::SalesPart;
use crate::features::search::SearchPart;
use crate::features::staff::{self, StaffPart, Target};
use crate::features::stakes::StakesPart;
use crate::features::tickets::TicketsPart;
use crate::features::wallets::WalletsPart;
use crate::features::webhooks::WebhooksPart;
use crate::http::{ApiError, Visitors};
use crate::hub::Hub;
use crate::journal::archiver::Archiver;
use crate::journal::sql::Feed;
use crate::lifecycle::Tasks;
use crate::persistence::{Db, StoreError, Tx};
use crate::personal::Personal;
use crate::projection::Progress;
use crate::rate_limit::RateLimits;
use crate::ws::Connections;

/// How often it is asked whether all is archived.
const ARCHIVE_ASK_EVERY: Duration = Duration::from_millis(50);

/// What it is built on.
pub(super) struct Ground<'a> {
    pub settings: &'a Settings,
    pub env: &'a Env,
    pub tasks: &'a Tasks,
    pub db: &'a Db,
    pub hub: &'a Hub,
    pub accounts: &'a Accounts,
    pub limits: &'a Arc<RateLimits>,
    pub progress: Progress,
}

/// All that keep something of people, in the order of the export.
pub fn keepers() -> Arc<[Arc<dyn Personal>]> {
    Arc::new([
        Arc::new(WalletsPart),
        Arc::new(AccountsPart),
        Arc::new(AuctionsPart),
        Arc::new(ImagesPart),
        Arc::new(StakesPart),
        Arc::new(SalesPart),
        Arc::new(CommentsPart),
        Arc::new(SearchPart),
        Arc::new(WebhooksPart),
        Arc::new(TicketsPart),
        Arc::new(NotificationsPart),
        Arc::new(ModerationPart),
        Arc::new(CustomersPart),
        Arc::new(StaffPart),
    ])
}

/// Customers, who are looked at from here on, and privacy.
pub(super) fn people(
    ground: Ground<'_>,
    connections: Arc<Connections>,
    visitors: Visitors,
    cache: Cache,
) -> (Customers, Privacy) {
    let Ground { settings, env, tasks, db, hub, accounts, limits, progress } = ground;
    let customers = Customers::new(customers::Parts {
        db: db.clone(),
        leases: hub.leases.clone(),
        node: hub.bus.node(),
        schedule: settings.customers.customers_snapshot_cron.clone(),
        keep_days: settings.customers.customers_keep_days,
        clock: env.clock.clone(),
        chance: env.chance.clone(),
    });
    let (presence, counted) =
        Presence::new(db.clone(), Arc::new(Everyone { connections, visitors }), env.clock.clone());
    let log = Followed { db: db.clone(), feed: hub.feed.clone(), archiver: hub.archiver().cloned(), progress };
    let before = Before { log: Arc::new(log.clone()), counted };
    tasks.spawn(customers.clone().keep_taking(before, tasks.shutdown().clone()));
    tasks.spawn(presence.keep_counting(tasks.shutdown().clone()));
    let privacy = Privacy::new(privacy::Parts {
        db: db.clone(),
        keepers: keepers(),
        doors: Arc::new(accounts.clone()),
        trail: Arc::new(Audit),
        log: Arc::new(log),
        cache,
        leases: hub.leases.clone(),
        tasks: tasks.clone(),
        limits: Arc::clone(limits),
        clock: env.clock.clone(),
    });
    (customers, privacy)
}

/// Who is signed in on the sockets of this node, and who calls it.
struct Everyone {
    connections: Arc<Connections>,
    visitors: Visitors,
}

impl Crowd for Everyone {
    fn each(&self, see: &mut dyn FnMut(AccountId, bool)) {
        self.connections.each_signed_in(see);
    }

    fn callers(&self) -> Vec<(AccountId, Timestamp)> {
        self.visitors.take()
    }
}

/// How the main database follows the log of auctions: through the archive, where the log is not kept in it, and then by the
/// projections.
#[derive(Clone)]
struct Followed {
    db: Db,
    feed: Feed,
    /// What this node has not archived yet. Others archive what their rooms decide within moments; how far behind they are
    /// nobody here can tell.
    archiver: Option<Archiver>,
    progress: Progress,
}

impl Followed {
    /// Waits until all that this node's rooms had decided is archived.
    async fn archived(&self) {
        let Some(archiver) = &self.archiver else { return };
        let begun = Instant::now();
        while Duration::from_millis(archiver.lag().millis().unsigned_abs()) >= begun.elapsed() {
            tokio::time::sleep(ARCHIVE_ASK_EVERY).await;
        }
    }
}

#[async_trait]
impl privacy::Log for Followed {
    async fn is_followed(&self, limit: Duration) -> Result<bool, ApiError> {
        if tokio::time::timeout(limit, self.archived()).await.is_err() {
            return Ok(false);
        }
        let end = self.feed.last_position().await.map_err(ApiError::internal)?;
        Ok(self.progress.wait_until(limit, || self.progress.has_reached(&self.db, end)).await?)
    }
}

#[async_trait]
impl customers::Log for Followed {
    async fn is_followed(&self, limit: Duration) -> bool {
        match privacy::Log::is_followed(self, limit).await {
            Ok(is_followed) => is_followed,
            Err(error) => {
                let error = error.code();
                tracing::warn!(error, "how far the log of auctions is followed cannot be learned: {error}");
                false
            }
        }
    }
}

/// The audit trail, for exports and erasures.
struct Audit;

#[async_trait]
impl privacy::Trail for Audit {
    async fn record(&self, tx: &mut Tx, deed: &privacy::Deed) -> Result<(), StoreError> {
        let deed = staff::Deed {
            actor: deed.actor,
            at: deed.at,
            action: deed.action,
            target: Target::User(deed.account),
            reason: deed.reason.as_deref(),
            request: &deed.request,
        };
        staff::record(tx, &deed).await
    }
}

#[async_trait]
impl Doors for Accounts {
    async fn roles(&self, account: AccountId) -> Result<Option<Roles>, StoreError> {
        Ok(self.account(account).await?.map(|row| row.roles))
    }

    async fn is_password(&self, account: AccountId, password: Option<&str>) -> Result<bool, ApiError> {
        Ok(Accounts::is_password(self, account, password).await?)
    }

    async fn sign_out(&self, caller: &Caller) {
        if let Err(error) = self.logout(caller).await {
            tracing::warn!(%error, "the token of an erased account could not be revoked: {error}");
        }
    }

    async fn end_sockets(&self, account: AccountId) {
        Accounts::end_sockets(self, account).await;
    }
}
