//! Lines of files for accountants, oldest first, each from the index of its time.

use std::collections::HashMap;

use domain::{Method, Money, Order, OrderId, PaymentNo, Product, RefundNo, Timestamp};

use super::orders::{OrderRow, select_order};
use super::{StoreError, Tx, on, parse_rows};
use crate::model::file::{
    EntryLine, FilePlace, FileSpan, LineKind, MethodTotal, PaidBy, PaymentLine, RefundLine,
};

/// Orders whose paying payments are read by one statement.
const AT_ONCE: usize = 50;
/// Between a journal and its account in the place of an entry; neither has control characters.
const SEPARATOR: char = '\u{1F}';

/// Bounds of a page: the time and the id that its lines come after.
struct Bounds<'a> {
    from: i64,
    after: &'a str,
}

impl<'a> Bounds<'a> {
    fn of(span: &FileSpan, place: Option<&'a FilePlace>) -> Bounds<'a> {
        match place {
            Some(place) => Bounds {
                from: place.at.millis(),
                after: &place.id,
            },
            None => Bounds {
                from: span.from.millis(),
                after: "",
            },
        }
    }
}

/// Rows of one page of a file: `$1` to `$2` are its bounds in time, `$3` the id that they come after, `$4` a method or none,
/// `$5` how many.
macro_rules! fetch_page {
    ($tx:ident, $sql:expr, $span:ident, $place:ident, $limit:ident) => {{
        let bounds = Bounds::of($span, $place);
        on!($tx, $sql, fetch_all, |query| query
            .persistent(false)
            .bind(bounds.from)
            .bind($span.to.millis())
            .bind(bounds.after)
            .bind($span.method.map(Method::as_str))
            .bind($limit))?
    }};
}

#[derive(sqlx::FromRow)]
struct PaidByRow {
    order_id: String,
    payment_no: String,
    transaction_id: String,
    product: String,
    paid_at: i64,
}

#[derive(sqlx::FromRow)]
struct PaymentRow {
    id: String,
    payment_no: String,
    transaction_id: String,
    order_no: String,
    user_id: String,
    subject: String,
    product: String,
    amount: i64,
    refunded: i64,
    fee: Option<i64>,
    settles: bool,
    paid_at: i64,
}

#[derive(sqlx::FromRow)]
struct RefundRow {
    id: String,
    refund_no: String,
    gateway_refund_id: Option<String>,
    payment_no: String,
    transaction_id: Option<String>,
    order_no: String,
    user_id: String,
    product: String,
    amount: i64,
    fee_returned: Option<i64>,
    reason: String,
    created_at: i64,
    finished_at: i64,
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    journal: String,
    account: String,
    amount: i64,
    kind: String,
    reference: String,
    note: Option<String>,
    balance_after: Option<i64>,
    created_at: i64,
}

fn payment_no(text: &str) -> Result<PaymentNo, StoreError> {
    PaymentNo::parse(text).ok_or(StoreError::Corrupt("payments.payment_no"))
}

fn parse_product(text: &str) -> Result<Product, StoreError> {
    Product::parse(text).ok_or(StoreError::Corrupt("payments.product"))
}

impl TryFrom<PaymentRow> for PaymentLine {
    type Error = StoreError;

    fn try_from(row: PaymentRow) -> Result<PaymentLine, StoreError> {
        Ok(PaymentLine {
            payment_no: payment_no(&row.payment_no)?,
            product: parse_product(&row.product)?,
            amount: Money::from_fen(row.amount).map_err(|_| StoreError::Corrupt("payments.amount"))?,
            refunded: Money::from_sum(row.refunded).map_err(|_| StoreError::Corrupt("refunds.amount"))?,
            paid_at: Timestamp::from_millis(row.paid_at),
            id: row.id,
            transaction_id: row.transaction_id,
            order_no: row.order_no,
            user_id: row.user_id,
            subject: row.subject,
            fee: row.fee,
            settles: row.settles,
        })
    }
}

impl TryFrom<RefundRow> for RefundLine {
    type Error = StoreError;

