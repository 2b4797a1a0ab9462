//! Hashing passwords with argon2id. It is meant to be slow, so it runs beside the threads that serve, as many at once as there
//! are cores, and no caller waits for ever.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::Refused;
use crate::chance::Chance;
use crate::config::PasswordCost;
use crate::persistence::StoreError;

const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(super) struct Passwords {
    hasher: Argon2<'static>,
    places: Arc<Semaphore>,
    /// The hash of a password that nobody has, verified in place of the one that an unknown address does not have.
    nobody: Arc<str>,
}

impl Passwords {
    pub(super) fn new(cost: PasswordCost, chance: &Chance) -> anyhow::Result<Self> {
        let params = Params::new(cost.memory_kib, cost.iterations, 1, None)
            .map_err(|error| anyhow::anyhow!("the cost of password hashes: {error}"))?;
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let nobody = hash(&hasher, &chance.bytes::<32>(), &chance.bytes())?;
        Ok(Self { hasher, places: Arc::new(Semaphore::new(cores)), nobody: nobody.into() })
    }

    /// The hash to keep of a password.
    pub(super) async fn hash(&self, password: &str, chance: &Chance) -> Result<String, Refused> {
        let (hasher, password, salt) = (self.hasher.clone(), password.to_owned(), chance.bytes());
        self.work(move || hash(&hasher, password.as_bytes(), &salt)).await
    }

    /// Whether the password is the one of this hash; never, but as slowly, if there is none.
    pub(super) async fn verify(&self, password: &str, kept: Option<String>) -> Result<bool, Refused> {
        let known = kept.is_some();
        let kept = kept.unwrap_or_else(|| self.nobody.to_string());
        let (hasher, password) = (self.hasher.clone(), password.to_owned());
        let right = self.work(move || {
            let kept = PasswordHash::new(&kept).map_err(|error| inconsistent(&error))?;
            Ok(hasher.verify_password(password.as_bytes(), &kept).is_ok())
        });
        Ok(right.await? && known)
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Refused> {
        let place = tokio::time::timeout(WAIT_TIMEOUT, Arc::clone(&self.places).acquire_owned()).await;
        let Ok(Ok(place)) = place else { return Err(Refused::Busy) };
        let done = tokio::task::spawn_blocking(move || {
            // The place is held by the work, not by the caller, who may have gone away meanwhile.
            let _place = place;
            work()
        });
        Ok(done.await.map_err(|_| Refused::Busy)??)
    }
}

fn hash(hasher: &Argon2<'_>, password: &[u8], salt: &[u8; 16]) -> Result<String, StoreError> {
    let hash: Result<PasswordHash, _> = hasher.hash_password_with_salt(password, salt);
    hash.map(|hash| hash.to_string()).map_err(|error| inconsistent(&error))
}

fn inconsistent(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Inconsistent { table: "accounts", detail: format!("password hash: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other() {
        let chance = Chance::seeded(1);
        let passwords = Passwords::new(PasswordCost { memory_kib: 16, iterations: 1 }, &chance).unwrap();
        let kept = passwords.hash("correct horse", &chance).await.unwrap();
        assert!(kept.starts_with("$argon2id$"), "{kept}");
        assert!(passwords.verify("correct horse", Some(kept.clone())).await.unwrap());
        assert!(!passwords.verify("correct house", Some(kept.clone())).await.unwrap());
        assert!(!passwords.verify("correct horse", None).await.unwrap());
        assert_ne!(passwords.hash("correct horse", &chance).await.unwrap(), kept, "each hash has a salt of its own");
    }
}
