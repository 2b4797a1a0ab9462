//! Records, and how events become records and records events again. A record keeps the bytes that were hashed; the
//! event is read from them, so that there is no second truth beside them.

use std::sync::Arc;

use super::chain::{BrokenChain, Chain, Digest};
use super::private::{Offered, Private};
use super::public::{Alias, PublicRecord};
use crate::domain::auction::view::PublicTerms;
use crate::domain::auction::*;
use crate::domain::{AccountId, AuctionId, BidKey, Money, Seq, Span, Timestamp};

/// The version of the record format that is written.
pub const VERSION: u16 = 1;

/// One link of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// The version of the format.
    pub version: u16,
    /// The number of the event; 0 is the creation.
    pub seq: Seq,
    /// The holding under which it was written.
    pub epoch: u64,
    /// What everyone may see: canonical JSON.
    pub public: Arc<str>,
    /// What only the hub may see: MessagePack.
    pub private: Vec<u8>,
    /// Binds the private bytes without showing them.
    pub commitment: [u8; 32],
    /// Binds this record and all before it.
    pub digest: Digest,
}

/// A record that cannot be taken for what it should be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordError {
    /// Written by a later program.
    #[error("record format {0} is unknown to this version of the hub")]
    UnknownVersion(u16),
    /// Its bytes make no sense.
    #[error("malformed record: {0}")]
    Malformed(String),
    /// It does not follow from the one before.
    #[error("broken chain: {0}")]
    Broken(#[from] BrokenChain),
}

/// Seals the creation of an auction as record 0.
pub fn seal_genesis(
    chain: &mut Chain,
    epoch: u64,
    auction: AuctionId,
    at: Timestamp,
    terms: &Terms,
    listing: &Listing,
) -> Record {
    let public = PublicRecord::created(auction, at, &PublicTerms::new(terms, listing));
    let private = Private::Created { r: terms.format.reserve().map(Money::minor_units) };
    chain.seal(Seq(0), epoch, public.to_json(), private.to_bytes())
}

/// Seals an event; `terms` are those in force before it.
pub fn seal_event(chain: &mut Chain, epoch: u64, event: &Event, terms: &Terms) -> Record {
    let public = PublicRecord::new(&event.public(terms));
    chain.seal(event.seq, epoch, public.to_json(), private_of(&event.kind).to_bytes())
}

fn private_of(kind: &EventKind) -> Private {
    match kind {
        EventKind::Opened { .. }
        | EventKind::ReserveMet { .. }
        | EventKind::Extended { .. }
        | EventKind::Suspended { .. }
        | EventKind::Ended { winner: None, .. } => Private::Nothing,
        EventKind::Bid(bid) => Private::Bid {
            b: bid.bidder.0,
            k: bid.key.as_str().to_owned(),
            o: match bid.offer {
                Offer::Straight(_) => Offered::Straight,
                Offer::Max(_) => Offered::Max,
                Offer::BuyNow => Offered::BuyNow,
            },
            c: bid.ceiling.minor_units(),
        },
        EventKind::Paused { by, key, time_left, .. } => {
            Private::Pause { by: by.0, left: time_left.millis(), k: written(key) }
        }
        EventKind::Resumed { by, key, .. } | EventKind::Stopped { by, key, .. } => {
            Private::Act { by: by.0, k: written(key) }
        }
        EventKind::BidVoided(void) => Private::Void {
            by: void.by.0,
            b: void.bidder.0,
            m: void.bidder_max.map(Money::minor_units),
            l: void.leader.map(|leader| (leader.account.0, leader.ceiling.minor_units())),
            k: written(&void.key),
        },
        EventKind::Ended { winner: Some(winner), .. } => Private::Won { w: winner.account.0 },
        EventKind::Amended { by, key, terms, .. } => {
            Private::Amend { by: by.0, r: terms.format.reserve().map(Money::minor_units), k: written(key) }
        }
        EventKind::AllowanceSet { bidder, amount, version } => {
            Private::Allowance { b: bidder.0, a: amount.minor_units(), v: *version }
        }
    }
}

