//! Of two nodes one sends what endpoints are owed, and when it goes the other does, with nothing left out.

use std::collections::BTreeSet;

use serde_json::json;

use crate::cluster::Plan;
use crate::receiver::Receiver;
use crate::redis::Server;

const BIDS: i64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_sends_each_event_once_and_another_goes_on_when_it_is_gone() {
    let Some(redis) = Server::start().await else { return };
    let plan = Plan::new(2, redis.url());
    let plan = plan.with("BIDHUB_WEBHOOKS_ALLOW_HTTP", "on").with("BIDHUB_WEBHOOK_PRIVATE_TARGETS", "on");
    let Some(mut cluster) = plan.start().await else { return };
    let (seller, ada) = (cluster.token("seller"), cluster.token("ada"));
    let mut endpoint = Receiver::start().await;
    let hook = json!({"url": endpoint.url, "events": ["bid"]});
    let hook = cluster.nodes[0].rest.post(Some(&seller), "/api/webhooks", hook).await;
    let secret = hook["secret"].as_str().unwrap();
    let auction = cluster.nodes[0].rest.offer(&seller, 3_600_000).await;
    let mut price = 1_000;
    let mut log = 1;
    for number in 0..BIDS {
        let node = &cluster.nodes[usize::try_from(number).unwrap() % 2];
        node.rest.bid(&ada, &auction, &format!("k{price}"), price).await;
        price += 1;
    }
    for _ in 0..BIDS {
        let sent = endpoint.next().await;
        log += 1;
        assert_eq!((sent.seq(), sent.signed_with(secret)), (log, 1), "each once and in order");
    }
    // Whichever of the two sends, it is gone once.
    for gone in 0..2 {
        cluster.kill(gone);
        let rest = cluster.nodes[1 - gone].rest.clone();
        for _ in 0..BIDS {
            let body = json!({"amount": price});
            let path = format!("/api/auctions/{auction}/bids");
            let key = format!("k{price}");
            // The room has to move to the other node first.
            while rest.try_keyed("POST", &ada, &path, &key, &body).await.is_none_or(|(status, _)| status != 201) {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            price += 1;
        }
        let path = format!("/api/auctions/{auction}/events");
        let events = rest.all(&path).await;
        let bids: BTreeSet<u64> = events
            .iter()
            .filter(|event| event["kind"] == "bid")
            .map(|event| event["seq"].as_u64().unwrap())
            .filter(|seq| *seq > log)
            .collect();
        assert_eq!(bids.len() as i64, BIDS);
        for seq in bids {
            log = seq;
            // What was sent and not written down as sent may come once more.
            while endpoint.next().await.seq() != seq {}
        }
        cluster.start_again(gone).await;
    }
}
