//! Auctions as sellers offer them and as everyone reads them: creating, changing, cancelling, lists, bids by REST, the
//! history and the public log.
//!
//! What an auction is, the journal says; the rows here follow it, and can be made from it again. No bid is decided here:
//! that is the room's, whichever way a bid has come.

mod bidding;
mod cached;
mod list;
mod log;
mod personal;
mod private;
mod projection;
mod request;
mod response;
pub mod routes;
mod row;
mod rules;
mod store;

use std::sync::Arc;
use std::time::Duration;

use crate::auth::Caller;
use crate::cache::Cache;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::domain::auction::{Listing, Rejection, TermsError};
use crate::domain::{AccountId, AuctionId, Fees, Seq, Span, Timestamp};
use crate::http::ApiError;
use crate::journal::{Journal, JournalError};
use crate::persistence::{Db, StoreError};
use crate::projection::Progress;
use crate::room::{Act, InForce, NewAuction, RoomHandle, Rooms};

pub use cached::AuctionsWitness;
pub use personal::AuctionsPart;
pub use projection::AuctionsProjection;
use request::{CreateAuction, PatchAuction};
use response::LiveAuctionBody;
use row::AuctionRow;
pub use rules::AckRule;

/// How long an answer waits for the projection to reach what its caller may have been told already.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(1);
/// How often a change is made anew because another one came between.
const AMEND_TRIES_MAX: u32 = 8;
/// How long the first such wait is; each is as much longer than the one before.
const AMEND_PAUSE: Duration = Duration::from_millis(20);
/// The reason that the log gives for an auction cancelled by its seller.
const CANCELLED: &str = "cancelled by the seller";

/// Where the hub's own images are known.
#[async_trait::async_trait]
pub trait Pictures: Send + Sync + 'static {
    /// The address under which an auction of `seller` that is about to show `url` shows it; it stays there from now on. None
    /// if it is an address of the hub's own images, and the seller has no such image.
    async fn shown(&self, seller: AccountId, url: &str) -> Result<Option<Arc<str>>, StoreError>;
}

/// What auctions need.
pub struct Parts {
    /// Where their rows are.
    pub db: Db,
    /// Where they are live.
    pub rooms: Rooms,
    /// Where their logs are.
    pub journal: Arc<dyn Journal>,
    /// Where the hub's own images are known.
    pub pictures: Arc<dyn Pictures>,
    /// What is kept of them so that it need not be looked up.
    pub cache: Cache,
    /// The time.
    pub clock: Clock,
    /// Keeps those who try again from doing so all at once.
    pub chance: Chance,
    /// Tells how far the rows have come.
    pub progress: Progress,
    /// What the house takes of a sale, for new auctions.
    pub fees: Fees,
    /// The least time left to bid after an outage near the end, for new auctions.
    pub grace: Span,
    /// Which ack levels new auctions may have.
    pub ack: AckRule,
}

/// The auctions of the hub.
#[derive(Clone)]
pub struct Auctions(Arc<Parts>);

impl Auctions {
    /// Auctions over these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Offers an auction. It is in the log before this returns, and opens by itself.
    async fn create(&self, seller: &Caller, body: &CreateAuction) -> Result<LiveAuctionBody, ApiError> {
        let refused = |error: TermsError| ApiError::invalid("invalid_field", error.field, error.to_string());
        let ack = rules::ack(body.ack, self.0.ack).map_err(refused)?;
        let (terms, mut listing) = rules::create(body, seller.account(), self.0.fees, self.0.grace, self.now())?;
        self.keep_picture(seller.account(), &mut listing).await?;
        let id = self.0.rooms.create(NewAuction { terms, listing, ack }).await?;
        tracing::debug!(auction = %id, seller = %seller.account(), "auction {id} was created");
        let forgetting = self.forgetting(id);
        if let Err(error) = self.insert_row(id).await {
            // It is in the journal, so the projection will bring the row.
            tracing::warn!(auction = %id, %error, "the row of a new auction could not be written yet: {error}");
        }
        forgetting.now().await;
        self.live(id, Some(seller.account())).await
    }

    /// Has an image of the seller stay for an auction that is about to show it; 422 if they have none.
    async fn keep_picture(&self, seller: AccountId, listing: &mut Listing) -> Result<(), ApiError> {
        let Some(url) = &listing.image_url else { return Ok(()) };
        let unknown = || ApiError::invalid("unknown_image", "image_url", "the seller has no such image on the hub");
        listing.image_url = Some(self.0.pictures.shown(seller, url).await?.ok_or_else(unknown)?);
        Ok(())
    }

    /// Writes the row of a new auction as the projection will, so that it can be read at once.
    async fn insert_row(&self, id: AuctionId) -> Result<(), JournalError> {
        let Some(log) = self.0.journal.open(id).await? else { return Ok(()) };
        let unreadable = |source| JournalError::Unreadable { auction: id, source };
        let (_, at, terms, listing) = log.genesis.genesis().map_err(unreadable)?;
        Ok(store::insert(self.db(), &AuctionRow::created(id, at, &terms, &listing)).await?)
    }

