//! Rules of the repository that a machine can check: where SQL may be, which crates reach the browser, what is forbidden.
//!
//! Rust files are split into code, comments and literals first, so that a rule about code is not upset by prose.
//! What the compiler, rustfmt or clippy can hold is left to them.

#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/deploy.rs"]
mod deploy;
#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/drops.rs"]
mod drops;
#[path = "tidy/prose.rs"]
mod prose;
#[path = "tidy/settings.rs"]
mod settings;
#[path = "tidy/translations.rs"]
mod translations;
#[path = "tidy/walls.rs"]
mod walls;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const CRATES: [&str; 6] = ["src", "domain", "payments", "simulator", "app", "frontend"];
const LONGEST_FILE: usize = 600;

#[test]
fn only_the_store_contains_sql() {
    let mut faults = Faults::default();
    for file in rust_files(&CRATES)
        .iter()
        .filter(|file| !file.is_store() && !file.is_test())
    {
        for piece in file.pieces() {
            let sql = piece.kind == Kind::Literal && looks_like_sql(&piece.text);
            let sqlx = |text| piece.kind == Kind::Code && has_word(text, "sqlx");
            let line = if sql {
                Some(piece.line)
            } else {
                piece.lines().find(|(_, text)| sqlx(text)).map(|(line, _)| line)
            };
            if let Some(line) = line {
                faults.add(
                    file,
                    line,
                    "SQL and sqlx live in payments/src/store/; add a function there",
                );
            }
        }
    }
    faults.report();
}

#[test]
fn only_the_gateway_clients_contain_gateway_terms() {
    const WORDS: [&str; 5] = [
        "out_trade_no",
        "trade_state",
        "trade_status",
        "TRADE_SUCCESS",
        "notify_url",
    ];
    let mut faults = Faults::default();
    for file in rust_files(&["src", "domain", "payments/src", "app", "frontend"]) {
        // The epay protocol took its words from Alipay.
        let is_protocol = file.path.starts_with("payments/src/gateway") || file.path.contains("/epay");
        if is_protocol || file.is_test() {
            continue;
        }
        for piece in file.pieces().iter().filter(|piece| piece.kind == Kind::Literal) {
            if WORDS.iter().any(|word| has_word(&piece.text, word)) {
                faults.add(
                    &file,
                    piece.line,
                    "a gateway's own word; translate it in payments/src/gateway/",
                );
            }
        }
    }
    faults.report();
}

#[test]
fn the_domain_neither_waits_nor_logs_nor_reads_time() {
    const WORDS: [&str; 8] = [
        "async",
        "await",
        "tokio",
        "tracing",
        "sqlx",
        "axum",
        "SystemTime",
        "Instant",
    ];
    refuse_words(
        &["domain/src"],
        &WORDS,
        "domain is pure: pass the value in, or decide elsewhere",
    );
}

#[test]
fn money_never_meets_a_float() {
    refuse_words(
        &["domain", "payments", "src", "simulator/src"],
        &["f32", "f64"],
        "no floating point near money: integers of fen, of milliseconds, of thousandths",
    );
}

#[test]
fn no_unfinished_or_silenced_code_is_left() {
    let mut faults = Faults::default();
    for file in all_rust_files() {
        for piece in file.pieces().iter().filter(|piece| piece.kind == Kind::Code) {
            for (line, text) in piece.lines() {
                let tight: String = text.split_whitespace().collect();
                if ["todo!(", "unimplemented!(", "dbg!("]
                    .iter()
                    .any(|word| tight.contains(word))
                {
                    faults.add(&file, line, "finish it, or let it not compile");
                }
                if tight.contains("#[ignore") {
                    faults.add(&file, line, "a test that is not run is deleted");
                }
                if tight.contains("[allow(") || tight.contains(",allow(") {
                    faults.add(
                        &file,
                        line,
                        "use #[expect(lint, reason = \"...\")], which ends with its cause",
                    );
                }
            }
        }
    }
    faults.report();
}

#[test]
fn files_are_short_and_named_after_their_module() {
    let mut faults = Faults::default();
    for file in all_rust_files() {
        let n_lines = file.text.lines().count();
        if n_lines > LONGEST_FILE {
            faults.add(
                &file,
                n_lines,
                "longer than 600 lines: give its second idea a file",
            );
        }
        if file.path.ends_with("mod.rs") {
            faults.add(&file, 1, "no mod.rs: `foo.rs` stands beside `foo/`");
        }
    }
    faults.report();
}

