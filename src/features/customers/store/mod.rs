//! The SQL of customers: the runs of the scheduler and what they write, who was there, and reading all of it.

pub(super) mod personal;
mod presence;
mod reading;
mod runs;
mod sweep;

pub(super) use presence::*;
pub(super) use reading::*;
pub(super) use runs::*;
pub(super) use sweep::*;