    /// An auction with its live state, as `account` may see it.
    async fn live(&self, id: AuctionId, account: Option<AccountId>) -> Result<LiveAuctionBody, ApiError> {
        let room = self.0.rooms.get(id).await?;
        let stored = match self.stored(id).await? {
            Some(stored) => stored,
            None => {
                self.caught_up(id, Seq(0)).await?;
                let late = || ApiError::unavailable("the auction cannot be read yet");
                self.stored(id).await?.ok_or_else(late)?
            }
        };
        Ok(LiveAuctionBody::new(stored, &room.view(account), room.ack(), self.now()))
    }

    /// Who sells an auction and what it is called; none if there is no such auction.
    pub async fn lot(&self, id: AuctionId) -> Result<Option<(AccountId, String)>, ApiError> {
        if let Some(row) = store::auction(self.db(), id).await? {
            return Ok(Some((AccountId(row.seller), row.title)));
        }
        let Some(log) = self.0.journal.open(id).await? else { return Ok(None) };
        let (_, _, terms, listing) = log.genesis.genesis().map_err(ApiError::internal)?;
        Ok(Some((terms.seller, listing.title.to_string())))
    }

    /// Changes what is offered, before the first bid. It is made from what was read, and from that alone: if somebody else
    /// has changed it meanwhile, through whichever node, all of it is read again.
    async fn amend(&self, seller: &Caller, id: AuctionId, patch: &PatchAuction) -> Result<LiveAuctionBody, ApiError> {
        let by = seller.account();
        let mut tries = 1;
        let (seq, forgetting) = loop {
            let act = self.amendment(by, id, patch).await?;
            let forgetting = self.forgetting(id);
            match self.0.rooms.act(id, act).await {
                Err(Rejection::TermsChanged) if tries < AMEND_TRIES_MAX => {
                    // This node may follow the one that runs the room, and hear of the change in a moment.
                    tokio::time::sleep(AMEND_PAUSE * tries + Duration::from_millis(self.0.chance.below(50))).await;
                    tries += 1;
                }
                done => break (done?, forgetting),
            }
        };
        self.caught_up(id, seq).await?;
        forgetting.now().await;
        self.live(id, Some(by)).await
    }

    /// What makes of the auction as it is now what the patch says.
    async fn amendment(&self, by: AccountId, id: AuctionId, patch: &PatchAuction) -> Result<Act, ApiError> {
        let (room, row) = self.own(by, id).await?;
        let InForce { terms, amended, seq, opened } = room.in_force();
        // The row may be ahead of the room here: then so is the room that decides, and it refuses.
        if !self.caught_up(id, seq).await? {
            return Err(ApiError::unavailable("the auction has changed a moment ago"));
        }
        let row = store::auction(self.db(), id).await?.unwrap_or(row);
        let (terms, mut listing) = rules::amend(patch, &terms, &row.listing(), opened, self.now())?;
        if patch.image_url.is_some() {
            self.keep_picture(by, &mut listing).await?;
        }
        let (terms, listing) = (Box::new(terms), Box::new(listing));
        Ok(Act::Amend { by, key: None, terms, listing, over: Some(amended) })
    }

    /// Cancels an auction before the first bid.
    async fn cancel(&self, seller: &Caller, id: AuctionId) -> Result<(), ApiError> {
        let by = seller.account();
        self.own(by, id).await?;
        let act = Act::Stop { by, key: None, reason: CANCELLED.into(), only_without_bids: true };
        let forgetting = self.forgetting(id);
        let seq = self.0.rooms.act(id, act).await?;
        self.caught_up(id, seq).await?;
        forgetting.now().await;
        tracing::debug!(auction = %id, seller = %by, "auction {id} was cancelled by its seller");
        Ok(())
    }

    /// The room and row of an auction that `account` sells; 403 for anyone else.
    async fn own(&self, account: AccountId, id: AuctionId) -> Result<(RoomHandle, AuctionRow), ApiError> {
        let room = self.0.rooms.get(id).await?;
        if room.terms().seller != account {
            return Err(crate::auth::Denied::Forbidden.into());
        }
        self.caught_up(id, Seq(0)).await?;
        let row = store::auction(self.db(), id).await?;
        Ok((room, row.ok_or_else(|| ApiError::unavailable("the auction cannot be read yet"))?))
    }

    /// Waits until the rows of an auction hold its event `seq`, but not for long. False if they do not yet.
    async fn caught_up(&self, id: AuctionId, seq: Seq) -> Result<bool, StoreError> {
        let reached = || async move { Ok(store::projected_seq(self.db(), id).await?.is_some_and(|it| it >= seq)) };
        self.0.progress.wait_until(CATCH_UP_LIMIT, reached).await
    }

    fn db(&self) -> &Db {
        &self.0.db
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

impl From<TermsError> for ApiError {
    fn from(error: TermsError) -> Self {
        Self::invalid("invalid_auction", error.field, error.to_string())
    }
}

impl From<JournalError> for ApiError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Store(error) => error.into(),
            JournalError::Closed | JournalError::Redis(_) | JournalError::NotArchived(_) => {
                Rejection::Unavailable.into()
            }
            error => Self::internal(error),
        }
    }
}

impl std::fmt::Debug for Auctions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auctions")
    }
}
