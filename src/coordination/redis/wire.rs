//! The two connections of the bus, one to listen and one to speak, and all that is known of the client behind them: no
//! other module names it. They come back by themselves, for ever; what was under way is not sent again.

use std::time::Duration;

use bytes::Bytes;
use fred::clients::Client;
use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::types::config::{
    ClusterDiscoveryPolicy, Config, ConnectionConfig, Options, PerformanceConfig, ReconnectPolicy, Server,
    ServerConfig, TlsConfig, TlsConnector, UnresponsiveConfig,
};
use fred::types::{Builder, ClusterHash, Message, RespVersion};
use tokio::sync::broadcast::Receiver;

use crate::persistence::RedisError;
use crate::persistence::redis::{RedisUrl, Scheme};

/// How many messages may wait between the connection and the bus.
const MESSAGES_MAX: usize = 65_536;
const RECONNECT_MIN_MS: u32 = 50;
const RECONNECT_MAX_MS: u32 = 2_000;
const RECONNECT_JITTER_MS: u32 = 50;
/// How many channels one command names.
const CHANNELS_AT_ONCE: usize = 500;

/// Everything that is heard.
pub type Messages = Receiver<Message>;
/// A word each time that the listening connection was made anew.
pub type Reconnects = Receiver<Server>;

/// The connections.
pub struct Wire {
    listening: Client,
    speaking: Client,
    timeout: Duration,
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sent {
    /// It went out to so many listeners, as far as the server that took it can see.
    To(u64),
    /// It surely did not go out.
    Not,
    /// Nobody knows.
    Unknown,
}

impl Wire {
    /// Connects. Fails if that does not succeed within a few times `timeout`, which is how long any answer may take; later
    /// it is tried for ever.
    pub async fn connect(url: &RedisUrl, ca: Option<&[u8]>, timeout: Duration) -> Result<Self, RedisError> {
        let mut builder = Builder::from_config(config(url, ca)?);
        builder.set_policy(policy());
        builder.set_performance_config(PerformanceConfig {
            default_command_timeout: timeout,
            broadcast_channel_capacity: MESSAGES_MAX,
            ..Default::default()
        });
        builder.set_connection_config(ConnectionConfig {
            connection_timeout: timeout,
            internal_command_timeout: timeout,
            max_command_attempts: 1,
            reconnect_on_auth_error: true,
            unresponsive: UnresponsiveConfig { max_timeout: Some(timeout), interval: timeout / 4 },
            ..Default::default()
        });
        let unreachable = |error: fred::error::Error| RedisError::Unreachable(error.to_string());
        let (listening, speaking) = (builder.build().map_err(unreachable)?, builder.build().map_err(unreachable)?);
        let wire = Self { listening, speaking, timeout };
        for client in [&wire.listening, &wire.speaking] {
            match tokio::time::timeout(timeout * 4, client.init()).await {
                Ok(connected) => connected.map_err(unreachable)?,
                Err(_) => return Err(RedisError::Unreachable("no connection in time".to_owned())),
            };
        }
        Ok(wire)
    }

    /// Everything that is heard from here on.
    pub fn messages(&self) -> Messages {
        self.listening.message_rx()
    }

    /// Gets a word each time that the listening connection was made anew, without its channels.
    pub fn reconnects(&self) -> Reconnects {
        self.listening.reconnect_rx()
    }

    /// Listens to `channels`; when it returns without an error, it does.
    pub async fn subscribe(&self, channels: &[String]) -> Result<(), RedisError> {
        for some in channels.chunks(CHANNELS_AT_ONCE) {
            self.listening.subscribe(some.to_vec()).await.map_err(unanswered)?;
        }
        self.barrier().await
    }

    /// No longer listens to `channels`.
    pub async fn unsubscribe(&self, channels: &[String]) -> Result<(), RedisError> {
        for some in channels.chunks(CHANNELS_AT_ONCE) {
            self.listening.unsubscribe(some.to_vec()).await.map_err(unanswered)?;
        }
        Ok(())
    }

