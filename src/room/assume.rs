//! Which part this node takes in a room: it runs the room if nobody does and it is the one to, else it follows the node
//! that does. Taking a room over means a lease, the best chain that anyone still has, and the time that was lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::mirror::Mirror;
use super::post::Post;
use super::recovery::{Base, Recovered, RoomError, recover};
use super::registry::Deps;
use crate::coordination::rendezvous::rank;
use crate::coordination::{BusError, Holding, LeaseError, News};
use crate::domain::{AuctionId, NodeId, Seq};
use crate::journal::{OpenLog, Outage, Packed};

/// How much longer each node waits than the one before it in the order of an auction.
const RANK_STEP: Duration = Duration::from_millis(100);
/// How often it is looked whether another node has taken the room.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Further back than this nobody waits longer.
const RANK_MAX: usize = 10;
/// How long a room may be without any node that runs it, while this one may not.
const PATIENCE: Duration = Duration::from_secs(8);

/// The part that this node takes.
pub(super) enum Assumed {
    /// It runs the room.
    Owner(Owned),
    /// It follows the node that does.
    Follower(Following),
}

/// What it takes to run a room.
pub(super) struct Owned {
    pub holding: Holding,
    pub recovered: Recovered,
    /// Time in which nobody could bid.
    pub outages: Vec<Outage>,
}

/// What it takes to follow one.
pub(super) struct Following {
    pub owner: NodeId,
    pub news: mpsc::Receiver<News>,
    pub recovered: Recovered,
}

impl Assumed {
    pub(super) fn recovered(&mut self) -> &mut Recovered {
        match self {
            Self::Owner(owned) => &mut owned.recovered,
            Self::Follower(following) => &mut following.recovered,
        }
    }
}

/// Finds the part to take, building on what the `mirror` has. The `former` owner has just let the room go and does not
/// want it back, though it may still count as a member here.
pub(super) async fn assume(
    deps: &Deps,
    post: &Arc<Post>,
    auction: AuctionId,
    mirror: Option<&Mirror>,
    former: Option<NodeId>,
) -> Result<Assumed, RoomError> {
    if mirror.is_none() {
        // Whoever asks for what is not there costs this look alone, and no other node anything.
        deps.journal.epoch(auction).await?.ok_or(RoomError::Unknown)?;
    }
    let started = Instant::now();
    while !deps.lost.is_cancelled() && started.elapsed() < PATIENCE {
        match deps.leases.owner(auction).await? {
            Some(owner) if owner != post.node() => return follow(deps, post, auction, owner, mirror).await,
            Some(_) => {}
            None => {
                let members = post.bus.members();
                let members: Vec<NodeId> = members.iter().copied().filter(|node| Some(*node) != former).collect();
                let Some(rank) = rank(auction, &members, post.node()) else {
                    // About to leave, or not yet known to be here: somebody else has to.
                    somebody_takes(deps, post, auction, &members, 1).await?;
                    continue;
                };
                if rank > 0 && somebody_takes(deps, post, auction, &members, rank).await? {
                    continue;
                }
            }
        }
        match take(deps, post, auction, mirror, 0).await {
            Ok(owned) => return Ok(Assumed::Owner(owned)),
            Err(NotTaken::Held) => {}
            Err(NotTaken::Failed(error)) => return Err(error),
        }
    }
    Err(RoomError::Unavailable("no node runs it, and this one may not".to_owned()))
}

