//! What a signal follows from, as it is kept and shown.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::signals::{Dealings, Joined, Suspicion};

/// The numbers behind a signal, of auctions that ended in the half year before; parts in thousandths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Evidence {
    /// Behind `shill`.
    Shill(ShillEvidence),
    /// Behind `ring`.
    Ring(RingEvidence),
}

/// Behind `shill`: how somebody bid on the auctions of one seller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShillEvidence {
    /// In how many auctions of the seller they bid.
    auctions: u64,
    /// How many of these somebody else won.
    lost: u64,
    /// What all below come to.
    score: u16,
    /// How far they keep to this seller.
    keeping: u16,
    /// How often they lose.
    losing: u16,
    /// How many of the bids they make; half counts as all.
    share: u16,
    /// How many of their raises are of 5 % or less.
    small: u16,
    /// How early they begin.
    early: u16,
}

/// Behind `ring`: with whom somebody bids on the auctions of one seller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RingEvidence {
    /// The accounts that bid where they do.
    with: Vec<Uuid>,
    /// How many auctions of the seller they share with the one of them with whom they share most.
    together: u64,
    /// How nearly the same auctions the two bid on.
    overlap: u16,
}

impl Evidence {
    /// Of a bidder who looks like a shill.
    pub fn shill(dealings: &Dealings, suspicion: &Suspicion) -> Self {
        let ratings = &suspicion.ratings;
        Self::Shill(ShillEvidence {
            auctions: dealings.here,
            lost: dealings.lost,
            score: suspicion.score.get(),
            keeping: ratings.keeping.get(),
            losing: ratings.losing.get(),
            share: ratings.share.get(),
            small: ratings.small.get(),
            early: ratings.early.get(),
        })
    }

    /// Of a bidder who is joined with others.
    pub fn ring(joined: &Joined) -> Self {
        let with = joined.with.iter().map(|account| account.0).collect();
        Self::Ring(RingEvidence { with, together: joined.together, overlap: joined.overlap.get() })
    }
}
