//! The private bytes of a record: MessagePack with named fields, holding what the public part leaves out. Accounts stand
//! in it by their ids alone; names live elsewhere, so that a person can be forgotten. This form stays for ever, like the
//! public one.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::record::RecordError;

/// The private part of a record, by its kind. One letter a field: there may be billions of them. The key `k` of an act is
/// left out where there is none, as it was before acts had keys.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Private {
    /// Nothing is hidden.
    Nothing,
    /// Creation: the reserve.
    Created { r: Option<i64> },
    /// A bid: who, the key, the offer, the ceiling it amounts to.
    Bid { b: Uuid, k: String, o: Offered, c: i64 },
    /// An act of staff: by whom, under which key.
    Act {
        by: Uuid,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        k: Option<String>,
    },
    /// A pause: by whom, milliseconds left, the key.
    Pause {
        by: Uuid,
        left: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        k: Option<String>,
    },
    /// A void: by whom, whose bid, the ceiling left to that bidder, who leads with which ceiling, the key.
    Void {
        by: Uuid,
        b: Uuid,
        m: Option<i64>,
        l: Option<(Uuid, i64)>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        k: Option<String>,
    },
    /// An end with a winner.
    Won { w: Uuid },
    /// New terms: by whom, the reserve, the key.
    Amend {
        by: Uuid,
        r: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        k: Option<String>,
    },
    /// An allowance: whose, how much, the version of the hold.
    Allowance { b: Uuid, a: i64, v: u64 },
}

/// What was offered: a straight amount, a ceiling, or the buy-now price.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Offered {
    #[serde(rename = "s")]
    Straight,
    #[serde(rename = "m")]
    Max,
    #[serde(rename = "n")]
    BuyNow,
}

impl Private {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // Writing plain numbers and strings to memory cannot fail; empty bytes would not be read back.
        rmp_serde::to_vec_named(self).unwrap_or_default()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        rmp_serde::from_slice(bytes).map_err(|error| RecordError::Malformed(format!("private bytes: {error}")))
    }
}
