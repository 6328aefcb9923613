//! Payment links: one address for many payers, whose code is on a desk, a poster or a table. An order opens at the tap of each.
//!
//! An order of a link reserves one piece of the stock: it counts like a paid one while it can be paid, so a payer is never
//! charged for a piece that is gone. A cancelled or expired order counts no more.

use std::time::Duration;

use domain::{LinkId, Money, Order, Purpose, Timestamp};
use futures_util::FutureExt;

use crate::api_keys::hash_of;
use crate::order::{NewOrder, draft};
use crate::store::payment_links::{self, LinkRow};
use crate::store::{FromStore, StoreError, Tx, orders};
use crate::{Error, Services};

/// Time for which an order behind a link with a stock reserves its piece.
const RESERVED_FOR: Duration = Duration::from_mins(15);
/// Orders behind one link that can be paid at a time: anybody with the link can open one.
const MAX_OPEN: i64 = 500;
/// An order is opened again rather than shown when it ends this soon.
const LEAST_LEFT: Duration = Duration::from_mins(1);

/// A payment link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentLink {
    pub id: LinkId,
    pub token: String,
    pub subject: String,
    /// `None`: the payer enters it.
    pub amount: Option<Money>,
    /// `None`: without end.
    pub stock: Option<i64>,
    pub expires_at: Option<Timestamp>,
    pub created_by: String,
    pub created_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    /// Orders that can still be paid.
    pub n_open: i64,
    /// Orders that are paid. [`find_link`] counts them only where there is a stock, and reads 0 otherwise; the console counts
    /// them always.
    pub n_paid: i64,
}

/// Whether an order can be opened behind a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    Open,
    /// Every piece is paid.
    SoldOut,
    /// All pieces are paid, or reserved by orders that can still be paid.
    Reserved,
    Expired,
    /// Ended by the merchant.
    Closed,
}

/// Reason why no order was opened.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("this link is {0:?}")]
    Ended(LinkState),
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<StoreError> for LinkError {
    fn from(error: StoreError) -> LinkError {
        LinkError::Failed(Error::Internal(error))
    }
}

impl FromStore for LinkError {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            LinkError::Failed(error) => error.store_error(),
            LinkError::Ended(_) => None,
        }
    }
}

impl PaymentLink {
    pub fn state(&self, now: Timestamp) -> LinkState {
        let is_gone = |n: i64| self.stock.is_some_and(|stock| n >= stock);
        if self.closed_at.is_some() {
            LinkState::Closed
        } else if self.expires_at.is_some_and(|end| end <= now) {
            LinkState::Expired
        } else if is_gone(self.n_paid) {
            LinkState::SoldOut
        } else if is_gone(self.n_paid + self.n_open) {
            LinkState::Reserved
        } else {
            LinkState::Open
        }
    }

    /// Pieces that are neither paid nor reserved; `None`: the stock has no limit.
    pub fn left(&self) -> Option<i64> {
        self.stock.map(|stock| (stock - self.n_paid - self.n_open).max(0))
    }
}

impl TryFrom<LinkRow> for PaymentLink {
    type Error = StoreError;

    fn try_from(row: LinkRow) -> Result<PaymentLink, StoreError> {
        let amount = row.amount.map(Money::from_fen).transpose();
        Ok(PaymentLink {
            amount: amount.map_err(|_| StoreError::Corrupt("payment_links.amount"))?,
            id: LinkId::parse(&row.id).ok_or(StoreError::Corrupt("payment_links.id"))?,
            token: row.token,
            subject: row.subject,
            stock: row.stock,
            expires_at: row.expires_at.map(Timestamp::from_millis),
            created_by: row.created_by,
            created_at: Timestamp::from_millis(row.created_at),
            closed_at: row.closed_at.map(Timestamp::from_millis),
            n_open: row.n_open,
            n_paid: row.n_paid,
        })
    }
}

/// Finds a link by the token of its address.
pub async fn find_link(services: &Services, token: &str) -> Result<PaymentLink, Error> {
    let row = services
        .db
        .snapshot(|tx| payment_links::find_by_token(tx, token).boxed())
        .await?;
    Ok(row.ok_or(Error::NotFound)?.try_into()?)
}

/// Whether a visitor has opened an order behind a link that can still be paid.
pub async fn has_open_order(services: &Services, link: &PaymentLink, visitor: &str) -> Result<bool, Error> {
    let Some(amount) = link.amount else {
        return Ok(false);
    };
    let (visitor_hash, payable_at) = (&hash_of(visitor), services.clock.now() + LEAST_LEFT);
    let open = services
        .db
        .snapshot(|tx| payment_links::find_open_order(tx, &link.id, visitor_hash, amount, payable_at).boxed())
        .await?;
    Ok(open.is_some())
}

/// Opens an order behind a link, or returns the one that this visitor can still pay. `amount` counts only where the link has
/// none of its own.
pub async fn open_link_order(
    services: &Services,
    token: &str,
    amount: Option<Money>,
    visitor: Option<&str>,
) -> Result<Order, LinkError> {
    let visitor_hash = &visitor.map(hash_of);
    services
        .db
        .write(|tx| {
            async move { open_in(services, tx, token, amount, visitor_hash.as_deref()).await }.boxed()
        })
        .await
}

async fn open_in(
    services: &Services,
    tx: &mut Tx<'_>,
    token: &str,
    amount: Option<Money>,
    visitor_hash: Option<&str>,
) -> Result<Order, LinkError> {
    let now = services.clock.now();
    if !payment_links::hold(tx, token).await? {
        return Err(Error::NotFound.into());
    }
    let row = payment_links::find_by_token(tx, token).await?;
    let link: PaymentLink = row.ok_or(StoreError::Stale)?.try_into()?;
    let amount = link.amount.or(amount).filter(|amount| !amount.is_zero());
    let amount = amount.ok_or(Error::Invalid {
        field: "amount",
        message: "must be an amount, such as 9.90",
    })?;
    if let Some(visitor_hash) = visitor_hash {
        let open =
            payment_links::find_open_order(tx, &link.id, visitor_hash, amount, now + LEAST_LEFT).await?;
        if let Some(order) = open {
            return Ok(order);
        }
    }
    match link.state(now) {
        LinkState::Open => {}
        ended => return Err(LinkError::Ended(ended)),
    }
    if link.n_open >= MAX_OPEN {
        return Err(Error::RateLimited { wait: LEAST_LEFT }.into());
    }
    let order = draft(services, &new_order(services, &link, amount), Purpose::Sale)?;
    let insert = orders::insert(tx, &order);
    tx.run_batch([insert]).await?;
    payment_links::add_order(tx, &link.id, &order.id, visitor_hash).await?;
    Ok(order)
}

fn new_order(services: &Services, link: &PaymentLink, amount: Money) -> NewOrder {
    let is_reserving = link.stock.is_some();
    NewOrder {
        order_no: None,
        user_id: link.id.to_string(),
        subject: link.subject.clone(),
        amount,
        return_url: None,
        metadata: None,
        allows_balance: false,
        expires_in: is_reserving.then(|| services.policy.order_ttl.min(RESERVED_FOR)),
    }
}
