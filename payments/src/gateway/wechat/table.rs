//! Text format of a bill: headings, rows, headings of the sums, one row of sums (docs/gateway-facts.md 1.6.6).
//!
//! Each cell of a row begins with a backtick, and only a comma *and* a backtick separate two of them (T-47).

use std::collections::HashMap;
use std::io::BufRead;

use super::super::bill::LineReader;

const CUT_OFF: &str = "it is cut off";
/// A title with more line ends than this is no title.
const MOST_PARTS: usize = 16;

/// Columns by heading; headings come and go with the age of the merchant, so positions are not fixed.
#[derive(Debug)]
pub(super) struct Columns {
    places: HashMap<String, usize>,
    /// The one cell with text of strangers.
    free: Option<usize>,
}

impl Columns {
    fn read(line: &str, free: &str) -> Result<Columns, &'static str> {
        let mut places = HashMap::new();
        for (place, name) in line.split(',').map(clean_heading).enumerate() {
            if places.insert(name.to_owned(), place).is_some() {
                return Err("two of its columns have one name");
            }
        }
        let free = places.get(free).copied();
        Ok(Columns { places, free })
    }

    /// Finds the positions of columns.
    pub(super) fn find<const N: usize>(&self, names: [&str; N]) -> Result<[usize; N], &'static str> {
        let mut places = [0; N];
        for (place, name) in places.iter_mut().zip(names) {
            *place = self.first(&[name])?;
        }
        Ok(places)
    }

    /// Finds the first of these names that exists.
    pub(super) fn first(&self, names: &[&str]) -> Result<usize, &'static str> {
        names
            .iter()
            .find_map(|name| self.places.get(*name).copied())
            .ok_or("one of the columns is missing")
    }

    /// Splits a row into cells. When there are too many, the free cell contains the separator: the others are counted from
    /// both ends, and only the beginning of the free one is kept. `None`: too few.
    fn cells<'a>(&self, row: &'a str) -> Option<Vec<&'a str>> {
        let mut cells: Vec<&str> = row.split(",`").collect();
        let n_extra = cells.len().checked_sub(self.places.len())?;
        if n_extra > 0 {
            let free = self.free?;
            cells.drain(free + 1..=free + n_extra);
        }
        Some(cells)
    }
}

/// Headings of a file.
pub(super) fn read_columns<R: BufRead>(
    lines: &mut LineReader<R>,
    free: &str,
) -> Result<Columns, &'static str> {
    let line = lines.next_line()?.ok_or(CUT_OFF)?;
    Columns::read(line.trim_start_matches('\u{feff}'), free)
}

/// Reads all rows, and that they are as many as the last line says. `sums` is the first heading of the sums.
pub(super) fn read_rows<R: BufRead>(
    lines: &mut LineReader<R>,
    columns: &Columns,
    sums: &str,
    mut take: impl FnMut(&[&str]) -> Result<(), &'static str>,
) -> Result<(), &'static str> {
    let mut n_rows = 0_u64;
    // A row whose title has a line end goes on in the next line.
    let (mut row, mut n_parts) = (String::new(), 0);
    let n_totals = loop {
        let line = lines.next_line()?.ok_or(CUT_OFF)?;
        if line.is_empty() && row.is_empty() {
            continue;
        }
        if row.is_empty() {
            let Some(begun) = line.strip_prefix('`') else {
                let mut totals = line.split(',').map(clean_heading);
                if totals.next() != Some(sums) {
                    return Err("one of its rows is none");
                }
                break totals.count();
            };
            row.push_str(begun);
        } else {
            row.push(' ');
            row.push_str(line);
        }
        n_parts += 1;
        let Some(cells) = columns.cells(&row) else {
            if n_parts > MOST_PARTS {
                return Err("one of its rows has other columns");
            }
            continue;
        };
        take(&cells)?;
        n_rows += 1;
        row.clear();
        n_parts = 0;
    };
    read_totals(lines, n_rows, n_totals)
}

fn read_totals<R: BufRead>(
    lines: &mut LineReader<R>,
    n_rows: u64,
    n_totals: usize,
) -> Result<(), &'static str> {
    let line = loop {
        match lines.next_line()?.ok_or(CUT_OFF)? {
            "" => {}
            line => break line.strip_prefix('`').ok_or(CUT_OFF)?,
        }
    };
    let mut cells = line.split(",`");
    let said = cells.next().and_then(|count| count.split('.').next());
    let said: Option<u64> = said.and_then(|count| count.parse().ok());
    if cells.count() != n_totals {
        return Err(CUT_OFF);
    }
    while let Some(line) = lines.next_line()? {
        if !line.is_empty() {
            return Err("it goes on after its sums");
        }
    }
    if said == Some(n_rows) {
        Ok(())
    } else {
        Err("it has another number of rows than it says")
    }
}

/// `收支金额（元）` is `收支金额`, whichever brackets are used.
fn clean_heading(text: &str) -> &str {
    let text = text.trim().trim_start_matches('`');
    text.split(['（', '(']).next().unwrap_or(text)
}
