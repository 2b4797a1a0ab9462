//! What people are told, from the table to their sockets.
//!
//! Whoever does something that somebody should hear of writes [`Note`]s in the same transaction ([`write()`]), once for each
//! cause however often it is done; after the commit they wake the [`Outbox`]. One node takes what is not pushed yet and
//! tells all nodes ([`Pusher`]), and each hands it to the connections that it has ([`deliver`]). A row stays in the outbox
//! until every node has been told, so a crash in between means that it is pushed again, never that it is not. Who reads is
//! known by the ids what came twice. Mails go out behind that, at most once each ([`Mailing`]).
//!
//! Nothing here knows why it tells something, and nobody waits for it. The list that people read is a feature.

mod delivery;
mod kinds;
mod mailing;
mod notification;
mod outbox;
mod store;
mod words;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::Value;

pub use delivery::{Sink, deliver};
pub use kinds::{Choices, Group, NoteKind, UnknownName, Ways};
pub use mailing::{Addresses, MAILS_PER_HOUR, Mailing};
pub use notification::{NoteRow, Notification, Pushed};
pub use outbox::{Deps, Outbox, Pusher};

use crate::domain::{AccountId, AuctionId, Span, Timestamp};
use crate::persistence::{Db, StoreError, Tx};

/// How often what has been kept for long enough is swept out, in seconds.
pub const SWEEP_INTERVAL_S: u64 = 600;
/// How many rows go at once, so that nobody waits long for the writer of the database, and how often in a row at most.
const SWEEP_BATCH: i64 = 1_000;
const SWEEP_BATCHES_MAX: u32 = 50;
const SWEEP_PAUSE: Duration = Duration::from_millis(20);

/// A race is mailed about at most this often.
const MAIL_AGAIN_AFTER: Span = Span::from_secs(3_600);

/// Something to tell an account.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// Whom.
    pub account: AccountId,
    /// What it is about.
    pub kind: NoteKind,
    /// The auction that it is about.
    pub auction: Option<AuctionId>,
    /// What it follows from, in words of the writer's own, such as `deposit:<id>` or `<auction>:<seq>:lost`. An account
    /// is told of the same cause once.
    pub cause: String,
    /// An object; see [`NoteKind`] for what belongs into it.
    pub data: Value,
    /// When it happened.
    pub at: Timestamp,
}

/// Writes notes in the caller's transaction, in their order, and leaves out those of which the account was told already.
/// Who was erased is told nothing. Gives how many were new. Wake the [`Outbox`] after the commit.
pub async fn write(tx: &mut Tx, notes: &[Note]) -> Result<u64, StoreError> {
    store::insert(tx, notes).await
}

/// As [`write()`], for notes of the kinds `outbid` and `winning`: each takes the place of what its account has not read yet
/// of these kinds about the same auction, so that of a race of many bids one notification waits. Of several such notes
/// here the last is written. One that takes the place of a mailed one is mailed only an hour later; but that the lead is lost
/// is mailed though that it was won has just been.
pub async fn replace(tx: &mut Tx, notes: &[Note]) -> Result<u64, StoreError> {
    let last: HashMap<_, &Note> = notes.iter().map(|note| ((note.account, note.auction), note)).collect();
    let is_last = |note: &&Note| last.get(&(note.account, note.auction)).is_some_and(|it| std::ptr::eq(*it, *note));
    let notes: Vec<Note> = notes.iter().filter(is_last).cloned().collect();
    let accounts: HashSet<_> = notes.iter().map(|note| note.account.0).collect();
    let unread = store::unread_of_races(tx, &accounts.into_iter().collect::<Vec<_>>()).await?;
    let (mut replaced, mut mailed) = (Vec::new(), Vec::new());
    for row in unread {
        let Some(note) = last.get(&(row.account(), Some(row.auction()))) else { continue };
        // One of the same cause is the note itself, written before.
        if note.cause == row.cause {
            continue;
        }
        replaced.push(row.id);
        if !(note.kind == NoteKind::Outbid && row.was_mailed_as_winning()) {
            mailed.extend(row.mailed_at().filter(|at| note.at.since(*at) < MAIL_AGAIN_AFTER).map(|at| (*note, at)));
        }
    }
    replaced.sort_unstable();
    store::delete(tx, &replaced).await?;
    let written = store::insert(tx, &notes).await?;
    for (note, at) in mailed {
        store::count_as_mailed(tx, note, at).await?;
    }
    Ok(written)
}

/// Deletes what is older than `keep` at `now`, in batches. What is left after many batches goes the next time.
pub async fn sweep(db: &Db, now: Timestamp, keep: Span) {
    let mut swept = 0;
    for _ in 0..SWEEP_BATCHES_MAX {
        match store::sweep(db, now.minus(keep), SWEEP_BATCH).await {
            Ok(gone) => {
                swept += gone;
                if gone < SWEEP_BATCH.unsigned_abs() {
                    break;
                }
            }
            Err(error) => return tracing::warn!(%error, "old notifications could not be swept out: {error}"),
        }
        tokio::time::sleep(SWEEP_PAUSE).await;
    }
    tracing::debug!(swept, "{swept} old notifications were swept out");
}
