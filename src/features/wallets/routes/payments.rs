//! The endpoints by which money comes in and goes out.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::super::orders::{Asked, DEPOSIT, WITHDRAWAL};
use super::super::store::{self, OrderRow};
use super::super::{Wallets, amount};
use crate::auth::{Action, Caller};
use crate::clock::{WireTime, from_datetime};
use crate::domain::AccountId;
use crate::http::{
    ApiError, ApiJson, ApiPath, ApiQuery, CallerOf, HttpContext, IdempotencyKey, List, Page, PageQuery, Problem,
};
use crate::payments::WebhookError;

/// The routes of payments.
pub(super) fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: axum::extract::FromRef<S>,
    Wallets: axum::extract::FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(deposit, deposits))
        .routes(routes!(withdraw, withdrawals))
        .routes(routes!(payment))
        .routes(routes!(onboard))
        .routes(routes!(webhook))
}

/// Money to move.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Move {
    /// In minor units.
    #[schema(example = 50_000)]
    amount: i64,
    /// ISO 4217; the hub's usual currency unless given.
    #[schema(example = "USD")]
    currency: Option<String>,
}

/// Money asked to come in or go out.
#[derive(Serialize, ToSchema)]
struct PaymentBody {
    id: Uuid,
    /// `deposit` or `withdrawal`.
    #[schema(example = "deposit")]
    kind: String,
    /// `paid`; `open` while it is under way or waits for the payer; `new` while nobody knows what came of it; `failed`.
    #[schema(example = "paid")]
    status: String,
    #[schema(example = "USD")]
    currency: String,
    #[schema(example = 50_000)]
    amount: i64,
    /// Who moves it.
    #[schema(example = "test")]
    provider: String,
    /// The page to pay on, while it waits for the payer.
    url: Option<String>,
    /// Why it failed.
    reason: Option<String>,
    created_at: WireTime,
    settled_at: Option<WireTime>,
}

/// Where to say how to be paid.
#[derive(Serialize, ToSchema)]
struct OnboardingBody {
    /// The page, good for minutes; null if the provider in force needs not be told.
    url: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ProviderPath {
    /// The name of the provider.
    provider: String,
}

/// Put money into the own wallet
#[utoipa::path(post, path = "/api/wallet/deposits", tag = "wallet", request_body = Move,
    params(("Idempotency-Key" = String, Header, description = "The caller's own name for the deposit, 1 to 128 visible ASCII characters")),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 201, description = "Paid, or to be paid at `url`", body = PaymentBody),
    (status = 202, description = "Nobody knows yet what came of it; ask for it by its id", body = PaymentBody),
    (status = 400, description = "`missing_idempotency_key`, `invalid_idempotency_key`", body = Problem),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 402, description = "`payment_refused` with a `reason`", body = Problem),
    (status = 403, description = "`banned`", body = Problem),
    (status = 409, description = "`deposit_limit`, `wallet_full`, `key_reused`", body = Problem),
    (status = 422, description = "`invalid_amount`, `invalid_currency`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem)))]
async fn deposit(
    State(wallets): State<Wallets>,
    State(context): State<HttpContext>,
    caller: CallerOf,
    key: IdempotencyKey,
    ApiJson(body): ApiJson<Move>,
) -> Result<Response, ApiError> {
    let asked = wallets.asked(&context, &caller.may(Action::Deposit)?, key, &body)?;
    wallets.order(DEPOSIT, asked).await.map(moved)
}

/// Take money out of the own wallet
#[utoipa::path(post, path = "/api/wallet/withdrawals", tag = "wallet", request_body = Move,
    params(("Idempotency-Key" = String, Header, description = "The caller's own name for the withdrawal, 1 to 128 visible ASCII characters")),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 201, description = "Paid, or under way", body = PaymentBody),
    (status = 202, description = "Nobody knows yet what came of it; ask for it by its id", body = PaymentBody),
    (status = 400, description = "`missing_idempotency_key`, `invalid_idempotency_key`", body = Problem),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 402, description = "`payment_refused` with a `reason`; the money is back in the wallet", body = Problem),
    (status = 403, description = "`account_frozen`; `banned`: the account is being erased", body = Problem),
    (status = 409, description = "`insufficient_funds` with what is `available`, `key_reused`", body = Problem),
    (status = 422, description = "`invalid_amount`, `invalid_currency`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem)))]
async fn withdraw(
    State(wallets): State<Wallets>,
    State(context): State<HttpContext>,
    caller: CallerOf,
    key: IdempotencyKey,
    ApiJson(body): ApiJson<Move>,
) -> Result<Response, ApiError> {
    let asked = wallets.asked(&context, &caller.may(Action::Withdraw)?, key, &body)?;
    wallets.order(WITHDRAWAL, asked).await.map(moved)
}

/// The own deposits, newest first
#[utoipa::path(get, path = "/api/wallet/deposits", tag = "wallet", params(PageQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = List<PaymentBody>),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
async fn deposits(
    State(wallets): State<Wallets>,
    caller: CallerOf,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<List<PaymentBody>, ApiError> {
    wallets.orders(caller.may(Action::ReadOwnAccount)?.account(), DEPOSIT, &query).await
}

/// The own withdrawals, newest first
#[utoipa::path(get, path = "/api/wallet/withdrawals", tag = "wallet", params(PageQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = List<PaymentBody>),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
async fn withdrawals(
    State(wallets): State<Wallets>,
    caller: CallerOf,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<List<PaymentBody>, ApiError> {
    wallets.orders(caller.may(Action::ReadOwnAccount)?.account(), WITHDRAWAL, &query).await
}

/// One of the own deposits or withdrawals
#[utoipa::path(get, path = "/api/wallet/payments/{id}", tag = "wallet", params(("id" = Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = PaymentBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 404, description = "`unknown_payment`", body = Problem)))]
async fn payment(
    State(wallets): State<Wallets>,
    caller: CallerOf,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<PaymentBody>, ApiError> {
    let owner = caller.may(Action::ReadOwnAccount)?.account();
    let unknown = || ApiError::not_found("unknown_payment", "there is no such payment");
    let id: Uuid = id.parse().map_err(|_| unknown())?;
    let row = store::order(wallets.db(), id).await?.filter(|row| row.owner == owner.0);
    row.map(|row| Json(row.into())).ok_or_else(unknown)
}

/// Say how to be paid
///
/// Gives the page on which the payment provider asks.
#[utoipa::path(post, path = "/api/wallet/payout-account", tag = "wallet",
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = OnboardingBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 402, description = "`payment_refused` with a `reason`", body = Problem),
    (status = 403, description = "`account_frozen`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem),
    (status = 503, description = "`unavailable`", body = Problem)))]
async fn onboard(
    State(wallets): State<Wallets>,
    State(context): State<HttpContext>,
    caller: CallerOf,
) -> Result<Json<OnboardingBody>, ApiError> {
    let owner = caller.may(Action::Withdraw)?.account();
    context.limits.money_by_account.check(&owner)?;
    Ok(Json(OnboardingBody { url: wallets.onboard(owner).await? }))
}

/// What a payment provider says by itself
///
/// Signed by the provider. Sent again, it is heeded once.
#[utoipa::path(post, path = "/api/payments/{provider}/webhook", tag = "wallet", params(ProviderPath),
    request_body(content = String, description = "As the provider writes it", content_type = "application/json"), responses(
    (status = 204, description = "Heeded"),
    (status = 400, description = "`bad_signature`, `invalid_body`", body = Problem),
    (status = 404, description = "`unknown_provider`: not the one in force", body = Problem),
    (status = 503, description = "`unavailable`: send it again", body = Problem)))]
