//! The SQL of search. Where PostgreSQL and SQLite search texts in different words, both stand side by side.

/// The rows of this text, these values with commas between, and this end; none without values.
macro_rules! read_list {
    ($from:expr, $text:expr, $values:expr, $end:literal) => {{
        macro_rules! read_on {
            ($on:expr) => {{
                let mut builder = sqlx::QueryBuilder::new($text);
                let mut list = builder.separated(", ");
                for value in $values {
                    list.push_bind(value);
                }
                builder.push($end);
                builder.build_query_as().persistent(false).fetch_all($on).await?
            }};
        }
        match $from {
            _ if $values.is_empty() => Vec::new(),
            $crate::persistence::On::Lite(on) => read_on!(on),
            $crate::persistence::On::Pg(on) => read_on!(on),
        }
    }};
}

mod comments;
mod documents;
mod find;
mod matching;
mod near;
mod newest;

pub(super) use comments::{CommentFind, CommentText, comment_texts, comments, has_notes, take_notes};
pub(super) use documents::{AuctionDocument, New, Standing, auctions_in, insert, remove, replace_text, set_standings};
pub(super) use find::{AuctionFind, Filter, Find, Kind, Scope, auctions, window};
pub(super) use near::{Known, alike, count_words, known, numbered};
