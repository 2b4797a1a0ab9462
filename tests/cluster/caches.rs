//! What nodes keep so that it need not be looked up: a change at one shows at the other within a second, also if the word of it
//! is lost, and a Redis that is away makes it slower and nothing else.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cluster::{Cluster, Plan, eventually};
use crate::redis::Server;

/// Whoever asks so long after a change gets to see it.
const SOON: Duration = Duration::from_secs(1);
/// How long an answer may take while Redis is away. The machine is shared.
const SLOW: Duration = Duration::from_secs(5);

/// Asks a node until it shows what has `changed`. It is no question of how fast answers are: what was asked a second after
/// the change must show it.
async fn shows(cluster: &Cluster, node: usize, path: &str, changed: Instant, fits: impl Fn(&Value) -> bool) {
    loop {
        let asked = Instant::now();
        let body = cluster.nodes[node].rest.get(path).await;
        if fits(&body) {
            return;
        }
        let after = asked.saturating_duration_since(changed);
        assert!(after < SOON, "{path} at node {node} {after:?} after the change: {body}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn says(cluster: &Cluster, node: usize, token: &str, auction: &str, body: &str) -> String {
    let comment = json!({"auction": auction, "body": body});
    let said = cluster.nodes[node].rest.post(Some(token), "/api/comments", comment).await;
    said["id"].as_str().unwrap().to_owned()
}

/// Gives an auction another title, and says when that was done. The one who asks may have to ask again where news are cut.
async fn retitled(cluster: &Cluster, node: usize, seller: &str, page: &str, title: &str) -> Instant {
    let patch = json!({"title": title});
    let asked = async || cluster.nodes[node].rest.try_keyed("PATCH", seller, page, "k", &patch).await;
    eventually("the title is another", SLOW, async || asked().await.is_some_and(|(status, _)| status == 200)).await;
    Instant::now()
}

/// Has both nodes keep these answers.
async fn warm(cluster: &Cluster, paths: &[&str]) {
    for node in [0, 1, 0, 1] {
        for path in paths {
            cluster.nodes[node].rest.get(path).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_at_one_node_shows_at_the_other_within_a_second_also_if_the_word_of_it_is_lost() {
    let Some(redis) = Server::start().await else { return };
    let Some(cluster) = Plan::new(2, redis.url()).start().await else { return };
    let (ada, seller) = (cluster.token("ada"), cluster.token("seller"));
    let auction = cluster.offer(0, Duration::from_secs(3_600), json!({})).await;
    let (page, comments) = (format!("/api/auctions/{auction}"), format!("/api/comments/{auction}"));
    let (list, search) = ("/api/auctions", "/api/search?q=desk&kind=auction");
    for round in 0..6_u64 {
        let (here, there) = if round % 2 == 0 { (0, 1) } else { (1, 0) };
        let lose = || {
            if round >= 3 {
                redis.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
            }
        };
        warm(&cluster, &[list, search, &page, &comments]).await;

        lose();
        let comment = says(&cluster, here, &ada, &auction, &format!("Question {round}")).await;
        let changed = Instant::now();
        let counted = |body: &Value| body["total"] == round + 1 && body["items"][0]["id"] == comment.as_str();
        shows(&cluster, here, &comments, Instant::now() - SOON, counted).await;
        shows(&cluster, there, &comments, changed, counted).await;

        lose();
        let title = format!("Oak desk {round}");
        let changed = retitled(&cluster, here, &seller, &page, &title).await;
        for path in [&*page, list] {
            let titled = |body: &Value| body["title"] == *title || body["items"][0]["title"] == *title;
            shows(&cluster, here, path, Instant::now() - SOON, titled).await;
            shows(&cluster, there, path, changed, titled).await;
        }
        // Search follows the log on its own, a moment after the answer.
        for node in [here, there] {
            let titled = async || cluster.nodes[node].rest.get(search).await["items"][0]["title"] == *title;
            eventually("the search shows the title", SLOW, titled).await;
        }
    }
    assert!(cluster.metric("bidhub_cache_requests_total").await > 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_away_makes_what_is_kept_slower_and_nothing_else() {
    let Some(redis) = Server::start().await else { return };
    let Some(cluster) = Plan::new(2, String::new()).through_proxies(redis.port()).start().await else { return };
    let ada = cluster.token("ada");
    let auction = cluster.offer(0, Duration::from_secs(3_600), json!({})).await;
    let comments = format!("/api/comments/{auction}");
    let paths = ["/api/auctions", "/api/search?q=desk", &comments];
    cluster.account(0, &ada).await;
    eventually("it is found", SLOW, async || {
        cluster.nodes[1].rest.get("/api/search?q=desk").await["total"]["count"] == 1
    })
    .await;
    warm(&cluster, &paths).await;
    // Silent, then gone: the one costs time, the other is refused at once.
    for (round, silent) in [true, false].into_iter().enumerate() {
        cluster.proxies.iter().for_each(|proxy| if silent { proxy.freeze() } else { proxy.refuse() });
        let began = Instant::now();
        let said = says(&cluster, 0, &ada, &auction, "Is it still there?").await;
        let changed = Instant::now();
        assert!(began.elapsed() < SLOW, "it takes {:?} to say something", began.elapsed());
        let counted = |body: &Value| body["total"] == round + 1 && body["items"][0]["id"] == said.as_str();
        shows(&cluster, 0, &comments, Instant::now() - SOON, counted).await;
        shows(&cluster, 1, &comments, changed, counted).await;
        for node in [0, 1] {
            for path in paths {
                for number in 0..5 {
                    let asked = Instant::now();
                    let body = cluster.nodes[node].rest.get(path).await;
                    assert!(!body["items"].as_array().unwrap().is_empty(), "{path}");
                    assert!(asked.elapsed() < SLOW, "{path} {number} takes {:?}", asked.elapsed());
                }
            }
        }
        assert!(cluster.metric("bidhub_cache_away_total").await > 0.0);
        cluster.proxies.iter().for_each(crate::proxy::Proxy::heal);
        // What was kept before must not come back with it.
        let healed = Instant::now();
        while healed.elapsed() < SLOW {
            for node in [0, 1] {
                let body = cluster.nodes[node].rest.get(&comments).await;
                assert!(counted(&body), "{:?} after Redis was back: {body}", healed.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for node in &cluster.nodes {
            eventually("it is ready again", Duration::from_secs(60), async || node.is_ready().await).await;
        }
        let comment = says(&cluster, 1, &ada, &auction, "And now?").await;
        let path = format!("/api/comments/{comment}");
        let deleted = cluster.nodes[1].rest.try_keyed("DELETE", &ada, &path, "k", &Value::Null).await;
        let changed = Instant::now();
        assert_eq!(deleted.unwrap().0, 204);
        shows(&cluster, 0, &comments, changed, |body| body["items"][0]["deleted"] == true).await;
    }
}