async fn webhook(
    State(wallets): State<Wallets>,
    ApiPath(path): ApiPath<ProviderPath>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let provider = &wallets.0.provider;
    let unknown = || ApiError::not_found("unknown_provider", "this payment provider sends nothing here");
    if path.provider != provider.name() {
        return Err(unknown());
    }
    let events = provider.webhook(&headers, &body, wallets.now()).await.map_err(|error| match error {
        WebhookError::BadSignature => ApiError::bad_request("bad_signature", error.to_string()),
        WebhookError::Malformed => ApiError::bad_request("invalid_body", error.to_string()),
        WebhookError::Unavailable => ApiError::unavailable(error.to_string()),
        WebhookError::Unsupported => unknown(),
    })?;
    for (part, event) in (0..).zip(events) {
        if !wallets.heed((&event.id, part), event.fact).await? {
            return Err(ApiError::unavailable("what it builds on is not known yet"));
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

impl Wallets {
    fn asked(
        &self,
        context: &HttpContext,
        caller: &Caller,
        IdempotencyKey(key): IdempotencyKey,
        body: &Move,
    ) -> Result<Asked, ApiError> {
        let owner = caller.account();
        let (amount, currency) = (amount("amount", body.amount)?, self.currency(body.currency.as_deref())?);
        context.limits.money_by_account.check(&owner)?;
        Ok(Asked { owner, key, amount, currency })
    }

    async fn orders(&self, owner: AccountId, kind: &str, query: &PageQuery) -> Result<List<PaymentBody>, ApiError> {
        let page = Page::<Uuid>::of(query.limit, query.cursor.as_deref())?;
        let rows = store::orders(self.db(), owner, kind, page.after, page.fetch()).await?;
        page.cut(rows, |row| row.id, PaymentBody::from)
    }
}

fn moved(row: OrderRow) -> Response {
    let status = if row.status == "new" { StatusCode::ACCEPTED } else { StatusCode::CREATED };
    (status, Json(PaymentBody::from(row))).into_response()
}

impl From<OrderRow> for PaymentBody {
    fn from(row: OrderRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            status: row.status,
            currency: row.currency,
            amount: row.amount,
            provider: row.provider,
            url: row.url,
            reason: row.reason,
            created_at: WireTime(from_datetime(row.created_at)),
            settled_at: row.settled_at.map(|at| WireTime(from_datetime(at))),
        }
    }
}
