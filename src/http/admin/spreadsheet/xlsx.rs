//! XLSX: sheets of text, amounts and dates, in a ZIP archive that is written from front to back.
//!
//! Written here and not by a library: those build the whole file before its first byte, and take amounts as floats. Here an
//! amount is the digits of its fen, and a name of digits is text.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use app::console::columns::Cell;
use domain::Timestamp;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use super::format_yuan;

/// Rows that a sheet can have.
const MAX_ROWS: u32 = 1_048_576;
/// Longest name of a sheet.
const MAX_NAME: usize = 31;
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
/// Cell formats by their place in `STYLES`.
const GENERAL: u8 = 0;
const TEXT: u8 = 1;
const AMOUNT: u8 = 2;
const DATE: u8 = 3;
const HEADING: u8 = 4;
const DAY: u8 = 5;
const STYLES: &str = "<numFmts count=\"2\"><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd\\ hh:mm:ss\"/><numFmt numFmtId=\"165\" formatCode=\"yyyy\\-mm\\-dd\"/></numFmts>\
    <fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font><font><b/><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts>\
    <fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill></fills>\
    <borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
    <cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>\
    <cellXfs count=\"6\">\
    <xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>\
    <xf numFmtId=\"49\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
    <xf numFmtId=\"4\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
    <xf numFmtId=\"164\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
    <xf numFmtId=\"49\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\" applyFont=\"1\"/>\
    <xf numFmtId=\"165\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
    </cellXfs>\
    <cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles>";

/// Bytes that the archive has written and nobody has taken.
#[derive(Debug, Clone, Default)]
struct Pipe(Arc<Mutex<Vec<u8>>>);

impl Pipe {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().expect("no writer panics"))
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub struct XlsxSheet {
    archive: ZipWriter<StreamWriter<Pipe>>,
    pipe: Pipe,
    title: String,
    headings: Vec<String>,
    n_sheets: u32,
    /// Rows of the open sheet.
    n_rows: u32,
    max_rows: u32,
}

impl XlsxSheet {
    pub fn open(title: &str, headings: &[&str]) -> io::Result<XlsxSheet> {
        XlsxSheet::with_rows(title, headings, MAX_ROWS)
    }

    fn with_rows(title: &str, headings: &[&str], max_rows: u32) -> io::Result<XlsxSheet> {
        let pipe = Pipe::default();
        let mut sheet = XlsxSheet {
            archive: ZipWriter::new_stream(pipe.clone()),
            pipe,
            title: title.chars().filter(|c| !"[]:*?/\\'".contains(*c)).collect(),
            headings: headings.iter().map(|heading| (*heading).to_owned()).collect(),
            n_sheets: 0,
            n_rows: 0,
            max_rows,
        };
        let document = relation_xml(1, "officeDocument", "xl/workbook.xml");
        sheet.add(
            "_rels/.rels",
            &format!("<Relationships xmlns=\"{RELATIONS}\">{document}</Relationships>"),
        )?;
        let styles = format!("<styleSheet xmlns=\"{MAIN}\">{STYLES}</styleSheet>");
        sheet.add("xl/styles.xml", &styles)?;
        sheet.begin_sheet()?;
        Ok(sheet)
    }

    pub fn write(&mut self, cells: &[Cell]) -> io::Result<()> {
        if self.n_rows == self.max_rows {
            self.end_sheet()?;
            self.begin_sheet()?;
        }
        self.write_row(cells, TEXT)
    }

    pub fn take(&mut self) -> Vec<u8> {
        self.pipe.take()
    }

    pub fn close(mut self) -> io::Result<Vec<u8>> {
        self.end_sheet()?;
        let numbers = 1..=self.n_sheets;
        let mut sheets = String::new();
        let mut relations = relation_xml(0, "styles", "styles.xml");
        let mut kinds = String::new();
        for number in numbers {
            let name = self.name_of(number);
            write_text(
                &mut sheets,
                format_args!("<sheet name=\"{name}\" sheetId=\"{number}\" r:id=\"r{number}\"/>"),
            );
            relations += &relation_xml(number, "worksheet", &format!("worksheets/sheet{number}.xml"));
            write_text(
                &mut kinds,
                format_args!(
                    "<Override PartName=\"/xl/worksheets/sheet{number}.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/>"
                ),
            );
        }
        self.add(
            "xl/workbook.xml",
            &format!("<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets>{sheets}</sheets></workbook>"),
        )?;
        self.add(
            "xl/_rels/workbook.xml.rels",
            &format!("<Relationships xmlns=\"{RELATIONS}\">{relations}</Relationships>"),
        )?;
        self.add(
            "[Content_Types].xml",
            &format!(
                "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
                 <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
                 <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
                 <Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/>\
                 <Override PartName=\"/xl/styles.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml\"/>\
                 {kinds}</Types>"
            ),
        )?;
        self.archive.finish().map_err(io::Error::other)?;
        Ok(self.pipe.take())
    }