impl Record {
    /// The public bytes with what the chain needs put behind their last member: `commitment` and `digest` in hexadecimal.
    pub fn with_digest(&self) -> Result<String, RecordError> {
        let open = self.public.strip_suffix('}').ok_or_else(|| malformed("the public bytes are no object"))?;
        let (commitment, digest) = (hex::encode(self.commitment), hex::encode(self.digest.0));
        Ok(format!(r#"{open},"commitment":"{commitment}","digest":"{digest}"}}"#))
    }

    /// The public part, read back.
    pub fn public(&self) -> Result<PublicRecord, RecordError> {
        if self.version != VERSION {
            return Err(RecordError::UnknownVersion(self.version));
        }
        serde_json::from_str(&self.public).map_err(|error| RecordError::Malformed(format!("public bytes: {error}")))
    }

    /// The terms and words of a creation, and when it was.
    pub fn genesis(&self) -> Result<(AuctionId, Timestamp, Terms, Listing), RecordError> {
        let public = self.public()?;
        match (Private::from_bytes(&self.private)?, &public.terms, public.auction, &*public.kind) {
            (Private::Created { r }, Some(terms), Some(auction), "created") => {
                let (terms, listing) = terms.restore(r.map(money).transpose()?).map_err(malformed)?;
                Ok((AuctionId(auction), public.at.0, terms, listing))
            }
            _ => Err(malformed("no creation")),
        }
    }

    /// The event, read back.
    pub fn event(&self) -> Result<Event, RecordError> {
        let public = self.public()?;
        if public.seq != self.seq.0 {
            return Err(malformed("the public number is another"));
        }
        let at = public.at.0;
        Ok(Event { seq: self.seq, at, kind: kind_of(public, Private::from_bytes(&self.private)?)? })
    }
}

fn kind_of(public: PublicRecord, private: Private) -> Result<EventKind, RecordError> {
    let ends_at = || need(public.ends_at, "ends_at").map(|at| at.0);
    let reason = || need(public.reason.clone(), "reason");
    Ok(match (&*public.kind, private) {
        ("opened", Private::Nothing) => EventKind::Opened { ends_at: ends_at()? },
        ("bid", Private::Bid { b, k, o, c }) => {
            let amount = money(need(public.amount, "amount")?)?;
            let ceiling = money(c)?;
            EventKind::Bid(BidPlaced {
                bidder: AccountId(b),
                alias: alias(public.bidder)?,
                key: BidKey::new(&k).ok_or_else(|| malformed("no key"))?,
                offer: match o {
                    Offered::Straight => Offer::Straight(ceiling),
                    Offered::Max => Offer::Max(ceiling),
                    Offered::BuyNow => Offer::BuyNow,
                },
                ceiling,
                amount,
                // A bidder who is named as the leader leads: the two names are of one moment.
                leading: public.leader.flatten() == public.bidder,
                leader: alias(public.leader.flatten())?,
                price: money(need(public.price.flatten(), "price")?)?,
                minimum_bid: money(need(public.minimum_bid, "minimum_bid")?)?,
                bid_count: need(public.bid_count, "bid_count")?,
                ends_at: ends_at()?,
            })
        }
        ("reserve_met", Private::Nothing) => {
            EventKind::ReserveMet { price: money(need(public.price.flatten(), "price")?)? }
        }
        ("extended", Private::Nothing) => EventKind::Extended {
            ends_at: ends_at()?,
            cause: match public.cause.as_deref() {
                Some("soft_close") => ExtensionCause::SoftClose,
                Some("outage") => ExtensionCause::Outage,
                _ => return Err(malformed("unknown cause")),
            },
        },
        ("paused", Private::Pause { by, left, k }) => {
            EventKind::Paused { by: AccountId(by), key: key(k)?, reason: reason()?, time_left: Span::from_millis(left) }
        }
        ("resumed", Private::Act { by, k }) => {
            EventKind::Resumed { by: AccountId(by), key: key(k)?, reason: public.reason.clone(), ends_at: ends_at()? }
        }
        ("stopped", Private::Act { by, k }) => {
            EventKind::Stopped { by: AccountId(by), key: key(k)?, reason: reason()? }
        }
        ("suspended", Private::Nothing) => {
            EventKind::Suspended { since: need(public.since, "since")?.0, until: need(public.until, "until")?.0 }
        }
        ("bid_voided", Private::Void { by, b, m, l, k }) => EventKind::BidVoided(BidVoided {
            by: AccountId(by),
            key: key(k)?,
            reason: reason()?,
            voided: Seq(need(public.voided, "voided")?),
            bidder: AccountId(b),
            alias: alias(public.bidder)?,
            bidder_max: m.map(money).transpose()?,
            leader: match (l, public.leader.flatten()) {
                (Some((account, ceiling)), Some(Alias(alias))) => {
                    Some(Leader { account: AccountId(account), alias, ceiling: money(ceiling)? })
                }
                (None, None) => None,
                _ => return Err(malformed("a leader without a name or a name without a leader")),
            },
            price: public.price.flatten().map(money).transpose()?,
            minimum_bid: money(need(public.minimum_bid, "minimum_bid")?)?,
            bid_count: need(public.bid_count, "bid_count")?,
            reserve_met: public.reserve.as_deref() == Some("met"),
        }),
        ("ended", private @ (Private::Nothing | Private::Won { .. })) => EventKind::Ended {
            outcome: match public.outcome.as_deref() {
                Some("sold") => Outcome::Sold,
                Some("unsold") => Outcome::Unsold,
                Some("bought_now") => Outcome::BoughtNow,
                _ => return Err(malformed("unknown outcome")),
            },
            price: public.price.flatten().map(money).transpose()?,
            winner: match (private, public.winner.flatten()) {
                (Private::Won { w }, Some(Alias(alias))) => Some(Winner { account: AccountId(w), alias }),
                (Private::Nothing, None) => None,
                _ => return Err(malformed("a winner without a name or a name without a winner")),
            },
        },
        ("amended", Private::Amend { by, r, k }) => {
            let terms = need(public.terms.as_deref(), "terms")?;
            let (terms, listing) = terms.restore(r.map(money).transpose()?).map_err(malformed)?;
            let (by, key) = (AccountId(by), key(k)?);
            EventKind::Amended { by, key, terms: Box::new(terms), listing: Box::new(listing) }
        }
        ("private", Private::Allowance { b, a, v }) => {
            let amount = Money::or_zero(a).ok_or_else(|| malformed("amount out of range"))?;
            EventKind::AllowanceSet { bidder: AccountId(b), amount, version: v }
        }
        (kind, _) => return Err(malformed(format!("unknown kind {kind:?}, or its private part is another's"))),
    })
}

fn written(key: &Option<BidKey>) -> Option<String> {
    key.as_ref().map(|key| key.as_str().to_owned())
}

fn key(written: Option<String>) -> Result<Option<BidKey>, RecordError> {
    written.map(|text| BidKey::new(&text).ok_or_else(|| malformed("no key"))).transpose()
}

fn need<T>(field: Option<T>, name: &str) -> Result<T, RecordError> {
    field.ok_or_else(|| malformed(format!("{name} is missing")))
}

fn money(minor: i64) -> Result<Money, RecordError> {
    Money::new(minor).ok_or_else(|| malformed("amount out of range"))
}

fn alias(name: Option<Alias>) -> Result<u32, RecordError> {
    need(name, "a bidder").map(|Alias(number)| number)
}

fn malformed(detail: impl Into<String>) -> RecordError {
    RecordError::Malformed(detail.into())
}
