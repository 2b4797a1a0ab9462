//! A bidder of the demo: looks at what is on sale, goes into a room, thinks, bids as long as it is worth it, and moves on.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{OnSale, World};
use crate::clock;
use crate::load::client::{Client, ClientError, Codec};
use crate::load::message::{Message, Offer, Request, RoomState};

/// The time that one bidder lets pass between two looks at a room, on average. With all of them there is a bid
/// somewhere every second or so.
const THINKING_MS: u64 = 9_000;
const BIDS_IN_A_ROOM_MAX: u64 = 4;
const RECONNECT_AFTER: Duration = Duration::from_secs(3);
/// Close to its end an auction draws everyone.
const HOT_MS: i64 = 60_000;

/// Lives until `shutdown`.
pub(super) async fn live(world: World, name: &'static str, shutdown: CancellationToken) {
    let life = async {
        // Nobody comes at the same moment.
        tokio::time::sleep(Duration::from_millis(world.chance.below(THINKING_MS))).await;
        loop {
            if let Err(error) = visit(&world, name).await {
                tracing::debug!(%error, name, "{name} lost the connection: {error}");
            }
            tokio::time::sleep(RECONNECT_AFTER).await;
        }
    };
    shutdown.run_until_cancelled(life).await;
}

/// One connection's worth of bidding.
async fn visit(world: &World, name: &str) -> Result<(), ClientError> {
    let token = world.token(name).map_err(|error| ClientError::Malformed(error.to_string()))?;
    let (client, mut pushes) = Client::connect(&world.rest.socket_url(), Some(&token), Codec::Json).await?;
    loop {
        match choose(world) {
            Some(lot) => stay(world, &client, &mut pushes, &lot).await?,
            None => think(world).await,
        }
    }
}

/// An open auction, most likely one that is about to end.
fn choose(world: &World) -> Option<OnSale> {
    let now = world.now_ms();
    let open: Vec<OnSale> = world.on_sale().into_iter().filter(|lot| lot.opens_ms <= now).collect();
    let hot: Vec<&OnSale> = open.iter().filter(|lot| lot.ends_ms - now < HOT_MS).collect();
    if !hot.is_empty() && world.chance.below(3) > 0 {
        return hot.get(draw(world, hot.len())).map(|&lot| lot.clone());
    }
    open.get(draw(world, open.len())).cloned()
}

fn draw(world: &World, among: usize) -> usize {
    usize::try_from(world.chance.below(among as u64)).unwrap_or(0)
}

async fn think(world: &World) {
    // Between a third of the average and five thirds.
    let millis = THINKING_MS / 3 + world.chance.below(THINKING_MS * 4 / 3);
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// Watches one room and bids in it.
async fn stay(
    world: &World,
    client: &Client,
    pushes: &mut mpsc::Receiver<Message>,
    lot: &OnSale,
) -> Result<(), ClientError> {
    let limit = lot.worth * (60 + i64::try_from(world.chance.below(70)).unwrap_or(0)) / 100;
    for _ in 0..=world.chance.below(BIDS_IN_A_ROOM_MAX) {
        // What was pushed meanwhile is in the state that a join gives.
        while pushes.try_recv().is_ok() {}
        let Message::Joined { state: Some(state), .. } = client.ask(&Request::Join { auction: &lot.id }).await? else {
            break;
        };
        if let Some(ends_at) = clock::parse(&state.ends_at) {
            world.saw_end(&lot.id, if is_over(&state) { 0 } else { ends_at.millis() });
        }
        let leads = state.you.as_ref().is_some_and(|own| own.leading);
        if is_over(&state) || state.minimum_bid > limit {
            break;
        }
        if !leads && state.status == "open" {
            bid(world, client, lot, &state, limit).await?;
        }
        think(world).await;
    }
    client.ask(&Request::Leave { auction: &lot.id }).await.map(drop)
}

fn is_over(state: &RoomState) -> bool {
    matches!(state.status.as_str(), "ended" | "stopped")
}

async fn bid(world: &World, client: &Client, lot: &OnSale, state: &RoomState, limit: i64) -> Result<(), ClientError> {
    let key = world.chance.uuid(world.clock.now()).to_string();
    let (auction, key) = (lot.id.as_str(), key.as_str());
    // A bargain at once is rare, a step at a time is common, and some leave it to the hub.
    let request = match world.chance.below(20) {
        0 if state.buy_now.is_some_and(|price| price <= limit * 5 / 4) => Request::BuyNow { auction, key },
        0..=6 => {
            let room = u64::try_from(limit - state.minimum_bid).unwrap_or(0);
            let more = i64::try_from(world.chance.below(room / 2 + 1)).unwrap_or(0);
            Request::Bid { auction, key, offer: Offer::Max(state.minimum_bid + more) }
        }
        _ => Request::Bid { auction, key, offer: Offer::Amount(state.minimum_bid) },
    };
    // A refusal is part of the game: somebody else was faster.
    client.ask(&request).await.map(drop)
}
