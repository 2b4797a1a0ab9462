//! What an auction site needs around its rooms. One folder each: rules in `mod`, SQL in `store`, endpoints in `routes`.
//! Features never import each other; `app` puts them together.

pub mod accounts;
pub mod activity;
pub mod auctions;
pub mod comments;
pub mod customers;
pub mod images;
pub mod moderation;
pub mod notifications;
pub mod privacy;
pub mod sales;
pub mod search;
pub mod staff;
pub mod stakes;
pub mod tickets;
pub mod wallets;
pub mod webhooks;
