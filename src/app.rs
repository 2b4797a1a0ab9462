//! The one place that wires the hub together: databases, coordination, features, routes, background work.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::FromRef;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use utoipa_axum::router::OpenApiRouter;

use crate::auth::{Authenticator, ForeignKey, Origins, Role};
use crate::cache::Cache;
use crate::config::{self, ConfigError, DefaultAck, Settings};
use crate::coordination::Bus;
use crate::coordination::redis::Figures;
use crate::domain::{AccountId, Fees, Money, Span};
use crate::env::Env;
use crate::features::accounts::{self, Accounts};
use crate::features::activity::{self, Activity};
use crate::features::auctions::{self, AckRule, Auctions, AuctionsProjection, AuctionsWitness};
use crate::features::comments::{self, Comments};
use crate::features::customers::{self, Customers};
use crate::features::images::{self, Images};
use crate::features::moderation::{self, Moderation, ModerationProjection};
use crate::features::notifications::{self, Notifications};
use crate::features::privacy::{self, Privacy};
use crate::features::sales::{self, Sales, SalesProjection};
use crate::features::search::{self, CommentIndex, Search, SearchProjection};
use crate::features::staff::{self, AuditProjection, Staff};
use crate::features::stakes::{self, Stakes};
use crate::features::tickets::{self, Tickets};
use crate::features::wallets::{self, Holds, Wallets};
use crate::features::webhooks::{self, Webhooks};
use crate::http::{self, Frame, HttpContext, Ops, Visitors, context, framed};
use crate::hub::{self, Hub};
use crate::journal::{AckLevel, Journal};
use crate::ledger::{self, Limits};
use crate::lifecycle::{Deadline, Tasks};
use crate::live::{self, Live, Viewers};
use crate::mail::Mailer;
use crate::notify::{self, Addresses, Mailing, Outbox, Pusher};
use crate::payments::{self, PaymentProvider};
use crate::persistence::{Db, Durability, StoreError, migrate};
use crate::projection::{self, Progress, Projector};
use crate::rate_limit::RateLimits;
use crate::room::Rooms;
use crate::server;
use crate::telemetry;
use crate::ws::{self, Gateway};

mod goings;
mod keeping;
mod people;
mod ports;
mod probes;
mod streams;
mod talk;
mod upkeep;

pub use people::keepers;
use people::people;
use probes::probes;
use talk::talk;

/// Below this a secret is weaker than what it signs with (RFC 7518).
const JWT_SECRET_MIN_BYTES: usize = 32;
/// How long projections may catch up when the hub stops; what is left they do at the next start.
const PROJECTION_FLUSH_LIMIT: Duration = Duration::from_secs(2);

/// What handlers can ask for; each takes the parts it needs.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// Who may call, from where, how often.
    pub http: HttpContext,
    /// Probes, metrics, time.
    pub ops: Ops,
    /// Accounts and sessions.
    pub accounts: Accounts,
    /// What goes on.
    pub activity: Activity,
    /// Auctions as they are offered and read.
    pub auctions: Auctions,
    /// Full text over what is offered and said.
    pub search: Search,
    /// What people say about auctions.
    pub comments: Comments,
    /// Pictures for auctions.
    pub images: Images,
    /// What customers do, for staff.
    pub customers: Customers,
    /// What people may ask for about themselves.
    pub privacy: Privacy,
    /// What staff should look at.
    pub moderation: Moderation,
    /// What people were told.
    pub notifications: Notifications,
    /// Where it is said that somebody was told something.
    pub outbox: Outbox,
    /// Moderation.
    pub staff: Staff,
    /// Who bids and watches where.
    pub stakes: Stakes,
    /// Invoices and cases.
    pub sales: Sales,
    /// What users ask staff.
    pub tickets: Tickets,
    /// Money.
    pub wallets: Wallets,
    /// Events sent to endpoints.
    pub webhooks: Webhooks,
    /// The rooms of all auctions.
    pub rooms: Rooms,
    /// The log of all auctions.
    pub journal: Arc<dyn Journal>,
    /// The sockets.
    pub gateway: Gateway,
}

