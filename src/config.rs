//! Every setting of the hub: its name, its default, its unit, and the order in which its sources count.
//!
//! A setting has one name. As a flag it is `--session-ttl-s`, as a variable `BIDHUB_SESSION_TTL_S`, in the file
//! `session_ttl_s`; a flag counts before a variable, a variable before the file, the file before the default. Nothing
//! here opens a socket or a database.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::currency::IsoCurrency;
use crate::domain::auction::KEY_RETENTION;
use crate::domain::fees::FEE_MAX_BP;
use crate::schedule::Schedule;
use figment::Figment;
use figment::providers::{Format, Toml};
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};

mod kinesis;
mod money;
mod words;

pub use words::{DefaultAck, LogFormat, Payments, Switch};

/// The time over which a node that stops sends its sockets to others, unless the operator says otherwise.
/// A lease that is shorter than this is lost to a busy machine; a longer one keeps bidders waiting when a node dies.
const LEASE_TTL_MS_MIN: u32 = 1_000;
const LEASE_TTL_MS_MAX: u32 = 60_000;
const DRAIN_MS_OF_NODES: u32 = 3_000;

/// The settings cannot be used. The text is one line, fit to be shown to the operator.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// One group of settings, thrice: the values in force, the flags and variables that set them, the keys of the file.
macro_rules! settings {
    (
        $(#[$doc:meta])* $group:ident, $flags:ident, $heading:literal;
        values { $($name:ident: $type:ty = $default:literal, $unit:literal, $env:literal, $help:literal;)* }
        optional { $($opt:ident: $opt_type:ty, $opt_unit:literal, $opt_env:literal, $opt_help:literal;)* }
        lists { $($list:ident: $list_type:ty, $list_unit:literal, $list_env:literal, $list_help:literal;)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $group {
            $(#[doc = $help] pub $name: $type,)*
            $(#[doc = $opt_help] pub $opt: Option<$opt_type>,)*
            $(#[doc = $list_help] pub $list: Vec<$list_type>,)*
        }

        #[derive(Clone, Default, clap::Args, serde::Deserialize)]
        #[command(next_help_heading = $heading)]
        #[serde(default)]
        pub(super) struct $flags {
            $(#[arg(long, env = $env, value_name = $unit, hide_env_values = true, global = true,
                help = concat!($help, " [default: ", $default, "]"))]
            $name: Option<$type>,)*
            $(#[arg(long, env = $opt_env, value_name = $opt_unit, hide_env_values = true, global = true, help = $opt_help)]
            $opt: Option<$opt_type>,)*
            $(#[arg(long, env = $list_env, value_name = $list_unit, hide_env_values = true, global = true,
                value_delimiter = ',', help = $list_help)]
            $list: Option<Vec<$list_type>>,)*
        }

        impl $flags {
            pub(super) const NAMES: &[(&str, &str)] = &[
                $((stringify!($name), $env),)* $((stringify!($opt), $opt_env),)* $((stringify!($list), $list_env),)*
            ];

            #[allow(clippy::expect_used, reason = "the defaults are literals of this file, and a test reads them all")]
            pub(super) fn over(self, file: Self) -> $group {
                $group {
                    $($name: self.$name.or(file.$name).unwrap_or_else(|| concat!($default).parse().expect(stringify!($name))),)*
                    $($opt: self.$opt.or(file.$opt),)*
                    $($list: self.$list.or(file.$list).unwrap_or_default(),)*
                }
            }
        }
    };
}

mod groups;

pub use groups::{
    Auth, Cache, Cluster, Connections, Customers, Images, Kinesis, Log, Mail, Money, Notifications, Room, Server,
    Webhooks,
};

/// The settings in force.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Addresses, files, servers beside the hub, and who may come from where.
    pub server: Server,
    /// How callers prove who they are.
    pub auth: Auth,
    /// What one connection, and all together, may take.
    pub connections: Connections,
    /// How rooms run.
    pub room: Room,
    /// What is kept so that it need not be looked up.
    pub cache: Cache,
    /// How many nodes make one hub.
    pub cluster: Cluster,
    /// How money comes in and goes out, and what sales cost.
    pub money: Money,
    /// How mail leaves the hub.
    pub mail: Mail,
    /// What people are told.
    pub notifications: Notifications,
    /// How much images are taken, and how much work is done on them.
    pub images: Images,
    /// What is kept of what customers do.
    pub customers: Customers,
    /// Where events are sent that people outside want to hear of.
    pub webhooks: Webhooks,
    /// The stream of Amazon Kinesis that public events go into.
    pub kinesis: Kinesis,
    /// What is logged, and how.
    pub log: Log,
    /// The work that hashing a password takes. No flag: only tests make it cheap.
    pub password_cost: PasswordCost,
    /// True in a demo, where mail goes to the log. No flag: the subcommand says it.
    pub demo: bool,
}

/// The work of one argon2id hash.
#[derive(Debug, Clone, Copy)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
}

impl Default for PasswordCost {
    fn default() -> Self {
        Self { memory_kib: 19_456, iterations: 2 }
    }
}

