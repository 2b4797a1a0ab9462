//! Words, as documents and queries are both cut into them: in lower case, without accents, nothing but letters and digits.
//! Databases get words that are ready, so that both find the same; they cut nothing themselves.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Letters and digits of a word that count; what comes after them does not.
const WORD_MAX_CHARS: usize = 64;
/// Words of a text that count.
const TEXT_MAX_WORDS: usize = 12_000;

/// A word where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// Its bytes in the text.
    pub span: Range<usize>,
    /// As it is compared.
    pub word: Cow<'a, str>,
}

/// The words of a text, in order.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            let (start, first) = rest.find(|(_, sign)| sign.is_alphanumeric())?;
            let mut end = start + first.len_utf8();
            while let Some((at, sign)) = rest.next_if(|(_, sign)| is_combining_mark(*sign) || goes_on(first, *sign)) {
                end = at + sign.len_utf8();
            }
            let word = fold(&text[start..end]);
            if !word.is_empty() {
                return Some(Token { span: start..end, word });
            }
        }
    })
    .take(TEXT_MAX_WORDS)
}

/// The words of a text without their places.
pub(super) fn words(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    tokens(text).map(|token| token.word)
}

/// True if `sign` belongs to a word that begins with `first`. Signs of scripts without spaces are words of their own.
fn goes_on(first: char, sign: char) -> bool {
    sign.is_alphanumeric() && !stands_alone(first) && !stands_alone(sign)
}

fn stands_alone(sign: char) -> bool {
    matches!(sign,
        '\u{0e00}'..='\u{0eff}'          // Thai, Lao
        | '\u{1000}'..='\u{109f}'        // Burmese
        | '\u{1780}'..='\u{17ff}'        // Khmer
        | '\u{3005}'..='\u{3007}'
        | '\u{3040}'..='\u{30ff}'        // Hiragana, Katakana
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{9fff}'        // Han
        | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}'        // Katakana of half width
        | '\u{20000}'..='\u{3ffff}')
}

/// Marks that are put over, under or through a Latin, Greek or Cyrillic letter. Those of other scripts make another word.
fn is_accent(sign: char) -> bool {
    matches!(sign, '\u{300}'..='\u{36f}')
}

fn fold(word: &str) -> Cow<'_, str> {
    if word.is_ascii() && word.len() <= WORD_MAX_CHARS {
        let plain = !word.bytes().any(|byte| byte.is_ascii_uppercase());
        return if plain { word.into() } else { word.to_ascii_lowercase().into() };
    }
    let mut folded = String::with_capacity(word.len());
    let kept = |sign: &char| (sign.is_alphanumeric() || is_combining_mark(*sign)) && !is_accent(*sign);
    for letter in word.nfkd().flat_map(char::to_lowercase).filter(kept).take(WORD_MAX_CHARS) {
        match letter {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' => folded.push('d'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            other => folded.push(other),
        }
    }
    folded.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        words(text).map(Cow::into_owned).collect()
    }

    #[test]
    fn texts_come_apart_at_what_is_no_letter_or_digit() {
        for (text, expected) in [
            ("Walnut desk, about 1890.", &["walnut", "desk", "about", "1890"][..]),
            ("state-of-the-art", &["state", "of", "the", "art"]),
            ("O'Neill's 1/2\"", &["o", "neill", "s", "1", "2"]),
            ("nike/adidas a_b c@d.example", &["nike", "adidas", "a", "b", "c", "d", "example"]),
            ("", &[]),
            ("!?… \u{1f525} \u{0}", &[]),
            ("木製の机 desk机", &["木", "製", "の", "机", "desk", "机"]),
        ] {
            assert_eq!(all(text), expected, "{text}");
        }
    }

    #[test]
    fn case_accents_and_ways_of_writing_make_no_difference() {
        for (one, other) in [
            ("MÖBEL", "mobel"),
            ("e\u{301}tude", "étude"),
            ("Straße", "STRASSE"),
            ("Ærø", "aero"),
            ("Łódź", "lodz"),
            ("İstanbul", "istanbul"),
            ("ﬁne", "fine"),
            ("ＡＢＣ１２", "abc12"),
            ("ΟΔΟΣ", "οδος"),
        ] {
            assert_eq!(all(one), all(other), "{one}");
        }
        assert_eq!(all("хлеб हिन्दी").len(), 2, "vowel signs stay, and keep their words whole");
    }

    #[test]
    fn words_and_texts_have_an_end() {
        assert_eq!(all(&"a".repeat(500)), ["a".repeat(64)]);
        assert!(all(&"\u{fdfa}".repeat(500)).iter().all(|word| word.chars().count() <= 64));
        assert_eq!(words(&"a ".repeat(20_000)).count(), TEXT_MAX_WORDS);
    }

    #[test]
    fn a_token_knows_its_place() {
        let text = "¡Étude №7!";
        let places: Vec<_> = tokens(text).map(|token| &text[token.span]).collect();
        assert_eq!(places, ["Étude", "7"]);
    }
}
