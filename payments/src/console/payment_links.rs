//! Payment links in the console: made, looked at, ended.

use domain::{LinkId, Money, Order, Timestamp};
use futures_util::FutureExt;

use super::{Act, Action, Actor, ConsoleError, perform};
use crate::payment_link::PaymentLink;
use crate::store::StoreError;
use crate::store::parse_rows;
use crate::store::payment_links::{self, NewLinkRow};
use crate::validate::{invalid, is_line};
use crate::{Error, Services};

/// Longest list of links, and of orders of one link; older ones are found by the search.
const MAX_ROWS: i64 = 200;
/// Largest stock.
const MAX_STOCK: i64 = 1_000_000;

/// Link to make.
#[derive(Debug, Clone)]
pub struct NewLink {
    pub subject: String,
    /// `None`: the payer enters it.
    pub amount: Option<Money>,
    /// `None`: without end.
    pub stock: Option<i64>,
    pub expires_at: Option<Timestamp>,
}

/// A link with its newest orders.
#[derive(Debug, Clone)]
pub struct LinkFile {
    pub link: PaymentLink,
    pub orders: Vec<Order>,
}

/// Makes a link; returns its id.
pub async fn make_link(services: &Services, actor: &Actor, new: &NewLink) -> Result<LinkId, ConsoleError> {
    let now = services.clock.now();
    check_new_link(new, now)?;
    let id = &LinkId::new(now, services.clock.entropy());
    let token = &domain::id::secret_token(services.clock.entropy());
    let amount = new.amount.map_or_else(|| "open".to_owned(), Money::to_yuan);
    let act = Act {
        action: Action::CreateLink,
        subject: id.as_str(),
        detail: &format!("{} {amount}", new.subject),
    };
    perform(services, actor, act, &|tx| {
        async move {
            let row = NewLinkRow {
                id,
                token,
                subject: &new.subject,
                amount: new.amount,
                stock: new.stock,
                expires_at: new.expires_at,
                created_by: &actor.email,
                created_at: now,
            };
            payment_links::insert(tx, &row).await?;
            Ok::<_, ConsoleError>(())
        }
        .boxed()
    })
    .await?;
    Ok(id.clone())
}

fn check_new_link(new: &NewLink, now: Timestamp) -> Result<(), Error> {
    if !is_line(&new.subject, 127) {
        return Err(invalid(
            "subject",
            "must be 1 to 127 characters without control characters",
        ));
    }
    if new.amount.is_some_and(Money::is_zero) {
        return Err(invalid("amount", "must be more than nothing"));
    }
    if new.stock.is_some_and(|stock| !(1..=MAX_STOCK).contains(&stock)) {
        return Err(invalid("stock", "must be 1 to 1000000"));
    }
    if new.expires_at.is_some_and(|end| end <= now) {
        return Err(invalid("expires", "must be in the future"));
    }
    Ok(())
}

/// Ends a link: no order opens any more; those that are open can still be paid.
pub async fn close_link(services: &Services, actor: &Actor, id: &str) -> Result<(), ConsoleError> {
    let now = services.clock.now();
    let act = Act {
        action: Action::CloseLink,
        subject: id,
        detail: "",
    };
    perform(services, actor, act, &|tx| {
        async move {
            if payment_links::close(tx, id, now).await? {
                return Ok(());
            }
            let known = payment_links::find(tx, id).await?;
            Err(known.map_or(ConsoleError::Core(Error::NotFound), |_| {
                ConsoleError::DecidedAlready
            }))
        }
        .boxed()
    })
    .await
}

/// Newest first.
pub async fn list_links(services: &Services) -> Result<Vec<PaymentLink>, Error> {
    let rows = services
        .db
        .snapshot(|tx| payment_links::list(tx, MAX_ROWS).boxed())
        .await?;
    Ok(parse_rows(rows)?)
}

/// Finds a link without its orders.
pub async fn find_link(services: &Services, id: &str) -> Result<PaymentLink, Error> {
    let row = services
        .db
        .snapshot(|tx| payment_links::find(tx, id).boxed())
        .await?;
    Ok(row.ok_or(Error::NotFound)?.try_into()?)
}

pub async fn open_link_file(services: &Services, id: &str) -> Result<LinkFile, Error> {
    let (link, orders) = services
        .db
        .snapshot(|tx| {
            async move {
                let link = payment_links::find(tx, id).await?;
                let orders = payment_links::list_orders(tx, id, MAX_ROWS).await?;
                Ok::<_, StoreError>((link, orders))
            }
            .boxed()
        })
        .await?;
    Ok(LinkFile {
        link: link.ok_or(Error::NotFound)?.try_into()?,
        orders,
    })
}
