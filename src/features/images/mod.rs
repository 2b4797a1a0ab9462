//! Images for auctions: taken from sellers, checked and made anew in bounded sizes, served to everyone, swept out when no
//! auction shows them.
//!
//! What was uploaded is never kept and never served: only what was made of its pixels. An image never changes; another
//! picture is another image. Files are in the database, so that every node has them.

mod body;
mod container;
mod personal;
mod picture;
pub mod routes;
mod serving;
mod store;
mod sweeping;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::chance::Chance;
use crate::clock::Clock;
use crate::config;
use crate::coordination::Leases;
use crate::domain::Timestamp;
use crate::persistence::{Db, StoreError};
use crate::projection::Progress;
use crate::rate_limit::RateLimits;

pub use personal::ImagesPart;
pub use sweeping::{SWEEP_INTERVAL_S, UNUSED_MAX, sweep};

/// Below this path all images are.
const PATH: &str = "/api/images/";
/// What comes after the path of an image for its thumbnail.
const THUMBNAIL: &str = "/thumbnail";
/// How long an upload waits until it is its turn to be worked on.
const WORK_WAIT: Duration = Duration::from_secs(5);

/// What images need.
pub struct Parts {
    /// Where they are.
    pub db: Db,
    /// Which node does what is done once.
    pub leases: Arc<dyn Leases>,
    /// Tells how far auctions are projected.
    pub progress: Progress,
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
    /// A permit for each upload that is being received or waits.
    uploads: Semaphore,
    /// A permit for each that is being worked on.
    workers: Arc<Semaphore>,
}

/// In which size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
        let uploads = Semaphore::new(parts.bounds.image_uploads_max as usize);
        let workers = Arc::new(Semaphore::new(parts.bounds.image_workers as usize));
        Self(Arc::new(Inner { parts, uploads, workers }))
    }

    /// What an auction to be keeps as its `image_url`. An image of the hub is kept from being swept out until the auction
    /// is there, and named by its path; none if the hub has no such image. Any other address is kept as it is.
    pub async fn wanted(&self, url: &str) -> Result<Option<Arc<str>>, StoreError> {
        let own = self.0.parts.public_url.trim_end_matches('/');
        let path = url.strip_prefix(own).filter(|path| path.starts_with('/')).unwrap_or(url);
        let Some(name) = path.strip_prefix(PATH) else { return Ok(Some(url.into())) };
        let (id, size) = name.strip_suffix(THUMBNAIL).map_or((name, Size::Full), |id| (id, Size::Thumbnail));
        let Ok(id) = id.parse() else { return Ok(None) };
        let there = store::want(self.db(), id, self.now()).await?;
        Ok(there.then(|| path_of(id, size).into()))
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

impl std::fmt::Debug for Images {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Images")
    }
}