    /// Name of a sheet: those after the first are numbered.
    fn name_of(&self, number: u32) -> String {
        let tail = if number == 1 {
            String::new()
        } else {
            format!(" {number}")
        };
        let kept = self.title.chars().take(MAX_NAME - tail.len());
        escape_xml(&format!("{}{tail}", kept.collect::<String>()))
    }

    fn add(&mut self, name: &str, content: &str) -> io::Result<()> {
        self.begin_part(name)?;
        self.archive.write_all(content.as_bytes())
    }

    fn begin_part(&mut self, name: &str) -> io::Result<()> {
        // Fast: the file is written while its reader waits.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(3));
        self.archive.start_file(name, options).map_err(io::Error::other)?;
        self.archive.write_all(HEAD.as_bytes())
    }

    /// Begins a sheet with its headings, which stay in view.
    fn begin_sheet(&mut self) -> io::Result<()> {
        self.n_sheets += 1;
        self.n_rows = 0;
        self.begin_part(&format!("xl/worksheets/sheet{}.xml", self.n_sheets))?;
        let n_columns = self.headings.len();
        let begin = format!(
            "<worksheet xmlns=\"{MAIN}\"><sheetViews><sheetView workbookViewId=\"0\">\
             <pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews>\
             <cols><col min=\"1\" max=\"{n_columns}\" width=\"22\" customWidth=\"1\"/></cols><sheetData>"
        );
        self.archive.write_all(begin.as_bytes())?;
        let headings: Vec<Cell> = self.headings.iter().cloned().map(Cell::Text).collect();
        self.write_row(&headings, HEADING)
    }

    fn end_sheet(&mut self) -> io::Result<()> {
        self.archive.write_all(b"</sheetData></worksheet>")
    }

    fn write_row(&mut self, cells: &[Cell], text_style: u8) -> io::Result<()> {
        self.n_rows += 1;
        let number = self.n_rows;
        let mut row = format!("<row r=\"{number}\">");
        for (place, cell) in (0_u32..).zip(cells) {
            let at = format!("{}{number}", column_letters(place));
            match cell {
                Cell::Empty => {}
                Cell::Text(text) => write_string(&mut row, &at, text_style, text),
                Cell::Number(number) => write_number(&mut row, &at, GENERAL, &number.to_string()),
                Cell::Amount(fen) => write_number(&mut row, &at, AMOUNT, &format_yuan(*fen)),
                Cell::Date(day) => write_number(&mut row, &at, DAY, &serial_day(day)),
                Cell::Beijing(instant) => write_number(&mut row, &at, DATE, &serial_number(*instant)),
                Cell::Utc(instant) => write_string(&mut row, &at, text_style, &payments::rfc3339(*instant)),
            }
        }
        row += "</row>";
        self.archive.write_all(row.as_bytes())
    }
}

fn write_text(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("a String takes any text");
}

fn write_string(row: &mut String, at: &str, style: u8, text: &str) {
    let text = escape_xml(text);
    write_text(
        row,
        format_args!(
            "<c r=\"{at}\" s=\"{style}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{text}</t></is></c>"
        ),
    );
}

fn write_number(row: &mut String, at: &str, style: u8, digits: &str) {
    write_text(
        row,
        format_args!("<c r=\"{at}\" s=\"{style}\"><v>{digits}</v></c>"),
    );
}

fn relation_xml(number: u32, kind: &str, target: &str) -> String {
    format!("<Relationship Id=\"r{number}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>")
}

/// Letters of a column: `A` to `Z`, then `AA`.
fn column_letters(place: u32) -> String {
    let letter = |n: u32| char::from_u32(u32::from(b'A') + n).expect("below twenty-six");
    match place / 26 {
        0 => letter(place).to_string(),
        n => format!("{}{}", letter(n - 1), letter(place % 26)),
    }
}

