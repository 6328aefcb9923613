//! Files for accountants as LibreOffice reads them, cell by cell. `SOFFICE` names the program; without one there is nothing
//! to open them with.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::files::{busy_server, cookie_of, download, lines_of};

/// Comma, quotation mark, UTF-8, all lines; text is detected as a person's double click detects it.
const AS_CSV: &str = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true";
const FROM_CSV: &str = "CSV:44,34,76,1,,0,false,true";

fn soffice() -> Option<String> {
    std::env::vars().find_map(|(name, value)| (name == "SOFFICE" && !value.is_empty()).then_some(value))
}

/// Opens a file in LibreOffice, and returns the cells that it shows.
fn opened(program: &str, dir: &Path, name: &str, file: &[u8]) -> Vec<Vec<String>> {
    let path = dir.join(name);
    std::fs::write(&path, file).unwrap();
    let out = dir.join(format!("{name}.out"));
    let mut command = Command::new(program);
    command.arg(format!("-env:UserInstallation=file://{}/profile", dir.display()));
    command
        .args(["--headless", "--convert-to", AS_CSV, "--outdir"])
        .arg(&out);
    if name.ends_with(".csv") {
        command.arg(format!("--infilter={FROM_CSV}"));
    }
    let output = command.arg(&path).env("HOME", dir).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let shown = std::fs::read_dir(&out).unwrap().next().unwrap().unwrap();
    let shown = std::fs::read(shown.path()).unwrap();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(shown.as_slice());
    let cell = |cell: &str| {
        let cell = cell.trim_end_matches('\t');
        cell.strip_prefix('\'').unwrap_or(cell).to_owned()
    };
    let records = reader.records().map(Result::unwrap);
    records.map(|record| record.iter().map(cell).collect()).collect()
}

/// Whether both are one value: an amount may be shown with separators of thousands, or without its last zero.
fn is_same(shown: &str, said: &str) -> bool {
    let is_amount = said.contains('.') && said.bytes().all(|byte| b"-.0123456789".contains(&byte));
    let plain = |text: &str| {
        let text = text.replace(',', "");
        match text.split_once('.') {
            Some((yuan, fen)) => format!("{yuan}.{}", fen.trim_end_matches('0')),
            None => format!("{text}."),
        }
    };
    shown == said || is_amount && plain(shown) == plain(said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn libreoffice_shows_every_cell_as_it_is() {
    let Some(program) = soffice() else {
        return;
    };
    let server = busy_server().await;
    let cookie = cookie_of(&server).await;
    let dir = TempDir::new().unwrap();
    let mut n_cells = 0;
    for name in ["orders", "payments", "refunds", "entries"] {
        let path = |format: &str| format!("/admin/files/{name}.{format}?to=2999-12-31");
        let (_, csv) = download(&server, &cookie, &path("csv")).await;
        let (_, xlsx) = download(&server, &cookie, &path("xlsx")).await;
        let said = lines_of(&csv);
        assert!(said.len() > 1, "{name}");
        for (file, shown) in [
            (
                "xlsx",
                opened(&program, dir.path(), &format!("{name}.xlsx"), &xlsx),
            ),
            ("csv", opened(&program, dir.path(), &format!("{name}.csv"), &csv)),
        ] {
            assert_eq!(shown.len(), said.len(), "{name}.{file}");
            for (shown, said) in shown.iter().zip(&said) {
                for (place, said) in said.iter().enumerate() {
                    let shown = shown.get(place).map_or("", String::as_str);
                    assert!(
                        is_same(shown, said),
                        "{name}.{file}: {shown:?} is shown for {said:?}"
                    );
                    n_cells += 1;
                }
            }
        }
    }
    assert!(n_cells > 100, "{n_cells}");
}
