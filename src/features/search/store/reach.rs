//! How far back PostgreSQL looks for words, look by look: as far as should do, judged by what is expected and by what was found so
//! far, and no further than is worth it. Knows no SQL.

use super::find::Scope;
use crate::features::search::terms::Terms;

/// How many numbers of documents one key of the index stands for, as migration 0021 has it.
pub(super) const RANGE: i64 = 1_024;
/// How many documents with the words are put to the filter; half as many where titles alone are asked for.
const WORDED_MAX: i64 = 2_000;
/// How many are looked into for what no index tells: whether words stand side by side, or begin so. Half as many
/// titles.
const CANDIDATES_MAX: i64 = 2_000;
/// One look reaches so many times as far as those before it, at most: what they found may be no measure.
const GROWTH: i64 = 32;
/// The first look goes no further than this, since what is expected may be wrong.
const FIRST_MAX: i64 = 16 * RANGE;
/// The index reads so many places of words in the time in which one document is looked into.
const READ_FOR_EACH_LOOKED_INTO: i64 = 20;
/// From how many candidates on they say how many of them have a word that begins so.
const ENOUGH_TO_JUDGE: i64 = 64;

/// How many documents PostgreSQL believes to have what is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Expected {
    /// All of it.
    pub worded: i64,
    /// What the index can tell without the beginning of a word.
    pub candidates: i64,
    /// Words that begin so.
    pub begun: i64,
}

/// How far back was looked, and what that gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach {
    /// Documents below this number have not been looked at.
    pub below: i64,
    /// How many numbers the first look goes through.
    first: i64,
    /// How many numbers have been.
    seen: i64,
    /// Documents that the index gave.
    candidates: i64,
    /// Those of them that have the words.
    worded: i64,
    /// Those of them that pass the filter.
    pub found: i64,
    /// How much of the above is too much: one part in so many.
    part: i64,
    /// True if the index is asked for the beginning of a word as well: it reads all words that begin so, of all documents, so
    /// one that many documents have is better seen in these.
    pub beginning: bool,
}

impl Reach {
    /// Before the first look, from document `number` on, for `limit` finds.
    pub fn new(number: i64, terms: &Terms, scope: Scope, limit: i64, expected: Expected) -> Self {
        let part = if scope == Scope::Text { 1 } else { 2 };
        let reach = |more: i64, of: i64| number.saturating_mul(more) / of.clamp(1, number.max(1));
        let enough = reach(limit * 5 / 4, expected.worded);
        // Near words are meant where hardly anything has what was typed: then the beginning of a word costs nothing.
        let unfinished = terms.all.iter().any(|term| term.prefix && term.near.is_empty());
        // Else it costs reading all that begins so, which is to be less than looking into each candidate.
        let candidates = expected.candidates.min(number);
        let looked_into = candidates.saturating_mul(enough.min(number)) / number.max(1);
        let beginning = !unfinished || expected.begun < looked_into.saturating_mul(READ_FOR_EACH_LOOKED_INTO);
        let first = if beginning { enough } else { enough.min(reach(CANDIDATES_MAX / part, candidates)) };
        let first = first.clamp(RANGE / 2, FIRST_MAX);
        Self { below: number + 1, first, seen: 0, candidates: 0, worded: 0, found: 0, part, beginning }
    }

    /// From which number on to look now, if there is need and it is not too dear. `asked` says that the index has words to look
    /// for.
    pub fn next(&self, limit: i64, asked: bool) -> Option<i64> {
        let (worded, candidates) = (WORDED_MAX / self.part - self.worded, CANDIDATES_MAX / self.part - self.candidates);
        let (below, missing) = (self.below, limit - self.found);
        if [below, missing, worded, candidates].iter().any(|left| *left <= 0) {
            return None;
        }
        let reach = |more: i64, had: i64| self.seen.saturating_mul(more) / had.max(1);
        let reach = reach(missing * 5 / 4, self.found)
            .min(reach(worded, self.worded))
            .min(reach(candidates, self.candidates))
            .min(self.seen.saturating_mul(GROWTH))
            .max(if self.seen == 0 { self.first } else { RANGE / 2 });
        // The index is quicker without ranges if they are most of what there is.
        let rest = asked && reach > below / 4 * 3;
        Some(if rest { 0 } else { (below - reach).max(0) / RANGE * RANGE })
    }