#[test]
fn styles_are_only_in_stylesheets() {
    let mut faults = Faults::default();
    for file in rust_files(&["app"]) {
        for piece in file.pieces() {
            for (line, text) in piece.lines() {
                let inline = match piece.kind {
                    Kind::Code => text.contains(" style=") || text.starts_with("style="),
                    Kind::Literal => text.contains("style=\""),
                    Kind::Comment => false,
                };
                if inline {
                    faults.add(
                        &file,
                        line,
                        "no inline style, the content security policy refuses it; use a class",
                    );
                }
            }
        }
    }
    for file in files(&["style"], "css") {
        // Its one honest use: a person's wish for stillness wins over every rule of ours.
        let mut exempt_until_depth = None;
        let mut depth = 0_usize;
        for (number, line) in file.text.lines().enumerate() {
            if line.contains("prefers-reduced-motion") {
                exempt_until_depth.get_or_insert(depth);
            }
            if line.contains("!important") && exempt_until_depth.is_none() {
                faults.add(
                    &file,
                    number + 1,
                    "no !important: put the rule into the right layer",
                );
            }
            depth = (depth + line.matches('{').count()).saturating_sub(line.matches('}').count());
            if line.contains('}') && exempt_until_depth == Some(depth) {
                exempt_until_depth = None;
            }
        }
    }
    faults.report();
}

#[test]
fn the_browser_bundle_has_no_server_crates() {
    const SERVER_ONLY: [&str; 9] = [
        "sqlx",
        "tokio",
        "axum",
        "hyper",
        "reqwest",
        "payments",
        "simulator",
        "aws-lc-rs",
        "tracing-subscriber",
    ];
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let answer = Command::new(cargo)
        .args(["tree", "-p", "frontend", "--target", "wasm32-unknown-unknown"])
        .args(["-e", "normal", "--prefix", "none", "--format", "{p}", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo is there, it runs this test");
    assert!(
        answer.status.success(),
        "cargo tree failed: {}",
        String::from_utf8_lossy(&answer.stderr)
    );
    let tree = String::from_utf8(answer.stdout).expect("cargo prints UTF-8");
    let intruders: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| SERVER_ONLY.contains(name))
        .collect();
    assert!(
        intruders.is_empty(),
        "`frontend` must not depend on {intruders:?}: keep them behind app's feature `ssr`"
    );
}

#[test]
fn every_migration_has_a_unique_number() {
    let mut names: Vec<String> = files(&["migrations"], "sql")
        .iter()
        .map(|file| file.path.trim_start_matches("migrations/").into())
        .collect();
    names.sort();
    assert!(!names.is_empty(), "migrations/ holds no migration");
    for name in &names {
        let is_numbered = name.len() > 5 && name[..4].bytes().all(|digit| digit.is_ascii_digit());
        assert!(
            is_numbered && name[4..].starts_with('_'),
            "migrations/{name} should begin with four digits and a line"
        );
    }
    for pair in names.windows(2) {
        assert_ne!(pair[0][..4], pair[1][..4], "two migrations have one number");
    }
}

fn refuse_words(places: &[&str], words: &[&str], advice: &str) {
    let mut faults = Faults::default();
    for file in rust_files(places) {
        for piece in file.pieces().iter().filter(|piece| piece.kind == Kind::Code) {
            for (line, text) in piece.lines() {
                for word in words.iter().filter(|word| has_word(text, word)) {
                    faults.add(&file, line, &format!("`{word}`: {advice}"));
                }
            }
        }
    }
    faults.report();
}

/// Our SQL is lower case and shouted SQL is upper case; what begins with one capital letter is English.
fn looks_like_sql(literal: &str) -> bool {
    let flat = literal.split_whitespace().collect::<Vec<_>>().join(" ");
    let shouted = flat.chars().filter(char::is_ascii_lowercase).count() == 0;
    let flat = if shouted { flat.to_ascii_lowercase() } else { flat };
    [
        "insert into ",
        "delete from ",
        "create table ",
        "alter table ",
        "drop table ",
        "begin immediate",
    ]
    .iter()
    .any(|opening| flat.starts_with(opening))
        || (flat.starts_with("select ") && flat.contains(" from "))
        || (flat.starts_with("update ") && flat.contains(" set "))
        || (flat.starts_with("with ") && flat.contains(" as (select "))
}

fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !before.chars().next_back().is_some_and(is_part) && !after.chars().next().is_some_and(is_part)
    })
}

#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, file: &File, line: usize, advice: &str) {
        self.0.push(format!("{}:{line}: {advice}", file.path));
    }

    fn report(self) {
        let list = self.0.iter().fold(String::new(), |mut list, fault| {
            write!(list, "\n  {fault}").expect("a string takes all that is written to it");
            list
        });
        assert!(
            self.0.is_empty(),
            "{} times against the house rules:{list}",
            self.0.len()
        );
    }
}

