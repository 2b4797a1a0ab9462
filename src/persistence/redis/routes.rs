//! Which server to ask: the one there is, the primary that the sentinels name, or the node of a cluster that has the key.
//! What is known is checked again about once a second while it is used, and as soon as there is doubt; meanwhile
//! callers go on with what is known.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ::redis::io::tcp::TcpSettings;
use ::redis::{Client, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, TlsCertificates, Value};

use super::RedisError;
use super::link::Link;
use super::slots::{Slots, slot_of};
use super::url::{Node, RedisUrl, Scheme};

/// How long an answer of the sentinels, or of a cluster about itself, is good for.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// How soon it is asked again where there is doubt.
const DOUBT_AFTER: Duration = Duration::from_millis(100);

/// The way to every server.
pub struct Routes {
    url: RedisUrl,
    ca: Option<Vec<u8>>,
    timeout: Duration,
    known: Mutex<Known>,
    /// Held by whoever is asking.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    links: HashMap<Node, Arc<Link>>,
    primary: Option<Arc<Link>>,
    slots: Option<Slots>,
    asked: Option<Instant>,
    under_way: bool,
}

/// A primary as one sentinel knows it; the greater the number, the later it was chosen.
type Named = (u64, Node);

impl Routes {
    pub fn new(url: &RedisUrl, ca: Option<&[u8]>, timeout: Duration) -> Result<Self, RedisError> {
        let routes = Self {
            url: url.clone(),
            ca: ca.map(<[u8]>::to_vec),
            timeout,
            known: Default::default(),
            asking: Default::default(),
        };
        // What is wrong with the authorities shows now and not at the first command.
        routes.client(&url.nodes[0], false)?;
        Ok(routes)
    }

    /// The link to the server that has `key`; any server of a cluster for none.
    pub async fn link(self: &Arc<Self>, key: Option<&[u8]>) -> Result<Arc<Link>, RedisError> {
        if self.url.scheme == Scheme::Single {
            return self.at(&self.url.nodes[0]);
        }
        if let Some(link) = self.known_link(key) {
            self.check_after(CHECK_EVERY);
            return Ok(link);
        }
        let asked = Instant::now();
        let _asking = self.asking.lock().await;
        if self.known().asked.is_none_or(|at| at < asked) {
            self.ask().await?;
        }
        self.known_link(key).ok_or_else(|| RedisError::Unreachable("no node has the slot of the key".to_owned()))
    }

    /// The link to one server.
    pub fn at(&self, node: &Node) -> Result<Arc<Link>, RedisError> {
        let mut known = self.known();
        if let Some(link) = known.links.get(node) {
            return Ok(link.clone());
        }
        let only_primary = matches!(self.url.scheme, Scheme::Sentinel { .. });
        let client = self.client(node, false)?;
        let link = Arc::new(Link::new(node.clone(), client, self.timeout, only_primary));
        known.links.insert(node.clone(), link.clone());
        Ok(link)
    }

    /// The slot of `key` is said to be at `node` now.
    pub fn moved(self: &Arc<Self>, key: Option<&[u8]>, node: &Node) -> Result<Arc<Link>, RedisError> {
        if let (Some(key), Some(slots)) = (key, &mut self.known().slots) {
            slots.moved(slot_of(key), node.clone());
        }
        self.doubt();
        self.at(node)
    }

    /// Something went wrong: what is known may no longer be so.
    pub fn doubt(self: &Arc<Self>) {
        self.check_after(DOUBT_AFTER);
    }

    /// Every server that has keys of its own.
    pub async fn primaries(self: &Arc<Self>) -> Result<Vec<Arc<Link>>, RedisError> {
        let any = self.link(None).await?;
        let nodes = self.known().slots.as_ref().map(Slots::nodes);
        nodes.map_or_else(|| Ok(vec![any]), |nodes| nodes.iter().map(|node| self.at(node)).collect())
    }

    fn known_link(&self, key: Option<&[u8]>) -> Option<Arc<Link>> {
        let known = self.known();
        if let Scheme::Sentinel { .. } = self.url.scheme {
            return known.primary.clone();
        }
        let slots = known.slots.as_ref()?;
        let node = match key {
            Some(key) => slots.node(slot_of(key))?.clone(),
            None => slots.nodes().into_iter().next()?,
        };
        drop(known);
        self.at(&node).ok()
    }

    /// Asks again, behind the caller's back, if the last answer is as old as `age`.
    fn check_after(self: &Arc<Self>, age: Duration) {
        let mut known = self.known();
        let due = known.asked.is_none_or(|at| at.elapsed() >= age);
        if self.url.scheme == Scheme::Single || known.under_way || !due {
            return;
        }
        known.under_way = true;
        drop(known);
        let routes = self.clone();
        tokio::spawn(async move {
            let _asking = routes.asking.lock().await;
            if let Err(error) = routes.ask().await {
                tracing::warn!(%error, "redis: where the primaries are cannot be learned: {error}");
            }
            routes.known().under_way = false;
        });
    }