    /// Takes in what a look from this number on gave.
    pub fn take_in(&mut self, from: i64, (candidates, worded, found): (i64, i64, i64)) {
        self.seen += self.below - from;
        self.below = from;
        self.candidates += candidates;
        self.worded += worded;
        self.found += found;
        if !self.beginning && self.candidates >= ENOUGH_TO_JUDGE && self.worded * 4 < self.candidates {
            self.beginning = true;
            self.candidates = self.worded;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::matching::ts_index;
    use super::*;
    use crate::features::search::terms::Asked;

    fn terms(query: &str) -> Terms {
        match Asked::read(query).unwrap() {
            Asked::Terms(terms) => terms,
            other => panic!("{other:?}"),
        }
    }

    /// The looks over `documents` documents of which one in `every` has the words: from which number on each, and what was found.
    fn looks(query: &str, documents: i64, limit: i64, every: (i64, i64, i64)) -> (Vec<i64>, Reach) {
        // Where nothing was counted, each look says how far the next one goes.
        let expected = Expected { worded: i64::MAX, candidates: i64::MAX, begun: i64::MAX };
        looks_for(query, documents, limit, every, expected)
    }

    /// The same where so many documents were expected to have the words.
    fn looks_for(
        query: &str,
        documents: i64,
        limit: i64,
        every: (i64, i64, i64),
        expected: Expected,
    ) -> (Vec<i64>, Reach) {
        let terms = terms(query);
        let mut reach = Reach::new(documents, &terms, Scope::Text, limit, expected);
        let mut looks = Vec::new();
        while let Some(from) = reach.next(limit, ts_index(&terms, reach.beginning).is_some()) {
            assert!(looks.last().is_none_or(|last| from < *last) && from % RANGE == 0, "{looks:?} {from}");
            let of = |every: i64| reach.below / every - from / every;
            let counts = (of(every.0), of(every.1), of(every.2));
            reach.take_in(from, counts);
            looks.push(from);
        }
        (looks, reach)
    }

    #[test]
    fn common_words_are_found_near_by_in_a_hub_of_any_size() {
        for documents in [300_000, 3_000_000, 300_000_000] {
            for every in [1, 2, 10, 50] {
                let (looks, reach) = looks("\"oak\"", documents, 301, (every, every, every));
                assert!(looks.len() <= 3 && (301..3_000).contains(&reach.found), "{documents} {every}: {reach:?}");
            }
        }
    }

    #[test]
    fn what_is_expected_saves_looks_and_may_be_wrong() {
        let same = |count: i64| Expected { worded: count, candidates: count, begun: count };
        for every in [10, 30] {
            let (looks, reach) = looks_for("\"oak\"", 300_000, 501, (every, every, every), same(300_000 / every));
            assert!(looks.len() == 1 && (501..800).contains(&reach.found), "{every}: {looks:?} {reach:?}");
        }
        let (looks, _) = looks_for("\"oak\"", 300_000, 501, (5_000, 5_000, 5_000), same(60));
        assert_eq!(looks.len(), 2, "{looks:?}");
        let (looks, reach) = looks_for("\"oak\"", 300_000, 501, (1, 1, 1), same(0));
        assert!(looks.len() == 1 && reach.found <= FIRST_MAX + RANGE, "{reach:?}");
        let (looks, reach) = looks_for("\"oak\"", 300_000, 501, (50, 50, 50), same(300_000));
        assert!(looks.len() <= 3 && (501..1_500).contains(&reach.found), "{looks:?} {reach:?}");
    }

    #[test]
    fn the_beginning_of_a_word_is_left_to_whoever_has_less_to_do() {
        let begins = |worded, candidates, begun| {
            Reach::new(300_000, &terms("oak wal"), Scope::Text, 501, Expected { worded, candidates, begun }).beginning
        };
        assert!(begins(1_000, i64::MAX, 1_000), "few words begin so");
        assert!(!begins(200_000, i64::MAX, 200_000), "nearly all documents have one, so the newest do");
        assert!(!begins(30, 60, 150_000), "few are to be looked into");
        assert!(begins(300, 30_000, 3_000), "many would be");
    }

    #[test]
    fn rare_words_are_looked_for_to_the_end() {
        for documents in [0, 1, 600, 1_024, 30_000, 300_000, 3_000_000] {
            let (looks, reach) = looks("\"oak\"", documents, 301, (20_000, 20_000, 20_000));
            assert!(looks.len() <= 4 && reach.below == 0, "{documents}: {looks:?}");
            assert_eq!(reach.found, documents / 20_000);
        }
    }

    #[test]
    fn what_hardly_passes_the_filter_is_not_looked_for_for_ever() {
        let (_, reach) = looks("\"oak\"", 3_000_000, 301, (2, 2, 10_000));
        assert!(reach.below > 0 && (WORDED_MAX..2 * WORDED_MAX).contains(&reach.worded), "{reach:?}");
        let (_, reach) = looks("\"oak desk\"", 3_000_000, 301, (2, 100_000, 100_000));
        assert!(reach.below > 0 && (CANDIDATES_MAX..2 * CANDIDATES_MAX).contains(&reach.candidates), "{reach:?}");
    }

    #[test]
    fn the_index_is_asked_for_a_beginning_that_few_have() {
        assert!(!looks("oak wal", 300_000, 301, (2, 3, 3)).1.beginning, "most that have the one have the other");
        assert!(!looks("wal", 300_000, 301, (1, 2, 2)).1.beginning);
        assert!(!looks("oak wal", 300_000, 301, (1_000, 4_000, 4_000)).1.beginning, "so few are all looked into");
        assert!(looks("oak wal", 300_000, 301, (2, 1_000, 1_000)).1.beginning);
        assert!(looks("wal", 300_000, 301, (1, 100, 100)).1.beginning);
    }
}
