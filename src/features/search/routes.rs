//! The endpoint of search: `/api/search`.

use axum::Json;
use axum::extract::{FromRef, State};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Search;
use super::query::SearchQuery;
use super::response::SearchBody;
use crate::auth::Action;
use crate::http::{ApiError, ApiQuery, ClientAddress, ForAll, HttpContext, MaybeCaller, Problem};
use crate::rate_limit::address_key;

/// The routes of search.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Search: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(search))
}

/// Search auctions and comments
///
/// Full text over titles, categories and descriptions of auctions and over comments. Words in a title count most. Where
/// hardly anything has the words, near ones are meant as well, and `corrections` says which. Of many finds the newest
/// are ranked. What has just changed may be a moment behind.
#[utoipa::path(get, path = "/api/search", tag = "search", params(SearchQuery), responses(
    (status = 200, body = SearchBody, headers(("ETag" = String, description = "For `If-None-Match`"))),
    (status = 304, description = "Still what one of the tags in `If-None-Match` names"),
    (status = 422, description = "`invalid_query`, with `field`", body = Problem),
    (status = 429, description = "`rate_limited`", body = Problem),
    (status = 503, description = "`busy`: the search took too long, or too many are under way; `unavailable`", body = Problem)))]
async fn search(
    State(search): State<Search>,
    State(context): State<HttpContext>,
    ClientAddress(address): ClientAddress,
    caller: MaybeCaller,
    ApiQuery(query): ApiQuery<SearchQuery>,
) -> Result<ForAll<Json<SearchBody>>, ApiError> {
    match caller.may(Action::WatchAuctions)? {
        Some(caller) => context.limits.search_by_account.check(&caller.account())?,
        None => context.limits.search_by_address.check(&address_key(address))?,
    }
    search.kept(query).await.map(Json).map(ForAll)
}
