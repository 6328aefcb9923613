//! Permissions of the database file: it holds names, hashes of passwords and every payment.

use std::path::Path;

/// Creates an empty file that only its owner can read. SQLite gives `-wal` and `-shm` the permissions of the file.
pub(super) fn create_private(url: &str, path: &Path) {
    if is_in_memory(url) {
        return;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // An existing file stays as it is. For a path that cannot be written SQLite gives the error when it connects.
    drop(options.open(path));
}

fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory") || url.contains("mode=ro")
}
