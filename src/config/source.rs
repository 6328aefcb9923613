//! Sources of settings: the environment, then `.env` in the working directory.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use secrecy::SecretString;

use super::env_file;
use super::names::{Place, find_nearest, is_mistake};

/// A missing or wrong setting. It never holds the value, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct ConfigError {
    pub name: String,
    pub problem: String,
}

const LARGEST_KEY_FILE: u64 = 64 * 1024;

impl ConfigError {
    pub fn new(name: impl Into<String>, problem: impl Into<String>) -> ConfigError {
        ConfigError {
            name: name.into(),
            problem: problem.into(),
        }
    }
}

/// Settings as text. Empty ones count as unset, because a shell and a compose file cannot unset one.
pub struct Source {
    values: BTreeMap<String, String>,
    /// Every name that has a value, and its source.
    names: Vec<(String, Place)>,
    /// Names that have been read; any other one is unknown.
    asked: RefCell<BTreeSet<&'static str>>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Source")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl Source {
    pub fn read() -> Result<Source, ConfigError> {
        let mut environment = Vec::new();
        for (name, value) in std::env::vars_os() {
            // Only names are read here: a value that is not text may belong to another program.
            if let Ok(name) = name.into_string() {
                environment.push((name, value.into_string().ok()));
            }
        }
        Source::merge(read_file(Path::new(".env"))?, environment)
    }

    /// For tests: reads these as from `.env`.
    pub fn of(pairs: &[(&str, &str)]) -> Source {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Source::merge(owned.collect(), Vec::new()).expect("a file alone is text")
    }

    /// For tests: reads these as from the environment.
    #[cfg(test)]
    pub(super) fn of_environment(pairs: &[(&str, &str)]) -> Source {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())));
        Source::merge(Vec::new(), owned.collect()).expect("all of it is text")
    }

    /// Merges both sources; the environment wins. `None` is a value that is not text.
    fn merge(
        file: Vec<(String, String)>,
        environment: Vec<(String, Option<String>)>,
    ) -> Result<Source, ConfigError> {
        let mut values = BTreeMap::new();
        let mut names = Vec::new();
        for (name, value) in file {
            names.push((name.clone(), Place::File));
            values.insert(name, value);
        }
        for (name, value) in environment {
            match value {
                Some(value) => {
                    names.push((name.clone(), Place::Environment));
                    values.insert(name, value);
                }
                None if is_mistake(&name, Place::Environment, &BTreeSet::new()) => {
                    return Err(ConfigError::new(name, "is not UTF-8"));
                }
                None => {}
            }
        }
        Ok(Source {
            values,
            names,
            asked: RefCell::default(),
        })
    }

    pub fn text(&self, name: &'static str) -> Option<&str> {
        self.asked.borrow_mut().insert(name);
        self.values
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    pub fn parsed<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        self.text(name)
            .map(parse)
            .transpose()
            .map_err(|problem| ConfigError::new(name, problem))
    }

    /// Reads a key: PEM text in which `\n` may stand for a line break, bare base64, or `@` and the path of a file.
    pub fn key(&self, name: &'static str) -> Result<Option<SecretString>, ConfigError> {
        self.parsed(name, |text| {
            // `docker --env-file` keeps quotes as part of the value.
            let text = text
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'))
                .unwrap_or(text);
            match text.strip_prefix('@') {
                None => Ok(SecretString::from(text.replace("\\n", "\n"))),
                Some(path) => read_key_file(Path::new(path)),
            }
        })
    }

    /// Takes a setting away, as if it were not set; `false`: it was not.
    pub fn leave_out(&mut self, name: &str) -> bool {
        self.values.remove(name).is_some()
    }

    /// Refuses unknown names; call it after every setting was read.
    pub fn refuse_unknown(&self) -> Result<(), ConfigError> {
        let asked = self.asked.borrow();
        let has_value = |name: &String| {
            self.values
                .get(name)
                .is_some_and(|value| !value.trim().is_empty())
        };
        let unknown = self.names.iter().find(|(name, place)| {
            !asked.contains(name.as_str()) && has_value(name) && is_mistake(name, *place, &asked)
        });
        let Some((name, place)) = unknown else {
            return Ok(());
        };
        let place = place.name();
        let nearest = find_nearest(name, &asked).unwrap_or("none");
        Err(ConfigError::new(
            name,
            format!(
                "is no setting of this version of Tongqian (found in {place}); the nearest one is {nearest}"
            ),
        ))
    }
}

fn read_key_file(path: &Path) -> Result<SecretString, String> {
    let size = std::fs::metadata(path)
        .map_err(|error| format!("{}: {error}", path.display()))?
        .len();
    if size > LARGEST_KEY_FILE {
        return Err(format!("{}: too large for a key", path.display()));
    }
    std::fs::read_to_string(path)
        .map(SecretString::from)
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Reads the file; a missing one has no settings.
fn read_file(path: &Path) -> Result<Vec<(String, String)>, ConfigError> {
    let problem = |problem: String| ConfigError::new(path.display().to_string(), problem);
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(problem(format!("cannot be read: {error}"))),
    };
    let text =
        String::from_utf8(bytes).map_err(|_| problem("is not UTF-8: save it as UTF-8 text".to_owned()))?;
    env_file::parse(&text).map_err(|bad| problem(bad.to_string()))
}
