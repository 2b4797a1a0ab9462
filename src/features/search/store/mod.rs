//! The SQL of search. Where PostgreSQL and SQLite search texts in different words, both stand side by side.

mod comments;
mod documents;
mod find;
mod matching;
mod near;

pub(super) use comments::{CommentFind, CommentText, comment_texts, comments, has_notes, take_notes};
pub(super) use documents::{AuctionDocument, New, Standing, auctions_in, insert, remove, replace_text, set_standings};
pub(super) use find::{AuctionFind, Filter, Find, Kind, Scope, auctions, window};
pub(super) use near::{Known, alike, count_words, known, numbered};
