//! What is sent: the public event as it stands in the log, so that a message is the same however often and from whichever
//! node it is sent. A test says only that it is one.

use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use super::store::outbox::Job;
use crate::clock::{WireTime, from_datetime};
use crate::domain::{AuctionId, Seq};
use crate::journal::{Journal, JournalError, Record};
use crate::wire::Message;

/// What a test carries.
#[derive(Serialize)]
struct Tested {
    webhook: Uuid,
}

/// The name under which receivers know a message again: the same for every attempt and every replay.
pub(super) fn message_id(endpoint: Uuid, id: i64, auction: Option<Uuid>, seq: Option<i64>) -> String {
    match (auction, seq) {
        (Some(auction), Some(seq)) => format!("evt_{}_{seq}", auction.simple()),
        _ => format!("test_{}_{id}", endpoint.simple()),
    }
}

/// The body of a delivery; none if the log does not give its event at the moment.
pub(super) async fn body(journal: &Arc<dyn Journal>, job: &Job) -> Result<Option<String>, JournalError> {
    let (Some(auction), Some(seq)) = (job.auction.map(AuctionId), job.seq) else {
        let timestamp = WireTime(from_datetime(job.queued_at));
        let data = Tested { webhook: job.endpoint };
        return Ok(Some(Message { kind: "webhook.test".to_owned(), timestamp, data }.to_json()));
    };
    let Some(record) = record(journal, auction, Seq(seq.unsigned_abs())).await? else { return Ok(None) };
    let message = Message::of(auction, &record).map_err(|source| JournalError::Unreadable { auction, source })?;
    Ok(Some(message.to_json()))
}

async fn record(journal: &Arc<dyn Journal>, auction: AuctionId, seq: Seq) -> Result<Option<Record>, JournalError> {
    match seq.0.checked_sub(1) {
        None => Ok(journal.open(auction).await?.map(|log| log.genesis)),
        Some(before) => {
            let found = journal.read(auction, Seq(before), 1).await?;
            Ok(found.into_iter().find(|record| record.seq == seq))
        }
    }
}
