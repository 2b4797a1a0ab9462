//! One call of Stripe's API: a form with the secret key and an idempotency key goes, JSON comes back. A call is tried a
//! few times, with growing, uneven pauses, and ends within [`Patience`]; under its key it has its effect once. What
//! Stripe answers is never logged, only the status, the code and the id by which Stripe's own log knows the request.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::objects::ErrorBody;
use crate::chance::Chance;
use crate::config::ConfigError;
use crate::payments::ProviderError;

/// The version of the API that the requests and answers here are written for.
const API_VERSION: &str = "2024-11-20.acacia";
const ATTEMPTS_MAX: u32 = 3;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_MAX_BYTES: usize = 1 << 20;
/// Longest code that is handed on.
const CODE_MAX_BYTES: usize = 64;
/// Longest message that is handed on.
const MESSAGE_MAX_CHARS: usize = 200;

/// How long Stripe is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Longest time of one attempt. A call may take three, and the pauses between them.
    pub attempt: Duration,
    /// About how long the first pause is; each further one is twice as long.
    pub first_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { attempt: Duration::from_secs(6), first_pause: Duration::from_millis(250) }
    }
}

/// The API of Stripe, under one secret key.
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    chance: Chance,
    patience: Patience,
}

/// What went wrong in one attempt.
enum Trouble {
    /// Stripe has said no, and says it again under the same key.
    Refused(ProviderError),
    /// Nothing has happened.
    NotTaken { again: bool },
    /// It may have happened.
    Unclear { again: bool },
}

impl Client {
    pub(super) fn new(
        base: &str,
        secret_key: &SecretString,
        chance: Chance,
        patience: Patience,
    ) -> Result<Self, ConfigError> {
        let unusable = || ConfigError("stripe_secret_key has signs that no key has".into());
        let bearer = format!("Bearer {}", secret_key.expose_secret());
        let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| unusable())?;
        bearer.set_sensitive(true);
        let version = (HeaderName::from_static("stripe-version"), HeaderValue::from_static(API_VERSION));
        let http = reqwest::Client::builder()
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer), version]))
            .user_agent(concat!("bidhub/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(patience.attempt)
            .build()
            .map_err(|error| ConfigError(format!("Stripe cannot be called: {error}")))?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), chance, patience })
    }

    /// A key that nothing was done under.
    pub(super) fn new_key(&self) -> String {
        hex::encode(self.chance.bytes::<16>())
    }

    /// Has Stripe do something, at most once under `key`.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        call: &'static str,
        path: &str,
        key: &str,
        form: &[(&str, &str)],
    ) -> Result<T, ProviderError> {
        let (url, body) = (format!("{}{path}", self.base), encoded(form));
        let request = || {
            let request = self.http.post(&url).header("idempotency-key", key);
            request.header("content-type", "application/x-www-form-urlencoded").body(body.clone())
        };
        self.call(call, request).await
    }

    /// Asks Stripe something. Nothing can have happened by that, so its outcome is never unknown.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        call: &'static str,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, ProviderError> {
        let url = format!("{}{path}?{}", self.base, encoded(query));
        let answer = self.call(call, || self.http.get(&url)).await;
        answer.map_err(|error| if error == ProviderError::Unknown { ProviderError::Unavailable } else { error })
    }

    async fn call<T: DeserializeOwned>(
        &self,
        call: &'static str,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<T, ProviderError> {
        let started = tokio::time::Instant::now();
        let result = self.attempts(call, request).await;
        let outcome = match &result {
            Ok(_) => "ok",
            Err(ProviderError::Refused { .. }) => "refused",
            Err(ProviderError::Unavailable) => "unavailable",
            Err(ProviderError::Unknown) => "unknown",
        };
        metrics::histogram!("bidhub_payment_call_seconds", "call" => call, "outcome" => outcome)
            .record(started.elapsed());
        result
    }

    async fn attempts<T: DeserializeOwned>(
        &self,
        call: &'static str,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<T, ProviderError> {
        let mut surely_nothing = true;
        for attempt in 0..ATTEMPTS_MAX {
            if attempt > 0 {
                tokio::time::sleep(self.pause(attempt)).await;
            }
            let again = match attempt_once(call, request()).await {
                Ok(answer) => return Ok(answer),
                Err(Trouble::Refused(refused)) => return Err(refused),
                Err(Trouble::NotTaken { again }) => again,
                Err(Trouble::Unclear { again }) => {
                    surely_nothing = false;
                    again
                }
            };
            if !again {
                break;
            }
        }
        Err(if surely_nothing { ProviderError::Unavailable } else { ProviderError::Unknown })
    }

    /// Between half of a pause and all of it, so that many who were cut off at once do not come back at once.
    fn pause(&self, attempt: u32) -> Duration {
        let whole = self.patience.first_pause * 2_u32.pow(attempt - 1);
        let half = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX) / 2;
        Duration::from_millis(half + self.chance.below(half + 1))
    }
}

