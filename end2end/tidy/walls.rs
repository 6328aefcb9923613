//! Walls between modules: the store imports nothing above it, only the console's own pages and handlers use its functions,
//! and neither simulated gateway knows the other.

use super::{Faults, File, Kind, rust_files};

/// Modules below the store. They import one another, `domain` and libraries.
const BELOW_THE_STORE: [&str; 7] = [
    "calendar", "changes", "clock", "event", "faults", "model", "views",
];

/// Users of `payments::console`, beside tests. The last two name types that settings and commands need.
const CONSOLE: [&str; 4] = [
    "src/http/admin",
    "app/src/console",
    "src/lib.rs",
    "src/os_user.rs",
];

#[test]
fn the_store_imports_nothing_above_it() {
    let mut faults = Faults::default();
    for file in rust_files(&["payments/src"])
        .iter()
        .filter(|file| !file.is_test())
    {
        let is_below = BELOW_THE_STORE.iter().any(|module| is_module(file, module));
        if !file.is_store() && !is_below {
            continue;
        }
        for (line, module) in imports(file) {
            let is_allowed =
                BELOW_THE_STORE.contains(&module.as_str()) || (file.is_store() && module == "store");
            if !is_allowed {
                faults.add(
                    file,
                    line,
                    &format!("imports crate::{module}: move the type below the store, into model/, or call from above"),
                );
            }
        }
    }
    faults.report();
}

#[test]
fn only_the_console_uses_the_functions_of_the_console() {
    let mut faults = Faults::default();
    for file in rust_files(&["src", "app"]).iter().filter(|file| !file.is_test()) {
        if CONSOLE.iter().any(|part| file.path.starts_with(part)) {
            continue;
        }
        for piece in file.pieces().iter().filter(|piece| piece.kind == Kind::Code) {
            for (line, _) in piece
                .lines()
                .filter(|(_, text)| text.contains("payments::console"))
            {
                faults.add(file, line, "payments::console serves the console's pages alone");
            }
        }
    }
    faults.report();
}

#[test]
fn a_simulated_gateway_knows_nothing_of_the_other() {
    let mut faults = Faults::default();
    for (gateway, other) in [("wechat", "alipay"), ("alipay", "wechat")] {
        let names = [
            format!("crate::{other}"),
            format!("state.{other}"),
            format!(".{other}."),
        ];
        for file in rust_files(&["simulator/src"])
            .iter()
            .filter(|file| !file.is_test())
        {
            let root = format!("simulator/src/{gateway}");
            if file.path != format!("{root}.rs") && !file.path.starts_with(&format!("{root}/")) {
                continue;
            }
            for piece in file.pieces().iter().filter(|piece| piece.kind == Kind::Code) {
                for (line, _) in piece
                    .lines()
                    .filter(|(_, text)| names.iter().any(|name| text.contains(name.as_str())))
                {
                    faults.add(file, line, &format!("belongs to {gateway} and names {other}"));
                }
            }
        }
    }
    faults.report();
}

fn is_module(file: &File, module: &str) -> bool {
    let root = format!("payments/src/{module}");
    file.path == format!("{root}.rs") || file.path.starts_with(&format!("{root}/"))
}

/// First segments of the paths that begin with `crate`, with their lines. A name at the crate's root counts as a module.
fn imports(file: &File) -> Vec<(usize, String)> {
    const START: &str = "crate::";
    let mut found = Vec::new();
    for piece in file.pieces().iter().filter(|piece| piece.kind == Kind::Code) {
        for (line, text) in piece.lines() {
            for (at, _) in text.match_indices(START) {
                let rest = &text[at + START.len()..];
                let end = rest
                    .find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                found.push((line, rest[..end].to_owned()));
            }
        }
    }
    found
}
