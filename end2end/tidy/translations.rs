//! Documents in two languages: the Chinese one must say the same as the English one, as far as a machine can tell.
//!
//! Compared section by section: examples, commands, names in backticks, rows of tables, and files that links lead to.
//! So a setting, a command, a field or an example that only one language names fails here. Examples of the guide run in
//! `end2end/http/guide.rs` from the English file; the Chinese one holds the same bytes.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::documents::read;

const TRANSLATED: [(&str, &str); 2] = [
    ("README.md", "README.zh-CN.md"),
    ("PAYMENT_INTEGRATION.md", "PAYMENT_INTEGRATION.zh-CN.md"),
];

#[test]
fn translations_name_the_same_things() {
    let mut faults = String::new();
    for (english, chinese) in TRANSLATED {
        let (left, right) = (sections(&read(english)), sections(&read(chinese)));
        let levels = |sections: &[Section]| sections.iter().map(|section| section.level).collect::<Vec<_>>();
        assert_eq!(
            levels(&left),
            levels(&right),
            "{english} and {chinese} have the same headings in the same order"
        );
        for (left, right) in left.iter().zip(&right) {
            for difference in left.differences(right) {
                write!(
                    faults,
                    "\n  {english} \"{}\", {chinese} \"{}\": {difference}",
                    left.title, right.title
                )
                .expect("a string takes all that is written to it");
            }
        }
    }
    assert!(faults.is_empty(), "translations differ:{faults}");
}

/// A heading with its text up to the next heading; the first has none.
#[derive(Default)]
struct Section {
    level: usize,
    title: String,
    /// Fenced blocks: the word after the fence, and the text that must be equal in all languages.
    blocks: Vec<(String, String)>,
    n_rows: usize,
    prose: String,
}

impl Section {
    fn differences(&self, other: &Section) -> Vec<String> {
        let mut found = Vec::new();
        for (index, pair) in self.blocks.iter().zip(&other.blocks).enumerate() {
            if pair.0 != pair.1 {
                found.push(format!("example {} is not the same", index + 1));
            }
        }
        let mut compare = |what: &str, left: usize, right: usize| {
            if left != right {
                found.push(format!("{left} {what} and {right}"));
            }
        };
        compare("examples", self.blocks.len(), other.blocks.len());
        compare("table rows", self.n_rows, other.n_rows);
        let (left, right) = (names(&self.prose), names(&other.prose));
        for name in left.symmetric_difference(&right) {
            found.push(format!("only one names `{name}`"));
        }
        let (left, right) = (linked_files(&self.prose), linked_files(&other.prose));
        for file in left.symmetric_difference(&right) {
            found.push(format!("only one links to {file}"));
        }
        found
    }
}

fn sections(document: &str) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    let mut fence: Option<(String, String)> = None;
    for line in document.lines() {
        let section = sections.last_mut().expect("there is a first one");
        match (line.strip_prefix("```"), fence.take()) {
            (Some(info), None) => fence = Some((info.trim().to_owned(), String::new())),
            (Some(_), Some(block)) => section.blocks.push(block),
            (None, Some((info, mut text))) => {
                text.push_str(&common_part(&info, line));
                text.push('\n');
                fence = Some((info, text));
            }
            (None, None) if line.starts_with('#') => {
                let title = line.trim_start_matches('#');
                sections.push(Section {
                    level: line.len() - title.len(),
                    title: title.trim().to_owned(),
                    ..Section::default()
                });
            }
            (None, None) => {
                section.n_rows += usize::from(line.starts_with('|'));
                section.prose.push_str(line);
                // Names and links may go on in the next line.
                section.prose.push('\n');
            }
        }
    }
    assert!(fence.is_none(), "a fenced block is not closed");
    sections
}

/// The part of an example's line that no translation changes: comments of shell lines and labels of diagrams are translated.
fn common_part(info: &str, line: &str) -> String {
    match info {
        "sh" => line.split(" #").next().unwrap_or(line).trim_end().to_owned(),
        "mermaid" => {
            let indent = line.len() - line.trim_start().len();
            let word = line.split_whitespace().next().unwrap_or_default();
            format!("{indent} {}", word.split(['[', ':']).next().unwrap_or(word))
        }
        _ => line.to_owned(),
    }
}

fn names(prose: &str) -> BTreeSet<String> {
    prose
        .split('`')
        .skip(1)
        .step_by(2)
        .map(|name| name.replace('\n', " "))
        .collect()
}

/// Links without those within a page, and without the language of the page or the picture that they lead to.
fn linked_files(prose: &str) -> BTreeSet<String> {
    prose
        .match_indices("](")
        .filter_map(|(at, opening)| prose[at + opening.len()..].split(')').next())
        .filter(|target| !target.starts_with('#'))
        .map(|target| target.replace(".zh-CN.md", ".md").replace("-en.png", ".png"))
        .collect()
}

#[test]
fn a_change_of_one_language_is_noticed() {
    let text = "# A\n`one` and [two](b.md) ![three](c-en.png)\n```sh\nrun # now\n```\n| x |\n";
    let same = "# 甲\n`one` 和[二](b.zh-CN.md) ![三](c.png)\n```sh\nrun # 现在\n```\n| 一 |\n";
    let find = |left: &str, right: &str| {
        let (left, right) = (sections(left), sections(right));
        left.iter()
            .zip(&right)
            .flat_map(|(left, right)| left.differences(right))
            .collect::<Vec<_>>()
    };
    assert_eq!(find(text, same), [""; 0]);
    for (part, other) in [("one", "uno"), ("b.zh", "c.zh"), ("run", "ran"), ("| 一 |", "")] {
        let changed = same.replace(part, other);
        assert!(!find(text, &changed).is_empty(), "{part} → {other}");
    }
}
