//! The REST side of the hub, apart from what the features add to it: the frame around every request, errors, paging,
//! documents, health and the files of the browser app.
//!
//! Nothing here imports a feature, holds SQL, or decides anything about an auction.

pub mod caller;
pub mod context;
pub mod docs;
pub mod extract;
mod fields;
pub mod for_all;
mod frame;
mod observe;
pub mod once;
pub mod ops;
pub mod paging;
pub mod paths;
pub mod problem;
mod rejection;
mod shape;
mod static_files;
pub mod text;
mod visitors;

pub use caller::{CallerOf, MaybeCaller};
pub use context::HttpContext;
pub use extract::{ApiJson, ApiPath, ApiQuery, ClientAddress, RequestId};
pub use for_all::{ForAll, ForStrangers};
pub use frame::{Frame, description, framed};
pub use once::{Once, key_reused};
pub use ops::{Ops, Probe};
pub use paging::{List, Page, PageQuery};
pub use paths::{AuctionPath, IdempotencyKey};
pub use problem::{ApiError, Problem};
pub use shape::matches as tags_match;
pub use text::{plain_line, plain_text};
pub use visitors::Visitors;
