//! Password hashing with argon2id.

use std::sync::{Arc, LazyLock};

use argon2::password_hash::phc::{Output, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version};
use payments::Clock;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

use crate::Failure;

/// OWASP's minimum: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const HASH_BYTES: usize = 32;

/// Limits concurrent hashing to the number of cores: each hash needs 19 MiB.
static HASH_PERMITS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(n_cores())));
/// Threads of their own: hashing takes tens of milliseconds of one core, and must not delay what else blocks.
static THREADS: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = Builder::new_current_thread();
    let threads = builder.thread_name("password").max_blocking_threads(n_cores());
    threads
        .build()
        .expect("a runtime without any driver needs nothing of the system")
});
/// Hash that no password has, verified for unknown names so that the time of the answer does not tell which names exist.
/// It is made up: hashing one at start would cost 40 ms.
static DECOY: LazyLock<SecretString> = LazyLock::new(|| {
    let salt: [u8; 16] = Clock::System.entropy();
    let hash: [u8; HASH_BYTES] = Clock::System.entropy();
    let decoy = write_phc(&salt, &hash).expect("salts and hashes of these lengths are allowed");
    SecretString::from(decoy)
});

fn n_cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

fn hash_params() -> Result<Params, String> {
    Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES)).map_err(|error| error.to_string())
}

/// `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`
fn write_phc(salt: &[u8], hash: &[u8]) -> Result<String, String> {
    let salt = Salt::new(salt).map_err(|error| error.to_string())?;
    let hash = Output::new(hash).map_err(|error| error.to_string())?;
    Ok(format!(
        "${ARGON2ID_IDENT}$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}"
    ))
}

/// Memory of one hash. More is reserved than is used: what is larger than 32 MiB goes back to the system when it is freed
/// (glibc, `DEFAULT_MMAP_THRESHOLD_MAX`), and a hash's own 19 MiB would stay with the allocator for good.
fn hashing_memory(n_blocks: usize) -> Vec<Block> {
    const RETURNED_BLOCKS: usize = 33 * 1024;
    let mut blocks = Vec::with_capacity(n_blocks.max(RETURNED_BLOCKS));
    blocks.resize(n_blocks, Block::default());
    blocks
}

fn derive_hash(params: Params, password: &[u8], salt: &[u8], output: &mut [u8]) -> Result<(), argon2::Error> {
    let blocks = hashing_memory(params.block_count());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password, salt, output, blocks)
}

fn hash_now(password: &[u8]) -> Result<String, String> {
    let salt: [u8; 16] = Clock::System.entropy();
    let mut hash = [0; HASH_BYTES];
    derive_hash(hash_params()?, password, &salt, &mut hash).map_err(|error| error.to_string())?;
    write_phc(&salt, &hash)
}

/// Hashing takes tens of milliseconds of one core: not on a thread that serves.
pub async fn hash(password: SecretString) -> Result<String, Failure> {
    let work = THREADS.spawn_blocking(move || hash_now(password.expose_secret().as_bytes()));
    match work.await {
        Ok(Ok(hash)) => Ok(hash),
        Ok(Err(problem)) => Err(Failure::Refused(format!(
            "the password cannot be hashed: {problem}"
        ))),
        Err(_) => Err(Failure::Refused("the password cannot be hashed".to_owned())),
    }
}

/// Compares a password with a hash, or with one that nothing fits when there is none.
pub async fn verify(password: SecretString, hash: Option<SecretString>) -> bool {
    let hash = hash.unwrap_or_else(|| DECOY.clone());
    let Ok(permit) = Arc::clone(&HASH_PERMITS).acquire_owned().await else {
        return false;
    };
    let work = THREADS.spawn_blocking(move || {
        // It belongs to the work and not to the waiting: a client that hangs up does not make room for another.
        let _permit = permit;
        fits_hash(password.expose_secret().as_bytes(), hash.expose_secret()).unwrap_or(false)
    });
    work.await.unwrap_or(false)
}

/// `None`: the stored text is no hash of ours.
fn fits_hash(password: &[u8], stored: &str) -> Option<bool> {
    let stored = PasswordHash::new(stored).ok()?;
    let (salt, expected) = (stored.salt.as_ref()?, stored.hash.as_ref()?);
    let is_ours = stored.algorithm == ARGON2ID_IDENT && stored.version == Some(Version::V0x13.into());
    let params = Params::try_from(&stored).ok().filter(|_| is_ours)?;
    let mut output = vec![0; expected.len()];
    derive_hash(params, password, salt.as_ref(), &mut output).ok()?;
    // Takes the same time wherever they differ.
    Output::new(&output).ok().map(|output| output == *expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_itself_fits_and_nothing_fits_nobody() {
        let secret = |text: &str| SecretString::from(text);
        let stored = hash(secret("correct horse battery")).await.unwrap();
        assert!(verify(secret("correct horse battery"), Some(secret(&stored))).await);
        for wrong in ["correct horse batterz", "", "correct horse battery "] {
            assert!(!verify(secret(wrong), Some(secret(&stored))).await, "{wrong:?}");
        }
        for broken in [
            "",
            "plain",
            &stored.replace("argon2id", "argon2i"),
            &stored.replace("v=19", "v=16"),
        ] {
            assert!(
                !verify(secret("correct horse battery"), Some(secret(broken))).await,
                "{broken}"
            );
        }
        assert!(!verify(secret(""), None).await);
        assert!(!verify(secret("x"), None).await);
        let cost = |hash: &str| {
            hash.rsplit_once('$')
                .and_then(|(head, _)| head.rsplit_once('$'))
                .unwrap()
                .0
                .to_owned()
        };
        assert_eq!(
            cost(DECOY.expose_secret()),
            cost(&stored),
            "unknown names take as long"
        );
    }
}
