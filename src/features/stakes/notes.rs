//! What people are told of races: who leads now, who does not, who won, who did not, and that all was in vain.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::race::{End, How};
use super::store::RaceRow;
use crate::domain::auction::{BidVoided, Event};
use crate::domain::{AccountId, AuctionId, Money, Seq, Timestamp};
use crate::notify::{self, Note, NoteKind};
use crate::persistence::{StoreError, Tx};

/// Gathers what is to be told.
#[derive(Debug, Default)]
pub(super) struct Teller {
    /// Of these one for each auction waits to be read.
    races: Vec<Note>,
    others: Vec<Note>,
}

/// Who is there when a race ends.
#[derive(Debug, Default)]
pub(super) struct People {
    /// Those with a bid that counts and did not win.
    pub losers: Vec<Uuid>,
    /// All who have bid, and all who watch.
    pub everyone: BTreeSet<Uuid>,
}

impl Teller {
    pub(super) fn outbid(&mut self, race: &RaceRow, event: &Event, account: AccountId) {
        self.races.push(note(race, NoteKind::Outbid, account, (event.seq.0, event.at), priced(race, race.price)));
    }

    pub(super) fn winning(&mut self, race: &RaceRow, event: &Event, account: AccountId) {
        self.races.push(note(race, NoteKind::Winning, account, (event.seq.0, event.at), priced(race, race.price)));
    }

    pub(super) fn voided(&mut self, race: &RaceRow, event: &Event, void: &BidVoided) {
        let data = json!({"title": race.title, "reason": &*void.reason, "bid": void.voided.0});
        self.others.push(note(race, NoteKind::BidVoided, void.bidder, (event.seq.0, event.at), data));
    }

    /// Tells everyone of the end of a race.
    pub(super) fn ended(&mut self, race: &RaceRow, end: &End, people: &People) {
        let when = (end.seq, end.at);
        let seller = AccountId(race.seller);
        let mut tell = |kind, account, data| self.others.push(note(race, kind, account, when, data));
        match &end.how {
            How::Stopped { by, reason } => {
                let data = json!({"title": race.title, "reason": reason});
                let concerned = people.everyone.iter().copied().chain([race.seller]).collect::<BTreeSet<_>>();
                // Who stopped it knows.
                for account in concerned.into_iter().filter(|account| *account != by.0) {
                    tell(NoteKind::AuctionStopped, AccountId(account), data.clone());
                }
            }
            How::Unsold => {
                tell(NoteKind::Unsold, seller, priced(race, None));
                for account in &people.losers {
                    tell(NoteKind::Lost, AccountId(*account), priced(race, None));
                }
            }
            How::Sold { winner, price } => {
                let data = priced(race, price.map(Money::minor_units));
                tell(NoteKind::Won, *winner, data.clone());
                tell(NoteKind::Sold, seller, data.clone());
                for account in &people.losers {
                    tell(NoteKind::Lost, AccountId(*account), data.clone());
                }
            }
        }
    }

    /// Writes all of it that happened since.
    pub(super) async fn write(mut self, tx: &mut Tx, since: Timestamp) -> Result<(), StoreError> {
        for notes in [&mut self.races, &mut self.others] {
            notes.retain(|note| note.at >= since);
        }
        notify::replace(tx, &self.races).await?;
        notify::write(tx, &self.others).await?;
        Ok(())
    }
}

/// That a watched auction ends soon. Soft closes move an end by less than an hour, so an account is told of an end once.
pub(super) fn ending_soon(account: Uuid, auction: Uuid, title: &str, ends_at: Timestamp, now: Timestamp) -> Note {
    const HOUR_MS: i64 = 3_600_000;
    Note {
        account: AccountId(account),
        kind: NoteKind::EndingSoon,
        auction: Some(AuctionId(auction)),
        cause: format!("{auction}:{}:{}", NoteKind::EndingSoon, ends_at.millis() / HOUR_MS),
        data: json!({"title": title, "ends_at": crate::clock::format(ends_at)}),
        at: now,
    }
}

fn note(race: &RaceRow, kind: NoteKind, account: AccountId, (seq, at): (u64, Timestamp), data: Value) -> Note {
    let cause = format!("{}:{seq}:{kind}", race.auction);
    Note { account, kind, auction: Some(AuctionId(race.auction)), cause, data, at }
}

fn priced(race: &RaceRow, price: Option<i64>) -> Value {
    match price {
        Some(price) => json!({"title": race.title, "currency": race.currency, "price": price}),
        None => json!({"title": race.title, "currency": race.currency}),
    }
}

/// Numbers of events stay far below the largest signed one.
pub(super) fn number(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}
