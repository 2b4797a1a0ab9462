//! The SQL of search. Where PostgreSQL and SQLite search texts in different words, both stand side by side.

/// The rows of this text, which ends with a column, of those rows where it is one of these values; none without values. What
/// is said of their order comes last.
macro_rules! read_list {
    ($from:expr, $text:expr, $values:expr $(, $end:literal)?) => {
        match $from {
            _ if $values.is_empty() => Vec::new(),
            $crate::persistence::On::Lite(on) => {
                let mut builder = sqlx::QueryBuilder::new($text);
                let mut list = builder.push(" in (").separated(", ");
                for value in $values {
                    list.push_bind(value);
                }
                builder.push(concat!(")" $(, $end)?));
                builder.build_query_as().persistent(false).fetch_all(on).await?
            }
            $crate::persistence::On::Pg(on) => {
                let mut builder = sqlx::QueryBuilder::new($text);
                builder.push(" = any(").push_bind($values).push(concat!(")" $(, $end)?));
                builder.build_query_as().fetch_all(on).await?
            }
        }
    };
}

mod comments;
mod documents;
mod find;
mod matching;
mod near;
mod newest;
mod reach;

pub(super) use comments::{CommentFind, CommentText, comment_texts, comments, has_notes, take_notes};
pub(super) use documents::{AuctionDocument, New, Standing, auctions_in, insert, remove, replace_text, set_standings};
pub(super) use find::{AuctionFind, Filter, Find, Kind, Scope, auctions, window};
pub(super) use near::{Known, alike, count_words, known, numbered};
