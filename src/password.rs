//! Passwords are kept as argon2id hashes.

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};

use crate::Failure;

/// The floor of OWASP's table: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashing takes tens of milliseconds of one core: not on a thread that serves.
pub async fn hash(password: SecretString) -> Result<String, Failure> {
    let work = tokio::task::spawn_blocking(move || {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| error.to_string())?;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password(password.expose_secret().as_bytes())
            .map(|hash| hash.to_string())
            .map_err(|error| error.to_string())
    });
    match work.await {
        Ok(Ok(hash)) => Ok(hash),
        Ok(Err(problem)) => Err(Failure::Refused(format!(
            "the password cannot be hashed: {problem}"
        ))),
        Err(_) => Err(Failure::Refused("the password cannot be hashed".to_owned())),
    }
}
