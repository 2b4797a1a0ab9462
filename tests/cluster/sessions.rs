//! What ends a session at one node ends its sockets at all.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::cluster::Plan;
use crate::redis::Server;
use crate::socket_client::{Codec, Socket};

/// The aim is a second; the rest is what a machine with much else to do may add.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_or_a_ban_at_one_node_closes_the_sockets_at_another() {
    let Some(redis) = Server::start().await else { return };
    let Some(cluster) = Plan::new(2, redis.url()).start().await else { return };
    let (here, there) = (&cluster.nodes[0].rest, &cluster.nodes[1].rest);

    let ada = here.sign_up("ada").await;
    let mut socket = Socket::of(there.address, Codec::Json, &ada).await;
    assert_eq!(socket.ask(json!({"type": "ping"})).await["type"], "pong");
    let started = Instant::now();
    here.order(Some(&ada), "/api/auth/logout", json!({})).await;
    assert_eq!(socket.closed().await, Some(4002));
    println!("a logout closed the socket at another node after {:?}", started.elapsed());
    assert!(started.elapsed() < SOON);

    let admin = cluster.with_role("sam", "admin").await;
    let ben = there.sign_up("ben").await;
    let id = cluster.account(1, &ben).await.0;
    let mut socket = Socket::of(there.address, Codec::Json, &ben).await;
    assert_eq!(socket.ask(json!({"type": "ping"})).await["type"], "pong");
    let started = Instant::now();
    here.order(Some(&admin), &format!("/api/staff/users/{id}/ban"), json!({"reason": "shill bids"})).await;
    assert_eq!(socket.closed().await, Some(4002));
    println!("a ban closed the socket at another node after {:?}", started.elapsed());
    assert!(started.elapsed() < SOON);
}
