//! Who is calling: the cookie or the bearer token, and the origin of what a cookie asks to change.

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};

use super::context::HttpContext;
use super::problem::ApiError;
use crate::auth::{Action, AuthError, Caller, Origins, Via, authorize};
use crate::domain::Span;

/// The cookie that holds a browser's session.
pub const SESSION_COOKIE: &str = "bidhub_session";

/// The caller, if there is one. A bearer token that is not valid is refused; a cookie that is not is as none, for a
/// browser cannot help sending an old one.
#[derive(Debug, Clone)]
pub struct MaybeCaller(pub Option<Caller>);

/// The caller; 401 without one.
#[derive(Debug, Clone)]
pub struct CallerOf(pub Caller);

impl CallerOf {
    /// The caller, if they may do `action`.
    pub fn may(self, action: Action) -> Result<Caller, ApiError> {
        authorize(Some(&self.0), action)?;
        Ok(self.0)
    }
}

impl MaybeCaller {
    /// The caller, if there is one, and if they or anyone may do `action`.
    pub fn may(self, action: Action) -> Result<Option<Caller>, ApiError> {
        authorize(self.0.as_ref(), action)?;
        Ok(self.0)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MaybeCaller
where
    HttpContext: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let context = HttpContext::from_ref(state);
        let Some((token, via)) = token_of(&parts.headers)? else { return Ok(Self(None)) };
        if via == Via::Cookie && !parts.method.is_safe() {
            require_origin(&context.origins, &parts.headers)?;
        }
        match context.authenticator.authenticate(&token, via).await {
            Ok(caller) => {
                context.limits.requests_by_account.check(&caller.account())?;
                context.visitors.note(caller.account());
                Ok(Self(Some(caller)))
            }
            Err(AuthError::Invalid) if via == Via::Cookie => Ok(Self(None)),
            Err(error) => Err(error.into()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CallerOf
where
    HttpContext: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let MaybeCaller(caller) = <MaybeCaller as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        caller.map(Self).ok_or_else(|| ApiError::unauthenticated("this needs a signed-in account"))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for CallerOf
where
    HttpContext: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, ApiError> {
        let MaybeCaller(caller) = <MaybeCaller as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Ok(caller.map(Self))
    }
}

/// The token of a request and how it came. A bearer token counts before a cookie.
pub fn token_of(headers: &HeaderMap) -> Result<Option<(String, Via)>, ApiError> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let value = value.to_str().unwrap_or_default();
        let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
        if !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
            return Err(ApiError::unauthenticated("Authorization must be `Bearer` and a token"));
        }
        return Ok(Some((token.trim().to_owned(), Via::Bearer)));
    }
    let jar = CookieJar::from_headers(headers);
    Ok(jar.get(SESSION_COOKIE).map(|cookie| (cookie.value().to_owned(), Via::Cookie)))
}

/// Refuses what a page of a foreign origin, or of none that is named, asks for with a cookie.
pub fn require_origin(origins: &Origins, headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let allowed = text(header::ORIGIN).is_some_and(|origin| origins.allows(origin, text(header::HOST)));
    let refuse = || {
        let detail = "a cookie acts only for pages of the hub's own origin, or of one that the operator allows";
        ApiError::new(StatusCode::FORBIDDEN, "origin_not_allowed", detail)
    };
    allowed.then_some(()).ok_or_else(refuse)
}

/// The cookie that signs a browser in for `life`.
pub fn session_cookie(context: &HttpContext, token: &str, life: Span) -> HeaderValue {
    build_cookie(context, token, life.millis() / 1_000)
}

/// The cookie that signs a browser out.
pub fn ended_cookie(context: &HttpContext) -> HeaderValue {
    build_cookie(context, "", 0)
}

fn build_cookie(context: &HttpContext, value: &str, max_age_s: i64) -> HeaderValue {
    let mut cookie = Cookie::new(SESSION_COOKIE, value);
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_path("/");
    cookie.set_secure(context.secure_cookies);
    let text = format!("{cookie}; Max-Age={max_age_s}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}
