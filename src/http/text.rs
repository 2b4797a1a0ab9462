//! Plain text as people write it: what fits is taken without the space around it, and what could not be kept or shown is
//! refused.

/// The text, if it has 1 to `max_chars` characters and no control characters but ends of lines and tabs.
pub fn plain_text(text: &str, max_chars: usize) -> Option<&str> {
    fitting(text, max_chars, |sign| matches!(sign, '\n' | '\t'))
}

/// The text, if it is one line of 1 to `max_chars` characters.
pub fn plain_line(text: &str, max_chars: usize) -> Option<&str> {
    fitting(text, max_chars, |_| false)
}

fn fitting(text: &str, max_chars: usize, allowed: impl Fn(char) -> bool) -> Option<&str> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().nth(max_chars).is_none();
    (fits && !text.chars().any(|sign| sign.is_control() && !allowed(sign))).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_lines_and_a_line_has_none() {
        assert_eq!(plain_text(" a\n\tb ", 10), Some("a\n\tb"));
        assert_eq!(plain_line(" a b ", 10), Some("a b"));
        for (wrong, is_text) in [("a\nb", true), ("a\tb", true), ("a\0b", false), ("a\u{7f}b", false), ("a\rb", false)]
        {
            assert_eq!(plain_text(wrong, 10).is_some(), is_text, "{wrong:?}");
            assert_eq!(plain_line(wrong, 10), None, "{wrong:?}");
        }
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        for (text, fits) in [("", false), ("  ", false), ("ä", true), ("äöü", true), ("äöüß", false)] {
            assert_eq!(plain_text(text, 3).is_some(), fits, "{text:?}");
        }
    }
}
