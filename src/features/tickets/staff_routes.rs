//! The endpoints of the queue: `/api/staff/tickets`.

use axum::Json;
use axum::extract::State;

use super::body::StaffTicketBody;
use super::queue::QueueQuery;
use super::request::PatchTicket;
use super::routes::ticket;
use super::{Tickets, store};
use crate::auth::Action;
use crate::http::{ApiError, ApiJson, ApiPath, ApiQuery, CallerOf, List, Problem, RequestId};
use crate::persistence::StoreError;

/// The tickets of all users
#[utoipa::path(get, path = "/api/staff/tickets", tag = "staff", params(QueueQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = List<StaffTicketBody>),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`, `banned`", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
pub(super) async fn queue(
    State(tickets): State<Tickets>,
    caller: CallerOf,
    ApiQuery(query): ApiQuery<QueueQuery>,
) -> Result<Json<List<StaffTicketBody>>, ApiError> {
    let reader = caller.may(Action::HandleTickets)?;
    let (filter, page) = query.read(reader.account())?;
    let rows = store::queue(tickets.db(), &filter, &page).await?;
    let now = tickets.now();
    let List { items, next } = page.cut(rows, |row| row.number, |row| StaffTicketBody::new(row, now))?;
    Ok(Json(List { items: items.into_iter().collect::<Result<_, StoreError>>()?, next }))
}

/// Change the status of a ticket, or who handles it
///
/// With `version` only if nothing has changed since.
#[utoipa::path(patch, path = "/api/staff/tickets/{id}", tag = "staff", request_body = PatchTicket,
    params(("id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = StaffTicketBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`, `banned`", body = Problem),
    (status = 404, description = "`unknown_ticket`", body = Problem),
    (status = 409, description = "`own_ticket`; `version_conflict` with the present `version`", body = Problem),
    (status = 422, description = "`invalid_assignee`, `invalid_field`, `unknown_field`", body = Problem)))]
pub(super) async fn patch(
    State(tickets): State<Tickets>,
    caller: CallerOf,
    request: RequestId,
    ApiPath(id): ApiPath<String>,
    ApiJson(body): ApiJson<PatchTicket>,
) -> Result<Json<StaffTicketBody>, ApiError> {
    let staff = caller.may(Action::HandleTickets)?;
    let row = tickets.patch(staff.account(), ticket(&id)?, &body, &request).await?;
    Ok(Json(StaffTicketBody::new(row, tickets.now())?))
}
