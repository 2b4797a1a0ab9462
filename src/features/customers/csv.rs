//! Snapshots as comma-separated values, page by page as they are read, so that no file is ever held whole.

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;

use super::Customers;
use super::body::SnapshotBody;
use super::routes::{Listing, PAGE_MAX};
use super::store::Place;
use crate::clock;
use crate::http::ApiError;

const CSV: &str = "text/csv; charset=utf-8";
const HEAD: [&str; 8] = ["taken_at", "user", "display_name", "bids", "wins", "spend", "watch_s", "last_seen"];

/// What is left to write.
struct Rest {
    customers: Customers,
    listing: Listing,
    /// The page that is read already; none once there is no more.
    page: Option<Vec<SnapshotBody>>,
    head: bool,
}

/// The whole list as a file. The first page is read before anything is said, so that what cannot be read is a problem.
pub(super) async fn file(customers: Customers, listing: Listing) -> Result<Response, ApiError> {
    let page = customers.page(&listing, None, PAGE_MAX).await?;
    let rest = Rest { customers, listing, page: Some(page), head: true };
    let body = Body::from_stream(stream::try_unfold(rest, Rest::next));
    let headers = [
        (header::CONTENT_TYPE, CSV),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"customers.csv\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, body).into_response())
}

impl Rest {
    /// The text of the page that is read, and the next page. An error cuts the file off, which whoever reads it sees.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, std::io::Error> {
        let Some(page) = self.page.take() else { return Ok(None) };
        let text = text(std::mem::take(&mut self.head), &page)?;
        if let Some(last) = page.last().filter(|_| page.len() as i64 == PAGE_MAX) {
            let place = Place { due_at: clock::to_datetime(last.taken_at.0), account: last.user };
            let read = self.customers.page(&self.listing, Some(place), PAGE_MAX).await;
            self.page = Some(read.map_err(|error| std::io::Error::other(error.code()))?);
        }
        Ok(Some((text, self)))
    }
}

fn text(head: bool, page: &[SnapshotBody]) -> Result<Bytes, std::io::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if head {
        writer.write_record(HEAD)?;
    }
    for row in page {
        let spend: Vec<String> = row.spend.iter().map(|it| format!("{} {}", it.amount, it.currency)).collect();
        writer.write_record([
            clock::format(row.taken_at.0),
            row.user.to_string(),
            harmless(&row.display_name),
            row.bids.to_string(),
            row.wins.to_string(),
            spend.join("; "),
            row.watch_s.map_or_else(String::new, |watched| watched.to_string()),
            row.last_seen.map_or_else(String::new, |at| clock::format(at.0)),
        ])?;
    }
    writer.into_inner().map(Bytes::from).map_err(|error| std::io::Error::other(error.to_string()))
}

/// A text that no spreadsheet takes for a formula: one that begins like it gets an apostrophe before it.
fn harmless(text: &str) -> String {
    if text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
        || text.starts_with(['\t', '\r', '\n'])
    {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::WireTime;

    #[test]
    fn what_cannot_be_told_is_empty() {
        let at = WireTime(clock::parse("2026-11-20T09:30:00.000Z").unwrap());
        let row = |watch_s, last_seen| {
            let (user, display_name) = (uuid::Uuid::nil(), "Ada".to_owned());
            SnapshotBody { taken_at: at, user, display_name, bids: 2, wins: 1, spend: Vec::new(), watch_s, last_seen }
        };
        let file = text(false, &[row(Some(7), Some(at)), row(None, None)]).unwrap();
        let ends: Vec<&str> = std::str::from_utf8(&file).unwrap().lines().map(|line| &line[66..]).collect();
        assert_eq!(ends, ["2,1,,7,2026-11-20T09:30:00.000Z", "2,1,,,"]);
        let json = serde_json::to_value(row(None, None)).unwrap();
        assert!(json["watch_s"].is_null() && json["last_seen"].is_null(), "{json}");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for (name, cell) in [
            ("Ada", "Ada"),
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("-1", "'-1"),
            ("@sum", "'@sum"),
            (" =1", "' =1"),
            ("\t=1", "'\t=1"),
            ("＝1", "'＝1"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(harmless(name), cell);
        }
    }
}
