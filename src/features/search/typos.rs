//! Words that are nearly the one that was typed. The database knows which words have letters in common; of these, those that
//! differ in a letter or two, and are more common, are meant as well.

use std::cmp::Reverse;
use std::collections::HashMap;

use futures_util::future::try_join_all;

use super::Search;
use super::store::{self, Known};
use super::terms::{Near, Term};
use crate::persistence::StoreError;

/// Words shorter than this are too near to too many others.
const WORD_MIN_CHARS: usize = 4;
/// From this length on two differences are forgiven, below it one.
const TWO_FROM_CHARS: usize = 8;
const WORD_MAX_CHARS: usize = 24;
/// Words of one query for which others are looked up, the rarest first.
const MISSPELT_MAX: usize = 4;
/// Words that are meant beside one that was typed, at most.
const NEAR_MAX: usize = 5;

/// How many differences are forgiven in a word; 0 for one that has no near words, such as a number.
pub(super) fn forgiven(word: &str) -> usize {
    let length = word.chars().count();
    if !(WORD_MIN_CHARS..=WORD_MAX_CHARS).contains(&length) || !word.chars().all(char::is_alphabetic) {
        return 0;
    }
    if length < TWO_FROM_CHARS { 1 } else { 2 }
}

/// Which words were taken to be meant: the place of a term in the query, and the number of a word.
pub(super) type Meant = Vec<(usize, i64)>;

/// The words that are meant beside those of these terms.
pub(super) fn meant(terms: &[Term]) -> Meant {
    let of = |(at, term): (usize, &Term)| term.near.iter().map(move |near| (at, near.number)).collect::<Vec<_>>();
    terms.iter().enumerate().flat_map(of).collect()
}

impl Search {
    /// Adds to words of the query those that are near them and more common.
    pub(super) async fn take_near_words_in(&self, terms: &mut [Term]) -> Result<(), StoreError> {
        let mut misspelt: Vec<&mut Term> = terms.iter_mut().filter(|term| correctable(term).is_some()).collect();
        let typed: Vec<String> = misspelt.iter().filter_map(|term| correctable(term)).map(str::to_owned).collect();
        let typed = store::known(&self.db, &typed).await?;
        let typed: HashMap<String, i64> = typed.into_iter().map(|it| (it.word, it.documents)).collect();
        let documents = |term: &Term| term.single().and_then(|word| typed.get(word)).copied().unwrap_or(0);
        misspelt.sort_by_key(|term| documents(term));
        misspelt.truncate(MISSPELT_MAX);
        let words = || misspelt.iter().filter_map(|term| term.single());
        let by_letters = try_join_all(words().map(|word| store::alike(&self.db, word, lengths(word))));
        let by_swapping: Vec<String> = words().flat_map(swapped).collect();
        let (by_letters, by_swapping) = tokio::try_join!(by_letters, store::known(&self.db, &by_swapping))?;
        for (term, alike) in misspelt.into_iter().zip(by_letters) {
            let Some(word) = term.single() else { continue };
            term.near = nearest(term, word, alike.iter().chain(&by_swapping), documents(term));
        }
        Ok(())
    }

    /// Adds the words again that a page before this one took in, whatever has become more common since.
    pub(super) async fn take_in_again(&self, terms: &mut [Term], meant: &Meant) -> Result<(), StoreError> {
        let numbers: Vec<i64> = meant.iter().map(|(_, number)| *number).collect();
        let known: HashMap<i64, Known> =
            store::numbered(&self.db, &numbers).await?.into_iter().map(|it| (it.number, it)).collect();
        for (at, number) in meant {
            let (Some(term), Some(known)) = (terms.get_mut(*at), known.get(number)) else { continue };
            let near = correctable(term).and_then(|word| near(word, known));
            term.near.extend(near.filter(|_| term.near.len() < NEAR_MAX));
        }
        Ok(())
    }
}

/// The one word of a term, if it can be misspelt.
fn correctable(term: &Term) -> Option<&str> {
    term.single().filter(|word| forgiven(word) > 0)
}

/// The word with two neighbouring letters swapped, in each place. A short word so misspelt has hardly a group of three letters in
/// common with what was meant.
fn swapped(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let swap = |at: usize| {
        let mut letters = letters.clone();
        letters.swap(at - 1, at);
        letters.into_iter().collect()
    };
    (1..letters.len()).map(swap).collect()
}

/// How many letters a near word has, at least and at most.
fn lengths(word: &str) -> (i64, i64) {
    let (length, more) = (word.chars().count() as i64, forgiven(word) as i64);
    (length - more, length + more)
}

/// The word as one near `word`; none if it is too far from it, or the same.
fn near(word: &str, known: &Known) -> Option<Near> {
    let distance = strsim::osa_distance(word, &known.word);
    let near = || Near { number: known.number, word: known.word.clone(), distance };
    (1..=forgiven(word)).contains(&distance).then(near)
}

/// Those of these words that are near and in more than so many documents, the nearest first.
fn nearest<'a>(term: &Term, word: &str, alike: impl Iterator<Item = &'a Known>, documents: i64) -> Vec<Near> {
    let found_anyhow = |it: &Known| term.prefix && it.word.starts_with(word);
    let mut all: Vec<(Near, i64)> = alike
        .filter(|it| it.documents > documents && !found_anyhow(it))
        .filter_map(|it| Some((near(word, it)?, it.documents)))
        .collect();
    all.sort_by_key(|(near, documents)| (near.distance, Reverse(*documents), near.number));
    all.dedup_by_key(|(near, _)| near.number);
    all.into_iter().take(NEAR_MAX).map(|(near, _)| near).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(word: &str, prefix: bool) -> Term {
        Term { words: vec![word.to_owned()], prefix, near: Vec::new() }
    }

    fn found(term: &Term, documents: i64) -> Vec<String> {
        let words = ["walnut", "walnuts", "wallet", "peanut", "walnuss", "wall"];
        let known = |(at, word): (usize, &&str)| {
            let number = at as i64 + 1;
            Known { number, word: (*word).to_owned(), documents: number }
        };
        let alike: Vec<Known> = words.iter().enumerate().map(known).collect();
        nearest(term, term.single().unwrap(), alike.iter(), documents).into_iter().map(|near| near.word).collect()
    }

    #[test]
    fn the_nearest_come_first_then_the_commonest() {
        assert_eq!(found(&term("wallnut", false), 0), ["walnut"]);
        assert_eq!(found(&term("walnuts", false), 0), ["walnuss", "walnut"]);
        assert_eq!(found(&term("walnuts", false), 1), ["walnuss"], "no more common than what was typed");
        assert_eq!(found(&term("walnu", true), 0), Vec::<&str>::new(), "it is the beginning of a word");
        assert_eq!(found(&term("walnu", false), 0), ["walnut"]);
        assert_eq!(found(&term("wlanut", false), 0), ["walnut"], "letters that changed places are one difference");
        assert_eq!(found(&term("wallnutts", false), 0), ["walnuts"]);
    }

    #[test]
    fn letters_change_places_with_their_neighbours() {
        assert_eq!(swapped("dsek"), ["sdek", "desk", "dske"]);
    }

    #[test]
    fn short_words_and_numbers_have_no_near_ones() {
        for (word, expected) in [
            ("", 0),
            ("oak", 0),
            ("1890", 0),
            ("iphone13", 0),
            ("desk", 1),
            ("furnitu", 1),
            ("furnitur", 2),
            (&"a".repeat(24), 2),
            (&"a".repeat(25), 0),
        ] {
            assert_eq!(forgiven(word), expected, "{word}");
        }
    }
}
