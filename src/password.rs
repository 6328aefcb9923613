//! Password hashing with argon2id.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock};

use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::Output;
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OnceCell, Semaphore};

use crate::Failure;

/// OWASP's minimum: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Limits concurrent hashing to the number of cores: each hash needs 19 MiB.
static HASH_PERMITS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(n_cores())));
/// Dedicated threads, each with its own memory: a hundred logins on shared threads left 370 MB of fragmented memory that the
/// allocator could not use again.
static THREADS: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = Builder::new_current_thread();
    let threads = builder.thread_name("password").max_blocking_threads(n_cores());
    threads
        .build()
        .expect("a runtime without any driver needs nothing of the system")
});
/// Hash of a random password, verified for unknown users so that timing does not reveal whether an account exists.
static NOBODYS: OnceCell<String> = OnceCell::const_new();

fn n_cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// Hashes on the dedicated threads: it takes tens of milliseconds of one core.
pub async fn hash(password: SecretString) -> Result<String, Failure> {
    let work = THREADS.spawn_blocking(move || {
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

/// Computes the hash for unknown users in advance, so that the first one is not answered later than others.
pub async fn prepare(nonce: String) -> Result<(), Failure> {
    NOBODYS
        .get_or_try_init(async || hash(SecretString::from(nonce)).await)
        .await
        .map(drop)
}

/// Verifies a password; without a hash it takes as long and fails.
pub async fn verify(password: SecretString, hash: Option<SecretString>) -> bool {
    let Some(hash) = hash.or_else(|| NOBODYS.get().cloned().map(SecretString::from)) else {
        return false;
    };
    let Ok(permit) = Arc::clone(&HASH_PERMITS).acquire_owned().await else {
        return false;
    };
    let work = THREADS.spawn_blocking(move || {
        // The permit is held until the work ends: a client that hangs up must not make room for another.
        let _permit = permit;
        fits(password.expose_secret().as_bytes(), hash.expose_secret()).unwrap_or(false)
    });
    work.await.unwrap_or(false)
}

thread_local! {
    static BLOCKS: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// Compares with a stored hash; `None`: not one of our hashes.
fn fits(password: &[u8], stored: &str) -> Option<bool> {
    let stored = PasswordHash::new(stored).ok()?;
    let (salt, expected) = (stored.salt.as_ref()?, stored.hash.as_ref()?);
    let is_ours = stored.algorithm == ARGON2ID_IDENT && stored.version == Some(Version::V0x13.into());
    let params = Params::try_from(&stored).ok().filter(|_| is_ours)?;
    let n_blocks = params.block_count();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut output = vec![0; expected.len()];
    BLOCKS
        .with_borrow_mut(|blocks| {
            blocks.resize(n_blocks, Block::default());
            argon2.hash_password_into_with_memory(password, salt.as_ref(), &mut output, blocks)
        })
        .ok()?;
    // Constant time.
    Output::new(&output).ok().map(|output| output == *expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_is_verified_and_unknown_users_never() {
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
        prepare("nobody knows this".to_owned()).await.unwrap();
        assert!(!verify(secret("x"), None).await);
    }
}
