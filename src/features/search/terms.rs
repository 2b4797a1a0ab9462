//! What a query asks for: words that must all be there, "phrases", and -what must not. Everything that can be typed means
//! something; only what is too long, or no text at all, is refused.

use super::words::words;
use crate::http::ApiError;

/// Longest query, in characters.
pub(super) const QUERY_MAX_CHARS: usize = 200;
/// From how many characters on the last word may be the beginning of one.
const PREFIX_MIN_CHARS: usize = 2;

/// A query, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Terms {
    /// All of these.
    pub all: Vec<Term>,
    /// None of these.
    pub none: Vec<Term>,
}

/// A word, or words that stand one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Term {
    /// One at least, as they are compared.
    pub words: Vec<String>,
    /// True if the last one may go on.
    pub prefix: bool,
    /// Words that are meant as well: the one word may be misspelt.
    pub near: Vec<Near>,
}

/// A word that differs a little from what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Near {
    /// The number of the word in the database.
    pub number: i64,
    pub word: String,
    /// How many letters differ.
    pub distance: usize,
}

/// What was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing: whatever there is, the newest first.
    Anything,
    /// Something, but no word: it is nowhere.
    Nothing,
    /// Words.
    Terms(Terms),
}

impl Asked {
    /// Reads a query.
    pub(super) fn read(text: &str) -> Result<Self, ApiError> {
        let refused = |detail: String| ApiError::invalid("invalid_query", "q", detail);
        if text.chars().count() > QUERY_MAX_CHARS {
            return Err(refused(format!("q must be at most {QUERY_MAX_CHARS} characters")));
        }
        if text.chars().any(|sign| sign.is_control() && !sign.is_whitespace()) {
            return Err(refused("q must be plain text".to_owned()));
        }
        if text.trim().is_empty() {
            return Ok(Self::Anything);
        }
        let terms = Terms::read(text);
        let empty = terms.all.is_empty() && terms.none.is_empty();
        Ok(if empty { Self::Nothing } else { Self::Terms(terms) })
    }
}

impl Terms {
    fn read(text: &str) -> Self {
        let mut terms = Self::default();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (none, inner) = rest.strip_prefix('-').map_or((false, rest), |inner| (true, inner));
            let quoted = inner.strip_prefix('"');
            let (part, after) = match quoted {
                Some(phrase) => phrase.split_once('"').unwrap_or((phrase, "")),
                None => {
                    inner.split_at(inner.find(|sign: char| sign.is_whitespace() || sign == '"').unwrap_or(inner.len()))
                }
            };
            rest = after.trim_start();
            let words: Vec<String> = words(part).map(Into::into).collect();
            if words.is_empty() {
                continue;
            }
            // Whoever is still typing has not typed the last word to its end.
            let unfinished = rest.is_empty() && quoted.is_none() && !none;
            let prefix = unfinished && words.last().is_some_and(|last| last.chars().count() >= PREFIX_MIN_CHARS);
            let list = if none { &mut terms.none } else { &mut terms.all };
            let term = Term { words, prefix, near: Vec::new() };
            if !list.contains(&term) {
                list.push(term);
            }
        }
        terms
    }
}

impl Term {
    /// The word, unless it is a phrase.
    pub(super) fn single(&self) -> Option<&str> {
        match self.words.as_slice() {
            [word] => Some(word),
            _ => None,
        }
    }

    /// True if the words from here on begin with this term.
    pub(super) fn begins<W: AsRef<str>>(&self, words: &[W]) -> bool {
        let Some((last, before)) = self.words.split_last() else { return false };
        let Some(found) = words.get(before.len()) else { return false };
        let same = words.iter().zip(before).all(|(word, wanted)| word.as_ref() == wanted);
        same && (found.as_ref() == last || (self.prefix && found.as_ref().starts_with(last.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A query as short text: `a b* -"c d"`.
    fn read(text: &str) -> String {
        let show = |term: &Term| {
            let words = term.words.join(" ");
            let words = if term.words.len() > 1 { format!("\"{words}\"") } else { words };
            if term.prefix { format!("{words}*") } else { words }
        };
        match Asked::read(text).unwrap() {
            Asked::Anything => "anything".to_owned(),
            Asked::Nothing => "nothing".to_owned(),
            Asked::Terms(terms) => {
                let none = terms.none.iter().map(|term| format!("-{}", show(term)));
                terms.all.iter().map(show).chain(none).collect::<Vec<_>>().join(" ")
            }
        }
    }

    #[test]
    fn a_query_is_words_phrases_and_what_is_not_wanted() {
        for (text, expected) in [
            ("walnut desk", "walnut desk*"),
            ("  Walnut   DESK  ", "walnut desk*"),
            ("\"walnut desk\"", "\"walnut desk\""),
            ("\"walnut desk\" oak", "\"walnut desk\" oak*"),
            ("desk -oak", "desk -oak"),
            ("desk -\"oak veneer\" old", "desk old* -\"oak veneer\""),
            ("-oak", "-oak"),
            ("state-of-the-art", "\"state of the art\"*"),
            ("walnut \"desk", "walnut desk"),
            ("walnut\"desk lamp\"chair", "walnut \"desk lamp\" chair*"),
            ("a", "a"),
            ("desk desk desk", "desk desk*"),
            ("- desk", "desk*"),
            ("--desk", "-desk"),
            ("3,5", "\"3 5\""),
            ("", "anything"),
            (" \t\n ", "anything"),
            ("!!!", "nothing"),
            ("-", "nothing"),
            ("\"", "nothing"),
            ("\"\"\"\"", "nothing"),
            ("\u{1f525}", "nothing"),
            ("AND OR NOT NEAR(a b, 3)", "and or not \"near a\" b 3"),
            ("title:desk* ^desk {a b}: (desk | lamp) & !oak <-> 'x':*A", "\"title desk\" desk a b lamp oak \"x a\""),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_query_is_refused() {
        for text in ["a\u{0}b", "\u{7}", &"a".repeat(201), &"a ".repeat(5_000)] {
            assert_eq!(Asked::read(text).unwrap_err().code(), "invalid_query");
        }
        assert!(Asked::read(&"ä".repeat(200)).is_ok());
    }

    #[test]
    fn a_term_begins_where_its_words_stand() {
        let Asked::Terms(terms) = Asked::read("\"oak desk\" wal").unwrap() else { panic!("words") };
        let text = ["old", "oak", "desk", "walnut"];
        assert!(terms.all[0].begins(&text[1..]) && !terms.all[0].begins(&text) && !terms.all[0].begins(&text[2..]));
        assert!(terms.all[1].begins(&text[3..]) && !terms.all[1].begins(&text[4..]));
    }
}