/// What the command line and the environment say of the settings.
#[derive(Clone, Default, clap::Args)]
pub struct Flags {
    /// File with settings in TOML, one `name = value` a line
    #[arg(long, env = "BIDHUB_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    server: groups::ServerFlags,
    #[command(flatten)]
    auth: groups::AuthFlags,
    #[command(flatten)]
    connections: groups::ConnectionsFlags,
    #[command(flatten)]
    room: groups::RoomFlags,
    #[command(flatten)]
    cache: groups::CacheFlags,
    #[command(flatten)]
    cluster: groups::ClusterFlags,
    #[command(flatten)]
    money: groups::MoneyFlags,
    #[command(flatten)]
    mail: groups::MailFlags,
    #[command(flatten)]
    notifications: groups::NotificationsFlags,
    #[command(flatten)]
    images: groups::ImagesFlags,
    #[command(flatten)]
    customers: groups::CustomersFlags,
    #[command(flatten)]
    webhooks: groups::WebhooksFlags,
    #[command(flatten)]
    kinesis: groups::KinesisFlags,
    #[command(flatten)]
    log: groups::LogFlags,
}

impl Default for Settings {
    fn default() -> Self {
        Self::merge(Flags::default(), Flags::default())
    }
}

impl Settings {
    /// The settings in force, from flags and variables, the file that they name, and the defaults.
    pub fn load(flags: Flags) -> Result<Self, ConfigError> {
        let file = match &flags.config {
            Some(path) => read_file(path)?,
            None => Flags::default(),
        };
        let settings = Self::merge(flags, file);
        settings.check()?;
        Ok(settings)
    }

    /// The file of the main database on one machine.
    pub fn database_file(&self) -> PathBuf {
        self.server.data_dir.join("bidhub.db")
    }

    /// The file of the journal on one machine.
    pub fn journal_file(&self) -> PathBuf {
        self.server.data_dir.join("journal.db")
    }

    /// Over how long a graceful stop sends its sockets elsewhere. A hub of one process has nowhere to send them, so
    /// the sooner it is gone the sooner the next one is there. Half of the time to stop is for sockets, and of that they
    /// keep a quarter to end in.
    pub fn drain_window(&self) -> Duration {
        let most = self.server.shutdown_timeout_ms / 8 * 3;
        let unless_given = if self.server.redis_url.is_some() { DRAIN_MS_OF_NODES } else { 0 };
        Duration::from_millis(self.server.drain_ms.unwrap_or(unless_given).min(most).into())
    }

