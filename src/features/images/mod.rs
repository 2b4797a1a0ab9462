//! Images for auctions: taken from sellers, checked and made anew in bounded sizes, served to everyone, swept out when no
//! auction shows them, deleted by their owners, taken down by staff.
//!
//! What was uploaded is never kept and never served: only what was made of its pixels. An image never changes; another
//! picture is another image. Files are in the database, so that every node has them; how much of it all of them may take is
//! bounded, for whatever else is there shares its disk.

mod address;
mod body;
mod container;
mod personal;
mod picture;
mod receiving;
mod removing;
mod room;
pub mod routes;
mod serving;
mod shelf;
mod store;
mod sweeping;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::chance::Chance;
use crate::clock::Clock;
use crate::config;
use crate::coordination::Leases;
use crate::domain::{AccountId, Timestamp};
use crate::http::ApiError;
use crate::persistence::{Db, StoreError, Tx};
use crate::projection::Progress;
use crate::rate_limit::RateLimits;

use address::{Home, Meant};
pub use personal::ImagesPart;
use receiving::{Patience, Receiving};
pub use room::MEASURE_INTERVAL_S;
use room::RoomLeft;
use shelf::Shelf;
pub use sweeping::{SWEEP_INTERVAL_S, UNUSED_MAX, sweep};

/// Below this path all images are.
const PATH: &str = "/api/images/";
/// What comes after the path of an image for its thumbnail.
const THUMBNAIL: &str = "/thumbnail";
/// How long an upload waits until it is its turn to be worked on.
const WORK_WAIT: Duration = Duration::from_secs(5);
/// Seconds after which an upload that found the hub busy may be sent again.
const RETRY_AFTER_S: u64 = 5;

/// What staff took down, for the audit trail.
#[derive(Debug, Clone)]
pub struct Removal {
    /// Who.
    pub actor: AccountId,
    /// When.
    pub at: Timestamp,
    /// Which image.
    pub image: Uuid,
    /// Why.
    pub reason: String,
    /// The request that asked for it.
    pub request: String,
}

/// Where it is written down what staff does.
#[async_trait::async_trait]
pub trait Trail: Send + Sync + 'static {
    /// Writes it down, in the transaction that does it.
    async fn record(&self, tx: &mut Tx, removal: &Removal) -> Result<(), StoreError>;
}

/// What images need.
pub struct Parts {
    /// Where they are.
    pub db: Db,
    /// Which node does what is done once.
    pub leases: Arc<dyn Leases>,
    /// Tells how far auctions are projected.
    pub progress: Progress,
    /// Where it is written down what staff does.
    pub trail: Arc<dyn Trail>,
    /// How often anyone may upload.
    pub limits: Arc<RateLimits>,
    /// The time.
    pub clock: Clock,
    /// For ids.
    pub chance: Chance,
    /// How much is taken.
    pub bounds: config::Images,
    /// Where browsers reach the hub.
    pub public_url: String,
}

/// The images of the hub.
#[derive(Clone)]
pub struct Images(Arc<Inner>);

struct Inner {
    parts: Parts,
    home: Home,
    /// What is being received, or waits to be worked on.
    receiving: Receiving,
    /// A permit for each that is being worked on.
    workers: Arc<Semaphore>,
    /// What is served.
    shelf: Shelf,
    /// Whether there is little room left.
    room: RoomLeft,
}

/// In which size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Size {
    Full,
    Thumbnail,
}

impl Size {
    fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Thumbnail => "thumbnail",
        }
    }
}

impl Images {
    /// Images over these parts.
    pub fn new(parts: Parts) -> Self {
        let bounds = &parts.bounds;
        let (bodies_max, max_bytes) = (bounds.image_uploads_max as usize, bounds.image_max_bytes as usize);
        let receiving = Receiving::new(bodies_max, max_bytes, Patience::default());
        let workers = Arc::new(Semaphore::new(bounds.image_workers as usize));
        let shelf = Shelf::new(u64::from(bounds.image_cache_mib) * 1_024 * 1_024);
        let (home, room) = (Home::new(&parts.public_url), RoomLeft::default());
        Self(Arc::new(Inner { parts, home, receiving, workers, shelf, room }))
    }

    /// What an auction to be of `seller` keeps as its `image_url`. An image of the hub is named by its path, and kept from
    /// now on from being swept out or deleted before the auction is there; none if the seller has no such image. Any other
    /// address is kept as it is.
    pub async fn wanted(&self, seller: AccountId, url: &str) -> Result<Option<Arc<str>>, StoreError> {
        let (id, size, surely) = match self.0.home.meaning(url) {
            Meant::Elsewhere => return Ok(Some(url.into())),
            Meant::Nothing => return Ok(None),
            Meant::Own(id, size) => (id, size, true),
            Meant::Perhaps(id, size) => (id, size, false),
        };
        if store::want(self.db(), id, seller, self.now()).await? {
            return Ok(Some(path_of(id, size).into()));
        }
        // Somewhere else an image may have the same name, if the hub has none of it.
        let theirs = !surely && !store::is_there(self.db(), id).await?;
        Ok(theirs.then(|| url.into()))
    }

    fn db(&self) -> &Db {
        &self.0.parts.db
    }

    fn now(&self) -> Timestamp {
        self.0.parts.clock.now()
    }
}

/// Where an image is served.
fn path_of(id: Uuid, size: Size) -> String {
    match size {
        Size::Full => format!("{PATH}{id}"),
        Size::Thumbnail => format!("{PATH}{id}{THUMBNAIL}"),
    }
}

/// 503: there is too much of it at once.
fn busy() -> ApiError {
    let detail = "too many images are being worked on or looked up; ask again a little later";
    let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail);
    error.with("retry", true).retry_after_s(RETRY_AFTER_S)
}

fn unknown() -> ApiError {
    ApiError::not_found("unknown_image", "there is no such image, or it was deleted")
}

impl std::fmt::Debug for Images {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Images")
    }
}
