//! The other end of the outbox: what all nodes are told of goes to the connections of this one.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::store;
use super::{NoteRow, Pushed};
use crate::chance::Chance;
use crate::coordination::{Bus, NoteIds, Notice};
use crate::domain::AccountId;
use crate::persistence::{Db, StoreError};

/// How often it is tried to read what is to be pushed, and how long the first pause is; each next one is twice as long.
const TRIES: u32 = 6;
const FIRST_PAUSE_MS: u64 = 200;
/// How long one such read may take.
const READ_LIMIT: Duration = Duration::from_secs(10);

/// The connections of this node. All calls return at once.
pub trait Sink: Send + Sync + 'static {
    /// True if the account has a connection here.
    fn has(&self, account: AccountId) -> bool;

    /// True if nobody is signed in on any connection here.
    fn is_empty(&self) -> bool;

    /// Hands a notification to every connection of the account. One that has no place for it is told that it missed some.
    fn push(&self, account: AccountId, note: &Pushed);

    /// Tells every connection that is signed in that it may have missed some.
    fn missed(&self);
}

/// Hands what is pushed to `sink`, in the order in which nodes are told of it, until `stop` is cancelled. What cannot be
/// read, or comes faster than it can be handed on, is not left out silently: see [`Sink::missed`].
pub async fn deliver(db: Db, bus: Arc<dyn Bus>, sink: Arc<dyn Sink>, chance: Chance, stop: CancellationToken) {
    let mut notices = bus.subscribe();
    let work = async {
        loop {
            match notices.recv().await {
                Ok(Notice::PushNotes(ids)) => match read_patiently(&db, &*sink, &chance, ids).await {
                    Some(rows) => {
                        for row in rows {
                            sink.push(row.account(), &Pushed::new(row.into()));
                        }
                    }
                    None => sink.missed(),
                },
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "{missed} notices were missed, among them perhaps notifications");
                    sink.missed();
                }
                Err(RecvError::Closed) => return,
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

/// As [`read`], tried again with growing pauses; none if that does not help.
async fn read_patiently(db: &Db, sink: &dyn Sink, chance: &Chance, ids: NoteIds) -> Option<Vec<NoteRow>> {
    let mut pause_ms = FIRST_PAUSE_MS;
    for attempt in 1..=TRIES {
        match timeout(READ_LIMIT, read(db, sink, ids)).await {
            Ok(Ok(rows)) => return Some(rows),
            Ok(Err(error)) => tracing::warn!(%error, "notifications to be pushed could not be read: {error}"),
            Err(_) => tracing::warn!("notifications to be pushed could not be read in time"),
        }
        if attempt < TRIES {
            sleep(Duration::from_millis(pause_ms / 2 + chance.below(pause_ms / 2 + 1))).await;
            pause_ms *= 2;
        }
    }
    None
}

/// Those of `ids` that somebody is here for and has not muted.
async fn read(db: &Db, sink: &dyn Sink, ids: NoteIds) -> Result<Vec<NoteRow>, StoreError> {
    if sink.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = store::of_ids(db, ids).await?;
    rows.retain(|row| sink.has(row.account()));
    let accounts: HashSet<_> = rows.iter().map(|row| row.account).collect();
    let choices = store::choices(db, &accounts.into_iter().collect::<Vec<_>>()).await?;
    // A kind that a newer version wrote cannot be muted by this one.
    rows.retain(|row| row.kind.parse().map_or(true, |kind| choices.ways(row.account(), kind).push));
    Ok(rows)
}
