//! Nodes that run one hub: they share a PostgreSQL server of the scenario's own and the Redis that the scenario gives them,
//! each through a proxy where it asks for that. Scenarios share the machine by how many nodes they have.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use bidhub::clock::Clock;
use bidhub::domain::{AccountId, AuctionId, Seq, Span};
use bidhub::journal::{Record, sql};
use bidhub::load::identity::Signer;
use bidhub::persistence::Db;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit, watch};

use crate::bidder::{Bidder, Board};
use crate::crowd::Crowd;
use crate::node::{JWT_SECRET, Node};
use crate::postgres;
use crate::proxy::Proxy;
use crate::truth::Truth;

/// How long anything may take that is bound to happen.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long a lease lasts here. Short, so that a scenario that waits for its end does not take long.
pub const LEASE_TTL: Duration = Duration::from_millis(3_000);

/// How many nodes run at once: those of two scenarios of three.
const NODES_MAX: usize = 6;

static ROOM: Semaphore = Semaphore::const_new(NODES_MAX);

/// What a scenario needs.
pub struct Plan {
    /// How many nodes.
    pub nodes: usize,
    /// Where Redis is; empty for a single process without it.
    pub redis_url: String,
    /// Where it listens, if each node is to reach it through a proxy of its own; `redis_url` is not used then.
    pub proxied: Option<SocketAddr>,
    /// Further settings: variables and their values.
    pub settings: Vec<(&'static str, String)>,
}

/// A running cluster.
pub struct Cluster {
    pub nodes: Vec<Node>,
    /// The way of each node to Redis, where it goes through a proxy.
    pub proxies: Vec<Proxy>,
    pub postgres: postgres::Server,
    /// What times count from.
    pub start: Instant,
    board: watch::Sender<Vec<Option<SocketAddr>>>,
    signer: Signer,
    seller: String,
    _room: SemaphorePermit<'static>,
    _dir: tempfile::TempDir,
}

/// Waits until it holds, and fails if it does not within `limit`.
pub async fn eventually<F: Future<Output = bool>>(what: &str, limit: Duration, mut holds: impl FnMut() -> F) {
    let until = Instant::now() + limit;
    while !holds().await {
        assert!(Instant::now() < until, "it never came about that {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Plan {
    /// So many nodes at this Redis.
    pub fn new(nodes: usize, redis_url: String) -> Self {
        Self { nodes, redis_url, proxied: None, settings: Vec::new() }
    }

    /// Each node reaches the server at this port of this machine through a proxy.
    pub fn through_proxies(mut self, port: u16) -> Self {
        self.proxied = Some(SocketAddr::from(([127, 0, 0, 1], port)));
        self
    }

    /// With one setting more.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    /// Starts the nodes and waits until all are ready. None, said aloud, where PostgreSQL is not installed.
    pub async fn start(self) -> Option<Cluster> {
        let needed = u32::try_from(self.nodes).expect("few nodes");
        let room = ROOM.acquire_many(needed).await.expect("it is never closed");
        let postgres = postgres::Server::start().await?;
        let dir = tempfile::Builder::new().prefix("bidhub-cluster-").tempdir().expect("a folder");
        let (mut nodes, mut proxies) = (Vec::new(), Vec::new());
        for number in 0..self.nodes {
            let mut url = self.redis_url.clone();
            if let Some(address) = self.proxied {
                let proxy = Proxy::to(address).await;
                url = format!("redis://{}", proxy.address);
                proxies.push(proxy);
            }
            nodes.push(self.node(number, dir.path(), &postgres, url));
        }
        nodes.iter_mut().for_each(Node::spawn);
        for node in &mut nodes {
            node.ready().await;
        }
        let board = watch::Sender::new(nodes.iter().map(|node| Some(node.address())).collect());
        let signer = Signer::new(&SecretString::from(JWT_SECRET), Clock::System.now(), Span::from_secs(36_000));
        let seller = signer.token("seller", "seller").expect("it is signed").expose_secret().to_owned();
        let start = Instant::now();
        Some(Cluster { nodes, proxies, postgres, start, board, signer, seller, _room: room, _dir: dir })
    }

    fn node(&self, number: usize, dir: &Path, postgres: &postgres::Server, redis_url: String) -> Node {
        let mut settings = vec![
            ("BIDHUB_DATABASE_URL", postgres.url()),
            ("BIDHUB_LEASE_TTL_MS", LEASE_TTL.as_millis().to_string()),
            ("BIDHUB_NODE_NAME", format!("node-{number}")),
            ("BIDHUB_OUTAGE_GRACE_S", "3".to_owned()),
        ];
        if !redis_url.is_empty() {
            settings.push(("BIDHUB_REDIS_URL", redis_url));
        }
        settings.extend(self.settings.iter().cloned());
        let thread = std::thread::current().name().unwrap_or("scenario").replace("::", "-");
        Node::new(format!("{thread}-{number}"), dir, &settings)
    }
}

impl Cluster {
    /// The token of an account of the operator's own.
    pub fn token(&self, name: &str) -> String {
        self.signer.token(name, name).expect("it is signed").expose_secret().to_owned()
    }

    /// The account of whoever has this token, as this node says.
    pub async fn account(&self, node: usize, token: &str) -> AccountId {
        let (status, body) = self.nodes[node].rest.try_get(Some(token), "/api/me").await.expect("an answer");
        assert_eq!(status, 200, "{body}");
        AccountId(body["id"].as_str().and_then(|id| id.parse().ok()).expect("an id"))
    }

    /// Somebody with this role, made by the program as operators do, signed in.
    pub async fn with_role(&self, name: &str, role: &str) -> String {
        let email = format!("{name}@example.com");
        let mut command = self.nodes[0].program();
        command.args(["user", "add", "--email", &email, "--role", role]).stdin(Stdio::piped());
        let mut adding = command.spawn().expect("the program starts");
        let mut input = adding.stdin.take().expect("its input");
        input.write_all(b"correct horse battery\n").expect("it reads");
        drop(input);
        let output = adding.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{output:?}");
        let sign_in = json!({"email": email, "password": "correct horse battery"});
        let answer = self.nodes[0].rest.post(None, "/api/auth/login", sign_in).await;
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// Offers an auction that is open for so long, by way of this node.
    pub async fn offer(&self, node: usize, lasts: Duration, terms: Value) -> String {
        let lasts_ms = i64::try_from(lasts.as_millis()).expect("a time that fits");
        self.nodes[node].rest.offer_with(&self.seller, lasts_ms, terms).await
    }

    /// Bidders on an auction that lasts for an hour, and a watcher at each node.
    pub async fn crowd(&self, bidders: usize, pace: Duration, seed: u64) -> Crowd {
        let auction = self.offer(0, Duration::from_secs(3_600), json!({})).await;
        self.crowd_at(auction, bidders, pace, seed).await
    }

    /// Bidders on an auction, and a watcher at each node. Returns when all bid.
    pub async fn crowd_at(&self, auction: String, bidders: usize, pace: Duration, seed: u64) -> Crowd {
        Crowd::gather(self, auction, bidders, pace, seed).await
    }

    /// A bidder beside a crowd, that goes to this node and waits long for its answer.
    pub async fn bidder(&self, name: &str, node: usize, crowd: &Crowd) -> Bidder {
        let token = self.token(name);
        let account = self.account(node, &token).await;
        let bidder = Bidder::new(account, token, crowd.auction.clone(), node, self.board(), 0);
        bidder.since(self.start).patient(PATIENCE / 3)
    }

    /// Where nodes are that are not known to be down.
    pub fn board(&self) -> Board {
        self.board.subscribe()
    }

    fn mark(&self, node: usize) {
        let known = self.nodes[node].runs().then_some(self.nodes[node].address());
        self.board.send_modify(|board| board[node] = known);
    }

    /// Ends a node as a power cut does.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].kill();
        self.mark(node);
    }

    /// Starts a node again, and waits until it is ready.
    pub async fn start_again(&mut self, node: usize) {
        self.nodes[node].start().await;
        self.mark(node);
    }

    /// Stops a node in good order, as a rolling deploy does: first no new connection is sent to it.
    pub async fn stop(&mut self, node: usize) -> Duration {
        self.board.send_modify(|board| board[node] = None);
        let started = Instant::now();
        let status = self.nodes[node].stop().await;
        assert_eq!(status.code(), Some(0), "{} stops in good order", self.nodes[node].name);
        started.elapsed()
    }

    /// The one node that runs rooms, once there is one. For scenarios with a single auction.
    pub async fn owner(&self) -> usize {
        let until = Instant::now() + PATIENCE;
        loop {
            let mut owners = Vec::new();
            for (number, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.runs()) {
                if node.metric("bidhub_rooms_owned").await > 0.0 {
                    owners.push(number);
                }
            }
            if let [owner] = owners.as_slice() {
                return *owner;
            }
            assert!(Instant::now() < until, "rooms are run by {owners:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// All nodes that run added up, for what they measure under this name.
    pub async fn metric(&self, name: &str) -> f64 {
        let mut sum = 0.0;
        for node in self.nodes.iter().filter(|node| node.runs()) {
            sum += node.metric(name).await;
        }
        sum
    }

    /// The final log, once every node that runs shows it and the archive has it. Nobody may bid meanwhile.
    pub async fn truth(&self, auction: &str) -> Truth {
        let db = Db::postgres(&self.postgres.url()).await.expect("PostgreSQL answers");
        let id = AuctionId(auction.parse().expect("an id"));
        let path = format!("/api/auctions/{auction}");
        let until = Instant::now() + PATIENCE;
        let open = loop {
            let mut shown = Vec::new();
            for node in self.nodes.iter().filter(|node| node.runs()) {
                let body = node.rest.try_get(None, &path).await.filter(|(status, _)| *status == 200);
                shown.push(body.map(|(_, body)| (body["log"].clone(), body["seq"].clone())));
            }
            let open = sql::open(&db, id).await.expect("the archive can be read").expect("the log is there");
            let expected = Some((json!(open.log.0), json!(open.head.seq.0)));
            if shown.iter().all(|shown| *shown == expected) {
                break open;
            }
            assert!(Instant::now() < until, "nodes show {shown:?}, the archive {expected:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let mut records: Vec<Record> = Vec::new();
        loop {
            let after = records.last().map(|record| record.seq);
            let page = sql::read(&db, id, after, 5_000).await.expect("the archive can be read");
            if page.is_empty() {
                break;
            }
            records.extend(page);
        }
        db.close().await;
        assert_eq!(records.last().map_or(Seq(0), |record| record.seq), open.head.seq, "the archive has what it counts");
        Truth::of(id, open.log, &open.secret, &records).expect("the log is as the rules give it")
    }

    /// Audits the archive with the program itself.
    pub fn verify(&self) {
        let output = self.nodes[0].program().arg("verify").output().expect("the program runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        println!("{}", said.trim());
    }
}
