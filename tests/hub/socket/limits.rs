//! How much one connection, and one address, may take.

use bidhub::config::Switch;
use serde_json::json;

use super::{CODECS, Codec, Market, Socket};
use crate::market::{desk_with, offer};

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let market = Market::with(json!({}), |settings| settings.connections.max_connections_per_address = 2).await;
    let (mut first, second) = (market.watcher(Codec::Json).await, market.watcher(Codec::Json).await);
    first.ask(market.join()).await;
    assert_eq!(market.watcher(Codec::MessagePack).await.closed().await, Some(4005));
    let headers = [("x-forwarded-for", "198.51.100.1")];
    let mut forged = Socket::with(market.hub.address, Codec::Json, &headers).await.ok().unwrap();
    assert_eq!(forged.closed().await, Some(4005), "what nobody trusted wrote is not believed");
    drop(second);
    for attempt in 0.. {
        let mut third = market.watcher(Codec::Json).await;
        third.request(market.join()).await;
        if third.next().await.is_ok() {
            break;
        }
        assert!(attempt < 200, "the place is not given back");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_addresses_are_told_apart() {
    let market = Market::with(json!({}), |settings| {
        settings.connections.max_connections_per_address = 1;
        settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let come = async |from: &str| {
        let headers = [("x-forwarded-for", from)];
        Socket::with(market.hub.address, Codec::Json, &headers).await.ok().unwrap()
    };
    let mut kept = Vec::new();
    for from in ["198.51.100.1", "198.51.100.2", "2001:db8::1", "2001:db8:0:1::1"] {
        let mut socket = come(from).await;
        assert_eq!(socket.ask(market.join()).await["type"], "joined");
        kept.push(socket);
    }
    for from in ["198.51.100.2", "203.0.113.9, 198.51.100.1", "2001:db8::2"] {
        assert_eq!(come(from).await.closed().await, Some(4005), "{from}");
    }
}

#[tokio::test]
async fn the_hub_has_so_many_connections() {
    let market = Market::with(json!({}), |settings| settings.connections.max_connections = 1).await;
    let mut first = market.watcher(Codec::Json).await;
    first.ask(market.join()).await;
    assert_eq!(market.watcher(Codec::Json).await.closed().await, Some(4005));
}

#[tokio::test]
async fn a_connection_is_in_so_many_rooms() {
    let market = Market::with(json!({}), |settings| settings.connections.max_rooms_per_connection = 2).await;
    let mut auctions = vec![market.auction.clone()];
    for title in ["Lamp", "Chair"] {
        auctions.push(offer(&market.hub, &market.seller, desk_with(json!({"title": title}))).await);
    }
    let join = |number: usize| json!({"type": "join", "auction": auctions[number]});
    for codec in CODECS {
        let mut socket = market.watcher(codec).await;
        for number in [0, 1, 0, 1] {
            assert_eq!(socket.ask(join(number)).await["type"], "joined");
        }
        let refused = socket.ask(join(2)).await;
        assert_eq!((&refused["type"], &refused["code"]), (&json!("error"), &json!("too_many_rooms")));
        socket.ask(json!({"type": "leave", "auction": auctions[0]})).await;
        assert_eq!(socket.ask(join(2)).await["type"], "joined");
    }
}

#[tokio::test]
async fn whoever_asks_too_much_is_told_so_and_then_cut_off() {
    let market = Market::with(json!({}), |settings| {
        settings.connections.rate_limits = Switch::On;
        settings.connections.messages_per_second = 2;
        settings.connections.message_burst = 10;
    })
    .await;
    for codec in CODECS {
        let mut socket = market.bidder(codec, codec.name()).await;
        for _ in 0..9 {
            assert_eq!(socket.ask(json!({"type": "ping"})).await["type"], "pong");
        }
        let mut refused = (false, false);
        for number in 0..200 {
            let bid = number % 2 == 0;
            let request = if bid { market.straight("k", 1) } else { json!({"type": "ping"}) };
            socket.request(request).await;
            match socket.any_answer().await {
                Ok(answer) if answer["code"] == "rate_limited" => {
                    assert_eq!(answer["retry"], true);
                    assert_eq!(answer["type"], if bid { "bid_rejected" } else { "error" });
                    if bid { refused.0 = true } else { refused.1 = true }
                }
                Ok(answer) => assert!(answer["type"] == "pong" || answer["code"] == "bid_too_low", "{answer}"),
                Err(closed) => {
                    assert_eq!(closed.0, Some(4003));
                    assert!(number > 50, "not before it was told often");
                    break;
                }
            }
            assert!(number < 199, "it is never cut off");
        }
        assert_eq!(refused, (true, true));
    }
}
