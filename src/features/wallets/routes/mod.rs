//! The endpoints of wallets and allowances.

mod payments;

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{AllowanceBody, EntryBody, SetAllowance, SetLimits, SetPolicy, WalletBody};
use super::{Wallets, amount, store};
use crate::auth::Action;
use crate::domain::{AccountId, Money};
use crate::http::{
    ApiError, ApiJson, ApiPath, ApiQuery, AuctionPath, CallerOf, HttpContext, List, Page, Problem, RequestId,
};
use crate::ledger;

/// The routes of wallets.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Wallets: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(wallet))
        .routes(routes!(entries))
        .routes(routes!(set_policy))
        .routes(routes!(allowance, set_allowance, end_allowance))
        .routes(routes!(wallet_of))
        .routes(routes!(set_limits))
        .merge(payments::router())
}

/// Which wallet.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WalletQuery {
    /// ISO 4217; the hub's usual currency unless given.
    currency: Option<String>,
}

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EntriesQuery {
    /// ISO 4217; the hub's usual currency unless given.
    currency: Option<String>,
    /// Items on the page, 1 to 200; 50 unless given.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// The own wallet
#[utoipa::path(get, path = "/api/wallet", tag = "wallet", params(WalletQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = WalletBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 422, description = "`invalid_query`, `invalid_currency`", body = Problem)))]
async fn wallet(
    State(wallets): State<Wallets>,
    caller: CallerOf,
    ApiQuery(query): ApiQuery<WalletQuery>,
) -> Result<Json<WalletBody>, ApiError> {
    let owner = caller.may(Action::ReadOwnAccount)?.account();
    wallets.read(owner, query.currency.as_deref()).await.map(Json)
}

/// The ledger of the own wallet, newest first
///
/// Both sides of every movement between the own accounts, and the own side of every other.
#[utoipa::path(get, path = "/api/wallet/entries", tag = "wallet", params(EntriesQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = List<EntryBody>),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 422, description = "`invalid_query`, `invalid_currency`", body = Problem)))]
async fn entries(
    State(wallets): State<Wallets>,
    caller: CallerOf,
    ApiQuery(query): ApiQuery<EntriesQuery>,
) -> Result<List<EntryBody>, ApiError> {
    let owner = caller.may(Action::ReadOwnAccount)?.account();
    let currency = wallets.currency(query.currency.as_deref())?;
    let page = Page::<i64>::of(query.limit, query.cursor.as_deref())?;
    let rows = ledger::entries(wallets.db(), owner, currency, page.after, page.fetch()).await?;
    page.cut(rows, |row| row.id, EntryBody::from)
}

/// Say how much the hub may set aside by itself
#[utoipa::path(put, path = "/api/wallet/policy", tag = "wallet", request_body = SetPolicy,
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = WalletBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 422, description = "`invalid_amount`, `invalid_currency`, `invalid_field`", body = Problem)))]
async fn set_policy(
    State(wallets): State<Wallets>,
    caller: CallerOf,
    ApiJson(body): ApiJson<SetPolicy>,
) -> Result<Json<WalletBody>, ApiError> {
    let owner = caller.may(Action::ChangeOwnAccount)?.account();
    let currency = wallets.currency(body.currency.as_deref())?;
    let mut tx = wallets.db().begin().await?;
    ledger::lock_wallet(&mut tx, owner, currency).await?;
    ledger::set_policy(&mut tx, owner, currency, body.policy()?).await?;
    tx.commit().await?;
    wallets.read(owner, body.currency.as_deref()).await.map(Json)
}

/// What the caller may bid in an auction
#[utoipa::path(get, path = "/api/auctions/{id}/allowance", tag = "wallet", params(("id" = Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = AllowanceBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 404, description = "`unknown_auction`", body = Problem)))]
async fn allowance(
    State(wallets): State<Wallets>,
    caller: CallerOf,
    AuctionPath(id): AuctionPath,
) -> Result<Json<AllowanceBody>, ApiError> {
    let bidder = caller.may(Action::ReadOwnAccount)?.account();
    let room = wallets.0.rooms.get(id).await?;
    let hold = store::hold(wallets.db(), id, bidder).await?;
    Ok(Json(AllowanceBody::new(id, room.terms().currency, hold)))
}

/// Raise or lower what the caller may bid in an auction
///
/// What is set aside is the amount and the buyer's premium on it. Nobody may go below the own leading bid.
#[utoipa::path(put, path = "/api/auctions/{id}/allowance", tag = "wallet", request_body = SetAllowance,
    params(("id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = AllowanceBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`banned`, `account_frozen`", body = Problem),
    (status = 404, description = "`unknown_auction`", body = Problem),
    (status = 409, description = "`leading`, `insufficient_funds` with what is `available`, `exposure_limit`, \
        `own_auction`, `no_funds_needed`, `auction_closed`, `auction_stopped`", body = Problem),
    (status = 422, description = "`invalid_amount`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem),
    (status = 503, description = "`unavailable`: ask again, it is done once", body = Problem)))]
