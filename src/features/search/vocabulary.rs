//! In how many documents more, or fewer, each word is, as documents come, change and go. Only words that can be misspelt
//! count; it knows no database.

use std::collections::{BTreeMap, BTreeSet};

use super::typos::forgiven;
use super::words::words;

/// What has changed, word by word, in the order of the words: so no two who write it down wait for each other for ever.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Vocabulary(BTreeMap<String, i64>);

impl Vocabulary {
    /// A document with these fields has come.
    pub(super) fn add(&mut self, fields: &[&str]) {
        let all: BTreeSet<String> = fields.iter().flat_map(|field| words(field)).map(Into::into).collect();
        self.count(all, 1);
    }

    /// A document that had these words, each named once, has gone.
    pub(super) fn remove(&mut self, words: Vec<String>) {
        self.count(words, -1);
    }

    fn count(&mut self, words: impl IntoIterator<Item = String>, change: i64) {
        for word in words.into_iter().filter(|word| forgiven(word) > 0) {
            *self.0.entry(word).or_default() += change;
        }
    }

    /// The words that are in more or fewer documents, and in how many.
    pub(super) fn changes(&self) -> Vec<(&str, i64)> {
        self.0.iter().filter(|(_, change)| **change != 0).map(|(word, change)| (word.as_str(), *change)).collect()
    }

    /// The words that are in fewer documents.
    pub(super) fn fewer(&self) -> Vec<&str> {
        self.0.iter().filter(|(_, change)| **change < 0).map(|(word, _)| word.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_counts_once_and_what_comes_and_goes_is_no_change() {
        let mut vocabulary = Vocabulary::default();
        vocabulary.add(&["Walnut desk", "Desks", "A walnut of 1890, oak"]);
        assert_eq!(vocabulary.changes(), [("desk", 1), ("desks", 1), ("walnut", 1)]);
        vocabulary.remove(vec!["desk".to_owned(), "1890".to_owned(), "lamp".to_owned()]);
        assert_eq!(vocabulary.changes(), [("desks", 1), ("lamp", -1), ("walnut", 1)]);
        assert_eq!(vocabulary.fewer(), ["lamp"]);
    }
}
