//! One data directory belongs to one process.

use serde_json::json;

use crate::process::{Hub, fails};
use crate::socket_client::{Codec, Socket};

#[tokio::test]
async fn a_second_process_says_why_it_cannot_run_and_leaves_the_first_alone() {
    let dir = tempfile::tempdir().unwrap();
    let hub = Hub::start(dir.path()).await;
    let seller = hub.sign_up("seller").await;
    let auction = hub.offer(&seller, 3_600_000).await;
    let mut socket = Socket::of(hub.address, Codec::Json, &hub.sign_up("ada").await).await;
    let (code, said) = fails(dir.path()).await;
    assert_eq!(code, Some(1), "{said}");
    let clear = said.lines().any(|line| line.starts_with("error: ") && line.contains("in use by another hub process"));
    assert!(clear && !said.contains("listens on"), "{said}");
    let bid = json!({"type": "bid", "auction": auction, "key": "k", "amount": 1000});
    assert_eq!(socket.ask(bid).await["type"], "bid_accepted");
    assert_eq!(hub.stop().await.code(), Some(0));
    let hub = Hub::start(dir.path()).await;
    assert_eq!(hub.get(&format!("/api/auctions/{auction}")).await["state"]["price"], 1000);
}
