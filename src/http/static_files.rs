//! The browser app, compiled into the program. Its own paths, such as `/auctions/…`, are the app's to read: they all get its
//! one page.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

use super::shape::{etag, matches};

#[derive(rust_embed::Embed)]
#[folder = "static/"]
struct Files;

const PAGE: &str = "index.html";

pub(super) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") {
        return StatusCode::NOT_FOUND.into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let name = if path.is_empty() { PAGE } else { path };
    let accepts_page = || {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        accept.contains("text/html")
    };
    match Files::get(name).or_else(|| accepts_page().then(|| Files::get(PAGE)).flatten()) {
        Some(file) => answer(&file, &headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn answer(file: &rust_embed::EmbeddedFile, request: &HeaderMap) -> Response {
    let Ok(tag) = HeaderValue::from_str(&etag(&file.data)) else { return StatusCode::NOT_FOUND.into_response() };
    let kind = file.metadata.mimetype();
    let kind = if kind.starts_with("text/") { format!("{kind}; charset=utf-8") } else { kind.to_owned() };
    let unchanged = request.get(header::IF_NONE_MATCH).is_some_and(|known| matches(known, &tag));
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Response::new(Body::from(file.data.clone().into_owned()));
        if let Ok(kind) = HeaderValue::from_str(&kind) {
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag);
    // File names do not change with their content, so a browser asks each time, and is mostly told that it has it.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