    fn try_from(row: RefundRow) -> Result<RefundLine, StoreError> {
        Ok(RefundLine {
            refund_no: RefundNo::parse(&row.refund_no).ok_or(StoreError::Corrupt("refunds.refund_no"))?,
            payment_no: payment_no(&row.payment_no)?,
            product: parse_product(&row.product)?,
            amount: Money::from_fen(row.amount).map_err(|_| StoreError::Corrupt("refunds.amount"))?,
            created_at: Timestamp::from_millis(row.created_at),
            finished_at: Timestamp::from_millis(row.finished_at),
            id: row.id,
            gateway_refund_id: row.gateway_refund_id,
            transaction_id: row.transaction_id,
            order_no: row.order_no,
            user_id: row.user_id,
            fee_returned: row.fee_returned,
            reason: row.reason,
        })
    }
}

impl TryFrom<EntryRow> for EntryLine {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<EntryLine, StoreError> {
        Ok(EntryLine {
            kind: LineKind::parse(&row.kind).ok_or(StoreError::Corrupt("entries.kind"))?,
            created_at: Timestamp::from_millis(row.created_at),
            journal: row.journal,
            account: row.account,
            amount: row.amount,
            reference: row.reference,
            note: row.note,
            balance_after: row.balance_after,
        })
    }
}

/// Orders by the time of the payment that pays them.
pub async fn list_orders(
    tx: &mut Tx<'_>,
    span: &FileSpan,
    place: Option<&FilePlace>,
    limit: i64,
) -> Result<Vec<Order>, StoreError> {
    const SQL: &str = select_order!(
        "join payments s on s.order_id = o.id and s.settles
        where s.paid_at >= $1 and s.paid_at < $2 and (s.paid_at > $1 or o.id > $3)
            and (cast($4 as text) is null or s.method = $4)
        order by s.paid_at, o.id
        limit $5"
    );
    let rows: Vec<OrderRow> = fetch_page!(tx, SQL, span, place, limit);
    parse_rows(rows)
}

/// The payments that pay these orders.
pub async fn find_paying(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<HashMap<String, PaidBy>, StoreError> {
    const SQL: &str = "
        select p.order_id, p.payment_no, p.transaction_id,
            coalesce(p.client_product, p.product) as product, p.paid_at
        from payments p
        where p.settles and p.order_id in (
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
            $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40,
            $41, $42, $43, $44, $45, $46, $47, $48, $49, $50)";
    let mut found = HashMap::with_capacity(orders.len());
    for some in orders.chunks(AT_ONCE) {
        let rows: Vec<PaidByRow> = on!(tx, SQL, fetch_all, |query| (0..AT_ONCE)
            .fold(query, |query, place| query
                .bind(some.get(place).map(OrderId::as_str))))?;
        for row in rows {
            let paid_by = PaidBy {
                payment_no: payment_no(&row.payment_no)?,
                product: parse_product(&row.product)?,
                transaction_id: row.transaction_id,
                paid_at: Timestamp::from_millis(row.paid_at),
            };
            found.insert(row.order_id, paid_by);
        }
    }
    Ok(found)
}

/// Payments by their time.
pub async fn list_payments(
    tx: &mut Tx<'_>,
    span: &FileSpan,
    place: Option<&FilePlace>,
    limit: i64,
) -> Result<Vec<PaymentLine>, StoreError> {
    const SQL: &str = "
        select p.id, p.payment_no, p.transaction_id, o.order_no, o.user_id, o.subject,
            coalesce(p.client_product, p.product) as product, p.amount, p.settles,
            p.paid_at, (select cast(coalesce(sum(r.amount), 0) as bigint)
                from refunds r where r.payment_id = p.id and r.state = 'succeeded') as refunded,
            (select cast(sum(-f.amount) as bigint)
                from fee_entries f where f.reference = p.id and f.account = 'fees:' || p.method) as fee
        from payments p join orders o on o.id = p.order_id
        where p.paid_at >= $1 and p.paid_at < $2 and (p.paid_at > $1 or p.id > $3)
            and (cast($4 as text) is null or p.method = $4)
        order by p.paid_at, p.id
        limit $5";
    let rows: Vec<PaymentRow> = fetch_page!(tx, SQL, span, place, limit);
    parse_rows(rows)
}

/// Refunds by the time at which the money went back.
pub async fn list_refunds(
    tx: &mut Tx<'_>,
    span: &FileSpan,
    place: Option<&FilePlace>,
    limit: i64,
) -> Result<Vec<RefundLine>, StoreError> {
    const SQL: &str = "
        select r.id, r.refund_no, r.gateway_refund_id, p.payment_no, p.transaction_id, o.order_no, o.user_id,
            coalesce(p.client_product, p.product) as product,
            r.amount, r.reason, r.created_at, r.finished_at,
            (select cast(sum(f.amount) as bigint)
                from fee_entries f where f.reference = r.id and f.account = 'fees:' || p.method) as fee_returned
        from refunds r join payments p on p.id = r.payment_id join orders o on o.id = p.order_id
        where r.finished_at >= $1 and r.finished_at < $2 and (r.finished_at > $1 or r.id > $3)
            and (cast($4 as text) is null or p.method = $4) and r.state = 'succeeded'
        order by r.finished_at, r.id
        limit $5";
    let rows: Vec<RefundRow> = fetch_page!(tx, SQL, span, place, limit);
    parse_rows(rows)
}

/// Entries of a table after a place; limited, so that the union of two of these is short.
macro_rules! some_entries {
    ($table:literal, $note_and_balance:literal) => {
        concat!(
            "select journal, account, amount, kind, reference, note, balance_after, created_at from (
                select journal, account, amount, kind, reference, ",
            $note_and_balance,
            ", created_at
                from ",
            $table,
            " where created_at >= $1 and created_at < $2
                    and (created_at > $1 or journal > $3 or (journal = $3 and account > $4))
                order by created_at, journal, account
                limit $5) as ",
            $table,
            "_after"
        )
    };
}

/// Entries of the ledger and of fees by their time. They have no method: an account names it.
pub async fn list_entries(
    tx: &mut Tx<'_>,
    span: &FileSpan,
    place: Option<&FilePlace>,
    limit: i64,
) -> Result<Vec<EntryLine>, StoreError> {
    const SQL: &str = concat!(
        some_entries!("entries", "note, balance_after"),
        " union all ",
        some_entries!(
            "fee_entries",
            "cast(null as text) as note, cast(null as bigint) as balance_after"
        ),
        " order by created_at, journal, account limit $5"
    );
    let bounds = Bounds::of(span, place);
    let (journal, account) = bounds.after.split_once(SEPARATOR).unwrap_or_default();
    let rows: Vec<EntryRow> = on!(tx, SQL, fetch_all, |query| query
        .persistent(false)
        .bind(bounds.from)
        .bind(span.to.millis())
        .bind(journal)
        .bind(account)
        .bind(limit))?;
    parse_rows(rows)
}

/// Place of an entry in its file.
pub fn place_of_entry(line: &EntryLine) -> FilePlace {
    FilePlace {
        at: line.created_at,
        id: format!("{}{SEPARATOR}{}", line.journal, line.account),
    }
}

/// Payments and refunds of a span, summed by method; the methods of [`Method::ALL`], also those without money.
pub async fn sum_by_method(tx: &mut Tx<'_>, span: &FileSpan) -> Result<Vec<MethodTotal>, StoreError> {
    const PAID: &str = "
        select method, count(*) as n, cast(sum(amount) as bigint) as fen
        from payments
        where paid_at >= $1 and paid_at < $2
        group by method";
    const REFUNDED: &str = "
        select p.method, count(*) as n, cast(sum(r.amount) as bigint) as fen
        from refunds r join payments p on p.id = r.payment_id
        where r.finished_at >= $1 and r.finished_at < $2 and r.state = 'succeeded'
        group by p.method";
    const FEES: &str = "
        select p.method, count(*) as n, cast(sum(-f.amount) as bigint) as fen
        from payments p join fee_entries f on f.reference = p.id and f.account = 'fees:' || p.method
        where p.paid_at >= $1 and p.paid_at < $2
        group by p.method";
    const FEES_RETURNED: &str = "
        select p.method, count(*) as n, cast(sum(f.amount) as bigint) as fen
        from refunds r join payments p on p.id = r.payment_id
            join fee_entries f on f.reference = r.id and f.account = 'fees:' || p.method
        where r.finished_at >= $1 and r.finished_at < $2 and r.state = 'succeeded'
        group by p.method";
    let (from, to) = (span.from.millis(), span.to.millis());
    let mut sums: [Vec<(String, i64, i64)>; 4] = Default::default();
    for (sum, sql) in sums.iter_mut().zip([PAID, REFUNDED, FEES, FEES_RETURNED]) {
        *sum = on!(tx, sql, fetch_all, |query| query.bind(from).bind(to))?;
    }
    let [paid, refunded, fees, returned] = sums;
    let of = |sums: &[(String, i64, i64)], method: Method| {
        let sum = sums.iter().find(|(found, ..)| found == method.as_str());
        sum.map_or((0, 0), |(_, n, fen)| (*n, *fen))
    };
    let wanted = Method::ALL
        .into_iter()
        .filter(|method| span.method.is_none_or(|only| only == *method));
    Ok(wanted
        .map(|method| {
            let (n_payments, paid_fen) = of(&paid, method);
            let (n_refunds, refunded_fen) = of(&refunded, method);
            MethodTotal {
                method,
                n_payments,
                paid_fen,
                n_refunds,
                refunded_fen,
                fee_fen: of(&fees, method).1 - of(&returned, method).1,
            }
        })
        .collect())
}
