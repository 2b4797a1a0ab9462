//! The public log of an auction: its events a page at a time, and the whole of it in one piece for those who check it.
//! The public bytes leave as they were hashed; nothing is written anew.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::Auctions;
use super::private::private_of;
use crate::auth::{Action, authorize};
use crate::domain::auction::Rejection;
use crate::domain::{AuctionId, Seq};
use crate::http::{ApiError, ApiQuery, AuctionPath, ForStrangers, MaybeCaller, Page, Problem};
use crate::journal::{Journal, JournalError, Record};

const LOG_PAGE_RECORDS: usize = 500;
const NDJSON: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// The query of the events.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// Only events after this number.
    after: Option<u64>,
    /// Items on the page, 1 to 200; 50 unless given.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// A page of events. (`List` cannot hold bytes as they are.)
#[derive(Debug, Serialize, ToSchema)]
pub struct EventList {
    /// Events, the oldest first, with the fields of a pushed event, then `commitment` and `digest`, and for staff `private`.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Box<RawValue>>,
    /// The cursor of the page after this one; null on the last.
    next: Option<String>,
}

/// The public log, oldest first
///
/// Each item is a public event as it was hashed, with two members after the last of its own: `commitment` and `digest`.
/// `digest` is SHA-256 of the digest before, the public bytes and the commitment. Staff also get `private`.
#[utoipa::path(get, path = "/api/auctions/{id}/events", tag = "auctions", params(("id" = Uuid, Path), EventsQuery), responses(
    (status = 200, body = EventList, headers(("ETag" = String, description = "For `If-None-Match`; staff gets none"))),
    (status = 304, description = "Still what one of the tags in `If-None-Match` names"),
    (status = 404, description = "`unknown_auction`", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
pub(super) async fn events(
    State(auctions): State<Auctions>,
    caller: MaybeCaller,
    AuctionPath(id): AuctionPath,
    ApiQuery(query): ApiQuery<EventsQuery>,
) -> Result<Response, ApiError> {
    let caller = caller.may(Action::WatchAuctions)?;
    let staff = authorize(caller.as_ref(), Action::ReadPrivateEvents).is_ok();
    let page = Page::<u64>::of(query.limit, query.cursor.as_deref())?;
    let after = Seq(page.after.or(query.after).unwrap_or(0));
    let journal = &auctions.0.journal;
    let records = journal.read(id, after, page.limit as usize + 1).await?;
    if records.is_empty() && journal.open(id).await?.is_none() {
        return Err(Rejection::UnknownAuction.into());
    }
    let list = page.cut(records, |record| record.seq.0, |record| item(&record, staff))?;
    let items = list.items.into_iter().collect::<Result<_, _>>()?;
    let list = Json(EventList { items, next: list.next });
    Ok(if staff { list.into_response() } else { ForStrangers(list).into_response() })
}

/// The whole public log, to be checked
///
/// One line of JSON for each record: `{"record": …, "commitment": hex, "digest": hex}`, the creation (`seq` 0) first.
/// `record` stands there byte for byte as it was hashed.
#[utoipa::path(get, path = "/api/auctions/{id}/log", tag = "auctions", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The log", body = String, content_type = "application/x-ndjson"),
    (status = 404, description = "`unknown_auction`", body = Problem)))]
pub(super) async fn whole_log(
    State(auctions): State<Auctions>,
    caller: MaybeCaller,
    AuctionPath(id): AuctionPath,
) -> Result<Response, ApiError> {
    caller.may(Action::WatchAuctions)?;
    let journal = auctions.0.journal.clone();
    let log = journal.open(id).await?.ok_or(Rejection::UnknownAuction)?;
    let pages = Pages { journal, auction: id, genesis: Some(log.genesis), after: Seq(0), end: log.head.seq };
    let body = Body::from_stream(stream::try_unfold(pages, Pages::next));
    Ok(([(header::CONTENT_TYPE, NDJSON), (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))], body)
        .into_response())
}

/// What is left to send of a log: up to where it ended when it was asked for.
struct Pages {
    journal: Arc<dyn Journal>,
    auction: AuctionId,
    genesis: Option<Record>,
    after: Seq,
    end: Seq,
}

impl Pages {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, JournalError> {
        let mut text = String::new();
        if let Some(genesis) = self.genesis.take() {
            line(&mut text, &genesis);
            return Ok(Some((text.into(), self)));
        }
        if self.after >= self.end {
            return Ok(None);
        }
        let left = usize::try_from(self.end.0 - self.after.0).unwrap_or(usize::MAX);
        let records = self.journal.read(self.auction, self.after, left.min(LOG_PAGE_RECORDS)).await?;
        let Some(last) = records.last() else { return Ok(None) };
        self.after = last.seq;
        records.iter().for_each(|record| line(&mut text, record));
        Ok(Some((text.into(), self)))
    }
}

fn line(text: &mut String, record: &Record) {
    let (commitment, digest) = (hex::encode(record.commitment), hex::encode(record.digest.0));
    // Writing to a string cannot fail.
    let _ = writeln!(text, r#"{{"record":{},"commitment":"{commitment}","digest":"{digest}"}}"#, record.public);
}

/// A public event with what the chain needs, and for staff its private part, put behind its last member.
fn item(record: &Record, staff: bool) -> Result<Box<RawValue>, ApiError> {
    let mut text = record.with_digest().map_err(ApiError::internal)?;
    if staff {
        let event = record.event().map_err(ApiError::internal)?;
        text.pop();
        // Writing to a string cannot fail.
        let _ = write!(text, r#","private":{}}}"#, private_of(&event.kind));
    }
    RawValue::from_string(text).map_err(ApiError::internal)
}
