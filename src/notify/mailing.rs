//! Mails about notifications: for groups for which an account asked for them, to confirmed addresses alone, so many an hour.
//!
//! A mail is sent at most once: the row is marked first and the mail handed in after the commit, so one that is lost in
//! between is not sent again. The notification itself is in the list in any case.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lettre::Address;

use super::kinds::NoteKind;
use super::store::{self, Pending};
use super::{NoteRow, Notification};
use crate::domain::{AccountId, Span, Timestamp};
use crate::mail::{Mail, Mailer};
use crate::persistence::{Db, StoreError};

/// How many mails about notifications one account gets within an hour; the rest is in its list alone.
pub const MAILS_PER_HOUR: i64 = 20;
const HOUR: Span = Span::from_secs(3_600);
/// What could not be mailed for so long is no longer news.
const AGE_MAX: Span = Span::from_secs(24 * 3_600);

/// Says where mail for an account goes.
#[async_trait::async_trait]
pub trait Addresses: Send + Sync + 'static {
    /// Its address, if it is confirmed.
    async fn confirmed(&self, account: AccountId) -> Result<Option<Address>, StoreError>;
}

/// Mails notifications.
#[derive(Clone)]
pub struct Mailing {
    mailer: Mailer,
    addresses: Arc<dyn Addresses>,
    hub: String,
}

impl Mailing {
    /// By `mailer`, to these addresses, with links to the hub at `public_url`.
    pub fn new(mailer: Mailer, addresses: Arc<dyn Addresses>, public_url: &str) -> Self {
        Self { mailer, addresses, hub: public_url.trim_end_matches('/').to_owned() }
    }

    /// Which of these are to be mailed.
    pub(super) async fn wanted(&self, db: &Db, pending: &[Pending]) -> Result<Vec<i64>, StoreError> {
        if !self.mailer.is_on() {
            return Ok(Vec::new());
        }
        let accounts: HashSet<_> = pending.iter().map(|note| note.account).collect();
        let choices = store::choices(db, &accounts.into_iter().collect::<Vec<_>>()).await?;
        let is_asked = |note: &&Pending| {
            let kind = note.kind.parse::<NoteKind>();
            kind.is_ok_and(|kind| choices.ways(AccountId(note.account), kind).email)
        };
        Ok(pending.iter().filter(is_asked).map(|note| note.id).collect())
    }

    /// Hands in as many of those that are due as the mailer has place for.
    pub(super) async fn send_due(&self, db: &Db, now: Timestamp) -> Result<(), StoreError> {
        let places = i64::try_from(self.mailer.places_later()).unwrap_or(i64::MAX);
        if places == 0 {
            return Ok(());
        }
        let due = store::mail_due(db, places).await?;
        if due.is_empty() {
            return Ok(());
        }
        let mut addresses: HashMap<_, _> = due.iter().map(|row| (row.account(), None)).collect();
        for (account, address) in &mut addresses {
            *address = match self.addresses.confirmed(*account).await {
                // One account that cannot be read keeps nobody else's mail back.
                Err(error) if !error.is_passing() => {
                    tracing::error!(%account, %error, "account {account} gets no mail: {error}");
                    None
                }
                found => found?,
            };
        }
        let mut mails = Vec::new();
        let mut tx = db.begin().await?;
        for row in due {
            let fresh = now.since(crate::clock::from_datetime(row.at)) <= AGE_MAX;
            let address = addresses.get(&row.account()).cloned().flatten().filter(|_| fresh);
            let limit = (MAILS_PER_HOUR, now.minus(HOUR));
            match address {
                Some(to) if store::take_mail(&mut tx, row.id, now, limit).await? => mails.push(self.mail(to, row)),
                _ => store::drop_mail(&mut tx, row.id).await?,
            }
        }
        tx.commit().await?;
        mails.into_iter().for_each(|mail| self.mailer.send_later(mail));
        Ok(())
    }

    fn mail(&self, to: Address, row: NoteRow) -> Mail {
        let group = row.group().map_or("this", |group| group.name());
        let Notification { title, text, auction, .. } = row.into();
        let hub = &self.hub;
        let link = auction.map_or_else(|| format!("{hub}/"), |auction| format!("{hub}/auctions/{auction}"));
        let body = format!(
            "{text}\n\n{link}\n\nYou get this mail because you asked for mails about {group}. Your preferences for \
             notifications say which you get.\n"
        );
        Mail { to, subject: title.to_owned(), body }
    }
}

impl std::fmt::Debug for Mailing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mailing")
    }
}
