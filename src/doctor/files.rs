//! Files of the set-up: rights of keys and settings, the directory of the backups, and disk space.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::Report;
use crate::config::{Config, Source};

/// Bits that let others than the owner and its group read.
const OTHERS: u32 = 0o007;
/// Below this a busy shop fills the disk within days.
const LITTLE_SPACE: u64 = 1 << 30;
/// Below this SQLite may fail within hours.
const NO_SPACE: u64 = 64 << 20;

const KEYS: [&str; 8] = [
    "WECHAT_PRIVATE_KEY",
    "WECHAT_PUBLIC_KEY",
    "ALIPAY_PRIVATE_KEY",
    "ALIPAY_PUBLIC_KEY",
    "ALIPAY_APP_CERT",
    "ALIPAY_CERT",
    "ALIPAY_ROOT_CERT",
    "SECRETS_KEY",
];

/// Secret files that everybody on this machine can read.
pub fn check_permissions(source: &Source, report: &mut Report) {
    for name in KEYS
        .into_iter()
        .filter(|name| !name.ends_with("CERT") && !name.contains("PUBLIC"))
    {
        let Some(path) = source
            .text(name)
            .and_then(|text| text.trim_matches('"').strip_prefix('@'))
        else {
            continue;
        };
        if is_open_to_others(Path::new(path)) {
            report.warn(
                name,
                format!("{path} can be read by everybody on this machine: chmod 600 it"),
            );
        }
    }
}

fn is_open_to_others(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & OTHERS != 0)
}

pub fn check_backups(config: &Config, report: &mut Report) {
    if let Some(backups) = &config.backups {
        check_directory("BACKUP_DIR", &backups.directory, report);
    }
}

/// Whether files can be made in a directory, or the directory itself; and how much space there is.
pub fn check_directory(name: &'static str, directory: &Path, report: &mut Report) -> bool {
    let found = existing_parent(directory);
    let shown = directory.display();
    if !found.is_dir() {
        report.fail(name, format!("{} is not a directory", found.display()));
        return false;
    }
    if !is_writable(&found) {
        report.fail(
            name,
            format!("{} cannot be written by this user", found.display()),
        );
        return false;
    }
    match free_space(&found) {
        Some(free) if free < NO_SPACE => {
            report.fail(name, format!("{} MB are free at {shown}: make room", free >> 20));
            false
        }
        Some(free) if free < LITTLE_SPACE => {
            report.warn(name, format!("{} MB are free at {shown}", free >> 20));
            true
        }
        _ => true,
    }
}

/// The directory itself, or the one in which it will be made.
fn existing_parent(directory: &Path) -> PathBuf {
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let found = absolute.ancestors().find(|path| path.exists());
    found.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

pub fn is_writable(path: &Path) -> bool {
    use rustix::fs::{Access, access};
    let is_file = path.is_file();
    let wanted = if is_file {
        Access::READ_OK | Access::WRITE_OK
    } else {
        Access::WRITE_OK | Access::EXEC_OK
    };
    access(path, wanted).is_ok()
}

fn free_space(path: &Path) -> Option<u64> {
    let space = rustix::fs::statvfs(path).ok()?;
    space.f_bavail.checked_mul(space.f_frsize)
}
