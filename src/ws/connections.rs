//! Every connection of this node: how many there are of each address, and which belong to a session or an account, so
//! that they can be closed at once when it ends, and told what the account is told.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use dashmap::DashMap;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::close::Close;
use super::outbound::Outbound;
use crate::auth::{Action, Caller, authorize};
use crate::coordination::{Bus, Notice, SessionId};
use crate::domain::AccountId;
use crate::live::{Audience, LiveFrame};
use crate::notify::{Pushed, Sink};

/// The connections of this node.
#[derive(Default)]
pub struct Connections {
    next_id: AtomicU64,
    open: AtomicUsize,
    by_address: DashMap<IpAddr, usize>,
    signed_in: DashMap<u64, SignedIn>,
    by_session: DashMap<SessionId, Vec<u64>>,
    by_account: DashMap<AccountId, Vec<u64>>,
    staff: DashMap<u64, Arc<Outbound>>,
    feed: DashMap<u64, Arc<Outbound>>,
    notices: AtomicU64,
}

struct SignedIn {
    session: SessionId,
    account: AccountId,
    outbound: Arc<Outbound>,
}

/// A place among the connections, given back when it is dropped.
pub(super) struct Place {
    connections: Arc<Connections>,
    address: IpAddr,
    pub id: u64,
}

impl Connections {
    /// A place for a connection from `address`, unless there are too many.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr, in_all: usize, per_address: usize) -> Option<Place> {
        if self.open.fetch_add(1, Ordering::Relaxed) >= in_all {
            self.open.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        {
            let mut count = self.by_address.entry(address).or_insert(0);
            if *count >= per_address {
                self.open.fetch_sub(1, Ordering::Relaxed);
                return None;
            }
            *count += 1;
        }
        metrics::gauge!("bidhub_ws_connections").increment(1.0);
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        Some(Place { connections: self.clone(), address, id })
    }

    /// How many notices of an end were heard. If it changed while somebody was being signed in, they must be asked for again.
    pub(super) fn notices(&self) -> u64 {
        self.notices.load(Ordering::SeqCst)
    }

    pub(super) fn sign_in(&self, id: u64, caller: &Caller, outbound: Arc<Outbound>) {
        self.sign_out(id);
        let (session, account) = (caller.session, caller.account());
        if authorize(Some(caller), Action::HandleTickets).is_ok() {
            self.staff.insert(id, outbound.clone());
        }
        self.by_session.entry(session).or_default().push(id);
        self.by_account.entry(account).or_default().push(id);
        self.signed_in.insert(id, SignedIn { session, account, outbound });
    }

    pub(super) fn sign_out(&self, id: u64) {
        let Some((_, SignedIn { session, account, .. })) = self.signed_in.remove(&id) else { return };
        self.staff.remove(&id);
        forget(&self.by_session, &session, id);
        forget(&self.by_account, &account, id);
    }

    /// From here on the connection is shown what goes on everywhere.
    pub(super) fn follow_feed(&self, id: u64, outbound: Arc<Outbound>) {
        self.feed.insert(id, outbound);
    }

    /// No longer.
    pub(super) fn leave_feed(&self, id: u64) {
        self.feed.remove(&id);
    }

    /// Hands a live message to the connections of an audience; those in rooms are not known here.
    pub(super) fn show(&self, audience: Audience, frame: &LiveFrame) {
        match audience {
            Audience::Room(_) => {}
            Audience::Account(account) => {
                let ids = self.by_account.get(&account).map(|ids| ids.clone()).unwrap_or_default();
                for signed_in in ids.iter().filter_map(|id| self.signed_in.get(id)) {
                    // The connection may have signed in as somebody else a moment ago.
                    if signed_in.account == account {
                        signed_in.outbound.offer_live(frame);
                    }
                }
            }
            Audience::Staff => self.staff.iter().for_each(|it| it.offer_live(frame)),
            Audience::Feed => self.feed.iter().for_each(|it| it.offer_live(frame)),
        }
    }

    /// Closes what a notice says must be closed.
    fn heed(&self, notice: Notice) {
        match notice {
            Notice::SessionEnded(session) => self.end(|| self.by_session.get(&session).map(|ids| ids.clone())),
            Notice::AccountEnded(account) => self.end(|| self.by_account.get(&account).map(|ids| ids.clone())),
            Notice::PushNotes(_) | Notice::NotesWritten => {}
        }
    }

    fn end(&self, ids: impl FnOnce() -> Option<Vec<u64>>) {
        // Counted before it is looked who is there: whoever signs in meanwhile sees that the count has changed.
        self.notices.fetch_add(1, Ordering::SeqCst);
        for id in ids().unwrap_or_default() {
            if let Some(signed_in) = self.signed_in.get(&id) {
                signed_in.outbound.close(Close::SessionEnded);
            }
        }
    }

    /// Tells `see` of each connection that is signed in: whose it is, and whether it is in a room. An account may come more
    /// than once. `see` must return at once.
    pub fn each_signed_in(&self, mut see: impl FnMut(AccountId, bool)) {
        self.signed_in.iter().for_each(|it| see(it.account, it.outbound.is_watching()));
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Heeds all notices until `shutdown`.
    pub async fn listen(self: Arc<Self>, bus: Arc<dyn Bus>, shutdown: CancellationToken) {
        let mut notices = bus.subscribe();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                notice = notices.recv() => match notice {
                    Ok(notice) => self.heed(notice),
                    Err(RecvError::Lagged(missed)) => {
                        tracing::warn!(missed, "{missed} notices were missed, so everyone has to sign in again");
                        self.notices.fetch_add(1, Ordering::SeqCst);
                        self.signed_in.iter().for_each(|it| it.outbound.close(Close::SessionEnded));
                    }
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }
}

impl Sink for Connections {
    fn has(&self, account: AccountId) -> bool {
        self.by_account.contains_key(&account)
    }

    fn is_empty(&self) -> bool {
        self.by_account.is_empty()
    }

    fn push(&self, account: AccountId, note: &Pushed) {
        let ids = self.by_account.get(&account).map(|ids| ids.clone()).unwrap_or_default();
        for signed_in in ids.iter().filter_map(|id| self.signed_in.get(id)) {
            // The connection may have signed in as somebody else a moment ago.
            if signed_in.account == account {
                signed_in.outbound.offer_note(note);
            }
        }
    }

    fn missed(&self) {
        self.signed_in.iter().for_each(|it| it.outbound.miss_notes());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Connections { open, by_address, .. } = &*self.connections;
        self.connections.sign_out(self.id);
        self.connections.leave_feed(self.id);
        open.fetch_sub(1, Ordering::Relaxed);
        if let dashmap::Entry::Occupied(mut count) = by_address.entry(self.address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        metrics::gauge!("bidhub_ws_connections").decrement(1.0);
    }
}

fn forget<K: std::hash::Hash + Eq + Copy>(index: &DashMap<K, Vec<u64>>, key: &K, id: u64) {
    if let dashmap::Entry::Occupied(mut ids) = index.entry(*key) {
        ids.get_mut().retain(|it| *it != id);
        if ids.get().is_empty() {
            ids.remove();
        }
    }
}
