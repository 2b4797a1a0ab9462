//! The hash chain of a log.
//!
//! `digest(n) = SHA-256(digest(n − 1) ‖ public bytes ‖ commitment)`, with 32 zero bytes before the first, and
//! `commitment = HMAC-SHA256(key(n), version ‖ epoch ‖ private bytes)`, `key(n) = HMAC-SHA256(secret, "bidhub event" ‖ n)`,
//! with the version as two bytes, `epoch` and `n` as eight, the highest first. Anyone can follow the chain from the public bytes and the commitments; a commitment
//! tells nothing of a ceiling, however few ceilings are likely; and one key opens one event without the others.
//! HMAC is RFC 2104, SHA-256 is FIPS 180-4.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use super::record::VERSION;
use super::{Head, Record};
use crate::domain::Seq;

const LABEL: &[u8] = b"bidhub event";

/// SHA-256 of a record and, through the one before, of the whole log up to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// What stands before the first record.
    pub const ORIGIN: Self = Self([0; 32]);
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The key of an auction's commitments. It is never shown and never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub [u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The end of a log to which records are sealed one after the other.
#[derive(Clone)]
pub struct Chain {
    keyed: Hmac<Sha256>,
    head: Head,
}

impl Chain {
    /// A chain that goes on from `head`.
    pub fn new(secret: &Secret, head: Head) -> Self {
        Self { keyed: hmac(&secret.0), head }
    }

    /// A chain that has no record yet. The first one sealed has number 0.
    pub fn origin(secret: &Secret) -> Self {
        Self::new(secret, Head { seq: Seq(0), digest: Digest::ORIGIN })
    }

    /// Where the chain ends.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Seals public and private bytes as the record `seq`, and moves on to it.
    pub fn seal(&mut self, seq: Seq, epoch: u64, public: Arc<str>, private: Vec<u8>) -> Record {
        let commitment = self.commitment(seq, VERSION, epoch, &private);
        let digest = digest(self.head.digest, public.as_bytes(), &commitment);
        self.head = Head { seq, digest };
        Record { version: VERSION, seq, epoch, public, private, commitment, digest }
    }

    /// Moves on to a record read back, if it is the one that follows.
    pub fn follow(&mut self, record: &Record) -> Result<(), BrokenChain> {
        let genesis = record.seq == Seq(0) && self.head.digest == Digest::ORIGIN;
        if !genesis && record.seq != self.head.seq.next() {
            return Err(BrokenChain::Gap);
        }
        if !bool::from(
            self.commitment(record.seq, record.version, record.epoch, &record.private).ct_eq(&record.commitment),
        ) {
            return Err(BrokenChain::Commitment);
        }
        if digest(self.head.digest, record.public.as_bytes(), &record.commitment) != record.digest {
            return Err(BrokenChain::Digest);
        }
        self.head = Head { seq: record.seq, digest: record.digest };
        Ok(())
    }

    fn commitment(&self, seq: Seq, version: u16, epoch: u64, private: &[u8]) -> [u8; 32] {
        let key: [u8; 32] =
            self.keyed.clone().chain_update(LABEL).chain_update(seq.0.to_be_bytes()).finalize().into_bytes().into();
        hmac(&key)
            .chain_update(version.to_be_bytes())
            .chain_update(epoch.to_be_bytes())
            .chain_update(private)
            .finalize()
            .into_bytes()
            .into()
    }
}

/// The digest of a record that follows `previous`.
pub fn digest(previous: Digest, public: &[u8], commitment: &[u8; 32]) -> Digest {
    Digest(Sha256::new().chain_update(previous.0).chain_update(public).chain_update(commitment).finalize().into())
}

fn hmac(key: &[u8; 32]) -> Hmac<Sha256> {
    // A key shorter than a block counts as if it were filled up with zeros (RFC 2104, section 2).
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    Hmac::new(&block.into())
}

/// Why a record does not follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BrokenChain {
    /// Its number is not the next one.
    #[error("its number is not the next one")]
    Gap,
    /// Its private bytes, version or epoch are not those committed to.
    #[error("its private bytes, version or epoch are not those committed to")]
    Commitment,
    /// Its bytes or the one before are not those hashed.
    #[error("its digest does not follow from its bytes and the record before")]
    Digest,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").field("head", &self.head).finish_non_exhaustive()
    }
}
