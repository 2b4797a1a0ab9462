//! Sales, through rooms, their logs and the projection of them, and then through a hub on what came of it.

mod cases;
mod crowd;
mod invoices;
mod settling;
mod steps;
mod whole;
pub mod world;
