//! Requests that are done once however often they are sent: under which key, and with which content.

use sha2::{Digest, Sha256};

use super::paths::IdempotencyKey;
use super::problem::ApiError;
use crate::domain::BidKey;

/// A request under a key of its caller's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    key: BidKey,
    content: [u8; 32],
}

impl Once {
    /// The request under its key, if it came with one; `parts` are all that it asks for.
    pub fn of(key: Option<IdempotencyKey>, parts: &[&str]) -> Option<Self> {
        let mut hash = Sha256::new();
        for part in parts {
            // With the length before it, so that no two lists of parts look alike.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        key.map(|IdempotencyKey(key)| Self { key, content: hash.finalize().into() })
    }

    /// The key.
    pub fn key(&self) -> &str {
        self.key.as_str()
    }

    /// What the request asks for, as a hash.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// Whether the request is the one that was done under its key; else 409 `key_reused`. Where what that one asked for is
    /// no longer known, it is.
    pub fn check(&self, done: Option<&[u8]>) -> Result<(), ApiError> {
        done.is_none_or(|done| done == self.content).then_some(()).ok_or_else(key_reused)
    }
}

/// 409 `key_reused`: the key came before, with something else.
pub fn key_reused() -> ApiError {
    ApiError::conflict("key_reused", "this key was used for another request")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parts_are_the_same_request_and_no_others() {
        let once = |parts: &[&str]| Once::of(BidKey::new("k").map(IdempotencyKey), parts).unwrap();
        let first = once(&["a", "bc"]);
        assert!(first.check(Some(once(&["a", "bc"]).content())).is_ok());
        assert!(first.check(None).is_ok());
        for other in [&["ab", "c"][..], &["a", "bc", ""], &["a"], &[]] {
            assert_eq!(first.check(Some(once(other).content())).unwrap_err().code(), "key_reused", "{other:?}");
        }
        assert_eq!(Once::of(None, &["a"]), None);
    }
}
