//! Clients: plain sockets that speak the contract, and no more of it than a bench needs.

use futures_util::{SinkExt as _, StreamExt as _};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::process::SECRET;

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A token for the account of this name, made at first sight.
pub fn token(name: &str) -> String {
    let claims = json!({"sub": name, "name": name, "exp": 4_102_444_800_u64});
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
}

/// A socket to the hub, signed in if there is a token.
pub async fn connect(address: &str, token: Option<&str>) -> Socket {
    let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
    if let Some(token) = token {
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    let config = WebSocketConfig::default().read_buffer_size(4_096).write_buffer_size(4_096);
    let connected = tokio_tungstenite::connect_async_with_config(request, Some(config), true).await;
    connected.unwrap().0
}

/// An auction that takes any rising amount and does not end during the bench.
pub async fn auction(address: &str) -> String {
    auction_with(address, "none").await
}

/// As [`auction`], where bids need money set aside or not.
pub async fn auction_with(address: &str, funds: &str) -> String {
    let created = reqwest::Client::new()
        .post(format!("http://{address}/api/auctions"))
        .bearer_auth(token("seller"))
        .json(&json!({
            "title": "A bench", "description": "Oak.", "category": "furniture", "currency": "USD",
            "opening_price": 1, "funds": funds, "increments": [{"from": 0, "step": 1}], "ends_at": "2099-01-01T00:00:00.000Z".replace("2099", &next_year()),
        }))
        .send()
        .await
        .unwrap();
    let body: Value = created.json().await.unwrap();
    body["id"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

/// Auctions last a year at most.
fn next_year() -> String {
    let now = bidhub::clock::format(bidhub::clock::Clock::System.now());
    // Within the next 366 days, whatever today is.
    let (year, month) = (now[..4].parse::<u32>().unwrap(), &now[5..7]);
    if month == "01" { year.to_string() } else { (year + 1).to_string() }
}

pub async fn send(socket: &mut Socket, text: String) {
    socket.send(Message::Text(text.into())).await.unwrap();
}

/// The next text that the server sends.
pub async fn receive(socket: &mut Socket) -> Utf8Bytes {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return text,
            _ => continue,
        }
    }
}

/// Joins and reads on until that is answered.
pub async fn join(socket: &mut Socket, auction: &str) {
    send(socket, json!({"type": "join", "id": 1, "auction": auction}).to_string()).await;
    while !receive(socket).await.contains("\"joined\"") {}
}