    fn merge(flags: Flags, file: Flags) -> Self {
        Self {
            server: flags.server.over(file.server),
            auth: flags.auth.over(file.auth),
            connections: flags.connections.over(file.connections),
            room: flags.room.over(file.room),
            cache: flags.cache.over(file.cache),
            cluster: flags.cluster.over(file.cluster),
            money: flags.money.over(file.money),
            mail: flags.mail.over(file.mail),
            notifications: flags.notifications.over(file.notifications),
            images: flags.images.over(file.images),
            customers: flags.customers.over(file.customers),
            webhooks: flags.webhooks.over(file.webhooks),
            kinesis: flags.kinesis.over(file.kinesis),
            log: flags.log.over(file.log),
            password_cost: PasswordCost::default(),
            demo: false,
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let at_least_one = [
            ("max_connections", u64::from(self.connections.max_connections)),
            ("max_connections_per_address", u64::from(self.connections.max_connections_per_address)),
            ("max_rooms_per_connection", u64::from(self.connections.max_rooms_per_connection)),
            ("max_frame_bytes", u64::from(self.connections.max_frame_bytes)),
            ("messages_per_second", u64::from(self.connections.messages_per_second)),
            ("message_burst", u64::from(self.connections.message_burst)),
            ("outbound_queue_bytes", u64::from(self.connections.outbound_queue_bytes)),
            ("ping_interval_s", u64::from(self.connections.ping_interval_s)),
            ("pong_timeout_s", u64::from(self.connections.pong_timeout_s)),
            ("write_timeout_ms", u64::from(self.connections.write_timeout_ms)),
            ("mailbox_capacity", u64::from(self.room.mailbox_capacity)),
            ("max_loaded_rooms", u64::from(self.room.max_loaded_rooms)),
            ("batch_max", u64::from(self.room.batch_max)),
            ("idle_unload_s", u64::from(self.room.idle_unload_s)),
            ("bid_deadline_ms", u64::from(self.room.bid_deadline_ms)),
            ("request_timeout_ms", u64::from(self.server.request_timeout_ms)),
            ("header_timeout_ms", u64::from(self.server.header_timeout_ms)),
            ("session_ttl_s", u64::from(self.auth.session_ttl_s)),
            ("cache_mib", u64::from(self.cache.cache_mib)),
            ("lease_ttl_ms", u64::from(self.cluster.lease_ttl_ms)),
            ("notifications_keep_days", u64::from(self.notifications.notifications_keep_days)),
            ("image_max_bytes", u64::from(self.images.image_max_bytes)),
            ("image_max_pixels", u64::from(self.images.image_max_pixels)),
            ("image_uploads_max", u64::from(self.images.image_uploads_max)),
            ("image_workers", u64::from(self.images.image_workers)),
            ("customers_keep_days", u64::from(self.customers.customers_keep_days)),
            ("webhook_waiting_max", u64::from(self.webhooks.webhook_waiting_max)),
        ];
        if let Some((name, _)) = at_least_one.iter().find(|(_, value)| *value == 0) {
            return Err(ConfigError(format!("{name} must be at least 1")));
        }
        let longest = KEY_RETENTION.millis().unsigned_abs();
        if u64::from(self.room.bid_deadline_ms) > longest {
            return Err(ConfigError(format!("bid_deadline_ms must be at most {longest}: so long are keys remembered")));
        }
        for (name, bp) in [("premium_bp", self.money.premium_bp), ("commission_bp", self.money.commission_bp)] {
            if bp > FEE_MAX_BP {
                return Err(ConfigError(format!("{name} must be at most {FEE_MAX_BP}")));
            }
        }
        if self.cluster.default_ack == DefaultAck::Replica && self.cluster.redis_replicas == 0 {
            return Err(ConfigError("default_ack is replica, so redis_replicas must be at least 1".into()));
        }
        if !(LEASE_TTL_MS_MIN..=LEASE_TTL_MS_MAX).contains(&self.cluster.lease_ttl_ms) {
            let why = format!("lease_ttl_ms must be from {LEASE_TTL_MS_MIN} to {LEASE_TTL_MS_MAX}");
            return Err(ConfigError(why));
        }
        if self.auth.jwt_secret.is_some() && self.auth.jwt_public_key_file.is_some() {
            return Err(ConfigError(
                "jwt_secret and jwt_public_key_file exclude each other: one key, one algorithm".into(),
            ));
        }
        let secrets = [("jwt_secret", &self.auth.jwt_secret), ("operator_token", &self.server.operator_token)];
        for (name, secret) in secrets {
            if secret.as_ref().is_some_and(|secret| secret.expose_secret().is_empty()) {
                return Err(ConfigError(format!("{name} is empty")));
            }
        }
        self.money.check()?;
        self.kinesis.check()?;
        if !(0.0..=1.0).contains(&self.log.otlp_sample) {
            return Err(ConfigError("otlp_sample must be from 0 to 1".into()));
        }
        let collector = self.log.otlp_url.as_ref().map(|url| url.expose_secret());
        if collector.is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            return Err(ConfigError("otlp_url must begin with http:// or https://".into()));
        }
        let database = self.server.database_url.as_ref().map(|url| url.expose_secret());
        if database.is_some_and(|url| !url.starts_with("postgres://") && !url.starts_with("postgresql://")) {
            return Err(ConfigError("database_url must begin with postgres://".into()));
        }
        let public = self.server.public_url.as_deref();
        if public.is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            return Err(ConfigError("public_url must begin with http:// or https://".into()));
        }
        Ok(())
    }
}

/// The settings of a file. A key that no setting has is refused by its name: a typing error must not go unnoticed.
fn read_file(path: &Path) -> Result<Flags, ConfigError> {
    let say = |error: figment::Error| ConfigError(format!("{}: {}", path.display(), one_line(&error)));
    let figment = Figment::from(Toml::file_exact(path));
    let keys: figment::value::Dict = figment.extract().map_err(say)?;
    let known: BTreeSet<&str> = names().map(|(name, _)| name).collect();
    if let Some(key) = keys.keys().find(|key| !known.contains(key.as_str())) {
        return Err(ConfigError(format!("{}: unknown setting `{key}`", path.display())));
    }
    Ok(Flags {
        config: None,
        server: figment.extract().map_err(say)?,
        auth: figment.extract().map_err(say)?,
        connections: figment.extract().map_err(say)?,
        room: figment.extract().map_err(say)?,
        cache: figment.extract().map_err(say)?,
        cluster: figment.extract().map_err(say)?,
        money: figment.extract().map_err(say)?,
        mail: figment.extract().map_err(say)?,
        notifications: figment.extract().map_err(say)?,
        images: figment.extract().map_err(say)?,
        customers: figment.extract().map_err(say)?,
        webhooks: figment.extract().map_err(say)?,
        kinesis: figment.extract().map_err(say)?,
        log: figment.extract().map_err(say)?,
    })
}

fn one_line(error: &figment::Error) -> String {
    let key = error.path.join(".");
    let kind = error.kind.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" ");
    if key.is_empty() { kind } else { format!("`{key}`: {kind}") }
}

fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    [
        groups::ServerFlags::NAMES,
        groups::AuthFlags::NAMES,
        groups::ConnectionsFlags::NAMES,
        groups::RoomFlags::NAMES,
        groups::CacheFlags::NAMES,
        groups::ClusterFlags::NAMES,
        groups::MoneyFlags::NAMES,
        groups::MailFlags::NAMES,
        groups::NotificationsFlags::NAMES,
        groups::ImagesFlags::NAMES,
        groups::CustomersFlags::NAMES,
        groups::WebhooksFlags::NAMES,
        groups::KinesisFlags::NAMES,
        groups::LogFlags::NAMES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

#[cfg(test)]
mod tests;
