//! Several servers that belong together: watched by sentinels, or in a cluster.

use std::process::Command;

use super::*;

/// The name by which sentinels know the primary.
pub const SERVICE: &str = "bidhub";

/// A primary, its replicas, and three sentinels of which two must agree.
pub struct Watched {
    /// The primary first, as it was at the start.
    pub servers: Vec<Server>,
    /// Those who watch.
    pub sentinels: Vec<Server>,
}

impl Watched {
    /// Starts them. A primary that is silent for half a second is taken for dead.
    pub async fn start(replicas: usize) -> Option<Self> {
        let primary = Server::start().await?;
        let port = primary.port;
        let mut servers = vec![primary];
        for _ in 0..replicas {
            let setup = Setup { append_only: true, replica_of: Some(port), ..Setup::default() };
            servers.push(Server::with(setup).await?);
        }
        servers[0].has_replicas(replicas).await;
        let mut sentinels = Vec::new();
        for _ in 0..3 {
            let mut sentinel = Server::prepare(Setup::default(), "redis-sentinel", free_port());
            let lines = format!(
                "port {}\nbind 127.0.0.1\ndir {}\nsentinel monitor {SERVICE} 127.0.0.1 {port} 2\n\
                 sentinel down-after-milliseconds {SERVICE} 500\nsentinel failover-timeout {SERVICE} 2000\n",
                sentinel.port,
                sentinel.dir.path().display()
            );
            std::fs::write(sentinel.file("redis.conf"), lines).unwrap();
            sentinel.launch().await;
            sentinels.push(sentinel);
        }
        let watched = Self { servers, sentinels };
        for sentinel in &watched.sentinels {
            until("the sentinels know each other and the replicas", || {
                let known = sentinel.cli(&["SENTINEL", "MASTER", SERVICE]);
                let fields: Vec<&str> = known.lines().collect();
                let number = |name: &str| {
                    let at = fields.iter().position(|field| *field == name)?;
                    fields.get(at + 1)?.parse::<usize>().ok()
                };
                number("num-other-sentinels") == Some(2) && number("num-slaves") == Some(replicas)
            })
            .await;
        }
        Some(watched)
    }

    /// The address by which clients find the primary.
    pub fn url(&self) -> String {
        let [first, others @ ..] = self.sentinels.as_slice() else { panic!("no sentinels") };
        let nodes: String = others.iter().map(|other| format!("node=127.0.0.1:{}&", other.port)).collect();
        format!("redis-sentinel://127.0.0.1:{}?{nodes}sentinelServiceName={SERVICE}", first.port)
    }

    /// The port of the primary, as the first sentinel that answers has it.
    pub fn primary_port(&self) -> u16 {
        let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE];
        let answer = self.sentinels.iter().find_map(|sentinel| sentinel.try_cli(&words)).expect("a sentinel answers");
        answer.lines().nth(1).unwrap().parse().unwrap()
    }

    /// Waits until the sentinels have chosen another primary than the one at `port`, and gives its port.
    pub async fn failed_over(&self, port: u16) -> u16 {
        until("another primary is chosen", || {
            let now = self.primary_port();
            let role = ask(now, None, &["ROLE"]);
            now != port && role.is_some_and(|role| role.starts_with("master"))
        })
        .await;
        self.primary_port()
    }
}

/// Three primaries with a replica each.
pub struct Cluster {
    /// All six, the primaries first as they were at the start.
    pub servers: Vec<Server>,
}

impl Cluster {
    /// Starts one and waits until all six agree.
    pub async fn start() -> Option<Self> {
        let mut servers = Vec::new();
        for _ in 0..6 {
            let lines = ["cluster-enabled yes", "cluster-node-timeout 1000", "cluster-config-file nodes.conf"];
            let setup = Setup { append_only: true, lines: lines.map(str::to_owned).to_vec(), ..Setup::default() };
            // The bus between the nodes listens 10,000 above.
            if !is_installed() {
                return None;
            }
            let mut server = Server::prepare(setup, "redis-server", free_cluster_port());
            server.launch().await;
            servers.push(server);
        }
        let addresses = servers.iter().map(|server| format!("127.0.0.1:{}", server.port));
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]).args(addresses).args(["--cluster-replicas", "1", "--cluster-yes"]);
        let made = create.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        let cluster = Self { servers };
        for server in &cluster.servers {
            until("the nodes agree", || {
                let agreed = server.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok");
                agreed && server.cli(&["CLUSTER", "NODES"]).matches("slave ").count() == 3
            })
            .await;
        }
        Some(cluster)
    }

    /// The address by which clients find all of it.
    pub fn url(&self) -> String {
        format!("redis-cluster://127.0.0.1:{}?node=127.0.0.1:{}", self.servers[0].port, self.servers[1].port)
    }

    /// The primary that has the slot of `key`, by its place among the servers.
    pub fn owner(&self, key: &str) -> usize {
        let slot = self.slot(key);
        let asked = self.servers.iter().find_map(|server| server.try_cli(&["CLUSTER", "NODES"])).unwrap();
        let has = |line: &str| {
            line.contains("master") && !line.contains("fail") && line.split(' ').skip(8).any(|range| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                matches!((first.parse::<u16>(), last.parse::<u16>()), (Ok(first), Ok(last)) if (first..=last).contains(&slot))
            })
        };
        let line = asked.lines().find(|line| has(line)).expect("the slot has an owner");
        let address = line.split([' ', '@']).nth(1).unwrap();
        self.servers.iter().position(|server| address.ends_with(&format!(":{}", server.port))).unwrap()
    }

    /// The slot of `key`.
    pub fn slot(&self, key: &str) -> u16 {
        let answer = self.servers.iter().find_map(|server| server.try_cli(&["CLUSTER", "KEYSLOT", key])).unwrap();
        answer.parse().unwrap()
    }

    /// Gives the slot of `key` and all in it to another primary, and says which.
    pub fn migrate(&self, key: &str) -> usize {
        let slot = self.slot(key).to_string();
        let from = self.owner(key);
        let to = (0..3).find(|place| *place != from).unwrap();
        let id = |place: usize| self.servers[place].cli(&["CLUSTER", "MYID"]);
        let (source, target) = (id(from), id(to));
        self.servers[to].cli(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source]);
        self.servers[from].cli(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target]);
        let port = self.servers[to].port.to_string();
        let keys = self.servers[from].cli(&["CLUSTER", "GETKEYSINSLOT", &slot, "10000"]);
        for key in keys.lines().filter(|key| !key.is_empty()) {
            self.servers[from].cli(&["MIGRATE", "127.0.0.1", &port, key, "0", "5000"]);
        }
        for place in [to, from] {
            self.servers[place].cli(&["CLUSTER", "SETSLOT", &slot, "NODE", &target]);
        }
        to
    }
}
