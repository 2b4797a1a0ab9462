//! The demo's people: sellers who always have something on sale, and bidders who want some of it. They come over REST
//! and WebSocket as anyone does, and are gone with the hub.

mod bidder;
mod catalogue;
mod house;

use std::sync::{Arc, Mutex, PoisonError};

use secrecy::SecretString;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::identity::Signer;
use super::rest::{Rest, RestError};
use crate::chance::Chance;
use crate::clock::Clock;

/// How many auctions are on sale, or about to be, at a time.
pub const AUCTIONS: usize = 12;

const SELLERS: [&str; 4] = ["Halden & Daughters", "The Attic", "Northlight Cameras", "Old Mill Books"];
const BIDDERS: [&str; 14] = [
    "Ansel", "Brisa", "Corin", "Dalia", "Emeric", "Fenna", "Gaspard", "Hanneke", "Isolde", "Jorun", "Kasimir", "Liora",
    "Maelle", "Nevin",
];

/// The account that a visitor may sign in with.
pub const VISITOR_EMAIL: &str = "demo@example.com";
/// Its password. Everybody may know it: the account has no rights beyond a bidder's, in a hub without real money.
pub const VISITOR_PASSWORD: &str = "going-going-gone";

/// What all people of the demo share.
#[derive(Clone)]
pub struct World {
    rest: Rest,
    signer: Arc<Signer>,
    clock: Clock,
    chance: Chance,
    on_sale: Arc<Mutex<Vec<OnSale>>>,
}

/// An auction that the bidders know of.
#[derive(Clone, Debug)]
struct OnSale {
    id: String,
    /// What it is worth to most of them, in minor units.
    worth: i64,
    /// When it opens and closes as planned, in milliseconds since 1970; late bids move the end.
    opens_ms: i64,
    ends_ms: i64,
}

impl World {
    /// People for the hub that `rest` leads to; it must trust what `signer` signs.
    pub fn new(rest: Rest, signer: Signer, clock: Clock, chance: Chance) -> Self {
        Self { rest, signer: Arc::new(signer), clock, chance, on_sale: Arc::default() }
    }

    /// Puts the first auctions on sale, and makes the visitor's account. `sold` is told of each auction.
    pub async fn fill(&self, mut told: impl FnMut()) -> Result<(), RestError> {
        let visitor = json!({"email": VISITOR_EMAIL, "password": VISITOR_PASSWORD, "display_name": "Visitor"});
        match self.rest.post("/api/auth/register", None, &visitor).await {
            // A kept directory has the account already.
            Err(error) if !error.is("email_taken") => return Err(error),
            _ => {}
        }
        for number in 0..AUCTIONS {
            house::put_on_sale(self, number, house::Stage::Filling).await?;
            told();
        }
        Ok(())
    }

    /// Lets the people live until `shutdown`; returns when all are gone.
    pub async fn live(&self, shutdown: CancellationToken) {
        let people = TaskTracker::new();
        people.spawn(house::keep_on_sale(self.clone(), shutdown.clone()));
        for name in BIDDERS {
            people.spawn(bidder::live(self.clone(), name, shutdown.clone()));
        }
        people.close();
        people.wait().await;
    }

    fn token(&self, name: &str) -> Result<SecretString, jsonwebtoken::errors::Error> {
        self.signer.token(&format!("demo:{name}"), name)
    }

    fn now_ms(&self) -> i64 {
        self.clock.now().millis()
    }

    /// Forgets what has ended, and gives what is left.
    fn on_sale(&self) -> Vec<OnSale> {
        let now = self.now_ms();
        let mut on_sale = self.on_sale.lock().unwrap_or_else(PoisonError::into_inner);
        on_sale.retain(|lot| lot.ends_ms > now);
        on_sale.clone()
    }

    fn add(&self, lot: OnSale) {
        self.on_sale.lock().unwrap_or_else(PoisonError::into_inner).push(lot);
    }

    /// The end of an auction as a bidder has seen it.
    fn saw_end(&self, id: &str, ends_ms: i64) {
        let mut on_sale = self.on_sale.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lot) = on_sale.iter_mut().find(|lot| lot.id == id) {
            lot.ends_ms = ends_ms;
        }
    }
}