    async fn ask(self: &Arc<Self>) -> Result<(), RedisError> {
        let asked = match &self.url.scheme {
            Scheme::Single => Ok(()),
            Scheme::Sentinel { service, .. } => self.ask_sentinels(service).await,
            Scheme::Cluster => self.ask_cluster().await,
        };
        self.known().asked = Some(Instant::now());
        asked
    }

    /// Asks all sentinels, and believes the one that heard of the latest choice.
    async fn ask_sentinels(&self, service: &str) -> Result<(), RedisError> {
        let mut asking = tokio::task::JoinSet::new();
        for node in &self.url.nodes {
            let sentinel = Link::new(node.clone(), self.client(node, true)?, self.timeout / 2, false);
            let mut cmd = ::redis::cmd("SENTINEL");
            cmd.arg("MASTER").arg(service);
            asking.spawn(async move {
                let answer = sentinel.send(None, &cmd, None, false).await?;
                named(answer).ok_or_else(|| RedisError::Unreachable("a sentinel knows no primary".to_owned()))
            });
        }
        let (mut best, mut last) = (None::<Named>, RedisError::Unreachable("no sentinel answers".to_owned()));
        while let Some(answer) = asking.join_next().await {
            match answer {
                Ok(Ok(named)) => best = best.max(Some(named)),
                Ok(Err(error)) => last = error,
                Err(_) => {}
            }
        }
        let (_, node) = best.ok_or(last)?;
        let link = self.at(&node)?;
        let mut known = self.known();
        if known.primary.as_ref().is_some_and(|before| before.node != node) {
            tracing::warn!(%node, "redis: the primary is {node} now");
            // Connections to the one before are not used again, though it may still answer.
            known.links.retain(|other, _| *other == node);
        }
        known.primary = Some(link);
        Ok(())
    }

    /// Asks the nodes one after the other, those that are known to be primaries first.
    async fn ask_cluster(&self) -> Result<(), RedisError> {
        let mut nodes = self.known().slots.as_ref().map(Slots::nodes).unwrap_or_default();
        nodes.extend(self.url.nodes.iter().filter(|node| !nodes.contains(node)).cloned().collect::<Vec<_>>());
        let mut cmd = ::redis::cmd("CLUSTER");
        cmd.arg("SLOTS");
        let mut last = RedisError::Unreachable("no node of the cluster answers".to_owned());
        for node in nodes {
            match self.at(&node)?.send(None, &cmd, None, false).await {
                Ok(answer) => {
                    if let Some(slots) = Slots::read(answer, &node) {
                        self.known().slots = Some(slots);
                        return Ok(());
                    }
                    last = RedisError::Unreachable(format!("{node}: knows no slots"));
                }
                Err(failure) => last = failure.into(),
            }
        }
        Err(last)
    }

    fn client(&self, node: &Node, sentinel: bool) -> Result<Client, RedisError> {
        let (host, port) = (node.host.clone(), node.port);
        let (user, password, database) = match &self.url.scheme {
            Scheme::Sentinel { user, password, .. } if sentinel => (user, password, 0),
            _ => (&self.url.user, &self.url.password, self.url.database),
        };
        // It says nothing of itself: a user with few rights may not.
        let mut settings = RedisConnectionInfo::default().set_db(database).set_skip_set_lib_name();
        if let Some(user) = user {
            settings = settings.set_username(user);
        }
        if let Some(password) = password {
            settings = settings.set_password(password);
        }
        let address = match self.url.tls {
            true => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
            false => ConnectionAddr::Tcp(host, port),
        };
        let wrong = |error: ::redis::RedisError| RedisError::Address(error.to_string());
        let info = address.into_connection_info().map_err(wrong)?.set_redis_settings(settings);
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        match &self.ca {
            Some(ca) if self.url.tls => {
                let trusted = TlsCertificates { client_tls: None, root_cert: Some(ca.clone()) };
                Client::build_with_tls(info, trusted).map_err(wrong)
            }
            _ => Client::open(info).map_err(wrong),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the answer to `SENTINEL MASTER`.
fn named(answer: Value) -> Option<Named> {
    let fields: HashMap<String, String> = ::redis::from_redis_value(answer).ok()?;
    let node = Node { host: fields.get("ip")?.clone(), port: fields.get("port")?.parse().ok()? };
    Some((fields.get("config-epoch")?.parse().ok()?, node))
}
