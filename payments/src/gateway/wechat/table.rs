//! Text format of a bill: headings, rows, headings of the sums, one row of sums (docs/gateway-facts.md 1.6.6).
//!
//! Each cell of a row begins with a backtick, and only a comma *and* a backtick separate two of them (T-47).

use std::collections::HashMap;

#[derive(Debug)]
pub(super) struct Table<'a> {
    columns: HashMap<&'a str, usize>,
    /// Each row has as many cells as there are headings.
    pub(super) rows: Vec<Vec<&'a str>>,
}

impl<'a> Table<'a> {
    /// `free` is the heading of the one cell with text of strangers, `sums` the first heading of the sums.
    pub(super) fn read(text: &'a str, free: &str, sums: &str) -> Result<Table<'a>, &'static str> {
        const CUT_OFF: &str = "it is cut off";
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = text.lines().filter(|line| !line.is_empty());
        let headings: Vec<&str> = lines.next().ok_or(CUT_OFF)?.split(',').map(heading).collect();
        let mut columns = HashMap::with_capacity(headings.len());
        for (place, name) in headings.iter().enumerate() {
            if columns.insert(*name, place).is_some() {
                return Err("two of its columns have one name");
            }
        }
        let free = columns.get(free).copied();
        let mut rows = Vec::new();
        let after = loop {
            let line = lines.next().ok_or(CUT_OFF)?;
            let Some(row) = line.strip_prefix('`') else {
                break line;
            };
            rows.push(cells(row, headings.len(), free).ok_or("one of its rows has other columns")?);
        };
        let mut totals = after.split(',').map(heading);
        if totals.next() != Some(sums) {
            return Err("one of its rows is none");
        }
        let line = lines
            .next()
            .and_then(|line| line.strip_prefix('`'))
            .ok_or(CUT_OFF)?;
        let mut cells = line.split(",`");
        let n_rows = cells.next().and_then(|count| count.split('.').next());
        if cells.count() != totals.count() {
            return Err(CUT_OFF);
        }
        if n_rows.and_then(|count| count.parse().ok()) != Some(rows.len()) || lines.next().is_some() {
            return Err("it has another number of rows than it says");
        }
        Ok(Table { columns, rows })
    }

    /// Finds the positions of columns; headings come and go with the age of the merchant, so positions are not fixed.
    pub(super) fn columns<const N: usize>(&self, names: [&str; N]) -> Result<[usize; N], &'static str> {
        let mut places = [0; N];
        for (place, name) in places.iter_mut().zip(names) {
            *place = self.first_column(&[name])?;
        }
        Ok(places)
    }

    /// Finds the first of these names that exists.
    pub(super) fn first_column(&self, names: &[&str]) -> Result<usize, &'static str> {
        names
            .iter()
            .find_map(|name| self.columns.get(name).copied())
            .ok_or("one of the columns is missing")
    }
}

/// `收支金额（元）` is `收支金额`, whichever brackets are used.
fn heading(text: &str) -> &str {
    let text = text.trim().trim_start_matches('`');
    text.split(['（', '(']).next().unwrap_or(text)
}

/// Splits a row into cells. When there are too many, the free cell contains the separator: the others are counted from both
/// ends, and only the beginning of the free one is kept.
fn cells(row: &str, n_columns: usize, free: Option<usize>) -> Option<Vec<&str>> {
    let mut cells: Vec<&str> = row.split(",`").collect();
    let n_extra = cells.len().checked_sub(n_columns)?;
    if n_extra > 0 {
        let free = free?;
        cells.drain(free + 1..=free + n_extra);
    }
    Some(cells)
}
