//! What the program does besides serving: its other subcommands. Each takes the settings and its own arguments, prints
//! what it finds, and says by an exit code whether all was well. None of them takes the lock of a hub, except the demo,
//! which is one.

pub mod demo;
pub mod export;
pub mod healthcheck;
pub mod nodes;
pub mod replay;
pub mod user;
pub mod verify;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;

use tokio_util::sync::CancellationToken;

use crate::app;
use crate::config::{ConfigError, Settings};
use crate::env::Env;
use crate::lifecycle;
use crate::persistence::Db;

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

/// Says one line on standard output. That nobody listens there is no reason to stop.
pub fn say(line: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{line}");
}
