//! Of two nodes one fills the stream, and the other goes on when it dies.

use crate::market::{Market, until};
use crate::process::Hub;
use crate::unruly::Unruly;
use crate::{postgres, redis};

#[tokio::test]
async fn of_two_nodes_one_fills_the_stream() {
    let Some(redis) = redis::Server::start().await else { return };
    let Some(postgres) = postgres::Server::start().await else { return };
    let unruly = Unruly::start(0).await;
    unruly.calm();
    let (redis_url, database_url) = (redis.url(), postgres.url());
    let shared = [
        ("BIDHUB_REDIS_URL", redis_url.as_str()),
        ("BIDHUB_DATABASE_URL", database_url.as_str()),
        ("BIDHUB_JWT_SECRET", "a secret for tests that is long enough"),
    ];
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let first = Hub::start_with(dirs[0].path(), &unruly.url, &shared).await;
    let second = Hub::start_with(dirs[1].path(), &unruly.url, &shared).await;
    let mut market = Market::open(&first).await;
    for _ in 0..10 {
        market.bid(&first, 1).await;
        market.bid(&second, 1).await;
    }
    until("what was bid", async || market.is_all_in(&second, &unruly.held()).await).await;
    for (auction, messages) in unruly.held() {
        let seqs: Vec<_> = messages.iter().map(|message| message["data"]["event"]["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, (0..messages.len() as u64).collect::<Vec<_>>(), "{auction}: each once, for nothing failed");
    }

    // The one that was first to ask does the work.
    drop(first);
    market.bid(&second, 3).await;
    until("what was bid since", async || market.is_all_in(&second, &unruly.held()).await).await;
}