/// Tells the node that comes first, and waits for as long as those before this one may take. True if one of them takes it.
async fn somebody_takes(
    deps: &Deps,
    post: &Arc<Post>,
    auction: AuctionId,
    members: &[NodeId],
    own: usize,
) -> Result<bool, RoomError> {
    if let Some(first) = members.iter().find(|node| rank(auction, members, **node) == Some(0)) {
        post.vacant(*first, auction);
    }
    let until = Instant::now() + RANK_STEP * own.min(RANK_MAX) as u32;
    while Instant::now() < until {
        tokio::time::sleep(LOOK_EVERY).await;
        if deps.leases.owner(auction).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Why a room was not taken over.
pub(super) enum NotTaken {
    /// Another node was faster.
    Held,
    Failed(RoomError),
}

impl<E: Into<RoomError>> From<E> for NotTaken {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Takes the room over: first it asks what anyone still has of the log, so that the lease gets an epoch above all of it,
/// then it acquires the lease, and then the journal. If the last fails, the lease is left to run out.
pub(super) async fn take(
    deps: &Deps,
    post: &Arc<Post>,
    auction: AuctionId,
    mirror: Option<&Mirror>,
    floor: u64,
) -> Result<Owned, NotTaken> {
    let known = deps.journal.epoch(auction).await?.ok_or(RoomError::Unknown)?;
    let tails = tails(deps, post, auction, mirror).await?;
    let tails_epoch = tails.iter().filter_map(|tail| tail.records.last()).map(|record| record.epoch).max();
    let floor = floor.max(known).max(tails_epoch.unwrap_or(0));
    let holding = match deps.leases.acquire(auction, floor).await {
        Ok(holding) => holding,
        Err(LeaseError::Held(_)) => return Err(NotTaken::Held),
        Err(error) => return Err(error.into()),
    };
    holding.work(true);
    let taken = take_over(deps, auction, &holding, tails, mirror.map(Mirror::base)).await;
    holding.work(false);
    match taken {
        Ok((recovered, outages)) => Ok(Owned { holding, recovered, outages }),
        Err(error) => {
            // Not given back in good order: the time that was lost is not accounted for yet.
            holding.revoke();
            Err(error.into())
        }
    }
}

async fn take_over(
    deps: &Deps,
    auction: AuctionId,
    holding: &Holding,
    tails: Vec<Packed>,
    base: Option<Base>,
) -> Result<(Recovered, Vec<Outage>), RoomError> {
    let taken = deps.journal.take_over(auction, holding.lease, tails).await?.ok_or(RoomError::Unknown)?;
    let silence = taken.silence;
    let recovered = recover(&*deps.journal, auction, taken.log, base, false).await?;
    let last_at = recovered.state.last_at;
    // Where something was decided, nothing was lost before.
    let outages = deps.journal.outages_after(last_at).await?.into_iter().chain(silence);
    let outages = outages.map(|outage| Outage { from: outage.from.max(last_at), ..outage });
    let outages = outages.filter(|outage| outage.from < outage.until).collect();
    Ok((recovered, outages))
}

/// What this node and others hold beyond what the journal has.
async fn tails(
    deps: &Deps,
    post: &Arc<Post>,
    auction: AuctionId,
    mirror: Option<&Mirror>,
) -> Result<Vec<Packed>, RoomError> {
    if deps.limits.tail_max == 0 {
        return Ok(Vec::new());
    }
    let Some(OpenLog { head, .. }) = deps.journal.open(auction).await? else { return Ok(Vec::new()) };
    let before = Seq(head.seq.0.saturating_sub(1));
    let last = deps.journal.read(auction, before, 1).await?;
    let epoch = last.first().map_or(0, |record| record.epoch);
    let mut tails = post.tails(auction, epoch, head).await;
    let own = mirror.and_then(|mirror| mirror.tail_beyond(epoch, head));
    tails.extend(own);
    Ok(tails)
}

async fn follow(
    deps: &Deps,
    post: &Arc<Post>,
    auction: AuctionId,
    owner: NodeId,
    mirror: Option<&Mirror>,
) -> Result<Assumed, RoomError> {
    // The news first: what is committed while the log is read must not be missed.
    let news = post.bus.follow(auction).await?;
    let open = deps.journal.open(auction).await?.ok_or(RoomError::Unknown)?;
    let recovered = recover(&*deps.journal, auction, open, mirror.map(Mirror::base), true).await?;
    Ok(Assumed::Follower(Following { owner, news, recovered }))
}

impl From<LeaseError> for RoomError {
    fn from(error: LeaseError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<BusError> for RoomError {
    fn from(error: BusError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
