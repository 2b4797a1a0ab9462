//! A TCP proxy that breaks what goes through it: it can cut connections, hold back bytes in one direction or both, delay
//! them, swallow the reply to one request, and lead elsewhere. It never changes a byte that it lets through.
//!
//! What is held back is not lost: it arrives when the way is free again, as it does after a real partition.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// After so long without a byte the reply to a request is taken to be complete.
const REPLY_QUIET: Duration = Duration::from_millis(40);
/// A connection that others use too may never be quiet; then it is cut after this long.
const REPLY_LIMIT: Duration = Duration::from_millis(400);

/// A direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// What happens to bytes in one direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flow {
    Pass,
    Delay(Duration),
    Hold,
}

/// A running proxy. Its connections end when it is dropped.
pub struct Proxy {
    /// Where clients connect.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    _running: DropGuard,
}

struct Shared {
    target: Mutex<SocketAddr>,
    /// False while new connections are closed at once.
    open: watch::Sender<bool>,
    up: watch::Sender<Flow>,
    down: watch::Sender<Flow>,
    /// Cancelled to cut all connections of the moment.
    generation: Mutex<CancellationToken>,
    /// What a request must contain to lose its reply; taken by the first that does.
    trap: Mutex<Option<Vec<Vec<u8>>>>,
    swallowed: watch::Sender<u64>,
    connections: AtomicU64,
}

impl Proxy {
    /// A proxy before `target`, that lets everything through.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let running = CancellationToken::new();
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            open: watch::Sender::new(true),
            up: watch::Sender::new(Flow::Pass),
            down: watch::Sender::new(Flow::Pass),
            generation: Mutex::new(CancellationToken::new()),
            trap: Mutex::new(None),
            swallowed: watch::Sender::new(0),
            connections: AtomicU64::new(0),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared), running.clone()));
        Self { address, shared, _running: running.drop_guard() }
    }

    /// Ends every connection. New ones are taken.
    pub fn cut(&self) {
        std::mem::take(&mut *self.shared.generation.lock().expect("not poisoned")).cancel();
    }

    /// Ends every connection and closes new ones at once, until it heals.
    pub fn refuse(&self) {
        self.shared.open.send_replace(false);
        self.cut();
    }

    /// Holds everything back, until it heals.
    pub fn freeze(&self) {
        self.freeze_way(Way::Up);
        self.freeze_way(Way::Down);
    }

    /// Holds everything back in one direction, until it heals.
    pub fn freeze_way(&self, way: Way) {
        self.flow(way).send_replace(Flow::Hold);
    }

    /// Delays every piece by this much in both directions, until it heals.
    pub fn delay(&self, by: Duration) {
        self.shared.up.send_replace(Flow::Delay(by));
        self.shared.down.send_replace(Flow::Delay(by));
    }

    /// Lets everything through again, what was held back first.
    pub fn heal(&self) {
        self.shared.up.send_replace(Flow::Pass);
        self.shared.down.send_replace(Flow::Pass);
        self.shared.open.send_replace(true);
    }

    /// Ends every connection and leads new ones to `target`.
    pub fn repoint(&self, target: SocketAddr) {
        *self.shared.target.lock().expect("not poisoned") = target;
        self.cut();
    }

    /// The next request that contains all of `needles` reaches the server; its reply is swallowed, then its connection cut.
    pub fn swallow_reply_to(&self, needles: &[&str]) {
        let needles = needles.iter().map(|needle| needle.as_bytes().to_vec()).collect();
        *self.shared.trap.lock().expect("not poisoned") = Some(needles);
    }

    /// Waits until so many replies were swallowed in all.
    pub async fn swallowed(&self, count: u64) {
        let mut swallowed = self.shared.swallowed.subscribe();
        swallowed.wait_for(|&done| done >= count).await.expect("the proxy lives");
    }

    /// How many replies were swallowed so far.
    pub fn swallowed_so_far(&self) -> u64 {
        *self.shared.swallowed.borrow()
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    fn flow(&self, way: Way) -> &watch::Sender<Flow> {
        match way {
            Way::Up => &self.shared.up,
            Way::Down => &self.shared.down,
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, running: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = running.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((client, _)) = accepted else { continue };
        if !*shared.open.borrow() {
            continue;
        }
        let over = shared.generation.lock().expect("not poisoned").child_token();
        tokio::spawn(carry(client, Arc::clone(&shared), over));
    }
}

async fn carry(client: TcpStream, shared: Arc<Shared>, over: CancellationToken) {
    let target = *shared.target.lock().expect("not poisoned");
    let Ok(server) = TcpStream::connect(target).await else { return };
    shared.connections.fetch_add(1, Ordering::SeqCst);
    // Latency is part of what is tested, and only where it was asked for.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let swallowing = watch::Sender::new(false);
    let heard = watch::Sender::new(None);
    let up = pump(from_client, to_server, shared.up.subscribe(), |bytes| {
        if shared.springs(bytes) {
            swallowing.send_replace(true);
        }
        true
    });
    let down = pump(from_server, to_client, shared.down.subscribe(), |_| {
        if *swallowing.borrow() {
            heard.send_replace(Some(Instant::now()));
        }
        !*swallowing.borrow()
    });
    // An end in one direction ends both: nobody here closes by halves.
    tokio::select! {
        () = over.cancelled() => {}
        () = up => {}
        () = down => {}
        () = quiet(heard.subscribe()) => shared.swallowed.send_modify(|count| *count += 1),
    }
}

/// Waits until something was heard, and then nothing more.
async fn quiet(mut heard: watch::Receiver<Option<Instant>>) {
    let _ = heard.wait_for(Option::is_some).await;
    let silence = async { while let Ok(Ok(())) = tokio::time::timeout(REPLY_QUIET, heard.changed()).await {} };
    let _ = tokio::time::timeout(REPLY_LIMIT, silence).await;
}

impl Shared {
    /// True for the one request that the trap is set for.
    fn springs(&self, bytes: &[u8]) -> bool {
        let mut trap = self.trap.lock().expect("not poisoned");
        let found = |needle: &Vec<u8>| bytes.windows(needle.len()).any(|window| window == &needle[..]);
        let fits = trap.as_ref().is_some_and(|needles| needles.iter().all(found));
        if fits {
            *trap = None;
        }
        fits
    }
}

/// Carries bytes until either end closes; what `keep` is false of is dropped.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut flow: watch::Receiver<Flow>,
    keep: impl Fn(&[u8]) -> bool,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        let flowing = *flow.borrow();
        if let Flow::Delay(by) = flowing {
            tokio::time::sleep(by).await;
        }
        if flow.wait_for(|flow| *flow != Flow::Hold).await.is_err() {
            return;
        }
        if keep(&buffer[..read]) && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
