//! What an e-mail address, a password and a name may be.

use super::Refused;

/// Longest e-mail address, in bytes (RFC 5321).
pub const EMAIL_MAX_BYTES: usize = 254;
/// Shortest password, in characters.
pub const PASSWORD_MIN_CHARS: usize = 10;
/// Longest password, in bytes.
pub const PASSWORD_MAX_BYTES: usize = 200;
/// Longest name, in characters.
pub const DISPLAY_NAME_MAX_CHARS: usize = 60;

/// The address as it is kept and compared: without spaces around it, in lower case.
pub fn email(text: &str) -> Result<lettre::Address, Refused> {
    let normal = text.trim().to_lowercase();
    let address = (normal.len() <= EMAIL_MAX_BYTES).then(|| normal.parse().ok()).flatten();
    address.ok_or(Refused::Invalid("invalid_email", "email", "this is not an e-mail address"))
}

/// Whether a password is long enough to be worth something, and short enough to be hashed; `field` is its name in the
/// request.
pub fn password(field: &'static str, text: &str) -> Result<(), Refused> {
    let fits = text.chars().count() >= PASSWORD_MIN_CHARS && text.len() <= PASSWORD_MAX_BYTES;
    fits.then_some(()).ok_or(Refused::Invalid("weak_password", field, "a password has 10 characters to 200 bytes"))
}

/// The name that others see: 1 to 60 characters, none of them invisible, for names are shown among other text.
pub fn display_name(text: &str) -> Result<String, Refused> {
    let name = text.trim();
    let fits = (1..=DISPLAY_NAME_MAX_CHARS).contains(&name.chars().count());
    (fits && !name.chars().any(is_hidden)).then(|| name.to_owned()).ok_or(Refused::Invalid(
        "invalid_display_name",
        "display_name",
        "a name has 1 to 60 visible characters",
    ))
}

/// Control characters, and those that hide or turn round what stands beside them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_without_case_and_spaces() {
        assert_eq!(email("  Ada@Example.COM ").unwrap().to_string(), "ada@example.com");
        for wrong in
            ["", "ada", "@example.com", "ada@", "a b@example.com", "a@b@c", &format!("{}@x.org", "a".repeat(250))]
        {
            assert!(email(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn passwords_have_ten_characters_to_two_hundred_bytes() {
        for (text, fits) in [("123456789", false), ("1234567890", true), ("ääääääääää", true)] {
            assert_eq!(password("new", text).is_ok(), fits, "{text}");
        }
        assert!(password("new", &"x".repeat(200)).is_ok());
        assert!(password("new", &"x".repeat(201)).is_err());
    }

    #[test]
    fn names_can_be_seen() {
        assert_eq!(display_name("  Ada Lovelace ").unwrap(), "Ada Lovelace");
        assert!(display_name(&"ä".repeat(60)).is_ok());
        for wrong in ["", "   ", "a\nb", "a\u{202e}b", &"a".repeat(61)] {
            assert!(display_name(wrong).is_err(), "{wrong:?}");
        }
    }
}
