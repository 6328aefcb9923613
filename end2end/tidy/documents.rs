//! Pointers of code and documents: whatever they name must be in this repository.

use std::collections::BTreeSet;
use std::fs;

use super::{Faults, File, Kind, all_rust_files, files, root};

const FACTS: &str = "docs/gateway-facts.md";
const GUARANTEES: &str = "docs/reliability.md";

#[test]
fn traps_named_in_code_are_documented() {
    let explained = headings(FACTS);
    let mut faults = Faults::default();
    for file in readable_files() {
        for (line, text) in prose(&file) {
            for trap in traps_in(&text).difference(&explained) {
                faults.add(&file, line, &format!("{trap} has no heading in {FACTS}"));
            }
        }
    }
    for file in all_rust_files() {
        for (index, line) in file.text.lines().enumerate() {
            let Some(trap) = tested_trap(line) else { continue };
            if !explained.contains(&trap) {
                faults.add(&file, index + 1, &format!("{trap} has no heading in {FACTS}"));
            }
        }
    }
    faults.report();
}

#[test]
fn traps_are_numbered_without_gaps() {
    let text = read(FACTS);
    let numbers = text.lines().filter_map(|line| line.strip_prefix("### T-"));
    for (index, number) in numbers.enumerate() {
        assert_eq!(number, format!("{:02}", index + 1), "{FACTS}: traps are in order");
    }
}

#[test]
fn guarantees_and_attacks_that_code_names_are_listed() {
    let listed = rows(GUARANTEES);
    let mut faults = Faults::default();
    let mut check = |file: &File, line, name: String| {
        if !listed.contains(&name) {
            faults.add(file, line, &format!("{name} has no row in {GUARANTEES}"));
        }
    };
    for file in all_rust_files() {
        for (line, text) in prose(&file) {
            for (at, opening) in text.match_indices("invariant ") {
                let rest = &text[at + opening.len()..];
                let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
                if !number.is_empty() {
                    check(&file, line, number);
                }
            }
        }
        for (index, line) in file.text.lines().enumerate() {
            for attack in tested_attacks(line) {
                check(&file, index + 1, attack);
            }
        }
    }
    faults.report();
}

#[test]
fn documents_and_sections_that_are_named_exist() {
    let mut faults = Faults::default();
    for file in readable_files() {
        for (line, text) in prose(&file) {
            for Pointer { document, sections } in pointers_in(&text) {
                if !root().join(&document).exists() {
                    faults.add(&file, line, &format!("there is no {document}"));
                    continue;
                }
                for section in sections.difference(&headings(&document)) {
                    faults.add(&file, line, &format!("{document} has no section {section}"));
                }
            }
        }
    }
    faults.report();
}

#[test]
fn links_of_documents_lead_to_files() {
    let mut faults = Faults::default();
    for file in documents() {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (index, line) in file.text.lines().enumerate() {
            for (at, _) in line.match_indices("](") {
                let target = line[at + 2..].split([')', '#', ' ']).next().unwrap_or_default();
                let is_here = !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:");
                if is_here && !root().join(folder).join(target).exists() {
                    faults.add(&file, index + 1, &format!("the link to {target} leads nowhere"));
                }
            }
        }
    }
    faults.report();
}

#[test]
fn files_that_documents_name_exist() {
    let tracked = tracked_files();
    let mut faults = Faults::default();
    // The changelog names files of its own day.
    for file in documents().iter().filter(|file| file.path != "CHANGELOG.md") {
        for (index, line) in file.text.lines().enumerate() {
            for name in files_named_in(line) {
                let is_here = |path: &String| *path == name || path.ends_with(&format!("/{name}"));
                if !tracked.iter().any(is_here) {
                    faults.add(file, index + 1, &format!("there is no file {name}"));
                }
            }
        }
    }
    faults.report();
}

