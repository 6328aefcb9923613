//! Dependencies: each is used by the crate that names it, and each version in the workspace's list by some crate.

use std::collections::BTreeSet;
use std::fs;

use super::{has_word, root, rust_files};

/// Crates of the repository with their folders; the root crate's files are in two of them.
const CRATES: [(&str, &[&str]); 6] = [
    ("", &["src", "end2end"]),
    ("domain", &["domain"]),
    ("payments", &["payments"]),
    ("simulator", &["simulator"]),
    ("app", &["app"]),
    ("frontend", &["frontend"]),
];

#[test]
fn every_dependency_is_used() {
    let mut unused = Vec::new();
    let mut named = BTreeSet::new();
    for (folder, places) in CRATES {
        let files = rust_files(places);
        for name in dependencies_of(&manifest_of(folder)) {
            // A library's own name may differ from its package's.
            let word = if name == "md-5" {
                "md5".to_owned()
            } else {
                name.replace('-', "_")
            };
            if !files.iter().any(|file| has_word(&file.text, &word)) {
                unused.push(format!("{folder}/Cargo.toml: {name} is used nowhere"));
            }
            named.insert(name);
        }
    }
    for name in names_in_section(&manifest_of(""), "workspace.dependencies") {
        if !named.contains(&name) {
            unused.push(format!("Cargo.toml: no crate depends on {name}"));
        }
    }
    assert!(unused.is_empty(), "{}", unused.join("\n"));
}

fn manifest_of(folder: &str) -> String {
    let path = root().join(folder).join("Cargo.toml");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn dependencies_of(manifest: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in manifest.lines() {
        let section = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let Some(section) = section else { continue };
        let is_own = !section.starts_with("workspace.") && !section.contains("metadata");
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            if is_own && (section == kind || section.ends_with(&format!(".{kind}"))) {
                found.extend(names_in_section(manifest, section));
            } else if let Some(name) = section.strip_prefix(&format!("{kind}.")) {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

/// Keys of one section of a manifest.
fn names_in_section(manifest: &str, section: &str) -> Vec<String> {
    let head = format!("[{section}]");
    let lines = manifest.lines().skip_while(|line| *line != head).skip(1);
    let is_name = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    lines
        .take_while(|line| !line.starts_with('['))
        .filter(|line| line.starts_with(char::is_alphabetic))
        .map(|line| line.chars().take_while(|c| is_name(*c)).collect())
        .collect()
}
