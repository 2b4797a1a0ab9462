//! Lists, a page at a time. A cursor is opaque to clients: it holds the key of the last item they have.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::ApiError;

/// Items on a page unless more or fewer are asked for.
pub const LIMIT_DEFAULT: u32 = 50;
/// Most items on a page.
pub const LIMIT_MAX: u32 = 200;
const CURSOR_MAX_BYTES: usize = 1_024;

/// The query of a list that takes nothing but paging. Lists that take more have the same two fields.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Items on the page, 1 to 200; 50 unless given.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// A page as asked for: how many items, and after which key `K`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<K> {
    /// Items on the page, 1 to [`LIMIT_MAX`].
    pub limit: u32,
    /// The key of the last item of the page before.
    pub after: Option<K>,
}

impl<K: DeserializeOwned + Serialize> Page<K> {
    /// Reads `limit` and `cursor` of a query.
    pub fn of(limit: Option<u32>, cursor: Option<&str>) -> Result<Self, ApiError> {
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            let detail = format!("limit must be 1 to {LIMIT_MAX}");
            return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_query", detail).with("field", "limit"));
        }
        let after = cursor.map(|text| {
            let bytes = (text.len() <= CURSOR_MAX_BYTES).then(|| BASE64_URL_SAFE_NO_PAD.decode(text).ok()).flatten();
            bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(|| {
                let detail = "cursor is not one that the hub gave for this list";
                ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_query", detail).with("field", "cursor")
            })
        });
        Ok(Self { limit, after: after.transpose()? })
    }

    /// How many rows to read: one more than the page has, which tells whether there is a next one.
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The page of the rows read, of which there are up to [`Page::fetch`]; `key` gives the key of a row.
    pub fn cut<R, T>(
        &self,
        mut rows: Vec<R>,
        key: impl FnOnce(&R) -> K,
        item: impl FnMut(R) -> T,
    ) -> Result<List<T>, ApiError> {
        let limit = self.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = match rows.last() {
            Some(last) if more => {
                let key = serde_json::to_vec(&key(last)).map_err(ApiError::internal)?;
                Some(BASE64_URL_SAFE_NO_PAD.encode(key))
            }
            _ => None,
        };
        Ok(List { items: rows.into_iter().map(item).collect(), next })
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct List<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// The cursor of the page after this one; null on the last.
    pub next: Option<String>,
}

impl<T: Serialize> axum::response::IntoResponse for List<T> {
    fn into_response(self) -> axum::response::Response {
        axum::Json(self).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers_after(after: Option<u32>) -> Vec<u32> {
        (1..=5).filter(|number| after.is_none_or(|after| *number > after)).collect()
    }

    #[test]
    fn pages_join_without_gap_or_repeat() {
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let page = Page::<u32>::of(Some(2), cursor.as_deref()).unwrap();
            let rows = numbers_after(page.after).into_iter().take(page.fetch() as usize).collect();
            let list = page.cut(rows, |row| *row, |row| row).unwrap();
            seen.extend(list.items);
            cursor = list.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn limits_and_cursors_are_checked() {
        for (limit, cursor) in [(Some(0), None), (Some(201), None), (None, Some("nonsense")), (None, Some("IiI"))] {
            assert_eq!(Page::<u32>::of(limit, cursor).unwrap_err().code(), "invalid_query");
        }
        assert_eq!(Page::<u32>::of(None, None).unwrap(), Page { limit: 50, after: None });
    }
}