#[test]
fn constants_of_the_table_of_clocks_are_where_it_says() {
    const RECIPES: &str = "CONTRIBUTING.md";
    let settings = read(".env.example");
    let recipes = read(RECIPES);
    let rows = recipes
        .lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with("| "));
    let mut n_constants = 0;
    for (index, row) in rows {
        let cell = row.split(" | ").nth(2).unwrap_or_default();
        let files: String = files_named_in(cell).iter().map(|path| read(path)).collect();
        let quoted = cell.split('`').skip(1).step_by(2);
        let is_constant = |text: &&str| {
            text.chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        };
        for name in quoted.filter(is_constant) {
            n_constants += 1;
            let is_defined =
                files.contains(&format!("const {name}:")) || settings.contains(&format!("#{name}="));
            assert!(
                is_defined,
                "{RECIPES}:{}: {name} is not in the files beside it",
                index + 1
            );
        }
    }
    assert!(n_constants > 30, "{n_constants}: the table is not found");
}

/// Paths of source files in backticks, `a/{b,c}.rs` as two. A path with a placeholder in capitals names none.
fn files_named_in(line: &str) -> Vec<String> {
    const KINDS: [&str; 6] = ["rs", "sql", "mjs", "sh", "css", "toml"];
    let quoted = line.split('`').skip(1).step_by(2);
    quoted
        .filter(|text| {
            text.rsplit_once('.')
                .is_some_and(|(_, kind)| KINDS.contains(&kind))
        })
        .filter(|text| !text.contains([' ', '*', ':', '…']))
        .filter(|text| {
            !text
                .split(['/', '.'])
                .any(|part| part.contains("NAME") || part.contains("NNNN"))
        })
        .flat_map(expand_braces)
        .collect()
}

fn expand_braces(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else {
        return vec![path.to_owned()];
    };
    let Some((names, after)) = rest.split_once('}') else {
        return vec![path.to_owned()];
    };
    names
        .split(',')
        .map(|name| format!("{before}{name}{after}"))
        .collect()
}