struct File {
    /// From the top of the repository, with `/` on every system.
    path: String,
    text: String,
}

impl File {
    fn is_store(&self) -> bool {
        self.path == "payments/src/store.rs" || self.path.starts_with("payments/src/store/")
    }

    fn is_test(&self) -> bool {
        ["/tests/", "/benches/", "/tests.rs"]
            .iter()
            .any(|part| self.path.contains(part))
    }

    fn pieces(&self) -> Vec<Piece> {
        split(&self.text)
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn all_rust_files() -> Vec<File> {
    let mut files = rust_files(&CRATES);
    files.extend(rust_files(&["end2end"]));
    files
}

fn rust_files(places: &[&str]) -> Vec<File> {
    files(places, "rs")
}

fn files(places: &[&str], extension: &str) -> Vec<File> {
    let mut found = Vec::new();
    for place in places {
        collect(&root().join(place), extension, &mut found);
    }
    found.sort();
    let read = |path: PathBuf| File {
        text: fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        path: path
            .strip_prefix(root())
            .expect("it was found below")
            .to_string_lossy()
            .replace('\\', "/"),
    };
    found.into_iter().map(read).collect()
}

fn collect(place: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_foreign = path.ends_with("target") || path.ends_with("node_modules");
        if path.is_dir() && !is_foreign {
            collect(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

#[derive(Debug, PartialEq)]
struct Piece {
    kind: Kind,
    /// The line it begins on, counted from one.
    line: usize,
    text: String,
}

impl Piece {
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, text)| (self.line + index, text))
    }
}

/// Splits Rust source into code, comments and literals, in order and without loss.
fn split(source: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let (mut line, mut code_from, mut at) = (1, 0, 0);
    let mut push = |kind, text: &str| {
        if !text.is_empty() {
            pieces.push(Piece {
                kind,
                line,
                text: text.into(),
            });
            line += text.matches('\n').count();
        }
    };
    while at < source.len() {
        let rest = &source[at..];
        match foreign_piece(source[..at].chars().next_back(), rest) {
            Some((kind, length)) => {
                push(Kind::Code, &source[code_from..at]);
                push(kind, &rest[..length]);
                at += length;
                code_from = at;
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    push(Kind::Code, &source[code_from..]);
    pieces
}

/// Returns the kind and length of the non-code at the beginning of `rest`.
fn foreign_piece(before: Option<char>, rest: &str) -> Option<(Kind, usize)> {
    if rest.starts_with("//") {
        return Some((Kind::Comment, rest.find('\n').unwrap_or(rest.len())));
    }
    if rest.starts_with("/*") {
        return Some((Kind::Comment, block_comment(rest)));
    }
    if rest.starts_with('"') {
        return Some((Kind::Literal, quoted(rest, '"')));
    }
    if rest.starts_with('\'') {
        // A lifetime has no closing quote after its first character.
        let mut next = rest.chars().skip(1);
        let is_char = next.next() == Some('\\') || next.next() == Some('\'');
        return is_char.then(|| (Kind::Literal, quoted(rest, '\'')));
    }
    let begins_word = !before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let hashes = rest
        .strip_prefix('r')
        .map(|rest| rest.len() - rest.trim_start_matches('#').len())?;
    if begins_word && rest[1 + hashes..].starts_with('"') {
        let opening = hashes + 2;
        let closing = format!("\"{}", "#".repeat(hashes));
        let length = rest[opening..]
            .find(&closing)
            .map_or(rest.len(), |end| opening + end + closing.len());
        return Some((Kind::Literal, length));
    }
    None
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

#[test]
fn the_splitter_separates_code_and_comments() {
    let source = "let a = 'x'; // f64\nfn f<'a>(s: &'a str) { g(\"f64 \\\" //\", r#\"f\"64\"#, '\\''); /* a /* b */ f64 */ }";
    let code: String = split(source)
        .iter()
        .filter(|piece| piece.kind == Kind::Code)
        .map(|piece| piece.text.as_str())
        .collect();
    assert_eq!(code, "let a = ; \nfn f<'a>(s: &'a str) { g(, , );  }");
    let whole: String = split(source).iter().map(|piece| piece.text.as_str()).collect();
    assert_eq!(whole, source);
    assert!(looks_like_sql("\n  select id\n  from orders") && !looks_like_sql("Select one from the list"));
    assert!(has_word("use sqlx::query", "sqlx") && !has_word("mysqlx_thing", "sqlx"));
}
