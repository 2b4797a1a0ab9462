//! The sellers: they keep a fixed number of auctions on sale, and put a new one up when one has ended.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::catalogue::{ARTICLES, Article, Manner};
use super::{AUCTIONS, OnSale, SELLERS, World};
use crate::clock;
use crate::domain::Timestamp;
use crate::load::rest::{Rest, RestError};

const MINUTE_MS: i64 = 60_000;
const LOOK_EVERY: Duration = Duration::from_secs(3);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(15);

/// When in the life of the demo an auction is put on sale.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// At the start: the ends are spread, the first within two minutes.
    Filling,
    /// Later, in place of one that has ended.
    Running,
}

/// Puts the auction number `number` of the demo's life on sale.
pub(super) async fn put_on_sale(world: &World, number: usize, stage: Stage) -> Result<(), RestError> {
    let article = &ARTICLES[number % ARTICLES.len()];
    let manner = Manner::of(number);
    let (opens_ms, ends_ms) = hours(world, number, manner, stage);
    let body = offer(article, manner, opens_ms, ends_ms);
    let seller = SELLERS[number % SELLERS.len()];
    let token = world.token(seller).map_err(|_| RestError::Unexpected("token for a seller"))?;
    let rest: &Rest = &world.rest;
    let created = rest.post("/api/auctions", Some(&token), &body).await?;
    let id = created["id"].as_str().ok_or(RestError::Unexpected("id"))?.to_owned();
    world.add(OnSale { id, worth: article.worth, opens_ms, ends_ms });
    Ok(())
}

fn hours(world: &World, number: usize, manner: Manner, stage: Stage) -> (i64, i64) {
    let now = world.now_ms();
    let opens_ms = if manner == Manner::Scheduled { now + 2 * MINUTE_MS } else { now };
    let minutes = match stage {
        Stage::Filling => 2 + 2 * i64::try_from(number % AUCTIONS).unwrap_or(0),
        Stage::Running => 4 + i64::try_from(world.chance.below(20)).unwrap_or(0),
    };
    (opens_ms, opens_ms + minutes * MINUTE_MS)
}

fn offer(article: &Article, manner: Manner, opens_ms: i64, ends_ms: i64) -> Value {
    let time = |millis| clock::format(Timestamp::from_millis(millis));
    let mut body = json!({
        "title": article.title,
        "description": article.description,
        "category": article.category,
        "currency": "EUR",
        "opening_price": round(article.worth / 5),
        "ends_at": time(ends_ms),
        "soft_close": {"window_s": 30, "extension_s": 30, "max_total_s": 600},
    });
    match manner {
        Manner::Plain => {}
        Manner::Reserve => body["reserve"] = json!(round(article.worth * 4 / 5)),
        Manner::BuyNow => body["buy_now"] = json!(round(article.worth * 5 / 4)),
        Manner::Scheduled => body["starts_at"] = json!(time(opens_ms)),
    }
    body
}

/// A price as sellers like it: a whole number of units.
fn round(minor: i64) -> i64 {
    (minor / 100 * 100).max(100)
}

/// Puts a new auction on sale whenever one has ended, until `shutdown`.
pub(super) async fn keep_on_sale(world: World, shutdown: CancellationToken) {
    let mut number = AUCTIONS;
    let mut pause = LOOK_EVERY;
    while shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        pause = LOOK_EVERY;
        // One at a time, so that a house that emptied at once fills as a house does.
        if world.on_sale().len() >= AUCTIONS {
            continue;
        }
        match shutdown.run_until_cancelled(put_on_sale(&world, number, Stage::Running)).await {
            Some(Ok(())) => number += 1,
            Some(Err(error)) => {
                tracing::warn!(%error, "the demo could not put an auction on sale: {error}");
                pause = PAUSE_AFTER_FAILURE;
            }
            None => return,
        }
    }
}
