//! The endpoints of customers, below `/api/staff/customers`.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{CustomersQuery, Format, RunBody, SnapshotBody};
use super::snapshots::JOB;
use super::store::{self, Place};
use super::{Customers, csv};
use crate::auth::Action;
use crate::clock::to_datetime;
use crate::domain::{AccountId, Timestamp};
use crate::http::{ApiError, ApiQuery, CallerOf, HttpContext, List, Page, PageQuery, Problem};

/// How many rows of a file are read at once.
pub(super) const PAGE_MAX: i64 = 500;

/// Which snapshots are read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Listing {
    /// All customers of this one; none if there is none.
    Run(Option<DateTime<Utc>>),
    /// Those of a customer up to then.
    Customer(AccountId, Timestamp),
}

/// The routes of customers.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Customers: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(runs))
}

/// What customers have bid, won, spent and watched
///
/// A snapshot is taken every few minutes of each customer who was active since the one before: the last of them, by the ids
/// of accounts; the one that was there `at` a moment; or those of one `user`, the newest first. `format=csv` gives all of it
/// as a file, in which a name that a spreadsheet would take for a formula has an apostrophe before it.
///
/// A snapshot that was missed is taken later, with the figures of the moment at which it fell due. How long somebody had
/// watched and when they were last seen cannot be told afterwards of who was there again since: it is null, and empty in
/// the file.
#[utoipa::path(get, path = "/api/staff/customers", tag = "staff", params(CustomersQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "A page, or the whole as `text/csv`", body = List<SnapshotBody>),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`, `banned`, `account_frozen`", body = Problem),
    (status = 404, description = "`unknown_user`", body = Problem),
    (status = 422, description = "`invalid_query`, `unknown_field`", body = Problem)))]
async fn list(
    State(customers): State<Customers>,
    caller: CallerOf,
    ApiQuery(query): ApiQuery<CustomersQuery>,
) -> Result<Response, ApiError> {
    caller.may(Action::ReadCustomers)?;
    let page = Page::<Place>::of(query.limit, query.cursor.as_deref())?;
    let until = query.at.map_or(Timestamp::MAX, |at| at.0);
    let listing = match (query.user.map(AccountId), &page.after) {
        (Some(user), _) if !store::account_exists(customers.db(), user).await? => {
            return Err(ApiError::not_found("unknown_user", "there is no such account"));
        }
        (Some(user), _) => Listing::Customer(user, until),
        // A new snapshot may have come since the page before.
        (None, Some(place)) => Listing::Run(Some(place.due_at)),
        (None, None) => Listing::Run(store::run_at(customers.db(), JOB, until).await?),
    };
    if query.format.unwrap_or_default() == Format::Csv {
        return csv::file(customers, listing).await;
    }
    let rows = customers.page(&listing, page.after, page.fetch()).await?;
    let key = |row: &SnapshotBody| Place { due_at: to_datetime(row.taken_at.0), account: row.user };
    Ok(page.cut(rows, key, |row| row)?.into_response())
}

/// When snapshots of customers were taken, the last first
///
/// Those that were missed are taken later, the oldest first, at most the newest 144: `started_at` says when. Those before
/// are counted as `skipped`.
#[utoipa::path(get, path = "/api/staff/customers/runs", tag = "staff", params(PageQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = List<RunBody>),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`, `banned`, `account_frozen`", body = Problem),
    (status = 422, description = "`invalid_query`, `unknown_field`", body = Problem)))]
async fn runs(
    State(customers): State<Customers>,
    caller: CallerOf,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<List<RunBody>>, ApiError> {
    caller.may(Action::ReadCustomers)?;
    let page = Page::<DateTime<Utc>>::of(query.limit, query.cursor.as_deref())?;
    let rows = store::runs(customers.db(), JOB, &page).await?;
    Ok(Json(page.cut(rows, |row| row.due_at, RunBody::from)?))
}

impl Customers {
    /// So many rows of a list after a place in it.
    pub(super) async fn page(
        &self,
        listing: &Listing,
        after: Option<Place>,
        limit: i64,
    ) -> Result<Vec<SnapshotBody>, ApiError> {
        let rows = match *listing {
            Listing::Run(None) => Vec::new(),
            Listing::Run(Some(due)) => store::customers(self.db(), due, after.map(|at| at.account), limit).await?,
            Listing::Customer(user, until) => {
                store::history(self.db(), user, until, after.map(|at| at.due_at), limit).await?
            }
        };
        let Some((first, last)) = rows.first().zip(rows.last()) else { return Ok(Vec::new()) };
        let spend = match *listing {
            Listing::Run(_) => store::spend_of_run(self.db(), first.due_at, (first.account, last.account)).await?,
            Listing::Customer(user, _) => {
                store::spend_of_account(self.db(), user.0, (last.due_at, first.due_at)).await?
            }
        };
        Ok(rows.into_iter().map(|row| SnapshotBody::new(row, &spend)).collect())
    }
}
