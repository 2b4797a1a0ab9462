//! One hot auction at three nodes, with nothing broken: the ground on which all the other scenarios stand.

use std::time::Duration;

use crate::checker::Allowed;
use crate::cluster::Plan;
use crate::redis::{Server, Setup};
use crate::{long, seed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_alone_stands_before_the_same_judge() {
    let seed = seed();
    let Some(mut cluster) = Plan::new(1, String::new()).start().await else { return };
    let crowd = cluster.crowd(24, Duration::from_millis(60), seed).await;
    crowd.acks(200).await;
    cluster.kill(0);
    cluster.start_again(0).await;
    crowd.acks(200).await;
    crowd.reckon(&cluster, Allowed::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_and_sixty_four_bidders_agree_on_one_hot_auction() {
    let seed = seed();
    let Some(redis) = Server::start().await else { return };
    let Some(cluster) = Plan::new(3, redis.url()).start().await else { return };
    let crowd = cluster.crowd(64, Duration::from_millis(60), seed).await;
    crowd.acks(if long() { 30_000 } else { 1_500 }).await;
    let owner = cluster.owner().await;
    let outcome = crowd.reckon(&cluster, Allowed::default()).await;
    assert_eq!(outcome.tally.tries, Default::default(), "nothing is broken, so nobody has to ask twice");
    let elsewhere = outcome.history.told.iter().filter(|told| told.node != owner).count();
    assert!(elsewhere * 2 > outcome.history.told.len(), "most bids came in at nodes that do not run the room");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_ask_for_tls_and_a_user_with_few_rights() {
    let seed = seed();
    let rights =
        "user bidhub on >opensesame ~bidhub:* &bidhub:* +@all -@dangerous -@admin +info +role +wait +config|get";
    let admin = "user default on nopass ~* &* +@all";
    let users = vec![admin.to_owned(), rights.to_owned()];
    let setup = Setup { append_only: true, tls: true, users, ..Setup::default() };
    let Some(redis) = Server::with(setup).await else { return };
    let plan = Plan::new(3, redis.url_as("bidhub", "opensesame"));
    let plan = plan.with("BIDHUB_REDIS_CA_FILE", redis.authority().display().to_string());
    let Some(cluster) = plan.start().await else { return };
    let crowd = cluster.crowd(24, Duration::from_millis(80), seed).await;
    crowd.acks(400).await;
    let outcome = crowd.reckon(&cluster, Allowed::default()).await;
    assert_eq!(outcome.tally.tries, Default::default(), "nothing is broken, so nobody has to ask twice");
}
