//! Puts the browser bundle into the server when it is there, and tells the server which commit it is built from.
//!
//! A server without the bundle looks for it on the disk, and works without one. `scripts/bundle.sh` touches this file, so that
//! a bundle that was made after the last build is found.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=TONGQIAN_COMMIT");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the package is"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where generated files go"));
    let pkg = root.join("target/site/pkg");
    let mut files = Vec::new();
    if pkg.join("tongqian_bg.wasm").is_file() {
        println!("cargo::rerun-if-changed={}", pkg.display());
        collect_files(&pkg, &pkg, &mut files);
        files.sort();
    }
    fs::write(out.join("bundle.rs"), source_of(&pkg, &files)).expect("generated files can be written");
    println!("cargo::rustc-env=TONGQIAN_COMMIT={}", read_commit(&root));
    println!(
        "cargo::rustc-env=TONGQIAN_FEATURES={}",
        list_features(!files.is_empty())
    );
}

/// Names below the directory, with `/` between their parts.
fn collect_files(root: &Path, directory: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect_files(root, &path, files);
        } else if let Ok(name) = path.strip_prefix(root) {
            files.push(name.to_string_lossy().replace('\\', "/"));
        }
    }
}

fn source_of(pkg: &Path, files: &[String]) -> String {
    let include = |name: &str| format!("include_bytes!({:?})", pkg.join(name).display().to_string());
    let twin = |name: &str, ending: &str| {
        let name = format!("{name}.{ending}");
        match files.contains(&name) {
            true => format!("Some({})", include(&name)),
            false => "None".to_owned(),
        }
    };
    let mut source = String::from("static EMBEDDED: &[EmbeddedFile] = &[\n");
    for name in files
        .iter()
        .filter(|name| !name.ends_with(".br") && !name.ends_with(".gz"))
    {
        writeln!(
            source,
            "    EmbeddedFile {{ name: {name:?}, content: {}, gzip: {}, brotli: {} }},",
            include(name),
            twin(name, "gz"),
            twin(name, "br"),
        )
        .expect("a string takes all that is written to it");
    }
    source.push_str("];\n");
    source
}

/// Features of the build, and whether the browser bundle is in it.
fn list_features(has_bundle: bool) -> String {
    let mut found = vec!["sqlite", "postgres"];
    if has_bundle {
        found.push("bundle");
    }
    if env::var_os("CARGO_FEATURE_FAULTS").is_some() {
        found.push("faults");
    }
    found.join(" ")
}

/// Told by the builder of an image, which has no repository; asked of git for a release only, because a build for
/// development would be stale after every commit.
fn read_commit(root: &Path) -> String {
    if let Some(told) = env::var_os("TONGQIAN_COMMIT").filter(|told| !told.is_empty()) {
        return told.to_string_lossy().into_owned();
    }
    if env::var_os("PROFILE").is_some_and(|profile| profile != "release") {
        return "development".to_owned();
    }
    println!("cargo::rerun-if-changed=src");
    let head = root.join(".git/HEAD");
    if head.is_file() {
        println!("cargo::rerun-if-changed={}", head.display());
    }
    let answer = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .current_dir(root)
        .output();
    match answer {
        Ok(answer) if answer.status.success() => String::from_utf8_lossy(&answer.stdout).trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}