async fn set_allowance(
    State(wallets): State<Wallets>,
    State(context): State<HttpContext>,
    caller: CallerOf,
    AuctionPath(id): AuctionPath,
    ApiJson(body): ApiJson<SetAllowance>,
) -> Result<Json<AllowanceBody>, ApiError> {
    let bidder = caller.may(Action::SetAllowance)?.account();
    let amount = amount("amount", body.amount)?;
    wallets.allow(&context, id, bidder, amount).await
}

/// Take back what is set aside for an auction
#[utoipa::path(delete, path = "/api/auctions/{id}/allowance", tag = "wallet", params(("id" = Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = AllowanceBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`banned`, `account_frozen`", body = Problem),
    (status = 404, description = "`unknown_auction`", body = Problem),
    (status = 409, description = "`leading`, `own_auction`, `auction_closed`, `auction_stopped`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem),
    (status = 503, description = "`unavailable`: ask again, it is done once", body = Problem)))]
async fn end_allowance(
    State(wallets): State<Wallets>,
    State(context): State<HttpContext>,
    caller: CallerOf,
    AuctionPath(id): AuctionPath,
) -> Result<Json<AllowanceBody>, ApiError> {
    let bidder = caller.may(Action::SetAllowance)?.account();
    wallets.allow(&context, id, bidder, Money::ZERO).await
}

/// The wallet of a user
#[utoipa::path(get, path = "/api/staff/users/{id}/wallet", tag = "staff", params(("id" = Uuid, Path), WalletQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = WalletBody),
    (status = 403, description = "`forbidden`", body = Problem),
    (status = 404, description = "`unknown_user`", body = Problem),
    (status = 422, description = "`invalid_query`, `invalid_currency`", body = Problem)))]
async fn wallet_of(
    State(wallets): State<Wallets>,
    caller: CallerOf,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<WalletQuery>,
) -> Result<Json<WalletBody>, ApiError> {
    caller.may(Action::SetLimits)?;
    let owner = wallets.user(&id).await?;
    wallets.read(owner, query.currency.as_deref()).await.map(Json)
}

/// Set the limits of a user's wallet
#[utoipa::path(put, path = "/api/staff/users/{id}/limits", tag = "staff", request_body = SetLimits,
    params(("id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "Set"),
    (status = 403, description = "`forbidden`", body = Problem),
    (status = 404, description = "`unknown_user`", body = Problem),
    (status = 422, description = "`invalid_amount`, `invalid_currency`, `invalid_reason`", body = Problem)))]
async fn set_limits(
    State(wallets): State<Wallets>,
    CallerOf(caller): CallerOf,
    RequestId(request): RequestId,
    ApiPath(id): ApiPath<String>,
    ApiJson(body): ApiJson<SetLimits>,
) -> Result<StatusCode, ApiError> {
    crate::auth::authorize(Some(&caller), Action::SetLimits)?;
    let owner = wallets.user(&id).await?;
    wallets.limit(caller.account(), owner, &body, &request).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Wallets {
    async fn read(&self, owner: AccountId, currency: Option<&str>) -> Result<WalletBody, ApiError> {
        let currency = self.currency(currency)?;
        let all = ledger::wallets(self.db(), owner).await?;
        let currencies = all.iter().map(|wallet| wallet.currency.code().to_owned()).collect();
        let wallet = match all.iter().find(|wallet| wallet.currency == currency) {
            Some(wallet) => *wallet,
            None => ledger::wallet(self.db(), owner, currency).await?,
        };
        Ok(WalletBody::new(&wallet, currencies, self.0.holds.limits()))
    }

    async fn allow(
        &self,
        context: &HttpContext,
        auction: crate::domain::AuctionId,
        bidder: AccountId,
        amount: Money,
    ) -> Result<Json<AllowanceBody>, ApiError> {
        context.limits.money_by_account.check(&bidder)?;
        let hold = self.set_allowance(auction, bidder, amount).await?;
        let room = self.0.rooms.get(auction).await?;
        Ok(Json(AllowanceBody::new(auction, room.terms().currency, Some(hold))))
    }

    async fn user(&self, id: &str) -> Result<AccountId, ApiError> {
        let unknown = || ApiError::not_found("unknown_user", "there is no such account");
        let account: AccountId = id.parse().map_err(|_| unknown())?;
        if store::account_exists(self.db(), account).await? { Ok(account) } else { Err(unknown()) }
    }

    async fn limit(&self, actor: AccountId, owner: AccountId, body: &SetLimits, request: &str) -> Result<(), ApiError> {
        let reason = super::reason(&body.reason)?;
        let currency = self.currency(body.currency.as_deref())?;
        let limits = body.read()?;
        let mut tx = self.db().begin().await?;
        ledger::lock_wallet(&mut tx, owner, currency).await?;
        ledger::set_limits(&mut tx, owner, currency, limits).await?;
        let deed =
            super::LimitsSet { actor, at: self.now(), owner, reason: reason.to_owned(), request: request.to_owned() };
        self.0.trail.record(&mut tx, &deed).await?;
        tx.commit().await?;
        tracing::info!(%owner, by = %actor, "staff: limits set for {owner}");
        Ok(())
    }
}
