//! Moderation: stopping, pausing and resuming auctions, voiding bids, banning and freezing users, and the audit trail of
//! all of it.
//!
//! What is done to an auction is journaled by its room with who and why; the trail follows the journal, so that it misses
//! nothing even if this process ends between the two. What is done to a user stands in the trail alone.

mod personal;
mod projection;
pub mod routes;
mod store;

use std::sync::Arc;

use axum::http::StatusCode;

use crate::auth::{Action, Caller, Denied, Role, Roles, authorize};
use crate::clock::Clock;
use crate::domain::{AccountId, AuctionId, BidKey, Seq, Timestamp};
use crate::http::{ApiError, IdempotencyKey, RequestId};
use crate::persistence::{Db, StoreError, Tx};
use crate::room::{Act, Rooms};

pub use personal::StaffPart;
pub use projection::AuditProjection;
use store::Entry;
pub use store::Target;

const REASON_MAX_CHARS: usize = 500;

/// What is done to an account, with the reason that is kept with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sanction<'a> {
    /// It may no longer act.
    Ban(&'a str),
    /// It may again.
    Unban,
    /// It may neither bid nor take money out.
    Freeze(&'a str),
    /// It may again.
    Unfreeze,
}

/// What moderation needs of accounts.
#[async_trait::async_trait]
pub trait Sanctions: Send + Sync + 'static {
    /// What the account may act as; none if there is no such account.
    async fn roles(&self, account: AccountId) -> Result<Option<Roles>, StoreError>;
    /// Does it within the transaction. Harmless if it is so already.
    async fn impose(&self, tx: &mut Tx, account: AccountId, sanction: Sanction<'_>) -> Result<(), StoreError>;
    /// Ends its sockets, so that they come back with what is true of it now.
    async fn end_sockets(&self, account: AccountId);
}

impl Sanction<'_> {
    /// Its name in the trail.
    const fn action(self) -> &'static str {
        match self {
            Self::Ban(_) => "ban",
            Self::Unban => "unban",
            Self::Freeze(_) => "freeze",
            Self::Unfreeze => "unfreeze",
        }
    }
}

/// What staff did outside of this feature, for the trail.
#[derive(Debug, Clone)]
pub struct Deed<'a> {
    /// Who.
    pub actor: AccountId,
    /// When.
    pub at: Timestamp,
    /// What, in one word such as `delete_comment`.
    pub action: &'static str,
    /// On what.
    pub target: Target,
    /// Why, if they said so.
    pub reason: Option<&'a str>,
    /// The request that asked for it.
    pub request: &'a str,
}

/// Writes a deed into the trail, in the transaction that does it.
pub async fn record(tx: &mut Tx, deed: &Deed<'_>) -> Result<(), StoreError> {
    let Deed { actor, at, action, target, reason, request } = *deed;
    store::insert_in(tx, &Entry::new(action).because(reason).by(actor, at, target).asked_in(request)).await
}

/// What moderation needs.
pub struct Parts {
    /// Where the trail is.
    pub db: Db,
    /// Where auctions are live.
    pub rooms: Rooms,
    /// Where accounts are banned and frozen.
    pub sanctions: Arc<dyn Sanctions>,
    /// The time.
    pub clock: Clock,
}

/// Moderation of the hub.
#[derive(Clone)]
pub struct Staff(Arc<Parts>);

/// Who acts, by which request, under which key.
struct Actor {
    caller: Caller,
    request: RequestId,
    key: Option<BidKey>,
}

impl Actor {
    /// The caller, if the table lets them.
    fn of(caller: Caller, action: Action, request: RequestId) -> Result<Self, ApiError> {
        authorize(Some(&caller), action)?;
        Ok(Self { caller, request, key: None })
    }

    /// The same, under the key that the request came with, if it came with one.
    fn under(self, key: Option<IdempotencyKey>) -> Self {
        Self { key: key.map(|IdempotencyKey(key)| key), ..self }
    }

    fn account(&self) -> AccountId {
        self.caller.account()
    }
}

