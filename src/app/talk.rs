//! What people say on the hub, to each other and to staff, put together.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::auth::{Identity, Role};
use crate::cache::Cache;
use crate::coordination::Leases;
use crate::domain::{AccountId, AuctionId};
use crate::env::Env;
use crate::features::accounts::Accounts;
use crate::features::auctions::Auctions;
use crate::features::comments::{self, Comments, Deletion, Lot};
use crate::features::moderation::{self, Decision, Moderation, Reported, Subject};
use crate::features::staff::{self, Deed, Target};
use crate::features::tickets::{self, Act, Tickets};
use crate::http::ApiError;
use crate::lifecycle::Tasks;
use crate::live::Live;
use crate::notify::Outbox;
use crate::persistence::{Db, StoreError, Tx};
use crate::rate_limit::RateLimits;

/// What it is built on.
pub(super) struct Ground<'a> {
    pub db: &'a Db,
    pub env: &'a Env,
    pub accounts: &'a Accounts,
    pub auctions: &'a Auctions,
    pub cache: &'a Cache,
    pub live: &'a Live,
    pub outbox: &'a Outbox,
    pub leases: &'a Arc<dyn Leases>,
    pub limits: &'a Arc<RateLimits>,
    pub tasks: &'a Tasks,
}

/// Comments, tickets, and the queue of what staff should look at.
pub(super) fn talk(ground: Ground<'_>) -> (Comments, Tickets, Moderation) {
    let Ground { db, env, accounts, auctions, cache, live, outbox, leases, limits, tasks } = ground;
    let moderation = Moderation::new(moderation::Parts {
        db: db.clone(),
        lots: Arc::new(auctions.clone()),
        trail: Arc::new(Audit),
        leases: Arc::clone(leases),
        live: live.clone(),
        limits: Arc::clone(limits),
        clock: env.clock.clone(),
        chance: env.chance.clone(),
    });
    tasks.spawn(moderation.clone().tell(tasks.shutdown().clone()));
    let measured = moderation.clone();
    tasks.every(Duration::from_secs(moderation::MEASURE_INTERVAL_S), move || {
        let measured = measured.clone();
        async move { measured.measure().await }
    });
    let comments = Comments::new(comments::Parts {
        db: db.clone(),
        lots: Arc::new(auctions.clone()),
        trail: Arc::new(Audit),
        desk: Arc::new(moderation.clone()),
        cache: cache.clone(),
        live: live.clone(),
        outbox: outbox.clone(),
        limits: Arc::clone(limits),
        clock: env.clock.clone(),
        chance: env.chance.clone(),
    });
    let tickets = Tickets::new(tickets::Parts {
        db: db.clone(),
        lots: Arc::new(auctions.clone()),
        people: Arc::new(accounts.clone()),
        trail: Arc::new(Audit),
        live: live.clone(),
        outbox: outbox.clone(),
        limits: Arc::clone(limits),
        clock: env.clock.clone(),
        chance: env.chance.clone(),
    });
    (comments, tickets, moderation)
}

/// The audit trail, for what staff does to comments, tickets and the moderation queue.
struct Audit;

#[async_trait::async_trait]
impl comments::Trail for Audit {
    async fn record(&self, tx: &mut Tx, deletion: &Deletion) -> Result<(), StoreError> {
        let deed = Deed {
            actor: deletion.actor,
            at: deletion.at,
            action: "delete_comment",
            target: Target::Comment(deletion.comment),
            reason: deletion.reason.as_deref(),
            request: &deletion.request,
        };
        staff::record(tx, &deed).await
    }
}

#[async_trait::async_trait]
impl tickets::Trail for Audit {
    async fn record(&self, tx: &mut Tx, act: &Act) -> Result<(), StoreError> {
        let (action, reason) = match &act.deed {
            tickets::Deed::Answer => ("answer_ticket", None),
            tickets::Deed::Note => ("note_ticket", None),
            tickets::Deed::Status(status) => ("ticket_status", Some((*status).to_owned())),
            tickets::Deed::Assign(None) => ("unassign_ticket", None),
            tickets::Deed::Assign(Some(to)) => ("assign_ticket", Some(to.to_string())),
        };
        let target = Target::Ticket(act.ticket);
        let (actor, at, reason, request) = (act.actor, act.at, reason.as_deref(), act.request.as_str());
        staff::record(tx, &Deed { actor, at, action, target, reason, request }).await
    }
}

#[async_trait::async_trait]
impl moderation::Trail for Audit {
    async fn record(&self, tx: &mut Tx, decision: &Decision) -> Result<(), StoreError> {
        let reason = format!("{}: {}", decision.outcome.name(), decision.reason);
        let deed = Deed {
            actor: decision.actor,
            at: decision.at,
            action: "resolve_item",
            target: Target::Item(decision.item),
            reason: Some(&reason),
            request: &decision.request,
        };
        staff::record(tx, &deed).await
    }
}

#[async_trait::async_trait]
impl comments::Desk for Moderation {
    async fn reported(&self, comment: Uuid, reporter: AccountId) -> Result<Option<comments::Report>, StoreError> {
        Ok(Moderation::reported(self, Subject::Comment(comment), reporter).await?.map(of_comment))
    }

    async fn report(&self, report: &comments::NewReport<'_>) -> Result<(comments::Report, bool), ApiError> {
        let comments::NewReport { comment, author: account, auction, reporter, reason } = *report;
        let subject = Subject::Comment(comment);
        let report = moderation::Report { subject, account, auction, reporter, reason };
        let (report, is_new) = Moderation::report(self, &report).await?;
        Ok((of_comment(report), is_new))
    }
}

fn of_comment(report: Reported) -> comments::Report {
    let Reported { id, target: comment, reason, at, status } = report;
    comments::Report { id, comment, reason, at, status }
}

#[async_trait::async_trait]
impl tickets::People for Accounts {
    async fn is_staff(&self, account: AccountId) -> Result<bool, StoreError> {
        let identity = self.identity(account).await?;
        let ranked = |it: &Identity| it.roles.has(&Role::Staff) || it.roles.has(&Role::Admin);
        Ok(identity.is_some_and(|it| ranked(&it) && it.barred().is_none()))
    }
}

#[async_trait::async_trait]
impl tickets::Lots for Auctions {
    async fn exists(&self, auction: AuctionId) -> Result<bool, ApiError> {
        Ok(Auctions::lot(self, auction).await?.is_some())
    }
}

#[async_trait::async_trait]
impl moderation::Lots for Auctions {
    async fn seller(&self, auction: AuctionId) -> Result<Option<AccountId>, ApiError> {
        Ok(Auctions::lot(self, auction).await?.map(|(seller, _)| seller))
    }
}

#[async_trait::async_trait]
impl comments::Lots for Auctions {
    async fn lot(&self, auction: AuctionId) -> Result<Option<Lot>, ApiError> {
        let lot = Auctions::lot(self, auction).await?;
        Ok(lot.map(|(seller, title)| Lot { seller, title }))
    }
}
