//! An invoice as a page to print. The template escapes whatever people wrote; the page has no script, and its only style is
//! a file of the hub's own.

use askama::Template;

use super::invoices::Viewer;
use super::store::InvoiceRow;
use crate::clock::{WireTime, format, from_datetime};
use crate::currency::in_words;
use crate::domain::Money;
use crate::http::ApiError;

/// What stands in place of the name of somebody who is no more.
const NOBODY: &str = "A former member";

#[derive(Template)]
#[template(path = "invoice.html")]
struct InvoicePage<'a> {
    hub: &'a str,
    number: i64,
    title: &'a str,
    auction: String,
    day: String,
    moment: String,
    seller: &'a str,
    buyer: &'a str,
    sums: Vec<Sum>,
    status: &'a str,
    paid: String,
}

/// Lines and what they come to.
struct Sum {
    lines: Vec<(&'static str, String)>,
    result: (&'static str, String),
}

/// The page of an invoice as `viewer` sees it, of the hub at `public_url`.
pub(super) fn page(row: &InvoiceRow, viewer: Viewer, public_url: &str) -> Result<String, ApiError> {
    let at = WireTime(from_datetime(row.at));
    let page = InvoicePage {
        hub: public_url.split_once("://").map_or(public_url, |(_, host)| host).trim_end_matches('/'),
        number: row.number,
        title: &row.title,
        auction: row.auction.to_string(),
        day: row.at.format("%-d %B %Y").to_string(),
        moment: format(at.0),
        seller: row.seller_name.as_deref().unwrap_or(NOBODY),
        buyer: row.winner_name.as_deref().unwrap_or(NOBODY),
        sums: sums(row, viewer)?,
        status: &row.status,
        paid: row.paid_at.map(|at| at.format("%-d %B %Y").to_string()).unwrap_or_default(),
    };
    page.render().map_err(ApiError::internal)
}

/// What the viewer pays, gets, or both.
fn sums(row: &InvoiceRow, viewer: Viewer) -> Result<Vec<Sum>, ApiError> {
    let (currency, amounts) = (row.currency()?, row.amounts()?);
    let line = |name, amount: Money| (name, in_words(currency, amount));
    let price = line("Price", amounts.price);
    let mut buyer = Sum { lines: vec![price.clone()], result: line("Total", amounts.total()) };
    if amounts.premium > Money::ZERO {
        buyer.lines.push(line("Buyer’s premium", amounts.premium));
    }
    let mut seller = Sum { lines: vec![price], result: line("To the seller", amounts.payout) };
    if amounts.commission > Money::ZERO {
        let (name, amount) = line("Commission", amounts.commission);
        seller.lines.push((name, format!("−{amount}")));
    }
    Ok(match viewer {
        Viewer::Buyer => vec![buyer],
        Viewer::Seller => vec![seller],
        Viewer::Staff => vec![buyer, seller],
    })
}
