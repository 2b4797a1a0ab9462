//! In which order finds stand. What a find is worth follows from its own words and the query alone, not from what else is
//! there, so that pages join without gap or repeat while documents come and go, and both databases agree.

use std::borrow::Cow;
use std::collections::HashMap;

use super::terms::{Term, Terms};
use super::words::words;

/// What a term is worth by where it stands: the whole word; its beginning; a near word, less for each difference.
struct Worth {
    whole: i64,
    beginning: i64,
    near: i64,
    difference: i64,
}

const TITLE: Worth = Worth { whole: 100, beginning: 70, near: 60, difference: 15 };
const CATEGORY: Worth = Worth { whole: 40, beginning: 30, near: 28, difference: 6 };
/// In the text below: whoever is found at all has it there.
const TEXT: i64 = 10;
/// A phrase is worth so much more for each further word.
const PHRASE_WORD: i64 = 20;
/// All terms side by side in the title, in the order of the query.
const IN_ORDER: i64 = 30;
/// At most this for a title that has little else in it.
const SHORT_TITLE: i64 = 20;

/// Ranks the finds of one query.
pub(super) struct Ranking<'a> {
    terms: &'a Terms,
    /// What the terms are worth in each category that was seen.
    categories: HashMap<String, Vec<i64>>,
}

impl<'a> Ranking<'a> {
    pub(super) fn new(terms: &'a Terms) -> Self {
        Self { terms, categories: HashMap::new() }
    }

    /// What a find is worth: more is better, 0 is nothing to go by. `title` is in words as they are compared, with spaces
    /// between; `category` is as its seller wrote it.
    pub(super) fn rank(&mut self, title: &str, category: Option<&str>) -> i64 {
        let title: Vec<&str> = title.split(' ').filter(|word| !word.is_empty()).collect();
        let terms = &self.terms.all;
        let category: &[i64] = match category {
            Some(category) => {
                if !self.categories.contains_key(category) {
                    let words: Vec<Cow<'_, str>> = words(category).collect();
                    let worth = terms.iter().map(|term| worth(term, &words, &CATEGORY)).collect();
                    self.categories.insert(category.to_owned(), worth);
                }
                &self.categories[category]
            }
            None => &[],
        };
        let (mut sum, mut in_title) = (0, 0);
        for (at, term) in terms.iter().enumerate() {
            let here = worth(term, &title, &TITLE);
            in_title += usize::from(here > 0) * term.words.len();
            sum += here.max(category.get(at).copied().unwrap_or(0)).max(TEXT);
        }
        if in_title > 0 {
            sum += SHORT_TITLE * in_title.min(title.len()) as i64 / title.len() as i64;
        }
        if terms.len() > 1 && side_by_side(terms, &title) {
            sum += IN_ORDER;
        }
        sum
    }
}

/// What a term is worth in a field of these words; 0 if it is not there.
fn worth<W: AsRef<str>>(term: &Term, words: &[W], field: &Worth) -> i64 {
    let further = PHRASE_WORD * (term.words.len() as i64 - 1);
    let whole = |at: usize| words[at + term.words.len() - 1].as_ref().len() == term.words[term.words.len() - 1].len();
    let mut best = 0;
    for at in 0..words.len() {
        if term.begins(&words[at..]) {
            best = best.max(further + if whole(at) { field.whole } else { field.beginning });
        }
        let near = term.near.iter().filter(|near| words[at].as_ref() == near.word);
        best = near.map(|near| field.near - field.difference * near.distance as i64).fold(best, i64::max);
    }
    best
}

fn side_by_side(terms: &[Term], title: &[&str]) -> bool {
    (0..title.len()).any(|start| {
        let mut at = start;
        terms.iter().all(|term| {
            let here = title.get(at..).is_some_and(|rest| term.begins(rest));
            at += term.words.len();
            here
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::terms::{Asked, Near};
    use super::*;

    fn terms(query: &str) -> Terms {
        match Asked::read(query).unwrap() {
            Asked::Terms(terms) => terms,
            other => panic!("{other:?}"),
        }
    }

    fn assert_order(terms: &Terms, finds: &[(&str, &str)]) {
        let mut ranking = Ranking::new(terms);
        let ranks: Vec<i64> = finds.iter().map(|(title, category)| ranking.rank(title, Some(category))).collect();
        assert!(ranks.windows(2).all(|pair| pair[0] > pair[1]), "{finds:?}: {ranks:?}");
    }

    #[test]
    fn the_title_counts_most_then_the_category_then_the_text() {
        assert_order(
            &terms("desk"),
            &[("desk", ""), ("old desk", ""), ("desktop", ""), ("chair", "desk"), ("chair", "")],
        );
    }

    #[test]
    fn words_side_by_side_count_more() {
        assert_order(
            &terms("walnut desk"),
            &[("walnut desk old", ""), ("desk of walnut", ""), ("walnut chair oak", ""), ("chair", "")],
        );
        assert_order(&terms("\"walnut desk\""), &[("old walnut desk", ""), ("desk walnut old", "")]);
    }

    #[test]
    fn what_was_typed_counts_more_than_what_may_have_been_meant() {
        let mut near = terms("wallnut");
        near.all[0].near = vec![
            Near { number: 1, word: "walnut".to_owned(), distance: 1 },
            Near { number: 1, word: "walnuts".to_owned(), distance: 2 },
        ];
        assert_order(
            &near,
            &[("wallnut a b", ""), ("wallnuts a b", ""), ("walnut a b", ""), ("walnuts a b", ""), ("a", "")],
        );
    }

    #[test]
    fn without_words_nothing_is_worth_more_than_another() {
        assert_eq!(Ranking::new(&Terms::default()).rank("desk", Some("furniture")), 0);
        assert_eq!(Ranking::new(&terms("-oak")).rank("desk", None), 0);
    }
}
