//! Cache of API keys: a key that was found a moment ago is not read again for every call.
//!
//! A key that is revoked on this server is refused from then on; other servers accept it for [`MAX_AGE`] at most. Only keys
//! that exist are kept, so strangers cannot fill the memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use domain::Timestamp;

use crate::Clock;
use crate::model::api_key::ApiKey;

/// Age after which a key is read again: another server may have revoked it.
const MAX_AGE: Duration = Duration::from_secs(5);

/// Known API keys by their hash; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct KeyCache(Arc<Mutex<Cached>>);

#[derive(Debug, Default)]
struct Cached {
    /// Number of revocations: what was read before one is not kept after it.
    generation: u64,
    keys: HashMap<String, Kept>,
}

#[derive(Debug)]
struct Kept {
    key: ApiKey,
    /// By the monotonic clock.
    read_at: Duration,
}

/// Read of a key that has begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lookup {
    generation: u64,
    began_at: Duration,
}

impl KeyCache {
    fn cached(&self) -> MutexGuard<'_, Cached> {
        self.0.lock().expect("nothing panics while it holds the keys")
    }

    /// Returns the key, or the read that must be made for it.
    pub(crate) fn find(&self, hash: &str, clock: &Clock) -> Result<ApiKey, Lookup> {
        let now = clock.monotonic();
        let cached = self.cached();
        let fresh = cached
            .keys
            .get(hash)
            .filter(|kept| now.saturating_sub(kept.read_at) < MAX_AGE);
        fresh.map(|kept| kept.key.clone()).ok_or(Lookup {
            generation: cached.generation,
            began_at: now,
        })
    }

    /// Keeps a key that was read, unless one was revoked meanwhile.
    pub(crate) fn keep(&self, hash: String, key: &ApiKey, lookup: Lookup) {
        let mut cached = self.cached();
        if cached.generation != lookup.generation {
            return;
        }
        let now = lookup.began_at;
        cached
            .keys
            .retain(|_, kept| now.saturating_sub(kept.read_at) < MAX_AGE);
        let kept = Kept {
            key: key.clone(),
            read_at: now,
        };
        cached.keys.insert(hash, kept);
    }

    /// Notes a use that is being written, so that the next calls do not write it again.
    pub(crate) fn note_use(&self, id: &str, now: Timestamp) {
        for kept in self.cached().keys.values_mut() {
            if kept.key.id == id {
                kept.key.last_used_at = Some(now);
            }
        }
    }

    /// Forgets every key, because one was revoked.
    pub(crate) fn forget_all(&self) {
        let mut cached = self.cached();
        cached.generation += 1;
        cached.keys.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_485_600_000);

    fn key() -> ApiKey {
        ApiKey {
            id: "key_1".to_owned(),
            name: "shop".to_owned(),
            scopes: Vec::new(),
            last_used_at: None,
        }
    }

    #[test]
    fn a_key_is_kept_for_seconds_and_never_beyond_a_revocation() {
        let clock = Clock::fixed(NOW, 7);
        let cache = KeyCache::default();
        let lookup = cache.find("hash", &clock).unwrap_err();
        cache.keep("hash".to_owned(), &key(), lookup);
        assert_eq!(cache.find("hash", &clock).unwrap(), key());
        cache.note_use("key_1", NOW);
        assert_eq!(cache.find("hash", &clock).unwrap().last_used_at, Some(NOW));
        clock.advance(MAX_AGE);
        let late = cache.find("hash", &clock).unwrap_err();
        cache.forget_all();
        cache.keep("hash".to_owned(), &key(), late);
        assert!(
            cache.find("hash", &clock).is_err(),
            "it was read before the revocation"
        );
    }
}
