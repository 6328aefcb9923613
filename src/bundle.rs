//! The browser bundle: inside the binary when it was there at build time, or on the disk.

use std::path::Path;

use bytes::Bytes;

/// Files that make a bundle: one does not run without the other.
const PARTS: [&str; 2] = ["tongqian.js", "tongqian_bg.wasm"];

/// A file of the bundle inside the binary, with its compressed twins.
struct EmbeddedFile {
    name: &'static str,
    content: &'static [u8],
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/bundle.rs"));

/// A file of the bundle under its name below the bundle's address.
#[derive(Debug, Clone)]
pub struct BundleFile {
    pub name: String,
    pub content: Bytes,
    pub gzip: Option<Bytes>,
    pub brotli: Option<Bytes>,
}

/// The bundle's files, and a word that changes when any part of it does.
#[derive(Debug, Clone)]
pub struct Bundle {
    pub files: Vec<BundleFile>,
    pub fingerprint: String,
}

impl Bundle {
    /// The bundle inside the binary; `None` when it was not there at build time.
    pub fn embedded() -> Option<Bundle> {
        let files = EMBEDDED.iter().map(|file| BundleFile {
            name: file.name.to_owned(),
            content: Bytes::from_static(file.content),
            gzip: file.gzip.map(Bytes::from_static),
            brotli: file.brotli.map(Bytes::from_static),
        });
        Bundle::of(files.collect())
    }

    /// The bundle in a directory; `None` when it is not whole.
    pub fn read(directory: &Path) -> Option<Bundle> {
        let mut names = Vec::new();
        collect_names(directory, directory, &mut names);
        let read = |name: &str| std::fs::read(directory.join(name)).ok().map(Bytes::from);
        let files = names
            .iter()
            .filter(|name| !name.ends_with(".gz") && !name.ends_with(".br"))
            .filter_map(|name| {
                Some(BundleFile {
                    content: read(name)?,
                    gzip: read(&format!("{name}.gz")),
                    brotli: read(&format!("{name}.br")),
                    name: name.clone(),
                })
            });
        Bundle::of(files.collect())
    }

    fn of(files: Vec<BundleFile>) -> Option<Bundle> {
        let mut content = Vec::new();
        for part in PARTS {
            content.extend_from_slice(&files.iter().find(|file| file.name == part)?.content);
        }
        Some(Bundle {
            fingerprint: app::fingerprint(&content),
            files,
        })
    }
}

fn collect_names(root: &Path, directory: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect_names(root, &path, names);
        } else if let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str) {
            names.push(name.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_whole_or_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        std::fs::write(path.join("tongqian.js"), "script").unwrap();
        assert!(Bundle::read(path).is_none());
        std::fs::write(path.join("tongqian_bg.wasm"), "wasm").unwrap();
        std::fs::write(path.join("tongqian_bg.wasm.br"), "small").unwrap();
        std::fs::create_dir(path.join("snippets")).unwrap();
        std::fs::write(path.join("snippets/a.js"), "more").unwrap();
        let bundle = Bundle::read(path).unwrap();
        let mut names: Vec<&str> = bundle.files.iter().map(|file| file.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["snippets/a.js", "tongqian.js", "tongqian_bg.wasm"]);
        let wasm = bundle
            .files
            .iter()
            .find(|file| file.name == "tongqian_bg.wasm")
            .unwrap();
        assert_eq!(
            (wasm.brotli.as_deref(), wasm.gzip.as_deref()),
            (Some(&b"small"[..]), None)
        );
        std::fs::write(path.join("tongqian.js"), "another").unwrap();
        assert_ne!(Bundle::read(path).unwrap().fingerprint, bundle.fingerprint);
    }
}