/// Days since 30 December 1899 in Beijing, with the time of day as a fraction: exact to the second.
fn serial_number(instant: Timestamp) -> String {
    const DAY_SECONDS: i64 = 24 * 3600;
    const DAYS_TO_1970: i64 = 25_569;
    const DECIMALS: i64 = 10_000_000_000;
    let seconds = instant.millis().div_euclid(1000) + i64::from(payments::BEIJING.local_minus_utc());
    let (day, second) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));
    let fraction = (second * DECIMALS + DAY_SECONDS / 2) / DAY_SECONDS;
    format!("{}.{fraction:010}", day + DAYS_TO_1970)
}

/// Days of a day, `2026-11-27`, since 30 December 1899; nothing for any other text.
fn serial_day(day: &str) -> String {
    let midnight = payments::parse_rfc3339(&format!("{day}T00:00:00+08:00"));
    let serial = midnight.map(serial_number).unwrap_or_default();
    serial.split('.').next().unwrap_or_default().to_owned()
}

/// Escapes text for XML. What XML cannot hold becomes U+FFFD, and `_x0041_`, which a spreadsheet would read as a letter, is
/// written so that it stays.
fn escape_xml(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for (place, letter) in text.char_indices() {
        match letter {
            '&' => xml += "&amp;",
            '<' => xml += "&lt;",
            '>' => xml += "&gt;",
            '"' => xml += "&quot;",
            '\r' => xml += "&#13;",
            '\t' | '\n' => xml.push(letter),
            '\0'..=' ' if letter != ' ' => xml.push('\u{FFFD}'),
            '\u{FFFE}' | '\u{FFFF}' => xml.push('\u{FFFD}'),
            '_' if is_code(&text[place..]) => xml += "_x005F_",
            _ => xml.push(letter),
        }
    }
    xml
}

/// Returns whether the text begins with a code of a character as spreadsheets write it.
fn is_code(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 7
        && bytes.starts_with(b"_x")
        && bytes[6] == b'_'
        && bytes[2..6].iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use super::*;

    fn part(archive: &[u8], name: &str) -> String {
        let mut archive = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_time_is_the_day_and_its_fraction_in_beijing() {
        let at = |text| payments::parse_rfc3339(text).unwrap();
        assert_eq!(serial_number(at("1969-12-31T16:00:00Z")), "25569.0000000000");
        assert_eq!(serial_number(at("2026-11-28T04:00:00Z")), "46354.5000000000");
        assert_eq!(serial_number(at("2026-11-27T15:59:59Z")), "46353.9999884259");
        assert_eq!(serial_day("2026-11-28"), "46354");
    }

    #[test]
    fn text_stays_text_in_xml() {
        assert_eq!(escape_xml("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
        assert_eq!(escape_xml("a\u{1}\u{FFFF}\r\n"), "a\u{FFFD}\u{FFFD}&#13;\n");
        assert_eq!(escape_xml("_x0041_ _x004_ _"), "_x005F_x0041_ _x004_ _");
        assert_eq!(
            [0, 25, 26, 51, 52].map(column_letters),
            ["A", "Z", "AA", "AZ", "BA"]
        );
    }

    #[test]
    fn a_full_sheet_is_followed_by_another_with_the_same_headings() {
        let mut sheet = XlsxSheet::with_rows("支付/1", &["号", "元"], 3).unwrap();
        for number in ["42000", "42001", "42002"] {
            sheet
                .write(&[Cell::Text(number.to_owned()), Cell::Amount(-30)])
                .unwrap();
        }
        let mut file = sheet.take();
        file.extend(sheet.close().unwrap());
        let (first, second) = (
            part(&file, "xl/worksheets/sheet1.xml"),
            part(&file, "xl/worksheets/sheet2.xml"),
        );
        assert!(first.contains(">42001<") && !first.contains(">42002<"));
        assert!(second.contains("<c r=\"A1\" s=\"4\" t=\"inlineStr\"><is><t xml:space=\"preserve\">号<"));
        assert!(second.contains(
            "<c r=\"A2\" s=\"1\" t=\"inlineStr\"><is><t xml:space=\"preserve\">42002</t></is></c><c r=\"B2\" s=\"2\"><v>-0.30</v></c>"
        ));
        assert!(part(&file, "xl/workbook.xml").contains("name=\"支付1 2\" sheetId=\"2\" r:id=\"r2\""));
        assert!(part(&file, "[Content_Types].xml").contains("/xl/worksheets/sheet2.xml"));
    }
}
