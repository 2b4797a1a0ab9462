//! Cases of staff, below `/api/staff/cases`.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::auth::Action;
use crate::clock::{WireTime, from_datetime};
use crate::features::sales::Sales;
use crate::features::sales::cases::{CaseKind, Resolution, unknown};
use crate::features::sales::store::{self, CaseRow};
use crate::http::{ApiError, ApiJson, ApiPath, ApiQuery, CallerOf, List, Page, Problem, RequestId};

/// Whether a case still waits for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CaseStatus)]
enum Status {
    Open,
    Closed,
}

/// The query of the list of cases.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// `open` or `closed`; both unless given.
    #[param(inline)]
    status: Option<Status>,
    /// `capture_failed`, `deposit_reversed`, `not_credited` or `paid_after_all`; all unless given.
    #[param(inline)]
    kind: Option<CaseKind>,
    /// Items on the page, 1 to 200; 50 unless given.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// Something that staff must decide.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CaseBody {
    id: Uuid,
    /// `capture_failed`: what a winner owes could not be taken, and is still set aside. `deposit_reversed`: a deposit that
    /// had been spent was taken back. `not_credited`: money that came to the payment provider has no place in the
    /// wallet. `paid_after_all`: a withdrawal went out whose money is back in the wallet.
    #[schema(example = "capture_failed")]
    kind: String,
    status: Status,
    /// Whose money it is.
    account: Uuid,
    /// Null if the account is no more.
    account_name: Option<String>,
    auction: Option<Uuid>,
    /// The event of the auction by which it came up.
    seq: Option<u64>,
    #[schema(example = "USD")]
    currency: String,
    /// How much it is about.
    amount: i64,
    /// Why, as a code.
    #[schema(example = "account_frozen")]
    reason: String,
    opened_at: WireTime,
    closed_at: Option<WireTime>,
    /// The account of who decided.
    closed_by: Option<Uuid>,
    /// `capture`, `release` or `close`.
    resolution: Option<String>,
    /// Why it was decided so.
    note: Option<String>,
}

/// A decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Resolve {
    /// `capture` or `release` for what could not be captured; `close` for anything else.
    action: Resolution,
    /// Why, in 1 to 500 characters.
    #[schema(example = "the account is theirs after all")]
    note: String,
}

/// What staff must decide, the newest first
#[utoipa::path(get, path = "/api/staff/cases", tag = "staff", params(ListQuery),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = List<CaseBody>),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`, `banned`, `account_frozen`", body = Problem),
    (status = 422, description = "`invalid_query`", body = Problem)))]
pub(super) async fn list(
    State(sales): State<Sales>,
    caller: CallerOf,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<List<CaseBody>, ApiError> {
    caller.may(Action::HandleCases)?;
    let page = Page::<Uuid>::of(query.limit, query.cursor.as_deref())?;
    let open = query.status.map(|status| status == Status::Open);
    let rows = store::cases(&sales.0.db, open, query.kind, &page).await?;
    page.cut(rows, |row| row.id, CaseBody::from)
}

/// A case
#[utoipa::path(get, path = "/api/staff/cases/{id}", tag = "staff", params(("id" = Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = CaseBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`, `banned`, `account_frozen`", body = Problem),
    (status = 404, description = "`unknown_case`", body = Problem)))]
pub(super) async fn read(
    State(sales): State<Sales>,
    caller: CallerOf,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<CaseBody>, ApiError> {
    caller.may(Action::HandleCases)?;
    let row = sales.case(id.parse().map_err(|_| unknown())?).await?;
    Ok(Json(row.into()))
}

/// Decide a case
///
/// `capture` takes what the winner owes and pays the seller; `release` gives the winner the money back and cancels the
/// invoice; `close` moves nothing. A case is decided once: sent again, this is refused with what was decided, and by whom.
#[utoipa::path(post, path = "/api/staff/cases/{id}/resolve", tag = "staff", request_body = Resolve,
    params(("id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])), responses(
    (status = 200, body = CaseBody),
    (status = 401, description = "`unauthenticated`", body = Problem),
    (status = 403, description = "`forbidden`, `banned`, `account_frozen`", body = Problem),
    (status = 404, description = "`unknown_case`", body = Problem),
    (status = 409, description = "`case_closed` with `resolution` and `closed_by`; `capture_failed` with `reason`: \
        `hold_too_small`, `seller_wallet_full`; `own_account`", body = Problem),
    (status = 422, description = "`invalid_action`: not for this kind of case; `invalid_note`", body = Problem)))]
pub(super) async fn resolve(
    State(sales): State<Sales>,
    caller: CallerOf,
    request: RequestId,
    ApiPath(id): ApiPath<String>,
    ApiJson(body): ApiJson<Resolve>,
) -> Result<Json<CaseBody>, ApiError> {
    let caller = caller.may(Action::HandleCases)?;
    let id = id.parse().map_err(|_| unknown())?;
    let row = sales.resolve(&caller, &request, id, (body.action, &body.note)).await?;
    Ok(Json(row.into()))
}

impl From<CaseRow> for CaseBody {
    fn from(row: CaseRow) -> Self {
        let (auction, seq) = row.event().unzip();
        Self {
            id: row.id,
            kind: row.kind,
            status: if row.closed_at.is_none() { Status::Open } else { Status::Closed },
            account: row.account,
            account_name: row.account_name,
            auction: auction.map(|id| id.0),
            seq: seq.map(|seq| seq.0),
            currency: row.currency,
            amount: row.amount,
            reason: row.reason,
            opened_at: WireTime(from_datetime(row.opened_at)),
            closed_at: row.closed_at.map(|at| WireTime(from_datetime(at))),
            closed_by: row.closed_by,
            resolution: row.resolution,
            note: row.note,
        }
    }
}
