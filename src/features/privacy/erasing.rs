//! Letting people go.
//!
//! An account is barred first, so that nothing that would stand in the way begins any more: it bids no more and no order is
//! written for it. Then what it did before is waited for, and looked at again in the transaction that erases. The bar ends by
//! itself, should this process die. Requests that were under way may still have written something: it is erased again a few
//! times.

use std::time::Duration;

use serde_json::Value;

use super::{Deed, Parts, Privacy, store};
use crate::auth::Caller;
use crate::cache::Forgetting;
use crate::domain::{AccountId, Span};
use crate::http::{ApiError, RequestId};
use crate::persistence::{StoreError, Tx};
use crate::personal::Obstacle;

/// How often it is erased again what came too late, in seconds.
pub const ERASE_AGAIN_INTERVAL_S: u64 = 60;
/// For how long after an erasure: what began before it has ended by then.
const LATE_MAX: Span = Span::from_secs(600);
/// How many accounts are erased again at once at most.
const AGAIN_MAX: i64 = 1_000;
/// The name under which nodes agree on which of them does it.
const TASK: &str = "privacy";
/// How long an account is barred at most, if nobody lifts the bar. Longer than an erasure may take.
const BAR: Span = Span::from_secs(60);
/// How long requests of an account that were under way when it was barred are given to end.
const SETTLING: Duration = Duration::from_secs(1);
/// How long it is waited until the main database knows what was bid before.
const FOLLOWED_LIMIT: Duration = Duration::from_secs(5);

impl Privacy {
    /// Erases the caller, who has said their password again.
    pub(super) async fn erase_self(
        &self,
        caller: &Caller,
        password: Option<&str>,
        request: RequestId,
    ) -> Result<(), ApiError> {
        let account = caller.account();
        self.parts().limits.login_by_email.check(&account.to_string())?;
        if !self.parts().doors.is_password(account, password).await? {
            let detail = "the password is not the one of this account";
            return Err(ApiError::new(axum::http::StatusCode::UNAUTHORIZED, "invalid_credentials", detail));
        }
        self.erase(account, account, None, request).await?;
        self.parts().doors.sign_out(caller).await;
        Ok(())
    }

    /// Erases somebody for staff. Harmless if it is done.
    pub(super) async fn erase_other(
        &self,
        caller: &Caller,
        account: AccountId,
        reason: &str,
        request: RequestId,
    ) -> Result<(), ApiError> {
        self.check_rank(caller, account).await?;
        self.erase(caller.account(), account, Some(reason.to_owned()), request).await
    }

    /// Erases an account, or says what stands in the way. Harmless if it is done, and if two do it at once.
    pub async fn erase(
        &self,
        actor: AccountId,
        account: AccountId,
        reason: Option<String>,
        request: RequestId,
    ) -> Result<(), ApiError> {
        let Parts { db, doors, .. } = self.parts();
        let mut tx = db.begin().await?;
        if !self.lock(&mut tx, account).await? {
            drop(tx);
            // Said again if it is asked for again: it may have been lost.
            doors.end_sockets(account).await;
            return Ok(());
        }
        // Nobody is bothered by what is refused at first sight.
        refuse(&self.obstacles(&mut tx, account).await?)?;
        store::bar(&mut tx, account, self.now().plus(BAR)).await?;
        tx.commit().await?;
        let erased = self.erase_barred(actor, account, reason, request).await;
        if erased.is_err()
            && let Err(error) = store::unbar(db, account).await
        {
            tracing::warn!(%account, %error, "an account that is not erased is barred until its bar ends: {error}");
        }
        doors.end_sockets(account).await;
        erased
    }

    async fn erase_barred(
        &self,
        actor: AccountId,
        account: AccountId,
        reason: Option<String>,
        request: RequestId,
    ) -> Result<(), ApiError> {
        let Parts { db, keepers, trail, doors, log, .. } = self.parts();
        doors.end_sockets(account).await;
        tokio::time::sleep(SETTLING).await;
        if !log.is_followed(FOLLOWED_LIMIT).await? {
            return Err(ApiError::unavailable("the log of auctions is not read to its end; try again"));
        }
        let at = self.now();
        let mut tx = db.begin().await?;
        if !self.lock(&mut tx, account).await? {
            return Ok(());
        }
        if !store::is_barred(&mut tx, account, at).await? {
            return Err(ApiError::unavailable("something else about this account came between; try again"));
        }
        refuse(&self.obstacles(&mut tx, account).await?)?;
        for keeper in keepers.iter() {
            keeper.erase(&mut tx, account, at).await?;
        }
        let deed = Deed { actor, at, action: "erase_user", account, reason, request: request.0 };
        trail.record(&mut tx, &deed).await?;
        let forgetting = self.forgetting(&mut tx, account).await?;
        tx.commit().await?;
        forgetting.now().await;
        tracing::info!(%account, by = %actor, "account {account} was erased");
        Ok(())
    }

    /// Erases again what requests have written that were under way when somebody was erased, and what other nodes had not
    /// written yet. On one node.
    pub async fn sweep(&self) {
        if !self.parts().leases.task(TASK).await.unwrap_or(false) {
            return;
        }
        if let Err(error) = self.erase_again().await {
            tracing::warn!(%error, "who was erased of late was not erased again, which is tried again: {error}");
        }
    }

    /// As [`Privacy::sweep`], whichever node it is.
    pub async fn erase_again(&self) -> Result<(), StoreError> {
        let Parts { db, keepers, doors, .. } = self.parts();
        let now = self.now();
        for account in store::erased_since(db, now.minus(LATE_MAX), AGAIN_MAX).await? {
            let mut tx = db.begin().await?;
            for keeper in keepers.iter() {
                keeper.erase(&mut tx, account, now).await?;
            }
            let forgetting = self.forgetting(&mut tx, account).await?;
            tx.commit().await?;
            forgetting.now().await;
            doors.end_sockets(account).await;
        }
        Ok(())
    }

    /// Keeps the account, and what may stand in its way, from changing until the transaction ends. False if it is erased.
    async fn lock(&self, tx: &mut Tx, account: AccountId) -> Result<bool, StoreError> {
        for keeper in self.parts().keepers.iter() {
            keeper.lock(tx, account).await?;
        }
        store::lock(tx, account).await
    }

    /// Promises to forget what is kept ready of the person.
    async fn forgetting(&self, tx: &mut Tx, account: AccountId) -> Result<Forgetting, StoreError> {
        let mut tags = Vec::new();
        for keeper in self.parts().keepers.iter() {
            tags.extend(keeper.shown(tx, account).await?);
        }
        Ok(self.parts().cache.forgetting(tags))
    }

    async fn obstacles(&self, tx: &mut Tx, account: AccountId) -> Result<Vec<Obstacle>, StoreError> {
        let mut found = Vec::new();
        for keeper in self.parts().keepers.iter() {
            found.extend(keeper.obstacles(tx, account).await?);
        }
        Ok(found)
    }
}

/// 409 with the first obstacle, and all of them under `obstacles`.
fn refuse(obstacles: &[Obstacle]) -> Result<(), ApiError> {
    let Some(first) = obstacles.first() else { return Ok(()) };
    let codes: Vec<Value> = obstacles.iter().map(|it| it.code.into()).collect();
    Err(ApiError::conflict(first.code, first.detail).with("obstacles", codes))
}
