//! Notifications named in a few bytes, so that a notice about them is small however many it names.

/// The ids of some notifications that lie within one stretch of [`NoteIds::SPAN`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NoteIds {
    first: i64,
    /// Bit n stands for `first + n`.
    bits: u128,
}

impl NoteIds {
    /// How far apart the first and the last may be, the first counted.
    pub const SPAN: i64 = 128;

    /// The ids `first + n` for each bit n.
    pub const fn new(first: i64, bits: u128) -> Self {
        Self { first, bits }
    }

    /// All of `ids`, which ascend, in as few pieces as hold them.
    pub fn covering(ids: &[i64]) -> Vec<Self> {
        let mut pieces: Vec<Self> = Vec::new();
        for id in ids {
            match pieces.last_mut().and_then(|piece| piece.bit(*id).map(|bit| (piece, bit))) {
                Some((piece, bit)) => piece.bits |= bit,
                None => pieces.push(Self { first: *id, bits: 1 }),
            }
        }
        pieces
    }

    /// The least that may be among them.
    pub const fn first(self) -> i64 {
        self.first
    }

    /// The greatest that may be among them.
    pub const fn last(self) -> i64 {
        self.first.saturating_add(Self::SPAN - 1)
    }

    /// Which of them are meant: bit n stands for the first one and n.
    pub const fn bits(self) -> u128 {
        self.bits
    }

    /// True if `id` is among them.
    pub fn contains(self, id: i64) -> bool {
        self.bit(id).is_some_and(|bit| self.bits & bit != 0)
    }

    fn bit(self, id: i64) -> Option<u128> {
        let nth = id.checked_sub(self.first).filter(|nth| (0..Self::SPAN).contains(nth))?;
        u32::try_from(nth).ok().and_then(|nth| 1_u128.checked_shl(nth))
    }
}

impl std::fmt::Debug for NoteIds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NoteIds({} of {}..={})", self.bits.count_ones(), self.first(), self.last())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hold_exactly_what_they_are_made_of() {
        for ids in [&[][..], &[7], &[1, 2, 128, 129, 130, 500], &[i64::MAX - 1, i64::MAX]] {
            let pieces = NoteIds::covering(ids);
            for id in ids.iter().flat_map(|id| [id.saturating_sub(1), *id, id.saturating_add(1)]) {
                let held = pieces.iter().filter(|piece| piece.contains(id)).count();
                assert_eq!(held, usize::from(ids.contains(&id)), "{id} of {pieces:?}");
            }
            for piece in pieces {
                assert_eq!(NoteIds::new(piece.first(), piece.bits()), piece);
            }
        }
        let counts: Vec<_> =
            NoteIds::covering(&[1, 2, 128, 129, 130, 500]).iter().map(|it| it.bits().count_ones()).collect();
        assert_eq!(counts, [3, 2, 1]);
    }
}
