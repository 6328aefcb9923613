//! Text format of Alipay's bills: comment lines, headings, rows, and comment lines with counts and sums.
//!
//! **Nothing is quoted**: a cell that begins with a quotation mark is text. Only the free cell can contain a comma, so a row
//! with too many cells has them there (T-47).

use std::io::BufRead;

use domain::Money;

use super::super::bill::{LineReader, amount_of};

const CUT_OFF: &str = "it is cut off";
/// A title with more line ends than this is no title.
const MOST_PARTS: usize = 16;

/// Headings of a table.
#[derive(Debug)]
pub(super) struct Columns {
    names: Vec<String>,
    free: Option<usize>,
}

impl Columns {
    pub(super) fn first(&self, names: &[&str]) -> Result<usize, &'static str> {
        names
            .iter()
            .find_map(|name| self.names.iter().position(|found| found == name))
            .ok_or("it lacks a column")
    }

    /// Splits a row into trimmed cells: numbers end with a TAB, so that spreadsheets read them as text. `None`: too few.
    fn cells<'a>(&self, row: &'a str) -> Option<Vec<&'a str>> {
        let mut cells: Vec<&str> = row.split(',').map(clean_cell).collect();
        let n_extra = cells.len().checked_sub(self.names.len())?;
        if n_extra > 0 {
            let free = self.free?;
            cells.drain(free + 1..=free + n_extra);
        }
        Some(cells)
    }
}

/// Trims white space and marks of no width, which copied titles and names bring along.
fn clean_cell(cell: &str) -> &str {
    cell.trim_matches(|letter: char| {
        letter.is_whitespace() || matches!(letter, '\u{feff}' | '\u{200b}'..='\u{200f}')
    })
}

/// Count and sum of a comment line: `#交易合计：2笔，商家实收共149.90元，…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) n: u64,
    pub(super) sum: Money,
}

/// Totals of the comment lines.
#[derive(Debug, Default)]
pub(super) struct Comments {
    /// Before the colon, and the total.
    totals: Vec<(String, Total)>,
    is_ended: bool,
}

impl Comments {
    /// Refuses a file whose comment says another count or sum than its rows; one that must say it and does not is cut off.
    pub(super) fn require(&self, name: &str, found: Total) -> Result<(), &'static str> {
        let said = self.totals.iter().find(|(label, _)| label.ends_with(name));
        match said {
            None => Err(CUT_OFF),
            Some((_, said)) if *said == found => Ok(()),
            Some(_) => Err("its rows are not those that its sums are about"),
        }
    }

    fn read(&mut self, line: &str, account: Option<&str>) -> Result<(), &'static str> {
        if line.contains("列表结束") {
            self.is_ended = true;
        }
        if let Some(owner) = text_between(line, "账号：[", "]")
            && account.is_some_and(|account| !owner.starts_with(account))
        {
            return Err("it is the statement of another merchant");
        }
        if let Some((label, rest)) = line.split_once('：')
            && let Some((n, sum)) = rest.split_once('笔')
            && let Ok(n) = n.trim().parse()
            && let Some(sum) = text_between(sum, "共", "元")
        {
            let sum = amount_of(sum)?.unwrap_or_default();
            self.totals.push((label.to_owned(), Total { n, sum }));
        }
        Ok(())
    }
}

fn text_between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

/// Reads the comments before the headings, and the headings. `free` is the heading of the cell with text of strangers.
pub(super) fn read_columns<R: BufRead>(
    lines: &mut LineReader<R>,
    free: &str,
    account: Option<&str>,
) -> Result<Columns, &'static str> {
    let mut comments = Comments::default();
    loop {
        let line = lines.next_line()?.ok_or(CUT_OFF)?;
        let line = line.trim_start_matches('\u{feff}');
        if line.starts_with('#') {
            comments.read(line, account)?;
        } else if !line.is_empty() {
            let names: Vec<String> = line.split(',').map(|name| clean_cell(name).to_owned()).collect();
            let free = names.iter().position(|name| name == free);
            return Ok(Columns { names, free });
        }
    }
}

/// Reads all rows, then the comments that end the table.
pub(super) fn read_rows<R: BufRead>(
    lines: &mut LineReader<R>,
    columns: &Columns,
    mut take: impl FnMut(&[&str]) -> Result<(), &'static str>,
) -> Result<Comments, &'static str> {
    let mut comments = Comments::default();
    // A row whose title has a line end goes on in the next line.
    let (mut row, mut n_parts) = (String::new(), 0);
    while let Some(line) = lines.next_line()? {
        if row.is_empty() && line.starts_with('#') {
            comments.read(line, None)?;
            continue;
        }
        if row.is_empty() && line.is_empty() {
            continue;
        }
        if comments.is_ended {
            return Err("it goes on after its end");
        }
        if !row.is_empty() {
            row.push(' ');
        }
        row.push_str(line);
        n_parts += 1;
        match columns.cells(&row) {
            None if n_parts > MOST_PARTS => return Err("one of its rows has other columns"),
            None => {}
            Some(cells) => {
                take(&cells)?;
                row.clear();
                n_parts = 0;
            }
        }
    }
    if row.is_empty() && comments.is_ended {
        Ok(comments)
    } else {
        Err(CUT_OFF)
    }
}