/// Runs a hub on `listener` until `shutdown` is cancelled, then lets it finish within the time that the settings give.
pub async fn serve(
    listener: TcpListener,
    settings: Settings,
    env: Env,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let address = listener.local_addr().context("the listener has no address")?;
    let env = hub::seen_by(&settings, env);
    // Background work outlives the last request, for requests lean on it; it ends however this function does.
    let tasks = Tasks::new(CancellationToken::new());
    let _end_tasks = tasks.shutdown().clone().drop_guard();
    let db = open_database(&settings).await?;
    migrate(&db).await.context("the database could not be brought up to date")?;
    let payments = payments::open(&settings.money, env.clock.clone(), env.chance.clone())?;
    if ledger::is_of_another_provider(&db, payments.name()).await? {
        let name = payments.name();
        return Err(ConfigError(format!(
            "payments is {name}, and this database holds money that came in by another provider, which would go out by {name}: \
             set payments as it was, or begin with a new database"
        ))
        .into());
    }
    let holds = Holds::new(db.clone(), env.clock.clone(), money_limits(&settings.money));
    let hub = Hub::open(&settings, &env, &tasks, Arc::new(holds.clone())).await?;
    let bus = hub.bus.clone();
    let stop = hub.stop_with(shutdown);
    let live = Live::start(bus.clone(), tasks.shutdown().clone());
    let cache = keeping::cache(&settings, &env, &hub, &tasks);
    let projector = projector(&settings, &env, &db, &hub, &live).telling(Arc::new(AuctionsWitness(cache.clone())));
    let progress = projector.progress();
    let ground = Ground {
        settings: &settings,
        env: &env,
        tasks: &tasks,
        db: &db,
        hub: &hub,
        live: &live,
        cache: cache.clone(),
        progress,
        payments,
        holds,
        bus,
        stop: &stop,
        address,
    };
    streams::kinesis(&ground).await?;
    let (state, limits) = build_state(ground)?;
    upkeep::start(&tasks, &state, &settings, &limits);
    CommentIndex::new(&db, hub.leases.clone(), cache.clone()).start(&tasks);
    let rooms_closed = CancellationToken::new();
    tasks.spawn(projector.run(rooms_closed.clone(), PROJECTION_FLUSH_LIMIT));

    let ready = env.ready.clone();
    let frame = Frame {
        clock: env.clock,
        chance: env.chance,
        request_timeout: Duration::from_millis(settings.server.request_timeout_ms.into()),
        cors_origins: settings.server.cors_origins.clone(),
    };
    let (gateway, search) = (state.gateway.clone(), state.search.clone());
    let router = framed(features(), frame, state);
    let limits = server::Limits::new(
        settings.connections.max_connections as usize,
        Duration::from_millis(settings.server.header_timeout_ms.into()),
        Duration::from_millis(settings.connections.write_timeout_ms.into()),
    );
    ready.cancel();
    // Who has a socket is sent elsewhere first, while requests are still answered: readiness and new sockets by a refusal.
    let sockets_gone = CancellationToken::new();
    let half = Duration::from_millis(settings.server.shutdown_timeout_ms.into()) / 2;
    let drain = async {
        stop.cancelled().await;
        let deadline = Deadline::after(half * 2);
        // Other nodes run the rooms from here on; those who are still connected here bid through them.
        let (drained, ()) = tokio::join!(deadline.half(gateway.drained()), hub.step_aside());
        if !drained {
            tracing::warn!("sockets did not end in time and are cut");
        }
        sockets_gone.cancel();
        deadline
    };
    let ((), deadline) = tokio::join!(server::run(listener, router, limits, &sockets_gone, half / 2), drain);
    if !deadline.half(hub.rooms.close()).await {
        tracing::warn!("rooms did not end in time and are given up");
    }
    rooms_closed.cancel();
    tasks.shutdown().cancel();
    if !deadline.half(tasks.finished()).await {
        tracing::warn!("background work did not end in time and is given up");
    }
    let databases_closed = async {
        search.close().await;
        db.close().await;
    };
    if !deadline.half(databases_closed).await {
        tracing::warn!("the database did not close in time");
    }
    hub.close(deadline.left()).await
}

