//! Payments together with their order, each read in one statement.

use domain::{Order, OrderId, Payment, PaymentId};
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _};

use super::super::orders::{OrderRow, order_columns};
use super::super::{StoreError, Tx, on};
use super::{PaymentRow, payment_columns};
use crate::model::checkout::Checkout;

#[derive(FromRow)]
struct PairRow {
    #[sqlx(flatten)]
    payment: PaymentRow,
    #[sqlx(flatten)]
    order: OrderRow,
}

/// Payment with its order.
pub async fn find_with_order(
    tx: &mut Tx<'_>,
    id: &PaymentId,
) -> Result<Option<(Payment, Order)>, StoreError> {
    const SQL: &str = concat!(
        "select ",
        payment_columns!(),
        ", ",
        order_columns!(),
        " from payments p join orders o on o.id = p.order_id where p.id = $1"
    );
    let row: Option<PairRow> = on!(tx, SQL, fetch_optional, |query| query.bind(id.as_str()))?;
    row.map(|row| Ok((row.payment.try_into()?, row.order.try_into()?)))
        .transpose()
}

/// Payment in a row of an order that may have none.
#[derive(Debug)]
struct MaybePayment(Option<PaymentRow>);

macro_rules! read_maybe_payment {
    ($row:ty) => {
        impl<'r> FromRow<'r, $row> for MaybePayment {
            fn from_row(row: &'r $row) -> Result<MaybePayment, sqlx::Error> {
                let id: Option<String> = row.try_get("id")?;
                let payment = id.map(|_| PaymentRow::from_row(row)).transpose()?;
                Ok(MaybePayment(payment))
            }
        }
    };
}

read_maybe_payment!(PgRow);
read_maybe_payment!(SqliteRow);

#[derive(FromRow)]
struct CheckoutRow {
    #[sqlx(flatten)]
    payment: MaybePayment,
    #[sqlx(flatten)]
    order: OrderRow,
    n_attempts: i64,
}

/// Rows of an order with each of its payments, or one row of the order alone.
macro_rules! select_checkout {
    ($tail:literal) => {
        concat!(
            "select ",
            payment_columns!(),
            ", ",
            order_columns!(),
            ", (select count(*) from epay_attempts a where a.order_id = o.id) as n_attempts
            from orders o left join payments p on p.order_id = o.id ",
            $tail
        )
    };
}

fn checkout_of(rows: Vec<CheckoutRow>) -> Result<Option<Checkout>, StoreError> {
    let mut order = None;
    let mut is_epay = false;
    let mut payments = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(payment) = row.payment.0 {
            payments.push(Payment::try_from(payment)?);
        }
        is_epay = row.n_attempts > 0;
        if order.is_none() {
            order = Some(Order::try_from(row.order)?);
        }
    }
    Ok(order.map(|order| Checkout {
        order,
        payments,
        is_epay,
    }))
}

/// Finds the order with this token and its payments, newest first.
pub async fn find_checkout(tx: &mut Tx<'_>, token: &str) -> Result<Option<Checkout>, StoreError> {
    const SQL: &str = select_checkout!("where o.token = $1 order by p.id desc");
    let rows: Vec<CheckoutRow> = on!(tx, SQL, fetch_all, |query| query.bind(token))?;
    checkout_of(rows)
}

/// Finds an order and its payments, newest first.
pub async fn find_checkout_of(tx: &mut Tx<'_>, id: &OrderId) -> Result<Option<Checkout>, StoreError> {
    const SQL: &str = select_checkout!("where o.id = $1 order by p.id desc");
    let rows: Vec<CheckoutRow> = on!(tx, SQL, fetch_all, |query| query.bind(id.as_str()))?;
    checkout_of(rows)
}
