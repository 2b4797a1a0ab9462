//! The endpoints of tickets: `/api/tickets` and what is below. The queue of staff is in [`super::staff_routes`].

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::body::{MessageBody, TicketBody, TicketPage, TicketView};
use super::queue::OwnQuery;
use super::request::{NewMessage, NewTicket};
use super::{Side, Tickets, staff_routes, store, unknown_ticket};
use crate::auth::{Action, Caller, Denied};
use crate::http::{
    ApiError, ApiJson, ApiPath, ApiQuery, CallerOf, HttpContext, IdempotencyKey, List, Page, PageQuery, Problem,
    RequestId,
};
use crate::persistence::StoreError;

/// The routes of tickets.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Tickets: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(open, list))
        .routes(routes!(read))
        .routes(routes!(write))
        .routes(routes!(close))
        .routes(routes!(reopen))
        .routes(routes!(staff_routes::queue))
        .routes(routes!(staff_routes::patch))
}

/// Ask staff for something
///
/// Whoever is banned may too.
#[utoipa::path(post, path = "/api/tickets", tag = "tickets", request_body = NewTicket,
    params(("Idempotency-Key" = Option<String>, Header, description = "The author's own name for the ticket, 1 to 128 \
        visible ASCII characters. Sent again with the same key, it is opened once and gets the same answer")),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 201, description = "The ticket, with its first message", body = TicketPage),
    (status = 400, description = "`invalid_idempotency_key`", body = Problem),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 404, description = "`unknown_auction`", body = Problem),
    (status = 409, description = "`too_many_tickets`: 20 are open; `key_reused`", body = Problem),
    (status = 422, description = "`invalid_ticket`, `invalid_field`, `unknown_field`, `missing_field`, each with `field`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem),
    (status = 503, description = "`unavailable`: send the same key again", body = Problem)))]
async fn open(
    State(tickets): State<Tickets>,
    caller: CallerOf,
    key: Option<IdempotencyKey>,
    ApiJson(body): ApiJson<NewTicket>,
) -> Result<Response, ApiError> {
    let author = caller.may(Action::WriteTickets)?;
    let row = tickets.open(author.account(), &body, key).await?;
    let place = format!("/api/tickets/{}", row.id);
    let page = tickets.page(row, Side::Author, &PageQuery::default()).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(page)).into_response())
}

/// The own tickets, newest first
#[utoipa::path(get, path = "/api/tickets", tag = "tickets", params(OwnQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = List<TicketBody>),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
async fn list(
    State(tickets): State<Tickets>,
    caller: CallerOf,
    ApiQuery(query): ApiQuery<OwnQuery>,
) -> Result<Json<List<TicketBody>>, ApiError> {
    let author = caller.may(Action::ReadOwnAccount)?;
    let page = Page::<i64>::of(query.limit, query.cursor.as_deref())?;
    let rows = store::own(tickets.db(), author.account(), query.status, &page).await?;
    let List { items, next } = page.cut(rows, |row| row.number, TicketBody::new)?;
    Ok(Json(List { items: items.into_iter().collect::<Result<_, StoreError>>()?, next }))
}