/// The routes of all features.
fn features() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(accounts::routes::router())
        .merge(activity::routes::router())
        .merge(auctions::routes::router())
        .merge(search::routes::router())
        .merge(comments::routes::router())
        .merge(images::routes::router())
        .merge(customers::routes::router())
        .merge(privacy::routes::router())
        .merge(moderation::routes::router())
        .merge(notifications::routes::router())
        .merge(staff::routes::router())
        .merge(stakes::routes::router())
        .merge(sales::routes::router())
        .merge(tickets::routes::router())
        .merge(wallets::routes::router())
        .merge(webhooks::routes::router())
        .merge(ws::router())
}

/// The description of REST, as it is served.
pub fn description() -> utoipa::openapi::OpenApi {
    http::description(features())
}

/// What keeps the main database in step with the journal.
fn projector(settings: &Settings, env: &Env, db: &Db, hub: &Hub, live: &Live) -> Projector {
    let (clock, chance) = (env.clock.clone(), env.chance.clone());
    let deps = projection::Deps { db: db.clone(), feed: hub.feed.clone(), leases: hub.leases.clone(), clock, chance };
    let [activity, stakes] = goings::projections(env, live);
    // Moderation reads what auctions have written. Sales come last, so that the wallets which they lock are let go soon.
    Projector::new(
        deps,
        vec![
            Arc::new(AuctionsProjection),
            Arc::new(AuditProjection),
            Arc::new(ModerationProjection),
            activity,
            stakes,
            Arc::new(SearchProjection),
            Arc::new(streams::projection(settings, env)),
            Arc::new(SalesProjection),
        ],
    )
}

/// The main database: PostgreSQL by the setting, else a file.
pub async fn open_database(settings: &Settings) -> anyhow::Result<Db> {
    match &settings.server.database_url {
        Some(url) => Db::postgres(url.expose_secret()).await.context("the database at database_url cannot be opened"),
        None => {
            let dir = &settings.server.data_dir;
            tokio::fs::create_dir_all(dir).await.with_context(|| format!("{} cannot be created", dir.display()))?;
            let file = settings.database_file();
            Db::sqlite(&file, Durability::Full).await.with_context(|| format!("{} cannot be opened", file.display()))
        }
    }
}

/// What the state is built on.
struct Ground<'a> {
    settings: &'a Settings,
    env: &'a Env,
    tasks: &'a Tasks,
    db: &'a Db,
    hub: &'a Hub,
    live: &'a Live,
    cache: Cache,
    progress: Progress,
    payments: Arc<dyn PaymentProvider>,
    holds: Holds,
    bus: Arc<dyn Bus>,
    stop: &'a CancellationToken,
    address: SocketAddr,
}

