//! The chain: whatever is changed, left out, doubled or put elsewhere is noticed.

use bidhub::journal::chain::{BrokenChain, digest};
use bidhub::journal::{Chain, Digest, Record, Secret};
use proptest::prelude::*;

use crate::story;

fn follow(records: &[Record], secret: &Secret) -> Result<(), BrokenChain> {
    let mut chain = Chain::origin(secret);
    records.iter().try_for_each(|record| chain.follow(record))
}

#[test]
fn the_chain_can_be_followed_with_nothing_but_the_public_part() {
    let (records, ..) = story::told();
    let mut previous = Digest::ORIGIN;
    for record in &records {
        previous = digest(previous, record.public.as_bytes(), &record.commitment);
        assert_eq!(previous, record.digest);
    }
    assert_eq!(follow(&records, &story::SECRET), Ok(()));
}

#[test]
fn another_secret_gives_other_commitments() {
    let (records, ..) = story::told();
    assert_eq!(follow(&records, &Secret([8; 32])), Err(BrokenChain::Commitment));
}

#[test]
fn equal_private_parts_have_unlike_commitments() {
    let (records, ..) = story::told();
    let opened = records.iter().filter(|record| record.private == records[2].private);
    let commitments: Vec<_> = opened.map(|record| record.commitment).collect();
    assert!(commitments.len() > 1);
    assert!(commitments.windows(2).all(|pair| pair[0] != pair[1]), "or they would tell who hides the same");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn one_changed_bit_breaks_it(place in any::<prop::sample::Index>(), field in 0..6, bit in any::<prop::sample::Index>()) {
        let (mut records, ..) = story::told();
        let record = place.get(&records).clone();
        let index = record.seq.0 as usize;
        let flip = |bytes: &mut [u8]| {
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        };
        let record = &mut records[index];
        match field {
            0 => {
                let mut bytes = record.public.as_bytes().to_vec();
                flip(&mut bytes);
                let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
                record.public = text.into();
            }
            1 => flip(&mut record.private),
            2 => flip(&mut record.commitment),
            3 => record.epoch ^= 1 << bit.index(64),
            4 => record.version ^= 1 << bit.index(16),
            _ => flip(&mut record.digest.0),
        }
        prop_assert!(follow(&records, &story::SECRET).is_err());
    }

    #[test]
    fn one_left_out_doubled_or_moved_breaks_it(from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
        let (records, ..) = story::told();
        // The last may be missing: only the head, which is kept apart, tells of that.
        let from = from.index(records.len() - 1);
        let mut missing = records.clone();
        missing.remove(from);
        prop_assert!(follow(&missing, &story::SECRET).is_err());
        let mut doubled = records.clone();
        doubled.insert(from, records[from].clone());
        prop_assert!(follow(&doubled, &story::SECRET).is_err());
        let to = to.index(records.len());
        if from != to {
            let mut moved = records.clone();
            let record = moved.remove(from);
            moved.insert(to, record);
            prop_assert!(follow(&moved, &story::SECRET).is_err());
        }
    }
}
