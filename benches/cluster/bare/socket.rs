//! A socket of a bare server: what comes in is handed on at once, what goes out is written in one go with all that waits.

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::mpsc::{self, UnboundedSender};

const WRITTEN_AT_ONCE: usize = 64;

/// Takes what is to be sent to a socket.
pub type Outbox = UnboundedSender<Utf8Bytes>;

/// Serves a socket until it ends; `take` gets each text, and the socket's outbox for whatever it has to say.
pub async fn serve(socket: WebSocket, mut take: impl FnMut(Utf8Bytes, &Outbox)) {
    let (mut sink, mut stream) = socket.split();
    let (outbox, mut queue) = mpsc::unbounded_channel();
    let writer = tokio::spawn(async move {
        let mut texts = Vec::with_capacity(WRITTEN_AT_ONCE);
        while queue.recv_many(&mut texts, WRITTEN_AT_ONCE).await > 0 {
            for text in texts.drain(..) {
                if sink.feed(Message::Text(text)).await.is_err() {
                    return;
                }
            }
            if sink.flush().await.is_err() {
                return;
            }
        }
    });
    while let Some(Ok(message)) = stream.next().await {
        if let Message::Text(text) = message {
            take(text, &outbox);
        }
    }
    writer.abort();
}
