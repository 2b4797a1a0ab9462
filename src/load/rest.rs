//! A REST client of the hub. What the hub puts off (429, 503, a cut connection) is tried again; every request here may be
//! sent twice without harm, or its caller finds out first whether it was done.

use std::time::Duration;

use reqwest::{Method, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::backoff::Backoff;
use crate::chance::Chance;

/// A hub ends connections that have been idle for a while; one that is let go sooner is never used just as it ends.
const KEPT_IDLE_MAX: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const TRIES: u32 = 30;
const RETRY_AFTER_MAX_S: u64 = 60;

/// The REST side of one hub.
#[derive(Debug, Clone)]
pub struct Rest {
    http: reqwest::Client,
    base: String,
    chance: Chance,
}

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    /// The hub said no.
    #[error("{status} {code}: {detail}")]
    Refused {
        /// The status.
        status: u16,
        /// The stable code of the problem, if there was one.
        code: String,
        /// What was said of it.
        detail: String,
    },
    /// The hub could not be reached, however often it was tried.
    #[error("the hub cannot be reached: {0}")]
    Unreachable(#[from] reqwest::Error),
    /// The answer is not what the contract says.
    #[error("the answer has no {0}")]
    Unexpected(&'static str),
}

impl RestError {
    /// True if the hub refused with this code.
    pub fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == wanted)
    }
}

impl Rest {
    /// The hub at `url`, such as `http://127.0.0.1:8080`.
    pub fn new(url: &str, chance: Chance) -> Result<Self, RestError> {
        let http = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).pool_idle_timeout(KEPT_IDLE_MAX).build()?;
        Ok(Self { http, base: url.trim_end_matches('/').to_owned(), chance })
    }

    /// The address of the socket.
    pub fn socket_url(&self) -> String {
        // "http" becomes "ws" and "https" "wss".
        format!("{}/ws", self.base.replacen("http", "ws", 1))
    }

    /// Reads `path`.
    pub async fn get(&self, path: &str, token: Option<&SecretString>) -> Result<Value, RestError> {
        self.call(Method::GET, path, token, None).await
    }

    /// Sends `body` to `path`.
    pub async fn post(&self, path: &str, token: Option<&SecretString>, body: &Value) -> Result<Value, RestError> {
        self.call(Method::POST, path, token, Some(body)).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&SecretString>,
        body: Option<&Value>,
    ) -> Result<Value, RestError> {
        let mut backoff = Backoff::new(self.chance.clone(), TRIES);
        loop {
            let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
            if let Some(token) = token {
                request = request.bearer_auth(token.expose_secret());
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            let (error, least) = match request.send().await {
                Ok(answer) if answer.status().is_success() => {
                    return Ok(if answer.status() == StatusCode::NO_CONTENT {
                        Value::Null
                    } else {
                        answer.json().await?
                    });
                }
                Ok(answer) => {
                    let least = retry_after(&answer);
                    let passing =
                        matches!(answer.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
                    let refused = refusal(answer).await;
                    if !passing {
                        return Err(refused);
                    }
                    (refused, least)
                }
                // A creation that got no answer may have been done: only what was never sent is sent again.
                Err(error) if method != Method::GET && !error.is_connect() => return Err(error.into()),
                Err(error) => (error.into(), Duration::ZERO),
            };
            match backoff.next(least) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(error),
            }
        }
    }
}

fn retry_after(answer: &reqwest::Response) -> Duration {
    let value = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let seconds = value.and_then(|value| value.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_secs(seconds.min(RETRY_AFTER_MAX_S))
}

async fn refusal(answer: reqwest::Response) -> RestError {
    let status = answer.status().as_u16();
    let problem: Value = answer.json().await.unwrap_or_default();
    let text = |field: &str| problem[field].as_str().unwrap_or("no details").to_owned();
    RestError::Refused { status, code: text("code"), detail: text("detail") }
}
