//! The endpoints of accounts: `/api/auth/…` and `/api/me`.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{AccountRow, Accounts, Refused, Session, rules};
use crate::auth::Action;
use crate::clock::WireTime;
use crate::domain::Span;
use crate::http::caller::{ended_cookie, session_cookie};
use crate::http::{ApiError, ApiJson, CallerOf, ClientAddress, HttpContext, MaybeCaller, Problem};
use crate::rate_limit::address_key;

/// The routes of accounts.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Accounts: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(logout))
        .routes(routes!(me))
        .routes(routes!(change_password))
        .routes(routes!(ask_reset))
        .routes(routes!(confirm_reset))
        .routes(routes!(confirm_email))
        .routes(routes!(resend_confirm))
}

/// Who wants an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Register {
    #[schema(example = "ada@example.com")]
    email: String,
    /// 10 characters to 200 bytes.
    password: String,
    /// The name that others see, 1 to 60 characters.
    #[schema(example = "Ada")]
    display_name: String,
}

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    #[schema(example = "ada@example.com")]
    email: String,
    password: String,
}

/// The old and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangePassword {
    current: String,
    /// 10 characters to 200 bytes.
    new: String,
}

/// Whose password is to be set anew.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AskReset {
    email: String,
}

/// The token from the mail, and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfirmReset {
    token: String,
    /// 10 characters to 200 bytes.
    password: String,
}

/// The token from the mail.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfirmEmail {
    token: String,
}

/// An account as its holder sees it.
#[derive(Serialize, ToSchema)]
struct User {
    id: Uuid,
    display_name: String,
    /// `user`, and whatever else the account may act as.
    roles: Vec<String>,
    email: Option<String>,
    email_confirmed: bool,
    /// True if staff has banned the account from bidding and selling.
    banned: bool,
    /// True if staff has frozen the account: it can neither bid nor take money out.
    frozen: bool,
}

/// A session just begun.
#[derive(Serialize, ToSchema)]
struct SignedIn {
    user: User,
    /// The bearer token, shown this once. Browsers get it as a cookie too.
    token: String,
    expires_at: WireTime,
}

impl From<AccountRow> for User {
    fn from(row: AccountRow) -> Self {
        Self {
            id: row.id,
            roles: row.roles.names(),
            email_confirmed: row.email_confirmed_at.is_some(),
            banned: row.banned_at.is_some(),
            frozen: row.frozen_at.is_some(),
            display_name: row.display_name,
            email: row.email,
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let detail = refused.to_string();
        match refused {
            Refused::Invalid(code, field, detail) => Self::invalid(code, field, detail),
            Refused::EmailTaken => Self::conflict("email_taken", detail).with("field", "email"),
            Refused::InvalidCredentials => Self::new(StatusCode::UNAUTHORIZED, "invalid_credentials", detail),
            Refused::InvalidToken => Self::invalid("invalid_token", "token", detail),
            Refused::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after_s(1),
            Refused::Store(error) => error.into(),
        }
    }
}

/// Sign up
#[utoipa::path(post, path = "/api/auth/register", tag = "accounts", request_body = Register, responses(
    (status = 201, description = "The account, signed in", body = SignedIn),
    (status = 409, description = "`email_taken`", body = Problem),
    (status = 422, description = "`invalid_email`, `weak_password`, `invalid_display_name`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem)))]
async fn register(
    State(accounts): State<Accounts>,
    State(context): State<HttpContext>,
    ClientAddress(address): ClientAddress,
    ApiJson(body): ApiJson<Register>,
) -> Result<Response, ApiError> {
    context.limits.register_by_address.check(&address_key(address))?;
    let session = accounts.register(&body.email, &body.password, &body.display_name).await?;
    Ok(signed_in(&context, &accounts, StatusCode::CREATED, session))
}

/// Sign in
#[utoipa::path(post, path = "/api/auth/login", tag = "accounts", request_body = Login, responses(
    (status = 200, description = "The account, signed in", body = SignedIn),
    (status = 401, description = "`invalid_credentials`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem)))]
async fn login(
    State(accounts): State<Accounts>,
    State(context): State<HttpContext>,
    ClientAddress(address): ClientAddress,
    ApiJson(body): ApiJson<Login>,
) -> Result<Response, ApiError> {
    context.limits.login_by_address.check(&address_key(address))?;
    context.limits.login_by_email.check(&email_key(&body.email))?;
    let session = accounts.login(&body.email, &body.password).await?;
    Ok(signed_in(&context, &accounts, StatusCode::OK, session))
}

/// Sign out
///
/// Ends the session that the token belongs to; a foreign token is refused from here on. Harmless when signed out.
#[utoipa::path(post, path = "/api/auth/logout", tag = "accounts", security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "Signed out"),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`origin_not_allowed`", body = Problem)))]
async fn logout(
    State(accounts): State<Accounts>,
    State(context): State<HttpContext>,
    MaybeCaller(caller): MaybeCaller,
) -> Result<Response, ApiError> {
    if let Some(caller) = caller {
        accounts.logout(&caller).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, ended_cookie(&context))]).into_response())
}

