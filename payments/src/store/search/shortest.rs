//! Choice of the access path of a list: the shortest, found by counting up to a depth.

use super::super::orders::status_of;
use super::super::{StoreError, Tx, on};
use super::{AccessPath, IdRange};
use crate::model::sort::Age;

/// Number of orders on a path, counted up to [`DEPTH`], and the last of those.
#[derive(sqlx::FromRow)]
struct Estimate {
    n: i64,
    last: Option<String>,
}

impl Estimate {
    /// Whether this path is shorter, or as long and leads farther.
    fn is_better(&self, other: &Estimate, age: Age) -> bool {
        let leads_farther = match age {
            Age::Newest => self.last < other.last,
            Age::Oldest => self.last > other.last,
        };
        self.n < other.n || (self.n == other.n && leads_farther)
    }
}

/// Chooses the shortest path, or of those that are too long the one that leads farthest; and how far, if not to the end.
pub(super) async fn choose_path<'a>(
    tx: &mut Tx<'_>,
    access_paths: &[AccessPath<'a>],
    range: IdRange<'_>,
    age: Age,
    depth: i64,
) -> Result<(AccessPath<'a>, Option<String>), StoreError> {
    let mut best: Option<(AccessPath, Estimate)> = None;
    for path in access_paths {
        let estimate = estimate_path(tx, *path, range, age, depth).await?;
        // Cut off, such a path would miss the first orders as likely as the last.
        let is_usable = path.is_in_order() || estimate.n < depth;
        if is_usable
            && best
                .as_ref()
                .is_none_or(|(_, other)| estimate.is_better(other, age))
        {
            best = Some((*path, estimate));
        }
    }
    let (path, estimate) = best.expect("one way at least is in order");
    Ok((path, estimate.last.filter(|_| estimate.n == depth)))
}

/// The statement that counts a path in one direction.
macro_rules! estimate_by {
    ($path:expr, $last:literal, $way:literal) => {{
        macro_rules! estimate {
            ($name:literal, $rows:expr) => {
                concat!(
                    "select count(*) as n, ",
                    $last,
                    "(passed.id) as last from (select ",
                    $name,
                    " as id ",
                    $rows,
                    " limit $3) as passed"
                )
            };
        }
        const ALL: &str = estimate!(
            "i.id",
            concat!("from orders i where i.id < $1 and i.id >= $2 order by i.id ", $way)
        );
        const USER: &str = estimate!(
            "i.id",
            concat!(
                "from orders i where i.user_id = $4 and i.id < $1 and i.id >= $2 order by i.id ",
                $way
            )
        );
        const STATUS: &str = estimate!(
            "i.id",
            concat!(
                "from orders i where ",
                status_of!("i"),
                " = $4 and i.id < $1 and i.id >= $2 order by i.id ",
                $way
            )
        );
        const METHOD: &str = estimate!(
            "m.order_id",
            concat!(
                "from payments m where m.method = $4 and m.order_id < $1 and m.order_id >= $2 order by m.order_id ",
                $way
            )
        );
        const AMOUNT: &str = estimate!(
            "i.id",
            concat!(
                "from orders i where i.amount = $4 and i.id < $1 and i.id >= $2 order by i.id ",
                $way
            )
        );
        // Without the span of ids: a span that holds none of the amounts would be scanned to its end.
        const AMOUNTS: &str =
            estimate!("i.id", "from orders i where i.amount >= $1 and i.amount <= $2");
        // `cross`: makes SQLite scan the incidents first, and not all payments.
        const ATTENTION: &str = estimate!(
            "p.order_id",
            "from incidents i cross join payments p
                where p.id = i.payment_id and i.resolved_at is null and p.order_id < $1 and p.order_id >= $2"
        );
        match $path {
            AccessPath::All => ALL,
            AccessPath::User(_) => USER,
            AccessPath::Status(_) => STATUS,
            AccessPath::Method(_) => METHOD,
            AccessPath::Amount(_) => AMOUNT,
            AccessPath::Amounts(..) => AMOUNTS,
            AccessPath::Attention => ATTENTION,
        }
    }};
}

async fn estimate_path(
    tx: &mut Tx<'_>,
    path: AccessPath<'_>,
    range: IdRange<'_>,
    age: Age,
    depth: i64,
) -> Result<Estimate, StoreError> {
    let sql = match age {
        Age::Newest => estimate_by!(path, "min", "desc"),
        Age::Oldest => estimate_by!(path, "max", "asc"),
    };
    macro_rules! row {
        ($($value:expr)?) => {
            on!(tx, sql, fetch_one, |query| query
                .persistent(false)
                .bind(range.below)
                .bind(range.from)
                .bind(depth)
                $(.bind($value))?)
        };
    }
    let estimate = match path {
        AccessPath::All | AccessPath::Attention => row!()?,
        AccessPath::User(text) | AccessPath::Status(text) | AccessPath::Method(text) => row!(text)?,
        AccessPath::Amount(fen) => row!(fen)?,
        AccessPath::Amounts(least, most) => on!(tx, sql, fetch_one, |query| query
            .persistent(false)
            .bind(least)
            .bind(most)
            .bind(depth))?,
    };
    Ok(estimate)
}
