//! model
mod properties;
mod protocol;
mod state;
mod search;
mod sound;
mod guards;
