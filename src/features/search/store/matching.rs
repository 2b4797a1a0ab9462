//! Words as the full-text search of either engine takes them: PostgreSQL's `tsvector` and `tsquery`, SQLite's FTS5. Words
//! hold letters and digits alone, so no sign in them has a meaning to either.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::features::search::terms::{Term, Terms};
use crate::features::search::words::words;

/// Stands between two fields in FTS5, so that no phrase reaches from one into the other. No word is so written.
const BETWEEN_FIELDS: &str = "\u{a6}";

/// The fields of a document as a `tsvector`: each word with its places. Between two fields is an empty place, so that no
/// phrase reaches from one into the other.
pub(super) fn tsvector(fields: &[&str]) -> String {
    let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut place = 0;
    for field in fields {
        for word in words(field) {
            place += 1;
            places.entry(word.into_owned()).or_default().push(place);
        }
        place += 1;
    }
    let mut text = String::new();
    for (word, places) in places {
        let places: Vec<String> = places.iter().map(ToString::to_string).collect();
        let _ = write!(text, "'{word}':{} ", places.join(","));
    }
    text
}

/// A query as a `tsquery`.
pub(super) fn tsquery(terms: &Terms) -> String {
    let none = terms.none.iter().map(|unwanted| format!("!{}", ts_term(unwanted)));
    terms.all.iter().map(ts_term).chain(none).collect::<Vec<_>>().join(" & ")
}

/// Only what must be there.
pub(super) fn tsquery_wanted(terms: &Terms) -> String {
    terms.all.iter().map(ts_term).collect::<Vec<_>>().join(" & ")
}

/// Only what must not be there; none if nothing is unwanted.
pub(super) fn tsquery_unwanted(terms: &Terms) -> Option<String> {
    let none: Vec<String> = terms.none.iter().map(|unwanted| format!("!{}", ts_term(unwanted))).collect();
    (!none.is_empty()).then(|| none.join(" & "))
}

/// What an index can tell of what must be there: words, wherever they stand, and, if it is asked for, the `beginning` of one.
/// None if that is nothing.
pub(super) fn ts_index(terms: &Terms, beginning: bool) -> Option<String> {
    let words = |term: &Term| -> Vec<String> {
        match term.words.as_slice() {
            [_] if beginning || !term.prefix => vec![ts_term(term)],
            [words @ .., last] => {
                let last = match (term.prefix, beginning) {
                    (false, _) => Some(format!("'{last}'")),
                    (true, true) => Some(format!("'{last}':*")),
                    (true, false) => None,
                };
                words.iter().map(|word| format!("'{word}'")).chain(last).collect()
            }
            [] => Vec::new(),
        }
    };
    let all: Vec<String> = terms.all.iter().flat_map(words).collect();
    (!all.is_empty()).then(|| all.join(" & "))
}

/// The word that is not finished, alone; none if all are.
pub(super) fn ts_beginning(terms: &Terms) -> Option<String> {
    let last = terms.all.iter().filter(|term| term.prefix).find_map(|term| term.words.last());
    last.map(|word| format!("'{word}':*"))
}

fn ts_term(term: &Term) -> String {
    let phrase = term.words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" <-> ");
    let phrase = if term.prefix { format!("{phrase}:*") } else { phrase };
    let near = term.near.iter().map(|near| format!("'{}'", near.word));
    format!("({})", std::iter::once(phrase).chain(near).collect::<Vec<_>>().join(" | "))
}

/// The fields of a document as a text for FTS5.
pub(super) fn fts5_text(fields: &[&str]) -> String {
    let mut text = String::new();
    for field in fields {
        for word in words(field) {
            text.push_str(&word);
            text.push(' ');
        }
        text.push_str(BETWEEN_FIELDS);
        text.push(' ');
    }
    text
}

/// A query for FTS5, what must be there looked for in `column`; none if nothing must.
pub(super) fn fts5_query(terms: &Terms, column: &str) -> Option<String> {
    let all = fts5_terms(&terms.all, " AND ")?;
    Some(match fts5_unwanted(terms) {
        Some(none) => format!("({column} : ({all})) NOT ({none})"),
        None => format!("{column} : ({all})"),
    })
}

/// What must not be there, for FTS5.
pub(super) fn fts5_unwanted(terms: &Terms) -> Option<String> {
    fts5_terms(&terms.none, " OR ").map(|none| format!("words : ({none})"))
}

fn fts5_terms(terms: &[Term], by: &str) -> Option<String> {
    let term = |term: &Term| {
        let phrase = format!("\"{}\"", term.words.join(" "));
        let phrase = if term.prefix { format!("{phrase} *") } else { phrase };
        let near = term.near.iter().map(|near| format!("\"{}\"", near.word));
        format!("({})", std::iter::once(phrase).chain(near).collect::<Vec<_>>().join(" OR "))
    };
    (!terms.is_empty()).then(|| terms.iter().map(term).collect::<Vec<_>>().join(by))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::search::terms::{Asked, Near};

    fn terms(query: &str) -> Terms {
        match Asked::read(query).unwrap() {
            Asked::Terms(terms) => terms,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn fields_stand_apart() {
        assert_eq!(tsvector(&["Oak desk", "oak", ""]), "'desk':2 'oak':1,4 ");
        assert_eq!(fts5_text(&["Oak desk", "oak"]), "oak desk ¦ oak ¦ ");
    }

    #[test]
    fn queries_are_said_in_either_language() {
        let query = terms("\"oak desk\" old -new -\"far away\" wal");
        assert_eq!(tsquery(&query), "('oak' <-> 'desk') & ('old') & ('wal':*) & !('new') & !('far' <-> 'away')");
        assert_eq!(tsquery_wanted(&query), "('oak' <-> 'desk') & ('old') & ('wal':*)");
        assert_eq!(tsquery_unwanted(&query).as_deref(), Some("!('new') & !('far' <-> 'away')"));
        assert_eq!(ts_index(&query, true).as_deref(), Some("'oak' & 'desk' & ('old') & ('wal':*)"));
        assert_eq!(ts_index(&query, false).as_deref(), Some("'oak' & 'desk' & ('old')"));
        assert_eq!(ts_index(&terms("wal"), false), None);
        assert_eq!(ts_beginning(&query).as_deref(), Some("'wal':*"));
        assert_eq!(ts_beginning(&terms("\"oak\"")), None);
        assert_eq!(ts_index(&terms("half-way"), false).as_deref(), Some("'half'"));
        assert_eq!(ts_index(&terms("half-way"), true).as_deref(), Some("'half' & 'way':*"));
        let wanted = "words : ((\"oak desk\") AND (\"old\") AND (\"wal\" *))";
        let unwanted = "words : ((\"new\") OR (\"far away\"))";
        assert_eq!(fts5_query(&query, "words"), Some(format!("({wanted}) NOT ({unwanted})")));
        assert_eq!(fts5_unwanted(&query).as_deref(), Some(unwanted));
        assert_eq!((fts5_query(&terms("-new"), "words"), fts5_unwanted(&terms("new"))), (None, None));
        let mut near = terms("wallnut");
        near.all[0].near = vec![Near { number: 1, word: "walnut".to_owned(), distance: 1 }];
        assert_eq!(tsquery(&near), "('wallnut':* | 'walnut')");
        assert_eq!(ts_index(&near, true).as_deref(), Some("('wallnut':* | 'walnut')"));
        assert_eq!(fts5_query(&near, "titles").unwrap(), "titles : ((\"wallnut\" * OR \"walnut\"))");
    }
}
