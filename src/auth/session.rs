//! The hub's own tokens: 32 random bytes that only their holder has. What the hub keeps is their SHA-256, so that who reads
//! the database cannot sign in with what stands there.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use crate::chance::Chance;
use crate::coordination::SessionId;

/// What a session token begins with, by which it is told from a foreign token and found in leaked text.
pub const TOKEN_PREFIX: &str = "bh_";

/// The text of a token, shown to its holder once.
pub type SessionToken = SecretString;

/// A token just made, and the id under which it is kept.
pub struct NewToken {
    /// The text for the holder.
    pub token: SessionToken,
    /// What is kept of it.
    pub id: SessionId,
}

impl NewToken {
    /// A token that nobody can guess.
    pub fn draw(chance: &Chance) -> Self {
        let text = format!("{TOKEN_PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(chance.bytes::<32>()));
        Self { id: token_id(&text), token: text.into() }
    }
}

/// What is kept of a token. No salt: a token has 256 random bits, so nobody can try them all.
pub fn token_id(token: &str) -> SessionId {
    SessionId(Sha256::digest(token.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_token_is_long_prefixed_and_known_again_by_its_id() {
        let new = NewToken::draw(&Chance::seeded(1));
        let text = new.token.expose_secret();
        assert!(text.starts_with("bh_") && text.len() == 46, "{text}");
        assert_eq!(token_id(text), new.id);
        assert_ne!(NewToken::draw(&Chance::seeded(2)).id, new.id);
    }
}
