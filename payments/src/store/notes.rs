//! Notes that people wrote about an order.

use domain::{OrderId, Timestamp};

use super::{StoreError, Tx, execute, on};

#[derive(Debug, sqlx::FromRow)]
pub struct NoteRow {
    pub author: String,
    pub text: String,
    pub created_at: i64,
}

pub async fn insert(
    tx: &mut Tx<'_>,
    id: &str,
    order_id: &OrderId,
    author: &str,
    text: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into notes (id, order_id, author, text, created_at)
        values ($1, $2, $3, $4, $5)";
    execute!(tx, SQL, |query| query
        .bind(id)
        .bind(order_id.as_str())
        .bind(author)
        .bind(text)
        .bind(now.millis()))
    .map(drop)
}

/// Oldest first.
pub async fn of_order(tx: &mut Tx<'_>, order_id: &OrderId) -> Result<Vec<NoteRow>, StoreError> {
    const SQL: &str = "
        select author, text, created_at
        from notes
        where order_id = $1
        order by id
        limit 200";
    on!(tx, SQL, fetch_all, |query| query.bind(order_id.as_str()))
}
