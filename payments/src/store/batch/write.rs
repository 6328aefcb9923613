//! One statement of a batch, with its values.

/// One statement of a batch: an `insert` or an `update` without `returning`.
#[derive(Debug)]
pub struct Write {
    pub(super) sql: &'static str,
    pub(super) values: Vec<Value>,
    /// Rows that it must change; with another number the whole transaction is a lost race.
    pub(super) n_expected: Option<u64>,
}

/// Value of a statement.
#[derive(Debug, Clone)]
pub enum Value {
    Text(Option<String>),
    Integer(Option<i64>),
    Truth(bool),
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(Some(text))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Value {
        Value::Text(text.map(str::to_owned))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Integer(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Value {
        Value::Integer(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Value {
        Value::Truth(truth)
    }
}

impl Write {
    /// Write that must change so many rows.
    pub fn exactly(n_expected: u64, sql: &'static str) -> Write {
        Write {
            sql,
            values: Vec::new(),
            n_expected: Some(n_expected),
        }
    }

    /// Write that may find nothing to change.
    pub fn at_most(sql: &'static str) -> Write {
        Write {
            sql,
            values: Vec::new(),
            n_expected: None,
        }
    }

    /// Adds the value of the next `$n`.
    pub fn bind(mut self, value: impl Into<Value>) -> Write {
        self.values.push(value.into());
        self
    }
}