fn tracked_files() -> Vec<String> {
    let listed = std::process::Command::new("git")
        .args(["ls-files"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    let text = String::from_utf8_lossy(&listed.stdout);
    text.lines().map(str::to_owned).collect()
}

/// Everything that points at documents.
fn readable_files() -> Vec<File> {
    let mut found = all_rust_files();
    found.extend(files(&["migrations"], "sql"));
    found.extend(files(&["style"], "css"));
    found.extend(files(&["end2end"], "mjs"));
    found.extend(files(&["scripts"], "sh"));
    found.extend(documents());
    found
}

/// The documents of the repository: those at its top, and those in the folders that have some.
fn documents() -> Vec<File> {
    let mut found = files(&["docs", "migrations"], "md");
    for entry in fs::read_dir(root()).expect("the repository is there") {
        let name = entry.expect("its entries can be read").file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".md") {
            found.push(File {
                text: read(&name),
                path: name.into_owned(),
            });
        }
    }
    found
}

/// Lines of a file without its code: a literal `T-01` may be an order number.
fn prose(file: &File) -> Vec<(usize, String)> {
    let numbered = |(line, text): (usize, &str)| (line, text.to_owned());
    if !file.path.ends_with(".rs") {
        let lines = file.text.lines().enumerate();
        return lines.map(|(index, text)| numbered((index + 1, text))).collect();
    }
    file.pieces()
        .iter()
        .filter(|piece| piece.kind == Kind::Comment)
        .flat_map(|piece| piece.lines().map(numbered).collect::<Vec<_>>())
        .collect()
}

pub(super) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The first words of a document's headings: `1.7`, `T-17`.
fn headings(path: &str) -> BTreeSet<String> {
    read(path)
        .lines()
        .filter(|line| line.starts_with('#'))
        .filter_map(|line| line.trim_start_matches('#').split_whitespace().next())
        .map(|word| word.trim_end_matches(['.', ':']).to_owned())
        .collect()
}

/// The names in the first cells of a document's tables, of which one cell may hold several.
fn rows(path: &str) -> BTreeSet<String> {
    read(path)
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
        .flat_map(|cell| cell.split(", "))
        .map(str::to_owned)
        .collect()
}

/// The attacks that a test is named after: `S10` and `S13` of `s10_s13_no_frame_…`.
fn tested_attacks(line: &str) -> Vec<String> {
    const KINDS: [char; 4] = ['i', 'r', 's', 'z'];
    let Some((_, name)) = line.split_once("async fn ") else {
        return Vec::new();
    };
    let is_attack = |word: &&str| {
        let number = word.strip_prefix(KINDS).unwrap_or_default();
        !number.is_empty() && number.len() < 3 && number.chars().all(|c| c.is_ascii_digit())
    };
    name.split('_')
        .take_while(is_attack)
        .map(str::to_ascii_uppercase)
        .collect()
}

fn traps_in(text: &str) -> BTreeSet<String> {
    text.match_indices("T-")
        .filter(|(at, _)| {
            let before = text[..*at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-')
        })
        .filter_map(|(at, _)| number_of_trap(&text[at + 2..]))
        .collect()
}

/// The trap of a test's name, such as `t_17_an_answer_…`.
fn tested_trap(line: &str) -> Option<String> {
    let (_, name) = line.split_once("fn t_")?;
    number_of_trap(name)
}

/// Two digits, and no third.
fn number_of_trap(text: &str) -> Option<String> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    (digits.len() == 2).then(|| format!("T-{digits}"))
}

#[derive(Debug, PartialEq)]
struct Pointer {
    document: String,
    sections: BTreeSet<String>,
}

/// Names of documents, with sections as in `docs/gateway-facts.md 1.6.4, 1.6.5`, also with the name alone in backticks.
fn pointers_in(text: &str) -> Vec<Pointer> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("docs/") {
        let is_inner = text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '/' || c == '-');
        let rest = &text[at..];
        let Some(end) = rest.find(".md").filter(|_| !is_inner) else {
            continue;
        };
        let document = &rest[..end + ".md".len()];
        if document.contains(char::is_whitespace) {
            continue;
        }
        let after = rest[document.len()..].trim_start_matches('`');
        let after = after.strip_prefix(" section").unwrap_or(after);
        let sections = after.split(',').map(section_of).take_while(Option::is_some);
        found.push(Pointer {
            document: document.to_owned(),
            sections: sections.flatten().collect(),
        });
    }
    found
}

/// The number at the beginning of ` 1.7) and so on`.
fn section_of(text: &str) -> Option<String> {
    let text = text.strip_prefix(' ')?;
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number = text[..end].trim_end_matches('.');
    (!number.is_empty()).then(|| number.to_owned())
}

#[test]
fn pointers_are_distinguished_from_other_words() {
    let set = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(traps_in("(T-17, T-03) T-1 T-123 AT-12"), set(&["T-03", "T-17"]));
    assert_eq!(
        tested_trap("async fn t_17_an_answer() {").as_deref(),
        Some("T-17")
    );
    assert_eq!(tested_attacks("async fn s10_z4_no_frame() {"), ["S10", "Z4"]);
    let pointer = |document: &str, sections| Pointer {
        document: document.to_owned(),
        sections: set(sections),
    };
    assert_eq!(
        pointers_in("see docs/a.md 1.6.4, 1.6.5, and `docs/b.md` section 2."),
        [
            pointer("docs/a.md", &["1.6.4", "1.6.5"]),
            pointer("docs/b.md", &["2"])
        ]
    );
    assert_eq!(
        files_named_in("`src/{a,b}.rs` and `c.rs` `d.rs` x, `NAME.rs`, `x y.rs`"),
        ["src/a.rs", "src/b.rs", "c.rs", "d.rs"]
    );
    assert_eq!(
        pointers_in("docs/ and docs/a.md; https://example.com/docs/c.md"),
        [pointer("docs/a.md", &[])]
    );
}
