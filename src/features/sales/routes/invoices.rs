//! Invoices below `/api/invoices`: as JSON, and as pages to print.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::auth::Action;
use crate::clock::{WireTime, from_datetime};
use crate::domain::{AccountId, Money};
use crate::features::sales::Sales;
use crate::features::sales::invoices::{Side, Viewer, unknown};
use crate::features::sales::page::page;
use crate::features::sales::store::InvoiceRow;
use crate::http::{ApiError, ApiPath, ApiQuery, CallerOf, List, Page, Problem};

/// The query of the list of invoices.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// `buyer`, what was bought, or `seller`, what was sold; both unless given.
    #[param(inline)]
    role: Option<Side>,
    /// Whose; the caller's own unless given. Those of others are for staff.
    account: Option<Uuid>,
    /// Items on the page, 1 to 200; 50 unless given.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// In which form an invoice is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Form {
    Json,
    Html,
}

/// The query of an invoice.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FormQuery {
    /// `json` or `html`; else the header `Accept` says it, and JSON it is if that does not either.
    #[param(inline)]
    format: Option<Form>,
}

/// Somebody who bought or sold.
#[derive(Debug, Serialize, ToSchema)]
struct Party {
    id: Uuid,
    /// Null if the account is no more.
    display_name: Option<String>,
}

/// An invoice, as the caller may see it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InvoiceBody {
    id: Uuid,
    /// 1, 2, 3, … without a gap.
    number: i64,
    auction: Uuid,
    /// What was sold.
    title: String,
    /// When.
    at: WireTime,
    seller: Party,
    buyer: Party,
    #[schema(example = "USD")]
    currency: String,
    price: i64,
    /// What the buyer pays on top of the price. Not for the seller.
    #[serde(skip_serializing_if = "Option::is_none")]
    premium: Option<i64>,
    /// Price and premium. Not for the seller.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<i64>,
    /// What the hub keeps of the price. Not for the buyer.
    #[serde(skip_serializing_if = "Option::is_none")]
    commission: Option<i64>,
    /// The price without the commission. Not for the buyer.
    #[serde(skip_serializing_if = "Option::is_none")]
    payout: Option<i64>,
    /// `paid` from money that was set aside; `outside`: it is between the parties; `open`: it could not be paid yet, and
    /// staff has a case; `cancelled`: it never will be.
    #[schema(example = "paid")]
    status: String,
    paid_at: Option<WireTime>,
}

/// What the caller bought and sold, the newest first
///
/// Staff reads those of others too.
#[utoipa::path(get, path = "/api/invoices", tag = "invoices", params(ListQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = List<InvoiceBody>),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`, `banned`, `account_frozen`: these are somebody else's", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
pub(super) async fn list(
    State(sales): State<Sales>,
    caller: CallerOf,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<List<InvoiceBody>, ApiError> {
    let caller = caller.may(Action::ReadOwnAccount)?;
    let page = Page::<i64>::of(query.limit, query.cursor.as_deref())?;
    let rows = sales.invoices(&caller, query.account.map(AccountId), query.role, &page).await?;
    let List { items, next } = page.cut(rows, |(row, _)| row.number, |(row, viewer)| InvoiceBody::new(row, viewer))?;
    Ok(List { items: items.into_iter().collect::<Result<_, _>>()?, next })
}

/// An invoice
///
/// The buyer sees price, premium and total; the seller price, commission and payout; staff all of it.
#[utoipa::path(get, path = "/api/invoices/{id}", tag = "invoices", params(("id" = Uuid, Path), FormQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "As JSON, or as a page to print", content((InvoiceBody = "application/json"), (String = "text/html"))),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 404, description = "`unknown_invoice`: there is none, or it is somebody else's", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
pub(super) async fn read(
    State(sales): State<Sales>,
    caller: CallerOf,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<FormQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let caller = caller.may(Action::ReadOwnAccount)?;
    let (row, viewer) = sales.invoice(&caller, id.parse().map_err(|_| unknown())?).await?;
    let mut response = match query.format.unwrap_or_else(|| accepted(&headers)) {
        Form::Json => Json(InvoiceBody::new(row, viewer)?).into_response(),
        Form::Html => Html(page(&row, viewer, &sales.0.public_url)?).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

/// The form that the header `Accept` names first; programs that take anything get JSON.
fn accepted(headers: &HeaderMap) -> Form {
    let named = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = named.flat_map(|value| value.split(',')).filter_map(|one| one.split(';').next());
    let form = kinds.find_map(|kind| match kind.trim().to_ascii_lowercase().as_str() {
        "text/html" => Some(Form::Html),
        "application/json" | "application/*" | "*/*" => Some(Form::Json),
        _ => None,
    });
    form.unwrap_or(Form::Json)
}

impl InvoiceBody {
    fn new(row: InvoiceRow, viewer: Viewer) -> Result<Self, ApiError> {
        let (currency, amounts) = (row.currency()?, row.amounts()?);
        let shown = |viewers: [Viewer; 2], amount: Money| viewers.contains(&viewer).then_some(amount.minor_units());
        let (to_buyer, to_seller) = ([Viewer::Buyer, Viewer::Staff], [Viewer::Seller, Viewer::Staff]);
        Ok(Self {
            id: row.id,
            number: row.number,
            auction: row.auction,
            title: row.title,
            at: WireTime(from_datetime(row.at)),
            seller: Party { id: row.seller, display_name: row.seller_name },
            buyer: Party { id: row.winner, display_name: row.winner_name },
            currency: currency.to_string(),
            price: amounts.price.minor_units(),
            premium: shown(to_buyer, amounts.premium),
            total: shown(to_buyer, amounts.total()),
            commission: shown(to_seller, amounts.commission),
            payout: shown(to_seller, amounts.payout),
            status: row.status,
            paid_at: row.paid_at.map(|at| WireTime(from_datetime(at))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_pages_and_programs_get_json() {
        for (accept, form) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Form::Html),
            ("Text/HTML; charset=utf-8", Form::Html),
            ("*/*", Form::Json),
            ("application/json, text/html;q=0.5", Form::Json),
            ("image/png", Form::Json),
            ("", Form::Json),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(accepted(&headers), form, "{accept}");
        }
        assert_eq!(accepted(&HeaderMap::new()), Form::Json);
    }
}
