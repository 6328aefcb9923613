//! CSV in UTF-8 with a byte order mark, for programs and for spreadsheets that read it badly.

use std::io;

use app::console::columns::Cell;
use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};

use super::format_yuan;

/// Byte order mark: spreadsheets garble Chinese if it is missing.
const BOM: &str = "\u{FEFF}";

pub struct CsvSheet {
    /// Bytes before those of the writer.
    before: Vec<u8>,
    writer: Writer<Vec<u8>>,
}

impl CsvSheet {
    pub fn open(headings: &[&str]) -> io::Result<CsvSheet> {
        let mut sheet = CsvSheet {
            before: BOM.as_bytes().to_vec(),
            writer: new_writer(),
        };
        sheet.writer.write_record(headings).map_err(io::Error::other)?;
        Ok(sheet)
    }

    pub fn write(&mut self, cells: &[Cell]) -> io::Result<()> {
        let cells = cells.iter().map(cell_text);
        self.writer.write_record(cells).map_err(io::Error::other)
    }

    pub fn take(&mut self) -> io::Result<Vec<u8>> {
        let written = std::mem::replace(&mut self.writer, new_writer());
        let written = written
            .into_inner()
            .map_err(|error| io::Error::other(error.to_string()))?;
        let mut bytes = std::mem::take(&mut self.before);
        bytes.extend(written);
        Ok(bytes)
    }
}

/// Quotes all text: LibreOffice would split an unquoted cell at its tab.
fn new_writer() -> Writer<Vec<u8>> {
    WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .quote_style(QuoteStyle::NonNumeric)
        .from_writer(Vec::new())
}

fn cell_text(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => plain_text(text),
        Cell::Number(number) => number.to_string(),
        Cell::Amount(fen) => format_yuan(*fen),
        Cell::Date(day) => day.clone(),
        Cell::Beijing(at) => payments::beijing(*at),
        Cell::Utc(at) => payments::rfc3339(*at),
    }
}

/// Makes text that stays text. A formula gets an apostrophe before it. A number that a spreadsheet would round, or turn into
/// a date, gets a tab after it, as in Alipay's own files: both Excel and LibreOffice then read text, and a program trims it.
fn plain_text(text: &str) -> String {
    if is_formula(text) {
        format!("'{text}")
    } else if is_like_a_number(text) {
        format!("{text}\t")
    } else {
        text.to_owned()
    }
}

/// East Asian spreadsheets also accept full-width signs.
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n'])
}

/// Digits, and signs of numbers, dates and times: `4200…`, `007`, `12E5`, `3-4`, `1/2`.
fn is_like_a_number(text: &str) -> bool {
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    has_digit
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"eE.,+-/: %".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(rows: &[&[Cell]]) -> String {
        let mut sheet = CsvSheet::open(&["号", "a"]).unwrap();
        for row in rows {
            sheet.write(row).unwrap();
        }
        String::from_utf8(sheet.take().unwrap()).unwrap()
    }

    #[test]
    fn no_cell_is_run_rounded_or_turned_into_a_date() {
        for formula in [
            "=1+1", "+1", "-1", "@x", "\tx", "\rx", "\n=1", "＝1+1", "＋1", "－1", "＠x",
        ] {
            assert!(plain_text(formula).starts_with('\''), "{formula:?}");
        }
        for number in [
            "4200002026112812345678901234",
            "007",
            "12E5",
            "3-4",
            "1/2",
            "1,5",
            "99.90",
            "12:30",
        ] {
            assert_eq!(plain_text(number), format!("{number}\t"));
        }
        for text in ["u1", "ord_01", "", "E", "月卡 12", "P20261128E5"] {
            assert_eq!(plain_text(text), text);
        }
    }

    #[test]
    fn text_is_quoted_and_amounts_are_not() {
        let text = Cell::Text("a,\"b\"".to_owned());
        let number = Cell::Text("4200".to_owned());
        let all = written(&[&[text, Cell::Amount(-30)], &[number, Cell::Empty]]);
        assert_eq!(
            all,
            "\u{FEFF}\"号\",\"a\"\r\n\"a,\"\"b\"\"\",-0.30\r\n\"4200\t\",\"\"\r\n"
        );
    }
}
