//! How connections of the client with channels are made: patient for ever in coming back, impatient with every answer, and
//! sending nothing twice. What is told goes by it, and what the cache keeps; what decides goes by `persistence::redis`.

use std::time::Duration;

use fred::clients::Client;
use fred::types::config::{
    ClusterDiscoveryPolicy, Config, ConnectionConfig, PerformanceConfig, ReconnectPolicy, Server, ServerConfig,
    TlsConfig, TlsConnector, UnresponsiveConfig,
};
use fred::types::{Builder, RespVersion};

use crate::persistence::RedisError;
use crate::persistence::redis::{RedisUrl, Scheme};

const RECONNECT_MIN_MS: u32 = 50;
const RECONNECT_MAX_MS: u32 = 2_000;
const RECONNECT_JITTER_MS: u32 = 50;

/// Where Redis is, and how patiently it is asked.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The address.
    pub url: &'a RedisUrl,
    /// PEM text of the authorities to trust in place of the public ones.
    pub ca: Option<&'a [u8]>,
    /// How long a connection or an answer may take.
    pub timeout: Duration,
    /// How many messages of channels may wait to be taken.
    pub messages_max: usize,
}

/// A builder of clients that are not connected yet. Fails if the address makes no sense.
pub fn builder(ground: Ground<'_>) -> Result<Builder, RedisError> {
    let Ground { url, ca, timeout, messages_max } = ground;
    let mut builder = Builder::from_config(config(url, ca)?);
    builder.set_policy(policy());
    builder.set_performance_config(PerformanceConfig {
        default_command_timeout: timeout,
        broadcast_channel_capacity: messages_max,
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
    Ok(builder)
}

/// A client that connects by itself, now or whenever Redis can be reached. Fails if the address makes no sense.
pub fn connecting(ground: Ground<'_>) -> Result<Client, RedisError> {
    use fred::interfaces::ClientLike as _;

    let mut builder = builder(ground)?;
    builder.with_config(|config| config.fail_fast = false);
    let client = builder.build().map_err(|error| RedisError::Address(error.to_string()))?;
    drop(client.connect());
    Ok(client)
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
