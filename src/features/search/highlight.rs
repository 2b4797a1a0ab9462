//! Shows where in a text a query was found. Gives pieces of text, never markup: whoever shows them marks them.

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::terms::{Term, Terms};
use super::words::tokens;

/// Length of an excerpt, in bytes, more or less.
const EXCERPT_BYTES: usize = 200;
/// How much of it stands before the first word that was found.
const LEAD_BYTES: usize = 60;
const CUT: &str = "…";

/// Where a field was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Highlight {
    /// `title`, `category`, `description` or `body`.
    pub field: String,
    /// The field, or the part of it that matters most, in pieces; together they are its text. A part begins or ends with `…`
    /// where something is left out.
    pub fragments: Vec<Fragment>,
}

/// A piece of plain text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fragment {
    /// The text as it was written. It is no markup, and must not be shown as such.
    pub text: String,
    /// True if it is what was looked for.
    pub r#match: bool,
}

/// Marks a short field; none if nothing of the query is in it.
pub(super) fn whole(field: &'static str, text: &str, terms: &Terms) -> Option<Highlight> {
    let found = finds(text, &terms.all);
    (!found.is_empty())
        .then(|| Highlight { field: field.to_owned(), fragments: fragments(text, 0..text.len(), &found) })
}

/// Marks the part of a long field that has the most finds in it; none if nothing of the query is in it.
pub(super) fn excerpt(field: &'static str, text: &str, terms: &Terms) -> Option<Highlight> {
    let found = finds(text, &terms.all);
    if found.is_empty() {
        return None;
    }
    let within =
        |start: usize| found.iter().skip(start).take_while(|it| it.end <= found[start].start + EXCERPT_BYTES).count();
    // The earliest of those with the most.
    let best = (0..found.len()).rev().max_by_key(|start| within(*start)).unwrap_or(0);
    Some(Highlight { field: field.to_owned(), fragments: fragments(text, part(text, found[best].clone()), &found) })
}

/// The bytes of `text` that the terms are found in, in order, none of them twice.
fn finds(text: &str, terms: &[Term]) -> Vec<Range<usize>> {
    let (spans, words): (Vec<Range<usize>>, Vec<Cow<'_, str>>) =
        tokens(text).map(|token| (token.span, token.word)).unzip();
    let mut found: Vec<Range<usize>> = Vec::new();
    for at in 0..words.len() {
        let lengths = terms.iter().filter_map(|term| {
            let near = || term.near.iter().any(|near| near.word == words[at]).then_some(1);
            if term.begins(&words[at..]) { Some(term.words.len()) } else { near() }
        });
        let Some(length) = lengths.max() else { continue };
        let span = spans[at].start..spans[at + length - 1].end;
        match found.last_mut() {
            Some(last) if last.end > span.start => last.end = last.end.max(span.end),
            _ => found.push(span),
        }
    }
    found
}

/// The part of `text` around `find`, from one blank to another.
fn part(text: &str, find: Range<usize>) -> Range<usize> {
    if text.len() <= EXCERPT_BYTES {
        return 0..text.len();
    }
    let from = text.floor_char_boundary(find.start.saturating_sub(LEAD_BYTES));
    let blank = |sign: char| sign.is_whitespace();
    let start = if from == 0 {
        0
    } else {
        let step = |at: usize| from + at + text[from + at..].chars().next().map_or(0, char::len_utf8);
        text[from..find.start].find(blank).map_or(find.start, step)
    };
    let to = text.ceil_char_boundary((start + EXCERPT_BYTES).max(find.end).min(text.len()));
    let end = if to == text.len() { to } else { text[find.end..to].rfind(blank).map_or(to, |at| find.end + at) };
    start..end
}

fn fragments(text: &str, part: Range<usize>, found: &[Range<usize>]) -> Vec<Fragment> {
    let mut pieces: Vec<Fragment> = Vec::new();
    let mut push = |text: &str, r#match| {
        if !text.is_empty() {
            pieces.push(Fragment { text: text.to_owned(), r#match });
        }
    };
    let mut at = part.start;
    let inside = found.iter().filter(|find| find.start >= part.start && find.end <= part.end);
    for find in inside {
        push(&text[at..find.start], false);
        push(&text[find.clone()], true);
        at = find.end;
    }
    push(&text[at..part.end], false);
    cut(&mut pieces, part.start > 0, part.end < text.len());
    pieces
}

fn cut(pieces: &mut Vec<Fragment>, before: bool, after: bool) {
    let dots = || Fragment { text: CUT.to_owned(), r#match: false };
    if before {
        match pieces.first_mut() {
            Some(first) if !first.r#match => first.text.insert_str(0, CUT),
            _ => pieces.insert(0, dots()),
        }
    }
    if after {
        match pieces.last_mut() {
            Some(last) if !last.r#match => last.text.push_str(CUT),
            _ => pieces.push(dots()),
        }
    }
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

    /// The pieces of a field, matches in brackets.
    fn shown(highlight: Option<Highlight>) -> String {
        let pieces = highlight.into_iter().flat_map(|it| it.fragments);
        pieces.map(|it| if it.r#match { format!("[{}]", it.text) } else { it.text }).collect()
    }

    #[test]
    fn what_was_found_is_marked_as_it_was_written() {
        for (query, text, expected) in [
            ("desk", "Walnut Désk, desks", "Walnut [Désk], [desks]"),
            ("\"walnut desk\"", "walnut desk, walnut chair", "[walnut desk], walnut chair"),
            ("\"walnut desk\" desk", "walnut desk", "[walnut desk]"),
            ("desk -walnut", "walnut desk", "walnut [desk]"),
            ("desk", "<b>desk</b> & \"more\"", "<b>[desk]</b> & \"more\""),
            ("机", "古い机です", "古い[机]です"),
            ("oak", "walnut", ""),
            ("a", "a a-a", "[a] [a]-[a]"),
        ] {
            assert_eq!(shown(whole("title", text, &terms(query))), expected, "{query} in {text}");
        }
        let mut near = terms("wallnut");
        near.all[0].near = vec![Near { number: 1, word: "walnut".to_owned(), distance: 1 }];
        assert_eq!(shown(whole("title", "Walnut desk", &near)), "[Walnut] desk");
    }

    #[test]
    fn of_a_long_text_the_part_with_the_most_finds_is_shown() {
        let far = "blah ".repeat(100);
        let text = format!("oak {far}oak, walnut and ash. {far}");
        let shown = shown(excerpt("description", &text, &terms("oak walnut ash")));
        assert!(shown.starts_with("…blah") && shown.ends_with("blah…"), "{shown}");
        assert!(shown.contains("[oak], [walnut] and [ash]. blah") && shown.len() < 260, "{shown}");
    }

    #[test]
    fn every_length_and_script_is_cut_between_letters() {
        for unit in ["a", "ä", "机", "\u{1f525} ", "e\u{301} ", "word "] {
            for length in [0, 1, 39, 40, 41, 500] {
                let text = format!("{}oak{}", unit.repeat(length), unit.repeat(length));
                let found = excerpt("body", &text, &terms("oak"));
                let whole: String = found.into_iter().flat_map(|it| it.fragments).map(|it| it.text).collect();
                assert!(text.contains(whole.trim_matches('…')), "{whole}");
            }
        }
    }
}