impl Staff {
    /// Moderation over these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    async fn stop(&self, actor: Actor, id: AuctionId, reason: &str) -> Result<Seq, ApiError> {
        let why = checked(reason)?;
        let act =
            Act::Stop { by: actor.account(), key: actor.key.clone(), reason: why.into(), only_without_bids: false };
        self.act(actor, id, act, Entry::new("stop").because(Some(why))).await
    }

    async fn pause(&self, actor: Actor, id: AuctionId, reason: &str) -> Result<Seq, ApiError> {
        let why = checked(reason)?;
        let act = Act::Pause { by: actor.account(), key: actor.key.clone(), reason: why.into() };
        self.act(actor, id, act, Entry::new("pause").because(Some(why))).await
    }

    async fn resume(&self, actor: Actor, id: AuctionId, reason: Option<&str>) -> Result<Seq, ApiError> {
        let why = reason.map(checked).transpose()?;
        let act = Act::Resume { by: actor.account(), key: actor.key.clone(), reason: why.map(Arc::from) };
        self.act(actor, id, act, Entry::new("resume").because(why)).await
    }

    async fn void(&self, actor: Actor, id: AuctionId, seq: Seq, reason: &str) -> Result<Seq, ApiError> {
        let why = checked(reason)?;
        let act = Act::Void { by: actor.account(), key: actor.key.clone(), reason: why.into(), seq };
        self.act(actor, id, act, Entry::new("void_bid").because(Some(why)).of_bid(seq)).await
    }

    /// Has the room act, and writes down by which request.
    async fn act(&self, actor: Actor, id: AuctionId, act: Act, entry: Entry) -> Result<Seq, ApiError> {
        let seq = self.0.rooms.act(id, act).await?;
        let (by, action) = (actor.account(), entry.action);
        tracing::info!(auction = %id, %by, action, %seq, "staff: {action} on auction {id}");
        let entry = entry.by(by, self.now(), Target::Auction(id)).at_event(seq).asked_in(&actor.request.0);
        if let Err(error) = store::insert(&self.0.db, &entry).await {
            // The act is journaled, so the projection will bring its row, though without the request.
            tracing::warn!(auction = %id, %error, "an audit row could not be written yet: {error}");
        }
        Ok(seq)
    }

    async fn ban(&self, actor: Actor, account: AccountId, reason: &str) -> Result<(), ApiError> {
        let why = checked(reason)?;
        self.sanction(actor, account, Sanction::Ban(why), Some(why)).await
    }

    async fn unban(&self, actor: Actor, account: AccountId, reason: Option<&str>) -> Result<(), ApiError> {
        self.sanction(actor, account, Sanction::Unban, reason.map(checked).transpose()?).await
    }

    async fn freeze(&self, actor: Actor, account: AccountId, reason: &str) -> Result<(), ApiError> {
        let why = checked(reason)?;
        self.sanction(actor, account, Sanction::Freeze(why), Some(why)).await
    }

    async fn unfreeze(&self, actor: Actor, account: AccountId, reason: Option<&str>) -> Result<(), ApiError> {
        self.sanction(actor, account, Sanction::Unfreeze, reason.map(checked).transpose()?).await
    }

    /// Does it and writes it down at once, so that there is never one without the other. If this fails the caller is told
    /// so, and may ask again: it is as harmless twice as once.
    async fn sanction(
        &self,
        actor: Actor,
        account: AccountId,
        sanction: Sanction<'_>,
        why: Option<&str>,
    ) -> Result<(), ApiError> {
        self.check_rank(&actor.caller, account).await?;
        let (by, action) = (actor.account(), sanction.action());
        let entry = Entry::new(action).because(why).by(by, self.now(), Target::User(account));
        let mut tx = self.0.db.begin().await?;
        self.0.sanctions.impose(&mut tx, account, sanction).await?;
        store::insert_in(&mut tx, &entry.asked_in(&actor.request.0)).await?;
        let committed = tx.commit().await;
        // Also if nobody knows whether it is done: they only come back.
        self.0.sanctions.end_sockets(account).await;
        committed?;
        tracing::info!(%account, %by, action, "staff: {action} of account {account}");
        Ok(())
    }

    /// Nobody acts on their own account, and only an admin on staff.
    async fn check_rank(&self, caller: &Caller, account: AccountId) -> Result<(), ApiError> {
        if caller.account() == account {
            return Err(ApiError::conflict("own_account", "nobody bans or freezes their own account, or lifts that"));
        }
        let unknown = || ApiError::not_found("unknown_user", "there is no such account");
        let roles = self.0.sanctions.roles(account).await?.ok_or_else(unknown)?;
        let ranked = roles.has(&Role::Staff) || roles.has(&Role::Admin);
        if ranked && !caller.identity.roles.has(&Role::Admin) {
            return Err(Denied::Forbidden.into());
        }
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

/// The reason, stripped at its ends, if it is one.
fn checked(reason: &str) -> Result<&str, ApiError> {
    let reason = reason.trim();
    let strange = |sign: char| sign.is_control() && sign != '\n';
    let fits = (1..=REASON_MAX_CHARS).contains(&reason.chars().count()) && !reason.chars().any(strange);
    let refuse = || {
        let detail = format!("a reason has 1 to {REASON_MAX_CHARS} characters");
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_reason", detail).with("field", "reason")
    };
    fits.then_some(reason).ok_or_else(refuse)
}

impl std::fmt::Debug for Staff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Staff")
    }
}
