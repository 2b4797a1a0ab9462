//! The address of Redis, in the form that its other clients take too:
//! `redis[s][-sentinel|-cluster]://[[user]:password@]host[:port][/database][?node=host:port&…]`, for sentinels with
//! `sentinelServiceName=…` and, where they ask for it, `sentinelUsername=…&sentinelPassword=…`.

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

use super::RedisError;

const PORT: u16 = 6_379;
const SENTINEL_PORT: u16 = 26_379;

/// One address of one server.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Node {
    /// Its name or number.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// What stands at an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// One server.
    Single,
    /// Sentinels, who know the primary of this service.
    Sentinel {
        /// The name of the service.
        service: String,
        /// As whom to ask the sentinels.
        user: Option<String>,
        /// The password to ask them with.
        password: Option<String>,
    },
    /// Some nodes of a cluster.
    Cluster,
}

/// An address of Redis. It is shown without its passwords.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    /// What stands there.
    pub scheme: Scheme,
    /// Whether to speak TLS.
    pub tls: bool,
    /// As whom to speak.
    pub user: Option<String>,
    /// The password to speak with.
    pub password: Option<String>,
    /// Where: one server, or those sentinels or nodes that are known.
    pub nodes: Vec<Node>,
    /// The number of the database, 0 in a cluster.
    pub database: i64,
    text: String,
}

impl FromStr for RedisUrl {
    type Err = RedisError;

    fn from_str(text: &str) -> Result<Self, RedisError> {
        let wrong = |what: &str| RedisError::Address(format!("the address {what}"));
        let url = ::url::Url::parse(text).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
        let (tls, kind) = match url.scheme().split_once('-').unwrap_or((url.scheme(), "")) {
            ("redis", kind) => (false, kind),
            ("rediss", kind) => (true, kind),
            _ => return Err(wrong("must begin with redis:// or rediss://, or with -sentinel or -cluster added")),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("names no host"))?;
        let port = url.port().unwrap_or(if kind == "sentinel" { SENTINEL_PORT } else { PORT });
        let mut nodes = vec![Node { host: host.trim_matches(['[', ']']).to_owned(), port }];
        let (mut service, mut sentinel_user, mut sentinel_password) = (None, None, None);
        for (name, value) in url.query_pairs() {
            match &*name {
                "node" => nodes.push(value.parse().map_err(|()| wrong("has a node that is not host:port"))?),
                "sentinelServiceName" => service = Some(value.into_owned()),
                "sentinelUsername" => sentinel_user = Some(value.into_owned()),
                "sentinelPassword" => sentinel_password = Some(value.into_owned()),
                other => return Err(wrong(&format!("has an unknown setting {other:?}"))),
            }
        }
        let scheme = match (kind, service) {
            ("", None) if nodes.len() > 1 => {
                return Err(wrong("names several nodes: say redis-cluster:// or redis-sentinel://"));
            }
            ("", None) => Scheme::Single,
            ("sentinel", None) => return Err(wrong("needs sentinelServiceName for sentinels")),
            ("sentinel", Some(service)) => {
                Scheme::Sentinel { service, user: sentinel_user, password: sentinel_password }
            }
            ("cluster", None) => Scheme::Cluster,
            (_, Some(_)) => return Err(wrong("has sentinelServiceName, which only redis-sentinel:// takes")),
            _ => return Err(wrong("must begin with redis://, redis-sentinel:// or redis-cluster://")),
        };
        let database = match url.path().trim_matches('/') {
            "" => 0,
            number => number.parse().map_err(|_| wrong("has a database that is no number"))?,
        };
        if scheme == Scheme::Cluster && database != 0 {
            return Err(wrong("names a database, but a cluster has only one"));
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let user = Some(url.username()).filter(|user| !user.is_empty()).map(decoded);
        let password = url.password().filter(|password| !password.is_empty()).map(decoded);
        Ok(Self { scheme, tls, user, password, nodes, database, text: text.to_owned() })
    }
}

impl RedisUrl {
    /// The whole text, passwords included: for a client that reads it itself, never for people.
    pub fn secret_text(&self) -> &str {
        &self.text
    }
}

impl FromStr for Node {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (host, port) = text.rsplit_once(':').ok_or(())?;
        let host = host.trim_matches(['[', ']']);
        match port.parse() {
            Ok(port) if !host.is_empty() => Ok(Self { host: host.to_owned(), port }),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.scheme {
            Scheme::Single => "",
            Scheme::Sentinel { .. } => "-sentinel",
            Scheme::Cluster => "-cluster",
        };
        write!(f, "redis{}{kind}://", if self.tls { "s" } else { "" })?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        let nodes: Vec<String> = self.nodes.iter().map(Node::to_string).collect();
        f.write_str(&nodes.join(","))?;
        if self.database != 0 {
            write!(f, "/{}", self.database)?;
        }
        match &self.scheme {
            Scheme::Sentinel { service, .. } => write!(f, " ({service})"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_address_is_understood_and_shown_without_secrets() {
        for (text, shown) in [
            ("redis://localhost", "redis://localhost:6379"),
            ("rediss://me:s%2Fecret@db.example:7000/3", "rediss://me@db.example:7000/3"),
            ("redis://:secret@[::1]:7", "redis://[::1]:7"),
            (
                "redis-sentinel://a?node=b:1&sentinelServiceName=hub&sentinelPassword=secret",
                "redis-sentinel://a:26379,b:1 (hub)",
            ),
            ("rediss-cluster://a:1?node=b:2&node=c:3", "rediss-cluster://a:1,b:2,c:3"),
        ] {
            let url: RedisUrl = text.parse().expect(text);
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("ecret"));
        }
        let url: RedisUrl = "rediss://me:s%2Fecret@db.example:7000/3".parse().expect("an address");
        assert_eq!((url.user.as_deref(), url.password.as_deref()), (Some("me"), Some("s/ecret")));
    }

    #[test]
    fn nonsense_is_refused_without_repeating_a_password() {
        for text in [
            "",
            "localhost:6379",
            "http://localhost",
            "redis://",
            "redis://:secret@a?node=b:1",
            "redis://:secret@a/x",
            "redis-sentinel://:secret@a",
            "redis-cluster://:secret@a/1",
            "redis-cluster://:secret@a?node=b",
            "redis-ring://:secret@a",
            "redis://:secret@a?nodes=b:1",
            "redis://:secret@a?sentinelServiceName=b",
        ] {
            let error = text.parse::<RedisUrl>().expect_err(text);
            assert!(matches!(error, RedisError::Address(_)) && !error.to_string().contains("secret"), "{error}");
        }
    }
}
