//! The SQL of webhooks: endpoints, what they are to be sent, and who sells which auction.

pub(super) mod deliveries;
pub(super) mod endpoints;
pub(super) mod outbox;
pub(super) mod personal;

/// The status of a delivery that is to be sent.
pub(super) const PENDING: &str = "pending";
/// The status of one that was taken.
pub(super) const DELIVERED: &str = "delivered";
/// The status of one that was given up.
pub(super) const DEAD: &str = "dead";