/// The own account
#[utoipa::path(get, path = "/api/me", tag = "accounts", security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = User),
    (status = 401, description = "`unauthenticated`", body = Problem)))]
async fn me(State(accounts): State<Accounts>, caller: CallerOf) -> Result<Json<User>, ApiError> {
    let caller = caller.may(Action::ReadOwnAccount)?;
    let account = accounts.account(caller.account()).await?;
    let mut user = User::from(account.ok_or_else(|| ApiError::unauthenticated("the account is gone"))?);
    // A foreign token may bring roles of its own, which the account does not keep.
    user.roles = caller.identity.roles.names();
    Ok(Json(user))
}

/// Change the password
///
/// All other sessions of the account end.
#[utoipa::path(post, path = "/api/auth/password", tag = "accounts", request_body = ChangePassword,
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 204, description = "Changed"),
    (status = 401, description = "`unauthenticated`, `invalid_credentials`", body = Problem),
    (status = 422, description = "`weak_password`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem)))]
async fn change_password(
    State(accounts): State<Accounts>,
    State(context): State<HttpContext>,
    caller: CallerOf,
    ApiJson(body): ApiJson<ChangePassword>,
) -> Result<StatusCode, ApiError> {
    let caller = caller.may(Action::ChangeOwnAccount)?;
    context.limits.login_by_email.check(&caller.account().to_string())?;
    accounts.change_password(&caller, &body.current, &body.new).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask for a mail to set a new password
///
/// Answers the same whether the address has an account or not.
#[utoipa::path(post, path = "/api/auth/password-reset", tag = "accounts", request_body = AskReset, responses(
    (status = 202, description = "If the address has an account, a mail is on its way"),
    (status = 429, description = "`rate_limited`", body = Problem)))]
async fn ask_reset(
    State(accounts): State<Accounts>,
    State(context): State<HttpContext>,
    ClientAddress(address): ClientAddress,
    ApiJson(body): ApiJson<AskReset>,
) -> Result<StatusCode, ApiError> {
    context.limits.mail_by_address.check(&address_key(address))?;
    context.limits.mail_by_email.check(&email_key(&body.email))?;
    accounts.ask_reset(&body.email);
    Ok(StatusCode::ACCEPTED)
}

/// Set a new password with a mailed token
///
/// All sessions of the account end.
#[utoipa::path(post, path = "/api/auth/password-reset/confirm", tag = "accounts", request_body = ConfirmReset, responses(
    (status = 204, description = "Set"),
    (status = 422, description = "`invalid_token`, `weak_password`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem)))]
async fn confirm_reset(
    State(accounts): State<Accounts>,
    State(context): State<HttpContext>,
    ClientAddress(address): ClientAddress,
    ApiJson(body): ApiJson<ConfirmReset>,
) -> Result<StatusCode, ApiError> {
    context.limits.login_by_address.check(&address_key(address))?;
    accounts.confirm_reset(&body.token, &body.password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Confirm the e-mail address with a mailed token
#[utoipa::path(post, path = "/api/auth/email-confirm", tag = "accounts", request_body = ConfirmEmail, responses(
    (status = 204, description = "Confirmed"),
    (status = 422, description = "`invalid_token`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem)))]
async fn confirm_email(
    State(accounts): State<Accounts>,
    State(context): State<HttpContext>,
    ClientAddress(address): ClientAddress,
    ApiJson(body): ApiJson<ConfirmEmail>,
) -> Result<StatusCode, ApiError> {
    context.limits.login_by_address.check(&address_key(address))?;
    accounts.confirm_email(&body.token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have the mail that confirms the address sent once more
#[utoipa::path(post, path = "/api/auth/email-confirm/resend", tag = "accounts",
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 202, description = "If the address is not confirmed yet, a mail is on its way"),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem)))]
async fn resend_confirm(
    State(accounts): State<Accounts>,
    State(context): State<HttpContext>,
    ClientAddress(address): ClientAddress,
    caller: CallerOf,
) -> Result<StatusCode, ApiError> {
    let caller = caller.may(Action::ChangeOwnAccount)?;
    context.limits.mail_by_address.check(&address_key(address))?;
    context.limits.mail_by_email.check(&caller.account().to_string())?;
    accounts.resend_confirm(caller.account()).await?;
    Ok(StatusCode::ACCEPTED)
}

fn signed_in(context: &HttpContext, accounts: &Accounts, status: StatusCode, session: Session) -> Response {
    let token = session.token.token.expose_secret().to_owned();
    let life = Span::from_secs(accounts.session_ttl_s());
    let headers = [
        (header::SET_COOKIE, session_cookie(context, &token, life)),
        (header::CACHE_CONTROL, axum::http::HeaderValue::from_static("no-store")),
    ];
    let body = SignedIn { user: session.account.into(), token, expires_at: WireTime(session.expires_at) };
    (status, headers, Json(body)).into_response()
}

/// Under which an address is counted: as it would be kept, or as it came if it is none, cut short.
fn email_key(text: &str) -> String {
    rules::email(text).map_or_else(|_| text.chars().take(rules::EMAIL_MAX_BYTES).collect(), |email| email.to_string())
}
