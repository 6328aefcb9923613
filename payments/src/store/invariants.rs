//! Invariants as queries: each returns the rows that break it.

mod books;
mod events;
mod money;

use super::{StoreError, Tx, on};

#[derive(Debug)]
pub struct Invariant {
    pub name: &'static str,
    pub sql: &'static str,
}

pub fn invariants() -> impl Iterator<Item = &'static Invariant> {
    money::INVARIANTS
        .iter()
        .chain(books::INVARIANTS)
        .chain(events::INVARIANTS)
}

/// Counts the rows that break an invariant.
pub async fn count_broken(tx: &mut Tx<'_>, sql: &'static str) -> Result<usize, StoreError> {
    let rows: Vec<(String,)> = on!(tx, sql, fetch_all, |query| query)?;
    Ok(rows.len())
}
