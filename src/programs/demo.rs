//! `bidhub demo`: a hub with people in it. They come over its sockets; nothing in the hub knows of them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use crate::app;
use crate::config::{ConfigError, Settings};
use crate::domain::Span;
use crate::env::Env;
use crate::lifecycle;
use crate::load::demo::{AUCTIONS, VISITOR_EMAIL, VISITOR_PASSWORD, World};
use crate::load::identity::Signer;
use crate::load::rest::Rest;

const TOKEN_LIFE: Span = Span::from_secs(30 * 24 * 3_600);
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How the demo is run.
#[derive(Args)]
pub struct DemoArgs {
    /// Leave the hub empty of bidders: the auctions are there, and nobody but you bids
    #[arg(long)]
    pub quiet: bool,
}

/// Runs the demo until a signal ends it.
pub async fn run(mut settings: Settings, args: &DemoArgs) -> anyhow::Result<()> {
    if settings.server.database_url.is_some() || settings.server.redis_url.is_some() {
        let why = "the demo fills a hub with made-up auctions, so it takes no database_url and no redis_url";
        return Err(ConfigError(why.to_owned()).into());
    }
    if settings.auth.jwt_public_key_file.is_some() {
        let why = "the demo signs tokens for its bidders, so it takes a jwt_secret, but no jwt_public_key_file";
        return Err(ConfigError(why.to_owned()).into());
    }
    settings.demo = true;
    let kept = settings.server.data_dir != Settings::default().server.data_dir;
    // Removed when it goes out of scope, after the hub has closed its files.
    let temporary = if kept { None } else { Some(tempfile::tempdir().context("there is no place for a demo")?) };
    if let Some(dir) = &temporary {
        settings.server.data_dir = dir.path().to_owned();
    }
    let env = Env::default();
    let secret = settings.auth.jwt_secret.get_or_insert_with(|| hex::encode(env.chance.bytes::<32>()).into()).clone();

    let listen = settings.server.listen;
    let listener =
        tokio::net::TcpListener::bind(listen).await.with_context(|| format!("{listen} cannot be listened on"))?;
    let mut address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        // Listening everywhere, it is reached from here by the loopback.
        address.set_ip(if address.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    let url = format!("http://{address}");
    let shutdown = CancellationToken::new();
    lifecycle::on_signal(shutdown.clone())?;

    let rest = Rest::new(&url, env.chance.clone())?;
    let signer = Signer::new(&secret, env.clock.now(), TOKEN_LIFE);
    let world = World::new(rest.clone(), signer, env.clock.clone(), env.chance.clone());
    let people = tokio::spawn(people(world, rest, url, args.quiet, shutdown.clone()));
    let served = app::serve(listener, settings, env, shutdown.clone()).await;
    // However the hub ended, its people end with it.
    shutdown.cancel();
    people.await.context("the people of the demo came to grief")?.and(served)
}

/// Fills the hub once it is up, says where it is, and lets people bid.
async fn people(world: World, rest: Rest, url: String, quiet: bool, shutdown: CancellationToken) -> anyhow::Result<()> {
    // Whatever goes wrong while the hub is filled ends the hub.
    let stop = shutdown.clone().drop_guard();
    let filled = shutdown.run_until_cancelled(async {
        let up = tokio::time::timeout(START_TIMEOUT, rest.get("/readyz", None)).await;
        up.context("the hub did not start in time")?.context("the hub did not start")?;
        fill(&world).await
    });
    match filled.await {
        None => return Ok(()),
        Some(filled) => filled?,
    }
    super::say(format_args!("bidhub demo on {url}"));
    super::say(format_args!("sign in as {VISITOR_EMAIL} with the password {VISITOR_PASSWORD}"));
    if quiet {
        shutdown.cancelled().await;
    } else {
        world.live(shutdown.clone()).await;
    }
    stop.disarm();
    Ok(())
}

async fn fill(world: &World) -> anyhow::Result<()> {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} auctions put on sale");
    let bar = ProgressBar::new(AUCTIONS as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let bar = Arc::new(bar);
    let filled = world.fill(|| bar.inc(1)).await;
    bar.finish_and_clear();
    filled.context("the demo could not be filled")
}
