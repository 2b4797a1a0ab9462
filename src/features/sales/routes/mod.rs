//! The endpoints of sales.

mod cases;
mod invoices;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Sales;
use crate::http::HttpContext;

/// The routes of invoices, and of cases below `/api/staff`.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    HttpContext: FromRef<S>,
    Sales: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(invoices::list))
        .routes(routes!(invoices::read))
        .routes(routes!(cases::list))
        .routes(routes!(cases::read))
        .routes(routes!(cases::resolve))
}
