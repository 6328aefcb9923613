//! Files of a backup: written whole under another name first, synced, and never over a file that is there.

mod scheduled;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use domain::hex_digits;
use payments::store::StoreError;

pub use self::scheduled::{BackupPlan, run_backup};

/// Stands between the name of a backup that is not complete and the id of the process that writes it.
const DRAFT: &str = ".part-";

/// A backup that is complete and on the disk.
#[derive(Debug)]
pub struct Backup {
    pub n_bytes: u64,
    /// SHA-256 in hex, as `FILE.sha256` holds it.
    pub sum: String,
}

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    #[error("{}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the database cannot be copied")]
    Copy(#[from] StoreError),
}

/// Copies the SQLite database at `url` into a new file, with its sum beside it.
pub async fn write_backup(url: &str, file: &Path) -> Result<Backup, BackupError> {
    let sum_file = sum_file_of(file);
    for path in [file, &sum_file] {
        if path.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(path.to_owned()));
        }
    }
    let draft = Draft::create(file)?;
    payments::backup::copy_sqlite(url, &draft.path).await?;
    let (file, sum_file) = (file.to_owned(), sum_file);
    tokio::task::spawn_blocking(move || draft.publish(&file, &sum_file))
        .await
        .expect("writing a file does not panic")
}

/// `FILE.sha256`, in the format of sha256sum.
pub fn sum_file_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sha256");
    name.into()
}

/// SHA-256 of a file in hex.
pub fn sum_of(file: &Path) -> io::Result<String> {
    let mut content = File::open(file)?;
    let mut context = Context::new(&SHA256);
    let mut chunk = vec![0; 1 << 20];
    loop {
        let n_read = content.read(&mut chunk)?;
        if n_read == 0 {
            break;
        }
        context.update(&chunk[..n_read]);
    }
    Ok(hex_digits(context.finish().as_ref()))
}

/// A file that is not complete yet; it goes away with this value.
struct Draft {
    path: PathBuf,
}

impl Draft {
    /// In the directory of the backup, so that giving it its name is one step.
    fn create(file: &Path) -> Result<Draft, BackupError> {
        let mut name = file.as_os_str().to_owned();
        name.push(format!("{DRAFT}{}", std::process::id()));
        let path = PathBuf::from(name);
        new_file(&path)?;
        Ok(Draft { path })
    }

    /// Gives the complete file its name, so that a file under that name is never half a backup.
    fn publish(self, file: &Path, sum_file: &Path) -> Result<Backup, BackupError> {
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |source| BackupError::Io { path, source }
        };
        let content = File::open(&self.path).map_err(fail(&self.path))?;
        content.sync_all().map_err(fail(&self.path))?;
        let n_bytes = content.metadata().map_err(fail(&self.path))?.len();
        let sum = sum_of(&self.path).map_err(fail(&self.path))?;
        give_name(&self.path, file)?;
        let mut sums = new_file(sum_file)?;
        let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
        writeln!(sums, "{sum}  {name}")
            .and_then(|()| sums.sync_all())
            .map_err(fail(sum_file))?;
        let directory = directory_of(file);
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(fail(directory))?;
        Ok(Backup { n_bytes, sum })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Gone already when it was given its name by moving it.
        drop(fs::remove_file(&self.path));
    }
}

pub fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    }
}

fn new_file(path: &Path) -> Result<File, BackupError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(path).map_err(|source| named_failure(path, source))
}

/// A second name cannot replace a file, which a rename would. Where a file system knows no second names, the race of two
/// backups to one name is lost by one of them.
fn give_name(draft: &Path, file: &Path) -> Result<(), BackupError> {
    match fs::hard_link(draft, file) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(named_failure(file, error)),
        Err(_) => fs::rename(draft, file).map_err(|source| named_failure(file, source)),
    }
}

fn named_failure(path: &Path, source: io::Error) -> BackupError {
    let path = path.to_owned();
    if source.kind() == io::ErrorKind::AlreadyExists {
        BackupError::Exists(path)
    } else {
        BackupError::Io { path, source }
    }
}
