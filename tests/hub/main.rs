//! A whole hub, started in this process or as a program, asked from outside.

#![allow(clippy::unwrap_used, reason = "a test that finds something missing has failed")]

#[path = "../support/deposits.rs"]
mod deposits;
mod described;
mod harness;
mod mail_server;
#[path = "../support/receiver.rs"]
mod receiver;
#[path = "../support/rest.rs"]
mod rest;
#[path = "../support/socket.rs"]
mod socket_client;

mod accounts;
mod activity;
mod auctions;
mod bids;
mod cache;
mod comments;
mod config;
mod cookies;
mod customers;
mod docs;
mod errors;
mod foreign_tokens;
mod frame;
mod images;
mod limits;
mod market;
mod moderation;
mod my_bids;
mod notices;
mod notifications;
mod operations;
mod outbox;
mod passwords;
mod postgres;
mod privacy;
mod projection;
mod public_log;
mod rights;
mod sales;
mod search;
mod slow;
mod socket;
mod socket_docs;
mod staff;
mod static_files;
mod stories;
mod tickets;
mod user_add;
mod wallets;
mod watchlist;
mod webhooks;
