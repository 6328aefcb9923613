//! Settings: code, `.env.example` and both READMEs name the same ones.

use std::collections::BTreeSet;

use super::documents::read;
use super::{Kind, rust_files};

const EXAMPLE: &str = ".env.example";
const READMES: [&str; 2] = ["README.md", "README.zh-CN.md"];
/// Files below `src/config` that handle names and text of settings without reading any.
const WITHOUT_SETTINGS: [&str; 4] = ["source.rs", "names.rs", "env_file.rs", "tests.rs"];

#[test]
fn settings_of_the_code_are_those_of_the_documents() {
    let read_by_code = settings_of_code();
    assert!(
        read_by_code.len() > 30,
        "settings were not found: {read_by_code:?}"
    );
    let mut faults = Vec::new();
    let mut compare = |document: &str, named: &BTreeSet<String>| {
        let missing = read_by_code
            .difference(named)
            .map(|name| format!("{document} does not name {name}"));
        let unknown = named
            .difference(&read_by_code)
            .map(|name| format!("{document} names {name}, which src/config does not read"));
        faults.extend(missing.chain(unknown));
    };
    compare(EXAMPLE, &settings_of_example(&read(EXAMPLE)));
    for readme in READMES {
        compare(readme, &settings_of_tables(&read(readme)));
    }
    assert!(faults.is_empty(), "settings differ:\n  {}", faults.join("\n  "));
}

/// Literals that look like a setting. Other literals of these files are values and messages, which hold small letters.
fn settings_of_code() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in rust_files(&["src"]) {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let is_config = file.path == "src/config.rs" || file.path.starts_with("src/config/");
        if !is_config || WITHOUT_SETTINGS.contains(&name) {
            continue;
        }
        let code = file
            .text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        let literals = super::split(code);
        let literals = literals.iter().filter(|piece| piece.kind == Kind::Literal);
        found.extend(
            literals
                .filter_map(|piece| piece.text.strip_prefix('"')?.strip_suffix('"'))
                .filter(|text| is_setting(text))
                .map(str::to_owned),
        );
    }
    found
}

/// The names of lines such as `#LISTEN=127.0.0.1:3000`.
fn settings_of_example(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='))
        .map(|(name, _)| name)
        .filter(|name| is_setting(name))
        .map(str::to_owned)
        .collect()
}

/// The names in the first cells of tables, of which one cell may hold several.
fn settings_of_tables(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" | ").next())
        .flat_map(|cell| cell.split(['`', ' ']))
        .filter(|name| is_setting(name))
        .map(str::to_owned)
        .collect()
}

fn is_setting(text: &str) -> bool {
    text.len() > 2
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && !text.ends_with('_')
        && text
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

#[test]
fn settings_are_distinguished_from_other_words() {
    let names = |set: BTreeSet<String>| set.into_iter().collect::<Vec<_>>();
    assert_eq!(
        names(settings_of_example(
            "# A=b\n#LOG=info\n#LOG_FORMAT=text\n# The KEY.\n"
        )),
        ["LOG", "LOG_FORMAT"]
    );
    assert_eq!(
        names(settings_of_tables(
            "| `LOG` `LOG_FORMAT` | info | `API_KEY` |\n| setting | LISTEN |\n"
        )),
        ["LOG", "LOG_FORMAT"]
    );
    assert!(!is_setting("WECHAT_") && !is_setting("OK") && !is_setting("info"));
}