    /// Says `message` on `channel`. What is said by one task keeps its order.
    pub async fn publish(&self, channel: String, message: Bytes) -> Sent {
        if !self.speaking.is_connected() {
            return Sent::Not;
        }
        match self.speaking.publish::<i64, _, _>(channel, message).await {
            Ok(listeners) => Sent::To(u64::try_from(listeners).unwrap_or(0)),
            Err(_) => Sent::Unknown,
        }
    }

    /// True while the listening connection is up, as far as it knows.
    pub fn is_connected(&self) -> bool {
        self.listening.is_connected()
    }

    /// True if a server sees only the listeners that are connected to itself.
    pub fn sees_only_some(&self) -> bool {
        self.speaking.is_clustered()
    }

    /// Makes both connections anew.
    pub async fn reconnect(&self) {
        for client in [&self.listening, &self.speaking] {
            let _ = tokio::time::timeout(self.timeout * 2, client.force_reconnection()).await;
        }
    }

    /// Ends both connections.
    pub async fn quit(&self) {
        for client in [&self.listening, &self.speaking] {
            let _ = tokio::time::timeout(self.timeout, client.quit()).await;
        }
    }

    /// Waits until what was sent before on the listening connection is done: the client does not wait for the answer to a
    /// subscription, but answers come in order.
    async fn barrier(&self) -> Result<(), RedisError> {
        let slot = fred::util::redis_keyslot(self.listening.id().as_bytes());
        let options = Options { cluster_hash: Some(ClusterHash::Custom(slot)), ..Default::default() };
        self.listening.with_options(&options).ping::<()>(None).await.map_err(unanswered)
    }
}

fn unanswered(error: fred::error::Error) -> RedisError {
    RedisError::Unanswered(error.to_string())
}

fn policy() -> ReconnectPolicy {
    let mut policy = ReconnectPolicy::new_exponential(0, RECONNECT_MIN_MS, RECONNECT_MAX_MS, 2);
    policy.set_jitter(RECONNECT_JITTER_MS);
    policy
}

fn config(url: &RedisUrl, ca: Option<&[u8]>) -> Result<Config, RedisError> {
    let servers = || url.nodes.iter().map(|node| Server::new(node.host.as_str(), node.port)).collect();
    let server = match &url.scheme {
        Scheme::Single => {
            let node = url.nodes.first().ok_or_else(|| RedisError::Address("no host is named".to_owned()))?;
            ServerConfig::new_centralized(node.host.as_str(), node.port)
        }
        Scheme::Sentinel { service, user, password } => ServerConfig::Sentinel {
            hosts: servers(),
            service_name: service.clone(),
            username: user.clone(),
            password: password.clone(),
        },
        Scheme::Cluster => ServerConfig::Clustered { hosts: servers(), policy: ClusterDiscoveryPolicy::ConfigEndpoint },
    };
    let database = u8::try_from(url.database)
        .map_err(|_| RedisError::Address(format!("there is no database {}", url.database)))?;
    Ok(Config {
        server,
        username: url.user.clone(),
        password: url.password.clone(),
        database: (database != 0).then_some(database),
        tls: url.tls.then(|| tls(ca)).transpose()?,
        version: RespVersion::RESP3,
        ..Default::default()
    })
}

fn tls(ca: Option<&[u8]>) -> Result<TlsConfig, RedisError> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    let wrong = |error: &dyn std::fmt::Display| RedisError::Address(format!("TLS: {error}"));
    let Some(ca) = ca else {
        return TlsConnector::default_rustls().map(TlsConfig::from).map_err(|error| wrong(&error));
    };
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca) {
        roots.add(certificate.map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
    }
    if roots.is_empty() {
        return Err(wrong(&"the file of authorities names none"));
    }
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(config).into())
}
