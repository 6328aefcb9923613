//! Files for spreadsheets, streamed line by line while they are read: memory does not grow with them.

mod csv;
mod xlsx;

use std::io;
use std::sync::Arc;

use app::console::columns::{Cell, Column, FileTexts};
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;

use self::csv::CsvSheet;
use self::xlsx::XlsxSheet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    Xlsx,
}

impl Format {
    pub fn parse(extension: &str) -> Option<Format> {
        match extension {
            "csv" => Some(Format::Csv),
            "xlsx" => Some(Format::Xlsx),
            _ => None,
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8",
            Format::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// A file: its name, its title, its columns in the reader's language.
#[derive(Debug)]
pub struct File<T: 'static> {
    /// ASCII, without its extension.
    pub name: &'static str,
    pub title: &'static str,
    pub format: Format,
    pub columns: &'static [Column<T>],
    pub words: FileTexts,
}

/// A sheet that is being written.
enum Sheet {
    Csv(Box<CsvSheet>),
    Xlsx(Box<XlsxSheet>),
}

impl Sheet {
    fn open<T>(file: &File<T>) -> io::Result<Sheet> {
        let headings: Vec<&str> = file
            .columns
            .iter()
            .map(|column| (column.name)(file.words))
            .collect();
        Ok(match file.format {
            Format::Csv => Sheet::Csv(Box::new(CsvSheet::open(&headings)?)),
            Format::Xlsx => Sheet::Xlsx(Box::new(XlsxSheet::open(file.title, &headings)?)),
        })
    }

    fn write(&mut self, cells: &[Cell]) -> io::Result<()> {
        match self {
            Sheet::Csv(sheet) => sheet.write(cells),
            Sheet::Xlsx(sheet) => sheet.write(cells),
        }
    }

    /// Takes the bytes that are written by now.
    fn take(&mut self) -> io::Result<Vec<u8>> {
        match self {
            Sheet::Csv(sheet) => sheet.take(),
            Sheet::Xlsx(sheet) => Ok(sheet.take()),
        }
    }

    /// Returns the last bytes.
    fn close(self) -> io::Result<Vec<u8>> {
        match self {
            Sheet::Csv(mut sheet) => sheet.take(),
            Sheet::Xlsx(sheet) => sheet.close(),
        }
    }
}

/// Position of a stream in its file: `C` is the place after which the next lines come.
enum At<C> {
    Head,
    Lines(Sheet, Option<C>),
    End,
}

/// Streams a file of all lines that `read` gives, page by page. An error breaks the connection, so that a truncated file
/// never looks complete.
pub fn stream_file<T, C, R, F>(file: File<T>, read: R) -> Response
where
    T: Send + 'static,
    C: Send + 'static,
    R: Fn(Option<C>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(Vec<T>, Option<C>), payments::Error>> + Send + 'static,
{
    let extension = match file.format {
        Format::Csv => "csv",
        Format::Xlsx => "xlsx",
    };
    let name = format!("attachment; filename=\"{}.{extension}\"", file.name);
    let name = HeaderValue::try_from(name).expect("the name of a file is ASCII");
    let kind = HeaderValue::from_static(file.format.content_type());
    let (file, read) = (Arc::new(file), Arc::new(read));
    let parts = stream::try_unfold(At::Head, move |at| {
        let (file, read) = (Arc::clone(&file), Arc::clone(&read));
        async move { next_part(&file, &*read, at).await }
    });
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)];
    (headers, Body::from_stream(parts)).into_response()
}

/// Reads lines until there are bytes to send: a compressed file holds some back.
async fn next_part<T, C, F>(
    file: &File<T>,
    read: impl Fn(Option<C>) -> F,
    at: At<C>,
) -> io::Result<Option<(Vec<u8>, At<C>)>>
where
    F: Future<Output = Result<(Vec<T>, Option<C>), payments::Error>>,
{
    let (mut sheet, mut place) = match at {
        At::Head => (Sheet::open(file)?, None),
        At::Lines(sheet, place) => (sheet, place),
        At::End => return Ok(None),
    };
    loop {
        let (lines, next) = read(place).await.map_err(io::Error::other)?;
        for line in &lines {
            let cells: Vec<Cell> = file
                .columns
                .iter()
                .map(|column| (column.cell)(line, file.words))
                .collect();
            sheet.write(&cells)?;
        }
        let Some(next) = next else {
            return Ok(Some((sheet.close()?, At::End)));
        };
        let bytes = sheet.take()?;
        if !bytes.is_empty() {
            return Ok(Some((bytes, At::Lines(sheet, Some(next)))));
        }
        place = Some(next);
    }
}

/// Whole and hundredths of an amount of fen: `-0.30`.
fn format_yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let size = fen.unsigned_abs();
    format!("{sign}{}.{:02}", size / 100, size % 100)
}
