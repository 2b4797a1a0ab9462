//! The protocol by which nodes own a room and commit to its log, as a model that is small enough to be searched whole:
//! every order of messages, pauses, expiries, failovers and late writes within stated bounds.
//!
//! # What is modelled
//! One auction ([`state`]). A primary Redis with lease, greatest epoch, log, history (log id) and the id of the server
//! of the last take-over; a replica that receives all of it at any time or never; an archive in SQL that never goes
//! back, and an archiver that may pause between reading and writing; two or three nodes. A node follows, acquires,
//! reads, repairs, settles, serves and waits for its commit ([`protocol`]; [`hub`] has what can be chosen). A digest
//! commits to all before it, so a head is modelled as the whole chain. Any step may be late by as long as you like,
//! which is what a pause is: a node acts on what it believes. The answer to a commit can be waited for or given up, the
//! command itself can arrive after that, or twice. Bidders send any of their keys to any owner at any time.
//!
//! # What is assumed
//! A script is atomic. A node's own clock tells it to fall silent before its lease runs out, and a lease that has run
//! out on one server has run out on its copies. Nodes and keys are alike, so they come into play in their order.
//!
//! # What is asked
//! Promises ([`properties`]) that hold in every state, and things that must happen in some state, so that the promises are
//! not kept by doing nothing. What was acknowledged binds only as far as its ack level promises: `redis` until the next
//! failover, `replica` if the replica that acknowledged is promoted, `sql` always.
//!
//! # How it is read
//! [`sound`] has every guard on, and searches all there is. [`guards`] takes out one guard after the other and fails unless
//! a promise breaks; it tells the steps. A new guard is a field of `Guards`, asked where it acts, with a test in `guards`.
//!
//! `cargo test --test model -- --nocapture` shows the number of states and the steps of each counterexample.

mod guards;
mod hub;
mod properties;
mod protocol;
mod search;
mod sound;
mod state;
