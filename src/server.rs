//! The TCP side of the hub: takes connections, bounds how many there are and how long each may do nothing, and serves
//! HTTP/1 on them until it is told to stop.
//!
//! It knows no route and no setting by name. A WebSocket leaves it with the answer to its upgrade, and takes along only
//! its place among the connections and the limit on a write that stands still.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

mod stream;

use stream::Stream;

/// Connections beyond the WebSockets, for requests and for those who must be told that the hub is full.
const RESERVE: usize = 1_024;
/// Room for a request head, and for what waits to be written of an answer.
const BUFFER_BYTES: usize = 64 * 1_024;
/// What the system takes for a connection beyond what is on its way (Linux: tcp(7), `TCP_NOTSENT_LOWAT`).
#[cfg(target_os = "linux")]
const UNSENT_MAX_BYTES: u32 = 64 * 1_024;
/// Wait after an accept that failed for want of something that the system may have again soon, such as file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);
/// A WebSocket ends by its own limit on writes, with a code that says why. Only what it leaves open is cut here.
const AFTER_SOCKETS: Duration = Duration::from_secs(1);

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    sockets_max: usize,
    header_timeout: Duration,
    write_timeout: Duration,
}

impl Limits {
    /// Room for `sockets_max` WebSockets and a reserve for requests. A request head must be there whole within
    /// `header_timeout`, counted from the connection or the answer before. A write that makes no progress for
    /// `write_timeout` and a little more ends its connection.
    pub fn new(sockets_max: usize, header_timeout: Duration, write_timeout: Duration) -> Self {
        Self { sockets_max, header_timeout, write_timeout: write_timeout.saturating_add(AFTER_SOCKETS) }
    }

    fn places(self) -> usize {
        self.sockets_max.saturating_add(RESERVE).min(Semaphore::MAX_PERMITS)
    }
}

/// Serves `router` until `shutdown`; then takes no more connections, ends those that wait for a request, and cuts what
/// has not ended after `drain`.
pub async fn run(listener: TcpListener, router: Router, limits: Limits, shutdown: &CancellationToken, drain: Duration) {
    let server = Server { router, shutdown: shutdown.clone(), drain, http: http(limits) };
    let places = Arc::new(Semaphore::new(limits.places()));
    let connections = TaskTracker::new();
    while let Some(Ok((socket, peer, place))) = shutdown.run_until_cancelled(next(&listener, &places)).await {
        send_at_once(&socket);
        let stream = Stream::new(socket, limits.write_timeout, place);
        connections.spawn(server.clone().serve(stream, peer));
    }
    // Whoever still knocks shall hear at once that nobody is there.
    drop(listener);
    connections.close();
    if tokio::time::timeout(drain, connections.wait()).await.is_err() {
        tracing::warn!("connections did not end in time and are cut");
    }
}

fn http(limits: Limits) -> Builder {
    let mut http = Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout).max_buf_size(BUFFER_BYTES);
    http
}

/// The next connection with a place for it. While all places are taken, the system's queue holds who comes.
/// Fails only when the places are closed, which nobody does.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Result<(TcpStream, SocketAddr, OwnedSemaphorePermit), tokio::sync::AcquireError> {
    let place = Arc::clone(places).acquire_owned().await?;
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => return Ok((socket, peer, place)),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "connections cannot be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// True if only the connection that was to be accepted is lost.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A verdict is a few bytes and must not wait for more to fill a packet. Nor may the system take in megabytes for a
/// client that does not read: they would be its memory, and old news by the time they are read.
fn send_at_once(socket: &TcpStream) {
    let unsent = limit_unsent(socket);
    if let Err(error) = socket.set_nodelay(true).and(unsent) {
        tracing::debug!(%error, "a connection ended before it began: {error}");
    }
}

#[cfg(target_os = "linux")]
fn limit_unsent(socket: &TcpStream) -> io::Result<()> {
    socket2::SockRef::from(socket).set_tcp_notsent_lowat(UNSENT_MAX_BYTES)
}

#[cfg(not(target_os = "linux"))]
fn limit_unsent(_: &TcpStream) -> io::Result<()> {
    Ok(())
}

/// What each connection is served with.
#[derive(Clone)]
struct Server {
    router: Router,
    shutdown: CancellationToken,
    drain: Duration,
    http: Builder,
}

impl Server {
    /// Serves one connection until it ends or becomes a WebSocket.
    async fn serve(self, stream: Stream, peer: SocketAddr) {
        let Self { router, shutdown, drain, http } = self;
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request.map(Body::new))
        });
        let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::time::timeout(drain, connection).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            // Clients come and go as they like; that is no trouble of the hub.
            tracing::debug!(%peer, %error, "a connection ended early: {error}");
        }
    }
}