fn build_state(ground: Ground<'_>) -> anyhow::Result<(AppState, Arc<RateLimits>)> {
    let limits = Arc::new(RateLimits::new(ground.settings.connections.rate_limits));
    let outbox = Outbox::default();
    let webhooks = streams::webhooks(&ground, &limits, &outbox)?;
    let Ground { settings, env, tasks, db, hub, live, cache, progress, payments, holds, bus, stop, address } = ground;
    let public_url = settings.server.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let mailer = Mailer::start(&settings.mail, settings.demo, tasks)?;
    let accounts = Accounts::new(
        accounts::Parts {
            db: db.clone(),
            clock: env.clock.clone(),
            chance: env.chance.clone(),
            bus: bus.clone(),
            mailer: mailer.clone(),
            limits: Arc::clone(&limits),
            public_url: public_url.clone(),
            session_ttl_s: settings.auth.session_ttl_s,
            password_cost: settings.password_cost,
        },
        tasks,
    )?;
    let selling_role = settings.auth.selling_role.as_ref().map(|role| role.parse::<Role>());
    let selling_role = selling_role.transpose().map_err(|why| ConfigError(format!("selling_role: {why}")))?;
    let authenticator =
        Authenticator::new(Arc::new(accounts.directory()), foreign_key(settings)?, selling_role, env.clock.clone());
    let http = HttpContext::new(context::Parts {
        authenticator,
        origins: Origins::new(settings.server.public_url.as_deref(), &settings.server.allowed_origins),
        limits: Arc::clone(&limits),
        visitors: Visitors::new(env.clock.clone()),
        trusted_proxies: settings.server.trusted_proxies.clone(),
        secure_cookies: public_url.starts_with("https://"),
    });
    let ops = Ops {
        probes: probes(db, hub, &progress, &env.clock).into(),
        metrics: telemetry::metrics(),
        operator_token: settings.server.operator_token.clone(),
        clock: env.clock.clone(),
        stopping: stop.clone(),
    };
    let (rooms, journal) = (hub.rooms.clone(), hub.journal.clone());
    let images = ports::images(settings, env, db, hub, &progress, &limits, &public_url);
    let auctions = Auctions::new(auctions::Parts {
        db: db.clone(),
        pictures: Arc::new(images.clone()),
        rooms: rooms.clone(),
        journal: journal.clone(),
        cache: cache.clone(),
        clock: env.clock.clone(),
        chance: env.chance.clone(),
        progress: progress.clone(),
        fees: Fees { premium_bp: settings.money.premium_bp, commission_bp: settings.money.commission_bp },
        grace: Span::from_secs(settings.room.outage_grace_s),
        ack: ack_rule(&settings.cluster),
    });
    let search = Search::new(db, cache.clone());
    let (comments, tickets, moderation) = talk(talk::Ground {
        db,
        env,
        accounts: &accounts,
        auctions: &auctions,
        cache: &cache,
        live,
        outbox: &outbox,
        leases: &hub.leases,
        limits: &limits,
        tasks,
    });
    let notifications = Notifications::new(notifications::Parts { db: db.clone(), clock: env.clock.clone() });
    let seen = progress.clone();
    let staff = Staff::new(staff::Parts {
        db: db.clone(),
        rooms: rooms.clone(),
        sanctions: Arc::new(accounts.clone()),
        clock: env.clock.clone(),
    });
    let sales = Sales::new(sales::Parts {
        db: db.clone(),
        trail: Arc::new(ports::Audit),
        clock: env.clock.clone(),
        outbox: outbox.clone(),
        public_url: public_url.clone(),
    });
    let wallets = Wallets::new(wallets::Parts {
        provider: payments,
        guard: Arc::new(accounts.clone()),
        outbox: outbox.clone(),
        return_url: public_url.clone(),
        chance: env.chance.clone(),
        trail: Arc::new(ports::Audit),
        holds,
        rooms: rooms.clone(),
        leases: hub.leases.clone(),
        progress: progress.clone(),
        default_currency: settings.money.default_currency.currency(),
    });
    let viewers = Viewers::default();
    let (activity, stakes) =
        goings::goings(goings::Ground { env, tasks, db, hub, progress: &progress, viewers: &viewers, outbox: &outbox });
    let gateway = Gateway::new(ws::Parts {
        rooms: rooms.clone(),
        connections: Arc::new(ws::Connections::default()),
        viewers: viewers.clone(),
        limits: ws::Limits::new(&settings.connections, &settings.room),
        clock: env.clock.clone(),
        chance: env.chance.clone(),
        shutdown: stop.clone(),
        drain_window: settings.drain_window(),
        tasks: TaskTracker::new(),
    });
    let ground = people::Ground { settings, env, tasks, db, hub, accounts: &accounts, limits: &limits, progress: seen };
    let (customers, privacy) = people(ground, gateway.connections.clone(), http.visitors.clone(), cache.clone());
    tasks.spawn(gateway.connections.clone().listen(bus.clone(), tasks.shutdown().clone()));
    let deps = notify::Deps {
        db: db.clone(),
        leases: hub.leases.clone(),
        bus: bus.clone(),
        mailing: Mailing::new(mailer, Arc::new(accounts.clone()), &public_url),
        clock: env.clock.clone(),
        chance: env.chance.clone(),
    };
    tasks.spawn(Pusher::new(deps, outbox.clone()).run(tasks.shutdown().clone()));
    let (connections, chance) = (gateway.connections.clone(), env.chance.clone());
    tasks.spawn(notify::deliver(db.clone(), bus.clone(), connections, chance, tasks.shutdown().clone()));
    tasks.spawn(live::show(bus, Arc::new(gateway.clone()), viewers.clone(), tasks.shutdown().clone()));
    let (shown, connections) = (rooms.clone(), gateway.connections.clone());
    hub.show(Arc::new(move || Figures {
        rooms_followed: shown.len().saturating_sub(shown.owned().len()) as u64,
        connections: connections.count() as u64,
        ..Figures::default()
    }));
    let state = AppState {
        http,
        ops,
        accounts,
        activity,
        auctions,
        comments,
        images,
        customers,
        privacy,
        moderation,
        notifications,
        outbox,
        search,
        staff,
        stakes,
        sales,
        tickets,
        wallets,
        webhooks,
        rooms,
        journal,
        gateway,
    };
    Ok((state, limits))
}

