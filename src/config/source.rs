//! Where settings come from: the environment, then `.env` in the working directory.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use secrecy::SecretString;

/// A setting that is missing or wrong. It never holds a value, because the value may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct ConfigError {
    pub name: String,
    pub problem: String,
}

/// Names that begin like ours but are not ours are typing mistakes. `LOGIN_URL` is no mistake, `LOG_LEVEL` is one.
const PREFIXES: [&str; 20] = [
    "WECHAT_",
    "ALIPAY_",
    "ADMIN_",
    "API_",
    "PAYMENT_",
    "ORDER_",
    "SIMULATOR_",
    "EXPIRY_",
    "RECONCILE_",
    "LATE_",
    "REFUND_",
    "LOG_",
    "METRICS_",
    "PUBLIC_",
    "DATABASE_",
    "LISTEN_",
    "GATEWAY",
    "MERCHANT_",
    "RETURN_",
    "TRUSTED_",
];
const LARGEST_KEY_FILE: u64 = 64 * 1024;

impl ConfigError {
    pub fn new(name: impl Into<String>, problem: impl Into<String>) -> ConfigError {
        ConfigError {
            name: name.into(),
            problem: problem.into(),
        }
    }
}

/// Settings as text. Empty ones count as not set, because a shell and a compose file cannot unset one.
pub struct Source {
    values: BTreeMap<String, String>,
    names_in_file: BTreeSet<String>,
    /// What was asked for is what is known.
    asked: RefCell<BTreeSet<&'static str>>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Source")
            .field("names_in_file", &self.names_in_file)
            .finish_non_exhaustive()
    }
}

impl Source {
    pub fn read() -> Result<Source, ConfigError> {
        let mut values = read_file(Path::new(".env"))?;
        let names_in_file = values.keys().cloned().collect();
        for (name, value) in std::env::vars_os() {
            // Only names are looked at here: what is not text may belong to somebody else.
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(values.insert(name, value)),
                Err(_) if PREFIXES.iter().any(|prefix| name.starts_with(prefix)) => {
                    return Err(ConfigError::new(name, "is not UTF-8"));
                }
                Err(_) => {}
            }
        }
        Ok(Source {
            values,
            names_in_file,
            asked: RefCell::default(),
        })
    }

    /// For tests: as if these stood in `.env`.
    pub fn of(pairs: &[(&str, &str)]) -> Source {
        let values: BTreeMap<String, String> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Source {
            names_in_file: values.keys().cloned().collect(),
            values,
            asked: RefCell::default(),
        }
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

    /// A key: PEM text in which `\n` may stand for a line break, bare base64, or `@` and the path of a file.
    pub fn key(&self, name: &'static str) -> Result<Option<SecretString>, ConfigError> {
        self.parsed(name, |text| {
            // `docker --env-file` hands quotes on as part of the value.
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

    /// Call it after everything was asked for.
    pub fn refuse_unknown(&self) -> Result<(), ConfigError> {
        let asked = self.asked.borrow();
        let unknown = self.names_in_file.iter().find(|name| {
            !asked.contains(name.as_str()) && PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        });
        unknown.map_or(Ok(()), |name| {
            Err(ConfigError::new(
                name,
                "is no setting of Tongqian (found in .env)",
            ))
        })
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

fn read_file(path: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let lines = match dotenvy::from_path_iter(path) {
        Ok(lines) => lines,
        Err(error) if error.not_found() => return Ok(BTreeMap::new()),
        Err(_) => return Err(ConfigError::new(".env", "cannot be read")),
    };
    let mut values = BTreeMap::new();
    for line in lines {
        // The library's message shows the line, and the line may be a key.
        let (name, value) = line.map_err(|_| {
            let last = values.keys().next_back().map_or("the first line", String::as_str);
            ConfigError::new(".env", format!("cannot be read (look near {last})"))
        })?;
        values.insert(name, value);
    }
    Ok(values)
}
