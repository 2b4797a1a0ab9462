//! What the hub is compared with, each as two processes around one Redis: a hub that takes a lock for each bid, and an echo
//! that goes by way of the other process.

mod echo;
mod locks;
mod socket;

use axum::Router;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;

use crate::process::{NUMBER, REDIS};

/// Runs a bare server until it is killed.
pub async fn serve(role: &str) {
    let redis_url = std::env::var(REDIS).unwrap();
    match role {
        "locks" => locks::serve(&redis_url).await,
        "echo" => echo::serve(&redis_url, std::env::var(NUMBER).unwrap().parse().unwrap()).await,
        other => panic!("no such role: {other}"),
    }
}

/// Serves `router` and, under `/ws`, the sockets, on a free port that it prints.
async fn listen<F>(router: Router, session: impl Fn(WebSocket) -> F + Clone + Send + Sync + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    let upgrade = async move |upgrade: WebSocketUpgrade| -> Response {
        upgrade.read_buffer_size(1_024).write_buffer_size(4_096).on_upgrade(session)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    axum::serve(listener, router.route("/ws", any(upgrade))).await.unwrap();
}