/// The limits of wallets for which staff has set no others.
fn money_limits(settings: &config::Money) -> Limits {
    let amount = |limit: Option<u64>| limit.and_then(|limit| Money::new(i64::try_from(limit).ok()?));
    Limits { exposure_max: amount(settings.max_exposure), daily_deposit_max: amount(settings.daily_deposit_limit) }
}

/// Which ack levels auctions may have.
fn ack_rule(cluster: &config::Cluster) -> AckRule {
    let default = match cluster.default_ack {
        DefaultAck::Redis => AckLevel::Redis,
        DefaultAck::Replica => AckLevel::Replica,
        DefaultAck::Sql => AckLevel::Sql,
    };
    AckRule { default, replicas: cluster.redis_replicas > 0 }
}

/// Where mail about notifications goes.
#[async_trait::async_trait]
impl Addresses for Accounts {
    async fn confirmed(&self, account: AccountId) -> Result<Option<lettre::Address>, StoreError> {
        let account = self.account(account).await?.filter(|row| row.email_confirmed_at.is_some());
        Ok(account.and_then(|row| row.email?.parse().ok()))
    }
}

/// The key of foreign tokens, if the operator gave one.
fn foreign_key(settings: &Settings) -> Result<Option<ForeignKey>, ConfigError> {
    if let Some(path) = &settings.auth.jwt_public_key_file {
        let name = path.display();
        let pem = std::fs::read(path).map_err(|error| ConfigError(format!("jwt_public_key_file {name}: {error}")))?;
        let key = ForeignKey::public_pem(&pem);
        let why = || ConfigError(format!("jwt_public_key_file {name} holds no RSA or Ed25519 public key in PEM"));
        return key.ok_or_else(why).map(Some);
    }
    let Some(secret) = &settings.auth.jwt_secret else { return Ok(None) };
    if secret.expose_secret().len() < JWT_SECRET_MIN_BYTES {
        tracing::warn!("jwt_secret is shorter than {JWT_SECRET_MIN_BYTES} bytes: it can be guessed from any one token");
    }
    Ok(Some(ForeignKey::secret(secret)))
}
