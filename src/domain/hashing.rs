//! How tables of the core spread account ids: quickly, and the same in every run, because the core has no randomness.
//!
//! Account ids are given out by the hub or signed by its operator, so nobody can choose them to make a table slow. Text
//! that a client chooses is not hashed with this.

use std::hash::{BuildHasherDefault, Hasher};

/// Builds the [`IdHasher`] of a table.
pub type ById = BuildHasherDefault<IdHasher>;

/// Folds the halves of an id into one number by a wide multiplication. For ids only: it is no defence against chosen
/// input.
#[derive(Clone, Copy, Default, Debug)]
pub struct IdHasher(u64);

impl IdHasher {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

    fn fold(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word ^ Self::FACTOR.rotate_left(32)) * u128::from(Self::FACTOR);
        self.0 = (product as u64) ^ (product >> 64) as u64;
    }
}

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.fold(u64::from_le_bytes(word));
        }
    }

    // The length of an id is always the same and says nothing.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    use uuid::Uuid;

    use super::*;
    use crate::domain::AccountId;

    #[test]
    fn ids_that_differ_in_few_bits_spread_over_both_ends_of_the_hash() {
        let hashes: Vec<u64> = (0..4_096_u128)
            .flat_map(|number| [number, number << 64, number << 112])
            .map(|id| ById::default().hash_one(AccountId(Uuid::from_u128(0x7000 << 64 | id))))
            .collect();
        for (end, shift) in [("low", 0), ("high", 52)] {
            let slots: HashSet<u64> = hashes.iter().map(|hash| hash >> shift & 0xFFF).collect();
            assert!(slots.len() > 3_500, "{} of 4096 slots are used by the {end} bits", slots.len());
        }
    }
}
