//! The heart of the hub, opened and closed as one: the journal, the leases, the rooms, and the work that keeps them going
//! while nobody asks. One process stands on its own database, [`one`]; a node of many on Redis and PostgreSQL,
//! [`cluster`]. Above this nobody knows which.

mod cluster;
mod one;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::cache::Shared;
use crate::clock::{Clock, Offset};
use crate::config::{self, Settings};
use crate::coordination::redis::presence::FiguresNow;
use crate::coordination::{Bus, Leases};
use crate::domain::Span;
use crate::env::Env;
use crate::journal::Journal;
use crate::journal::archiver::Archiver;
use crate::journal::sql::Feed;
use crate::lifecycle::Tasks;
use crate::room::{self, Deps, Funding, Limits, Rooms};

/// The running rooms and what they stand on.
pub struct Hub {
    /// The rooms of all auctions.
    pub rooms: Rooms,
    /// The log of all auctions.
    pub journal: Arc<dyn Journal>,
    /// Who may run which room, and which node does what is done once.
    pub leases: Arc<dyn Leases>,
    /// What nodes tell each other.
    pub bus: Arc<dyn Bus>,
    /// The committed records of all auctions, for projections.
    pub feed: Feed,
    /// What nodes keep together so that each need not look it up; none for a hub of one process.
    pub shared: Option<Arc<Shared>>,
    lost: CancellationToken,
    ground: Ground,
}

/// What must be closed in the end.
enum Ground {
    One(one::Ground),
    Cluster(Box<cluster::Ground>),
}

/// What rooms are built on.
struct Base {
    journal: Arc<dyn Journal>,
    leases: Arc<dyn Leases>,
    bus: Arc<dyn Bus>,
    feed: Feed,
    shared: Option<Arc<Shared>>,
    lost: CancellationToken,
    ground: Ground,
}

/// The world as a hub of these settings sees it: nodes of many go by the clock that they share.
pub fn seen_by(settings: &Settings, env: Env) -> Env {
    match &env.clock {
        Clock::System if settings.server.redis_url.is_some() => {
            Env { clock: Clock::Shared(Arc::new(Offset::default())), ..env }
        }
        _ => env,
    }
}

impl Hub {
    /// Takes the place of this process, alone or among others, and starts to open and close auctions on time.
    /// `funding` is where money is set aside for bids.
    pub async fn open(
        settings: &Settings,
        env: &Env,
        tasks: &Tasks,
        funding: Arc<dyn Funding>,
    ) -> anyhow::Result<Self> {
        let base = match &settings.server.redis_url {
            Some(url) => cluster::open(settings, url, env, tasks).await?,
            None => one::open(settings, env, tasks).await?,
        };
        let Base { journal, leases, bus, feed, shared, lost, ground } = base;
        let tail_max = if matches!(ground, Ground::Cluster(_)) { cluster::TAIL_MAX } else { 0 };
        let rooms = Rooms::new(Deps {
            journal: journal.clone(),
            leases: leases.clone(),
            bus: bus.clone(),
            funding,
            clock: env.clock.clone(),
            chance: env.chance.clone(),
            limits: limits(&settings.room, tail_max),
            lost: lost.clone(),
        });
        tasks.spawn(room::sweep(rooms.clone()));
        tasks.spawn(rooms.clone().listen());
        Ok(Self { rooms, journal, leases, bus, feed, shared, lost, ground })
    }

    /// What archives behind the rooms, if that is not the journal itself.
    pub fn archiver(&self) -> Option<&Archiver> {
        match &self.ground {
            Ground::One(_) => None,
            Ground::Cluster(ground) => Some(&ground.archiver),
        }
    }

    /// Lets other nodes see what `figures` gives.
    pub fn show(&self, figures: FiguresNow) {
        if let Ground::Cluster(ground) = &self.ground {
            // Said once, at the start.
            let _ = ground.figures.set(figures);
        }
    }

    /// A token that is cancelled with `shutdown`, or when this process has lost its right to run rooms.
    pub fn stop_with(&self, shutdown: CancellationToken) -> CancellationToken {
        let stop = shutdown.child_token();
        let (lost, cancelled) = (self.lost.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = lost.cancelled() => cancelled.cancel(),
                () = cancelled.cancelled() => {}
            }
        });
        stop
    }

    /// Lets other nodes run the rooms, where there are any. Rooms stay as mirrors until they are closed.
    pub async fn step_aside(&self) {
        if let Ground::Cluster(_) = self.ground {
            self.bus.leave().await;
            self.rooms.hand_over().await;
        }
    }

    /// Closes what the rooms stood on within `limit`. An error says that this process was put out of its right while it
    /// ran.
    pub async fn close(self, limit: Duration) -> anyhow::Result<()> {
        let close = async {
            match self.ground {
                Ground::One(ground) => ground.close().await,
                Ground::Cluster(ground) => ground.close().await,
            }
        };
        if tokio::time::timeout(limit, close).await.is_err() {
            tracing::warn!("the journal did not close in time");
        }
        anyhow::ensure!(!self.lost.is_cancelled(), "another process has taken the journal over, so this one stopped");
        Ok(())
    }
}

fn limits(room: &config::Room, tail_max: usize) -> Limits {
    Limits {
        mailbox_capacity: room.mailbox_capacity as usize,
        batch_max: room.batch_max as usize,
        rooms_max: room.max_loaded_rooms as usize,
        idle_unload: Duration::from_secs(room.idle_unload_s.into()),
        bid_deadline: Span::from_millis(room.bid_deadline_ms.into()),
        tail_max,
        ..Limits::default()
    }
}
