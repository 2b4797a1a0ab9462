//! An echo that goes from the socket's process by Redis to the other process and back the same way. What waits while a
//! message to Redis is under way goes with the next, as it does in the hub.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::ws::{Utf8Bytes, WebSocket};
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use futures_util::StreamExt as _;
use redis::aio::MultiplexedConnection;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::socket::{self, Outbox};
use crate::servers;

const SENT_AT_ONCE: usize = 512;

/// A text on its way; `back` once the other process has had it.
struct Parcel {
    back: bool,
    socket: u32,
    text: Bytes,
}

struct Echo {
    sockets: Mutex<HashMap<u32, Outbox>>,
    parcels: UnboundedSender<Parcel>,
}

pub async fn serve(redis_url: &str, number: usize) {
    let (parcels, queue) = mpsc::unbounded_channel();
    let echo = Arc::new(Echo { sockets: Mutex::default(), parcels });
    let mut news = redis::Client::open(redis_url).unwrap().get_async_pubsub().await.unwrap();
    news.subscribe(channel(number)).await.unwrap();
    let taking = echo.clone();
    tokio::spawn(async move {
        let mut news = news.into_on_message();
        while let Some(message) = news.next().await {
            taking.take(Bytes::copy_from_slice(message.get_payload_bytes()));
        }
    });
    tokio::spawn(send(servers::connect(redis_url).await.unwrap(), channel(1 - number), queue));
    let next = Arc::new(AtomicU32::new(0));
    super::listen(Router::new(), move |socket| echo.clone().session(socket, next.fetch_add(1, Ordering::SeqCst))).await;
}

fn channel(number: usize) -> String {
    format!("to:{number}")
}

impl Echo {
    async fn session(self: Arc<Self>, socket: WebSocket, own: u32) {
        let mut known = false;
        socket::serve(socket, |text, outbox| {
            if !std::mem::replace(&mut known, true) {
                self.sockets.lock().unwrap().insert(own, outbox.clone());
            }
            self.parcels.send(Parcel { back: false, socket: own, text: text.into() }).unwrap();
        })
        .await;
        self.sockets.lock().unwrap().remove(&own);
    }

    /// What came from the other process: texts to send back, and texts that have come back.
    fn take(&self, mut parcels: Bytes) {
        let sockets = self.sockets.lock().unwrap();
        while parcels.has_remaining() {
            let (back, socket, length) = (parcels.get_u8() == 1, parcels.get_u32(), parcels.get_u32());
            let text = parcels.split_to(length as usize);
            if !back {
                self.parcels.send(Parcel { back: true, socket, text }).unwrap();
            } else if let Some(outbox) = sockets.get(&socket) {
                // A socket that has gone needs no answer.
                let _ = outbox.send(Utf8Bytes::try_from(text).unwrap());
            }
        }
    }
}

async fn send(mut redis: MultiplexedConnection, channel: String, mut queue: UnboundedReceiver<Parcel>) {
    let mut parcels = Vec::with_capacity(SENT_AT_ONCE);
    while queue.recv_many(&mut parcels, SENT_AT_ONCE).await > 0 {
        let mut bytes = BytesMut::new();
        for Parcel { back, socket, text } in parcels.drain(..) {
            bytes.put_u8(back.into());
            bytes.put_u32(socket);
            bytes.put_u32(text.len() as u32);
            bytes.put(text);
        }
        redis::cmd("PUBLISH").arg(&channel).arg(&bytes[..]).exec_async(&mut redis).await.unwrap();
    }
}
