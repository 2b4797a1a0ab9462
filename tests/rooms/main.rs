//! Rooms on a real journal in a directory of their own, beside a journal that fails when it is told to.

#![allow(clippy::unwrap_used, reason = "a test that finds something missing has failed")]

mod house;
mod purse;
mod town;
mod unruly;

mod acts;
mod batches;
mod failures;
mod funding;
mod funding_nodes;
mod lifecycle;
mod mailbox;
mod roles;
mod watching;
