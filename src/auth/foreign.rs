//! Foreign tokens: JWTs that the operator's own system signs. The key pins the algorithm, so that a token cannot choose a
//! weaker one; what a token says of roles never makes staff, and what it says of e-mail never links accounts.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::{ExposeSecret, SecretString};

use super::caller::Role;
use crate::domain::Timestamp;

/// How far the clock of the signer may be off, in seconds.
pub const LEEWAY_S: i64 = 5;
const SUBJECT_MAX_BYTES: usize = 255;

/// The operator's key and the one algorithm that it is for.
pub struct ForeignKey {
    key: DecodingKey,
    validation: Validation,
}

/// What a foreign token says of its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignProfile {
    /// Who it is, in the words of the operator's system.
    pub subject: String,
    /// A name to show.
    pub name: Option<String>,
    /// Where to write to. Not a way to sign in, and no link to an account with the same address.
    pub email: Option<String>,
    /// Roles of the operator's own; `staff` and `admin` are never among them.
    pub roles: Vec<Role>,
}

#[derive(serde::Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    name: Option<String>,
    email: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
}

impl ForeignKey {
    /// A shared secret: tokens are signed with HS256.
    pub fn secret(secret: &SecretString) -> Self {
        Self::new(DecodingKey::from_secret(secret.expose_secret().as_bytes()), Algorithm::HS256)
    }

    /// A public key in PEM: an RSA key pins RS256, an Ed25519 key pins EdDSA. `None` if it is neither.
    pub fn public_pem(pem: &[u8]) -> Option<Self> {
        let rsa = DecodingKey::from_rsa_pem(pem).map(|key| Self::new(key, Algorithm::RS256));
        rsa.or_else(|_| DecodingKey::from_ed_pem(pem).map(|key| Self::new(key, Algorithm::EdDSA))).ok()
    }

    fn new(key: DecodingKey, algorithm: Algorithm) -> Self {
        let mut validation = Validation::new(algorithm);
        // The library would ask the machine's clock; the moments are compared below, with the hub's.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        Self { key, validation }
    }

    /// What the token says and when it ends, if it is signed with this key and holds at `now`.
    pub fn open(&self, token: &str, now: Timestamp) -> Option<(ForeignProfile, Timestamp)> {
        let claims: Claims = jsonwebtoken::decode(token, &self.key, &self.validation).ok()?.claims;
        let expires_at = moment(claims.exp)?;
        let not_before = claims.nbf.map_or(Some(0), moment)?;
        let leeway_ms = LEEWAY_S * 1_000;
        let holds = now.millis() < expires_at + leeway_ms && now.millis() >= not_before - leeway_ms;
        let known = (1..=SUBJECT_MAX_BYTES).contains(&claims.sub.len()) && !claims.sub.contains('\0');
        let roles = claims.roles.iter().filter_map(|name| name.parse().ok());
        let profile = ForeignProfile {
            subject: claims.sub,
            name: claims.name,
            email: claims.email,
            roles: roles.filter(|role| !matches!(role, Role::Staff | Role::Admin)).collect(),
        };
        (holds && known).then_some((profile, Timestamp::from_millis(expires_at)))
    }
}

/// Milliseconds of a JWT's NumericDate.
#[allow(clippy::cast_possible_truncation, reason = "bounded before")]
fn moment(seconds: f64) -> Option<i64> {
    (0.0..253_402_300_800.0).contains(&seconds).then_some((seconds * 1_000.0) as i64)
}

#[cfg(test)]
mod tests;
