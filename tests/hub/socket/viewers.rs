//! How many watch: shown to everyone in the room, and right again when somebody goes.

use super::{CODECS, Market, Socket};

/// Waits until the room is said to have `count` viewers.
async fn until_shown(socket: &mut Socket, auction: &str, count: u64) {
    loop {
        let push = socket.viewers().await;
        assert_eq!(push["auction"], auction);
        if push["count"] == count {
            return;
        }
    }
}

#[tokio::test]
async fn everyone_in_a_room_sees_how_many_they_are() {
    let market = Market::open().await;
    for codec in CODECS {
        let mut ann = market.watcher(codec).await;
        let joined = ann.ask(market.join()).await;
        assert!(joined["viewers"].as_u64().is_some_and(|viewers| viewers >= 1), "{joined}");
        let mut ben = market.watcher(codec).await;
        ben.ask(market.join()).await;
        until_shown(&mut ann, &market.auction, 2).await;
        until_shown(&mut ben, &market.auction, 2).await;
        drop(ben);
        until_shown(&mut ann, &market.auction, 1).await;
    }
    market.hub.stop().await;
}
