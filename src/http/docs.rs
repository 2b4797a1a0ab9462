//! The API described: as OpenAPI and AsyncAPI for programs, and as pages for people, which come from the program itself and
//! need nothing from outside.

mod examples;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use bytes::Bytes;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, OpenApi as Description, Ref, RefOr, Response as OneResponse, ResponseBuilder};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::caller::SESSION_COOKIE;
use super::for_all::ForAll;
use super::problem::{PROBLEM_JSON, Problem};

/// Where the description is.
pub const OPENAPI_PATH: &str = "/api/openapi.json";
/// Where the description of the socket is, for programs; it refers to shapes of the other.
pub const ASYNCAPI_PATH: &str = "/api/asyncapi.json";
/// What begins so is for staff, who are neither banned nor frozen.
const STAFF_PATHS: &str = "/api/staff/";
/// Where the pages are.
pub const DOCS_PATH: &str = "/api/docs";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "bidhub",
        description = "A real-time bidding hub. Bids are best sent over the WebSocket at `/ws`; what is here does the \
            rest, and takes bids where no socket can be had; `/api/asyncapi.json` describes the socket. Times are `2026-11-20T09:30:00.000Z`, money is a whole \
            number of minor units, errors are RFC 9457 problems with a stable `code`. `?fields=a,b` on any GET picks \
            members of the answer, and is refused with `unknown_field` if there is none of that name."
    ),
    components(schemas(Problem)),
    modifiers(&Security),
    tags(
        (name = "accounts", description = "Signing up, signing in, and the own account"),
        (name = "auctions", description = "Auctions, their bids, and the public log that anyone can check"),
        (name = "images", description = "Pictures for auctions, served from the hub"),
        (name = "activity", description = "What goes on, and how many watch"),
        (name = "stakes", description = "The own bids and how they stand, and the watchlist"),
        (name = "comments", description = "What people say about auctions, in threads"),
        (name = "tickets", description = "Asking staff, and what they answer"),
        (name = "notifications", description = "What the own account was told, and how it wants to hear of what"),
        (name = "wallet", description = "Money: what is there, what is set aside for bids, and every movement"),
        (name = "invoices", description = "What sales came to, for those who bought and sold"),
        (name = "webhooks", description = "Events of one's own auctions, sent to endpoints"),
        (name = "staff", description = "Moderation, each act with who and why"),
        (name = "operations", description = "Health, readiness, metrics, time")
    )
)]
struct Base;

struct Security;

impl Modify for Security {
    fn modify(&self, api: &mut Description) {
        let components = api.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
        let bearer = bearer.description(Some("A session token, or a JWT signed with the operator's key"));
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
        let cookie = ApiKeyValue::with_description(SESSION_COOKIE, "What signing in gives to a browser");
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// A router without routes whose description has the frame of the whole.
pub(super) fn described<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::with_openapi(Base::openapi())
}

/// Adds to a description what all operations have in common and none says for itself: that problems are of a type of their
/// own, those problems that come before or around a handler, and examples.
pub(super) fn complete(mut api: Description) -> Description {
    for (path, item) in &mut api.paths.paths {
        let PathItem { get, put, post, delete, patch, .. } = item;
        let all = [("get", get), ("put", put), ("post", post), ("delete", delete), ("patch", patch)];
        for (method, operation) in all {
            let Some(operation) = operation else { continue };
            if method == "get" {
                add_unknown_field(operation);
            }
            for (status, code, more) in common(path, operation, method != "get") {
                add_problem(operation, status, code, more);
            }
            for response in operation.responses.responses.values_mut() {
                if let RefOr::T(response) = response
                    && let Some(content) = response.content.shift_remove("application/json")
                {
                    let problem = matches!(&content, RefOr::T(content) if content.schema == problem().schema);
                    response
                        .content
                        .insert(if problem { PROBLEM_JSON } else { "application/json" }.to_owned(), content);
                }
            }
            examples::illustrate(method, path, operation);
        }
    }
    api
}

/// Names of `fields` are refused where JSON is answered.
fn add_unknown_field(operation: &mut Operation) {
    let responses = &operation.responses.responses;
    let answers_json =
        |response: &RefOr<OneResponse>| matches!(response, RefOr::T(it) if it.content.contains_key("application/json"));
    if !responses.get("200").is_some_and(answers_json) {
        return;
    }
    add_problem(operation, "422", "unknown_field", ": there is no such field to pick");
}

/// Adds a code, and more about it, to the description of a status, unless it stands there.
fn add_problem(operation: &mut Operation, status: &str, code: &str, more: &str) {
    let responses = &mut operation.responses.responses;
    match responses.get_mut(status) {
        Some(RefOr::T(response)) if !response.description.contains(&format!("`{code}`")) => {
            response.description = format!("{}; `{code}`{more}", response.description);
        }
        Some(_) => {}
        None => {
            let response = ResponseBuilder::new().description(format!("`{code}`{more}"));
            responses.insert(status.to_owned(), response.content(PROBLEM_JSON, problem()).build().into());
        }
    }
}

/// A status, a code, and more about it.
type Common = (&'static str, &'static str, &'static str);

/// Which problems any such operation may have.
fn common(path: &str, operation: &Operation, writes: bool) -> Vec<Common> {
    let mut problems = vec![
        ("429", "rate_limited", ": wait for `Retry-After` seconds"),
        ("500", "internal", ": a fault of the hub, named by `request_id`"),
        ("503", "unavailable", ": ask again later"),
    ];
    if operation.security.as_ref().is_some_and(|security| !security.is_empty()) {
        problems.push(("401", "unauthenticated", ""));
        if path.starts_with(STAFF_PATHS) {
            problems.extend([("403", "forbidden", ""), ("403", "banned", ""), ("403", "account_frozen", "")]);
        } else if writes && !operation.responses.responses.contains_key("403") {
            problems.extend([("403", "forbidden", ""), ("403", "banned", "")]);
        }
        if writes {
            problems.push(("403", "origin_not_allowed", ": a page of a foreign origin"));
        }
    }
    if let Some(body) = &operation.request_body {
        problems.push(("413", "body_too_large", ""));
        problems.push(("415", "unsupported_media_type", ""));
        if matches!(body, RefOr::T(body) if body.content.contains_key("application/json")) {
            problems.push(("400", "invalid_json", ""));
            problems.extend(["unknown_field", "missing_field", "invalid_field"].map(|code| ("422", code, "")));
        }
    }
    let asks =
        |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(it) if it.parameter_in == ParameterIn::Query);
    if operation.parameters.as_ref().is_some_and(|parameters| parameters.iter().any(asks)) {
        problems.push(("422", "invalid_query", ""));
    }
    problems
}

fn problem() -> Content {
    Content::new(Some(Ref::from_schema_name("Problem")))
}

/// The description and the pages.
pub(super) fn pages<S: Clone + Send + Sync + 'static>(api: Description) -> Router<S> {
    // "none" keeps the pages from asking a validator on the internet about the description.
    let config = Config::new([OPENAPI_PATH]).validator_url("none").try_it_out_enabled(true);
    let json = |text: Bytes| ForAll(([(header::CONTENT_TYPE, "application/json")], text));
    let socket = json(Bytes::from_static(include_bytes!("../../docs/asyncapi.json")));
    // It is plain data, which can always be written.
    let rest = json(api.to_json().map(Bytes::from).unwrap_or_default());
    Router::from(SwaggerUi::new(DOCS_PATH).config(config))
        .route(OPENAPI_PATH, get(async || rest))
        .route(ASYNCAPI_PATH, get(async || socket))
}
