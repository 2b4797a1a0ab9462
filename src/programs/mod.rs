//! What the program does besides serving: its other subcommands. Each takes the settings and its own arguments, prints
//! what it finds, and says by an exit code whether all was well. None of them takes the lock of a hub, except the demo,
//! which is one.

pub mod check_books;
pub mod demo;
pub mod export;
pub mod healthcheck;
pub mod nodes;
pub mod replay;
pub mod user;
pub mod verify;

use std::path::PathBuf;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;

use tokio_util::sync::CancellationToken;

use crate::app;
use crate::config::{ConfigError, Settings};
use crate::env::Env;
use crate::lifecycle;
use crate::persistence::Db;
use crate::persistence::redis::{Redis, RedisUrl, TIMEOUT};

/// `bidhub serve`: runs the hub until a signal ends it.
pub async fn serve(settings: Settings) -> anyhow::Result<()> {
    let listen = settings.server.listen;
    let listener =
        tokio::net::TcpListener::bind(listen).await.with_context(|| format!("{listen} cannot be listened on"))?;
    let shutdown = CancellationToken::new();
    lifecycle::on_signal(shutdown.clone())?;
    let (env, address) = (Env::default(), listener.local_addr()?);
    let ready = env.ready.clone();
    tokio::spawn(async move {
        ready.cancelled().await;
        say(format_args!("bidhub listens on http://{address}"));
    });
    app::serve(listener, settings, env, shutdown).await
}

/// Opens the journal's database to look at it, beside a running hub or without one.
pub async fn open_journal(settings: &Settings) -> anyhow::Result<Db> {
    if let Some(url) = &settings.server.database_url {
        let db = Db::postgres_read_only(url.expose_secret()).await;
        return db.context("the journal's database at database_url cannot be opened");
    }
    let file = settings.journal_file();
    if !file.is_file() {
        let why = format!("there is no journal in {} (see --data-dir)", settings.server.data_dir.display());
        return Err(ConfigError(why).into());
    }
    Db::sqlite_read_only(&file).await.with_context(|| format!("{} cannot be opened", file.display()))
}

/// Opens the main database to look at it, beside a running hub or without one.
pub async fn open_main(settings: &Settings) -> anyhow::Result<Db> {
    if let Some(url) = &settings.server.database_url {
        let db = Db::postgres_read_only(url.expose_secret()).await;
        return db.context("the database at database_url cannot be opened");
    }
    let file = settings.database_file();
    if !file.is_file() {
        let why = format!("there is no hub in {} (see --data-dir)", settings.server.data_dir.display());
        return Err(ConfigError(why).into());
    }
    Db::sqlite_read_only(&file).await.with_context(|| format!("{} cannot be opened", file.display()))
}

/// A way to the Redis at redis_url; none if it is not set.
pub fn open_redis(settings: &Settings) -> anyhow::Result<Option<Redis>> {
    let Some(url) = &settings.server.redis_url else { return Ok(None) };
    let url: RedisUrl = url.expose_secret().parse().map_err(|error| ConfigError(format!("redis_url: {error}")))?;
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|error| ConfigError(format!("redis_ca_file {}: {error}", path.display())))
    };
    let ca = settings.cluster.redis_ca_file.as_ref().map(read).transpose()?;
    Ok(Some(Redis::new(&url, ca.as_deref(), TIMEOUT).context("redis_url cannot be used")?))
}

/// Says one line on standard output. That nobody listens there is no reason to stop.
pub fn say(line: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{line}");
}