async fn attempt_once<T: DeserializeOwned>(call: &'static str, request: RequestBuilder) -> Result<T, Trouble> {
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => {
            // Who never had a connection has sent nothing.
            let nothing = error.is_connect() || error.is_builder();
            let error = error.without_url();
            tracing::warn!(call, %error, "Stripe did not answer to {call}: {error}");
            return Err(if nothing { Trouble::NotTaken { again: true } } else { Trouble::Unclear { again: true } });
        }
    };
    let head = Head::of(&response);
    let body = read(response).await;
    if head.status.is_success() {
        let answer = body.and_then(|body| serde_json::from_slice(&body).ok());
        return answer.ok_or_else(|| {
            tracing::warn!(call, request = head.request, "Stripe's answer to {call} cannot be read");
            Trouble::Unclear { again: true }
        });
    }
    let error = body.and_then(|body| serde_json::from_slice::<ErrorBody>(&body).ok());
    Err(head.trouble(call, error.unwrap_or_default()))
}

/// What an answer begins with.
struct Head {
    status: StatusCode,
    /// What Stripe itself thinks of trying again.
    again: Option<bool>,
    /// The id by which Stripe's log knows the request.
    request: String,
}

impl Head {
    fn of(response: &Response) -> Self {
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        Self {
            status: response.status(),
            again: header("stripe-should-retry").and_then(|text| text.parse().ok()),
            request: header("request-id").unwrap_or_default().chars().take(CODE_MAX_BYTES).collect(),
        }
    }

    fn trouble(self, call: &'static str, ErrorBody { error }: ErrorBody) -> Trouble {
        let Self { status, again, request } = self;
        let again = again.unwrap_or(true);
        let kind = error.kind.as_deref().unwrap_or_default();
        let code = error.code.as_deref().or(error.kind.as_deref()).filter(|code| is_word(code)).unwrap_or("refused");
        if kind == "card_error" {
            tracing::info!(call, request, code, "Stripe refused {call}: {code}");
        } else {
            tracing::warn!(call, request, code, status = status.as_u16(), "Stripe did not do {call}: {status}, {code}");
        }
        match status {
            // The key was used for something else, so something else may have happened under it.
            _ if kind == "idempotency_error" => Trouble::Unclear { again: false },
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Trouble::NotTaken { again: false },
            StatusCode::TOO_MANY_REQUESTS => Trouble::NotTaken { again },
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => Trouble::Unclear { again },
            // The same request is being worked on at this moment.
            StatusCode::CONFLICT => Trouble::Unclear { again: true },
            _ if status.is_client_error() => {
                let told = error.message.filter(|_| kind == "card_error");
                let message = told.map(|text| text.chars().take(MESSAGE_MAX_CHARS).collect());
                let message = message.unwrap_or_else(|| "the payment provider refused this".to_owned());
                Trouble::Refused(ProviderError::refused(code, message))
            }
            _ => Trouble::Unclear { again },
        }
    }
}

/// The body, if it arrives whole and is not too long.
async fn read(mut response: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if body.len() + chunk.len() > ANSWER_MAX_BYTES {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn is_word(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=CODE_MAX_BYTES).contains(&text.len()) && text.bytes().all(plain)
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("base", &self.base).finish_non_exhaustive()
    }
}
