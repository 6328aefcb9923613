//! Permissions of the database file: it holds names, hashes of passwords and every payment.

use std::path::Path;

/// Makes an empty file that only its owner can read. SQLite gives `-wal` and `-shm` the permissions of the file.
pub(super) fn create_private(url: &str, path: &Path) {
    if is_in_memory(url) {
        return;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // A file that is there stays as it is. Of a path that cannot be written SQLite says what is wrong when it connects.
    drop(options.open(path));
}

fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory") || url.contains("mode=ro")
}