/// A ticket and its messages, oldest first
///
/// For its author and for staff; only staff sees who handles it, how long it has waited, and internal notes.
#[utoipa::path(get, path = "/api/tickets/{id}", tag = "tickets", params(("id" = Uuid, Path), PageQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = TicketPage),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 404, description = "`unknown_ticket`: there is none, or it is another's", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
async fn read(
    State(tickets): State<Tickets>,
    caller: CallerOf,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<TicketPage>, ApiError> {
    let caller = caller.may(Action::ReadOwnAccount)?;
    let (row, side) = tickets.seen_by(&caller, ticket(&id)?).await?;
    tickets.page(row, side, &query).await.map(Json)
}

/// Write in a ticket
///
/// Its author, which opens it again within 30 days after it was closed; or staff, which answers it, or with `internal` leaves
/// a note for staff alone.
#[utoipa::path(post, path = "/api/tickets/{id}/messages", tag = "tickets", request_body = NewMessage,
    params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header, description = "The writer's own name for the \
        message, 1 to 128 visible ASCII characters. Sent again with the same key, it is written once and gets the same answer")),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 201, description = "The message", body = MessageBody),
    (status = 400, description = "`invalid_idempotency_key`", body = Problem),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`: an internal note by the author", body = Problem),
    (status = 404, description = "`unknown_ticket`", body = Problem),
    (status = 409, description = "`ticket_closed`, `too_many_tickets`, `key_reused`", body = Problem),
    (status = 422, description = "`invalid_ticket`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem),
    (status = 503, description = "`unavailable`: send the same key again", body = Problem)))]
async fn write(
    State(tickets): State<Tickets>,
    caller: CallerOf,
    request: RequestId,
    key: Option<IdempotencyKey>,
    ApiPath(id): ApiPath<String>,
    ApiJson(body): ApiJson<NewMessage>,
) -> Result<(StatusCode, Json<MessageBody>), ApiError> {
    let caller = caller.may(Action::WriteTickets)?;
    let (row, side) = tickets.seen_by(&caller, ticket(&id)?).await?;
    let message = match side {
        Side::Author if body.internal => return Err(Denied::Forbidden.into()),
        Side::Author => tickets.ask(caller.account(), row.id, &body, key).await?,
        Side::Staff => tickets.answer(caller.account(), row.id, &body, (key, &request)).await?,
    };
    Ok((StatusCode::CREATED, Json(message.into())))
}

/// Close a ticket of one's own
#[utoipa::path(post, path = "/api/tickets/{id}/close", tag = "tickets", params(("id" = Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "Closed, now or before", body = TicketBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`: it is another's", body = Problem),
    (status = 404, description = "`unknown_ticket`", body = Problem)))]
async fn close(
    State(tickets): State<Tickets>,
    caller: CallerOf,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<TicketBody>, ApiError> {
    let author = caller.may(Action::WriteTickets)?;
    let id = tickets.own(&author, &id).await?;
    Ok(Json(TicketBody::new(tickets.close(id).await?)?))
}

/// Open a ticket of one's own again
///
/// Within 30 days after it was closed.
#[utoipa::path(post, path = "/api/tickets/{id}/reopen", tag = "tickets", params(("id" = Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, description = "Open, now or before", body = TicketBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`: it is another's", body = Problem),
    (status = 404, description = "`unknown_ticket`", body = Problem),
    (status = 409, description = "`ticket_closed`: too long ago; `too_many_tickets`", body = Problem)))]
async fn reopen(
    State(tickets): State<Tickets>,
    caller: CallerOf,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<TicketBody>, ApiError> {
    let author = caller.may(Action::WriteTickets)?;
    let id = tickets.own(&author, &id).await?;
    Ok(Json(TicketBody::new(tickets.reopen(author.account(), id).await?)?))
}

impl Tickets {
    /// A ticket as one of its sides sees it, with a page of its messages.
    async fn page(&self, row: store::TicketRow, side: Side, query: &PageQuery) -> Result<TicketPage, ApiError> {
        let page = Page::<i64>::of(query.limit, query.cursor.as_deref())?;
        let messages = store::messages(self.db(), row.id, side == Side::Staff, &page).await?;
        let List { items: messages, next } = page.cut(messages, |row| row.number, MessageBody::from)?;
        Ok(TicketPage { ticket: TicketView::new(row, side, self.now())?, messages, next })
    }

    /// The id of a ticket of the caller's own. Staff, who may see it, is told that it is another's.
    async fn own(&self, caller: &Caller, id: &str) -> Result<Uuid, ApiError> {
        match self.seen_by(caller, ticket(id)?).await? {
            (row, Side::Author) => Ok(row.id),
            (_, Side::Staff) => Err(Denied::Forbidden.into()),
        }
    }
}

/// The ticket that the path names.
pub(super) fn ticket(id: &str) -> Result<Uuid, ApiError> {
    id.parse().map_err(|_| unknown_ticket())
}
