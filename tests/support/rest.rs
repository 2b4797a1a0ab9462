//! A hub asked over REST: what tests need of it, and nothing that a caller could not do.

#![allow(dead_code, reason = "each test program uses the part that it needs")]

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Where a hub listens, and a client for it.
#[derive(Clone)]
pub struct Rest {
    pub address: SocketAddr,
    client: reqwest::Client,
}

impl Rest {
    pub fn new(address: SocketAddr) -> Self {
        let client = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
        Self { address, client }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Waits until the hub says that it is ready.
    pub async fn ready(&self) {
        let asking = async {
            while !self.is_ready().await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.expect("it gets ready");
    }

    /// True if the hub says that it is ready.
    pub async fn is_ready(&self) -> bool {
        let asked = self.client.get(self.url("/readyz")).send().await;
        asked.is_ok_and(|answer| answer.status() == 200)
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.try_get(None, path).await.expect("an answer");
        assert_eq!(status, 200, "{path} {body}");
        body
    }

    /// What is answered, with its status; none if the hub cannot be asked.
    pub async fn try_get(&self, token: Option<&str>, path: &str) -> Option<(u16, Value)> {
        let request = self.client.get(self.url(path));
        let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let text = answer.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    pub async fn post(&self, token: Option<&str>, path: &str, body: Value) -> Value {
        let request = self.client.post(self.url(path)).json(&body);
        let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path} {body}: {}", answer.status());
        answer.json().await.expect("JSON")
    }

    /// What is answered to something asked under a key, with its status; none if the hub cannot be asked or breaks off.
    pub async fn try_keyed(
        &self,
        method: &str,
        token: &str,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Option<(u16, Value)> {
        let method = method.parse().expect("a method");
        let request = self.client.request(method, self.url(path)).bearer_auth(token).header("idempotency-key", key);
        let answer = if body.is_null() { request } else { request.json(body) }.send().await.ok()?;
        let status = answer.status().as_u16();
        let text = answer.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// As [`Self::post`], where the answer has nothing in it.
    pub async fn order(&self, token: Option<&str>, path: &str, body: Value) {
        let request = self.client.post(self.url(path)).json(&body);
        let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path} {body}: {}", answer.status());
    }

    /// Bids exactly `amount`; it must be taken.
    pub async fn bid(&self, bidder: &str, auction: &str, key: &str, amount: i64) {
        let request = self.client.post(self.url(&format!("/api/auctions/{auction}/bids")));
        let request = request.bearer_auth(bidder).header("Idempotency-Key", key).json(&json!({"amount": amount}));
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 201, "{key}");
    }

    /// Signs someone up; gives the token.
    pub async fn sign_up(&self, name: &str) -> String {
        let body = json!({"email": format!("{name}@example.com"), "password": "correct horse battery",
            "display_name": name});
        let answer = self.post(None, "/api/auth/register", body).await;
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// Offers an auction that is open for so long from now on; gives its id.
    pub async fn offer(&self, seller: &str, lasts_ms: i64) -> String {
        self.offer_with(seller, lasts_ms, json!({})).await
    }

    /// The same with more terms than the least.
    pub async fn offer_with(&self, seller: &str, lasts_ms: i64, terms: Value) -> String {
        let now = self.get("/api/time").await["server_time"].as_str().and_then(bidhub::clock::parse).expect("a time");
        let ends_at = bidhub::clock::format(now.plus(bidhub::domain::Span::from_millis(lasts_ms)));
        let mut body = json!({"title": "Walnut desk", "description": "", "category": "furniture", "currency": "USD",
            "opening_price": 1000, "increments": [{"from": 0, "step": 1}], "ends_at": ends_at});
        for (name, value) in terms.as_object().expect("an object of terms") {
            body[name] = value.clone();
        }
        let auction = self.post(Some(seller), "/api/auctions", body).await;
        let id = auction["id"].as_str().expect("an id").to_owned();
        self.until(&format!("/api/auctions/{id}"), |body| body["state"]["status"] == "open").await;
        id
    }

    /// Asks until the answer fits.
    pub async fn until(&self, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let asking = async {
            loop {
                let body = self.get(path).await;
                if fits(&body) {
                    return body;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asking)
            .await
            .unwrap_or_else(|_| panic!("{path} never came to what was expected"))
    }

    /// Every item of a paged list.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{path}?limit=200{cursor}")).await;
            items.extend(page["items"].as_array().expect("items").iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}
