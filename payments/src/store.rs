//! The database.
#[derive(Debug, Clone)]
pub enum Db {
    Todo,
}
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the row has changed since it was read")]
    Stale,
}
