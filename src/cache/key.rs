//! How values are named: by the kind of value, by what it depends on, and by what was asked.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// A kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Its name, in keys and metrics.
    pub name: &'static str,
    /// Grows when the form of the value changes, so that nodes of two versions do not read each other's.
    pub version: u16,
    /// After this it is forgotten even if nobody said so. At most [`TTL_MAX`].
    pub ttl: Duration,
}

/// The longest that any value may be kept.
pub const TTL_MAX: Duration = Duration::from_secs(30);

/// What values depend on: when it changes, all of them are forgotten together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(Arc<str>);

/// The name of one value of type `T`.
#[derive(Debug)]
pub struct Key<T> {
    pub(super) kind: &'static Kind,
    pub(super) tag: Tag,
    /// Where the value is kept; begins with the tag in braces, so that a cluster keeps both together.
    pub(super) place: Arc<str>,
    of: PhantomData<fn() -> T>,
}

impl Tag {
    /// What all of a kind depend on, such as `auctions`.
    pub fn all(of: &str) -> Self {
        Self(of.into())
    }

    /// What depends on one thing, such as `auction` and its id.
    pub fn one(of: &str, id: impl std::fmt::Display) -> Self {
        Self(format!("{of}:{id}").into())
    }

    /// What searches depend on: features that do not know each other change it.
    pub fn searches() -> Self {
        Self::all("searches")
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where its generation is kept.
    pub(super) fn place(&self) -> String {
        format!("bidhub:cache:{{{}}}:generation", self.0)
    }
}

impl<T> Key<T> {
    /// The value of `kind` that depends on `tag` and answers `asked`. What was asked is hashed: it may be of any length.
    pub fn new(kind: &'static Kind, tag: Tag, asked: &impl Serialize) -> Self {
        // Questions are plain data; one that could not be written would share its place with no other that can.
        let asked = serde_json::to_vec(asked).unwrap_or_default();
        let asked = hex::encode(Sha256::digest(asked));
        let place = format!("bidhub:cache:{{{}}}:{}:{}:{asked}", tag.0, kind.name, kind.version).into();
        Self { kind, tag, place, of: PhantomData }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind { name: "test", version: 3, ttl: TTL_MAX };

    #[test]
    fn every_question_has_its_own_place_beside_the_generation_of_its_tag() {
        let key = |tag, asked: &str| Key::<u32>::new(&KIND, tag, &asked).place;
        let places =
            [key(Tag::all("a"), "1"), key(Tag::all("a"), "2"), key(Tag::one("a", 7), "1"), key(Tag::one("a", 8), "1")];
        for (number, place) in places.iter().enumerate() {
            assert_eq!(places.iter().position(|other| other == place), Some(number));
        }
        assert!(places[2].starts_with("bidhub:cache:{a:7}:test:3:"));
        assert_eq!(Tag::one("a", 7).place(), "bidhub:cache:{a:7}:generation");
    }
}
