//! Orders of epay merchants: made once for each number, and found again by either number.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use domain::{Order, OrderId, OrderNo, OrderState, Purpose, Timestamp};
use futures_util::FutureExt;

use super::refusal::Refusal;
use super::{Attempt, Merchant, NewAttempt, Pid, USER_PREFIX};
use crate::calendar::midnight_before;
use crate::order::{NewOrder, cancel_expired, cancel_order, draft};
use crate::payment::query_payment;
use crate::run::wait_for;
use crate::store::epay_attempts::{self, AttemptFilter, Turnover};
use crate::store::{StoreError, Tx, orders, payments};
use crate::{Requester, Services};

/// Longest wait of an answer for a gateway's word: clients give up after five seconds and more.
const PATIENCE: Duration = Duration::from_secs(3);
const DAY: Duration = Duration::from_hours(24);

/// The order that a request leads to.
#[derive(Debug)]
pub enum Opened {
    /// It can be paid.
    Payable(Attempt),
    /// It was paid before: it is never made payable again.
    Paid(Attempt),
    /// Its time is over, and whether it was paid is not known yet.
    Ending(Attempt),
}

/// Result of a look at a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Make { number: u32 },
    Payable(usize),
    Paid(usize),
    Ending(usize),
    OtherContent,
    Cancelled,
}

/// Number by which a client names an order: `trade_no` decides when both numbers are given.
#[derive(Debug, Clone, Copy)]
pub enum AttemptQuery<'a> {
    Trade(&'a str),
    /// The paid attempt of a number, else its newest.
    Number(&'a str),
}

/// Makes an order for a merchant's number, or finds the one that there is.
pub async fn open_order(
    services: &Services,
    merchant: &Merchant,
    new: &NewAttempt,
) -> Result<Opened, Refusal> {
    let opened = try_open(services, merchant, new).await?;
    let Opened::Ending(attempt) = &opened else {
        return Ok(opened);
    };
    // The order is ended here rather than by the expiry job, so that this request or its retry finds the gateway's answer.
    let (ending, id) = (services.clone(), attempt.order_id.clone());
    let ended = wait_for(PATIENCE, async move { cancel_expired(&ending, &id).await }).await;
    match ended {
        Some(Ok(())) => try_open(services, merchant, new).await,
        Some(Err(_)) | None => Ok(opened),
    }
}

async fn try_open(services: &Services, merchant: &Merchant, new: &NewAttempt) -> Result<Opened, Refusal> {
    let pid = merchant.pid;
    let found = list_of_number(services, pid, &new.out_trade_no).await?;
    // A repeat and a refusal are found out beside the writers.
    if let Answer::Found(opened) = answer_known(&found, new, services.clock.now())? {
        return Ok(*opened);
    }
    services
        .db
        .write(|tx| open_in(services, tx, pid, new).boxed())
        .await
}

async fn open_in(
    services: &Services,
    tx: &mut Tx<'_>,
    pid: Pid,
    new: &NewAttempt,
) -> Result<Opened, Refusal> {
    epay_attempts::hold_number(tx, pid, &new.out_trade_no).await?;
    let found = epay_attempts::list_of_number(tx, pid, &new.out_trade_no).await?;
    let number = match answer_known(&found, new, services.clock.now())? {
        Answer::Found(opened) => return Ok(*opened),
        Answer::Make(number) => number,
    };
    let order = order_of(services, pid, number, new)?;
    if !orders::try_to_insert(tx, &order).await? {
        let taken = epay_attempts::find_by_trade(tx, pid, order.order_no.as_str()).await?;
        return Err(match taken {
            // A twin was faster: this runs again and finds its order.
            Some(_) => StoreError::Stale.into(),
            None => Refusal::refused("订单号冲突，请更换订单号 (the number is taken by another order)"),
        });
    }
    if !epay_attempts::insert(tx, &order.id, pid, number, new).await? {
        return Err(StoreError::Stale.into());
    }
    let made = epay_attempts::find_by_order(tx, &order.id).await?;
    Ok(Opened::Payable(made.ok_or(StoreError::Stale)?))
}

enum Answer {
    Found(Box<Opened>),
    Make(u32),
}

fn answer_known(found: &[Attempt], new: &NewAttempt, now: Timestamp) -> Result<Answer, Refusal> {
    let attempt = |index: usize| found[index].clone();
    Ok(match decide_attempt(found, new, now) {
        Decision::Make { number } => Answer::Make(number),
        Decision::Payable(index) => Answer::Found(Box::new(Opened::Payable(attempt(index)))),
        Decision::Paid(index) => Answer::Found(Box::new(Opened::Paid(attempt(index)))),
        Decision::Ending(index) => Answer::Found(Box::new(Opened::Ending(attempt(index)))),
        Decision::OtherContent => {
            return Err(Refusal::refused(
                "该商户订单号已存在且内容不同，请更换订单号 (this out_trade_no has another content; take a new one)",
            ));
        }
        Decision::Cancelled => {
            return Err(Refusal::refused(
                "订单已关闭，请更换订单号 (this order was closed; take a new out_trade_no)",
            ));
        }
    })
}

/// `attempts` is every attempt of the number, newest first.
fn decide_attempt(attempts: &[Attempt], new: &NewAttempt, now: Timestamp) -> Decision {
    if let Some(paid) = attempts
        .iter()
        .position(|attempt| attempt.state == OrderState::Paid)
    {
        return Decision::Paid(paid);
    }
    let Some(newest) = attempts.first() else {
        return Decision::Make { number: 1 };
    };
    match newest.state {
        OrderState::Open if now >= newest.expires_at => Decision::Ending(0),
        OrderState::Open if has_same_content(newest, new) => Decision::Payable(0),
        OrderState::Open => Decision::OtherContent,
        OrderState::Cancelled if newest.is_expired => Decision::Make {
            number: newest.number + 1,
        },
        OrderState::Cancelled | OrderState::Paid => Decision::Cancelled,
    }
}

/// The method, the device and the endpoint are no content.
fn has_same_content(attempt: &Attempt, new: &NewAttempt) -> bool {
    attempt.amount == new.amount
        && attempt.name == new.name
        && attempt.notify_url == new.notify_url
        && attempt.return_url == new.return_url
        && attempt.param == new.param
}

/// Numbers are made from what they stand for, so that two servers make the same one and a unique column keeps it single.
pub(super) fn derive_number(prefix: char, parts: &[&str]) -> String {
    let hash = digest(&SHA256, parts.join("\n").as_bytes());
    let text = domain::id::base32(hash.as_ref());
    format!("{prefix}{}", &text[..26])
}

fn trade_no_of(pid: Pid, out_trade_no: &str, number: u32) -> OrderNo {
    let text = derive_number('E', &[&pid.to_string(), out_trade_no, &number.to_string()]);
    OrderNo::parse(&text).expect("27 letters and digits are a number")
}

fn order_of(services: &Services, pid: Pid, number: u32, new: &NewAttempt) -> Result<Order, crate::Error> {
    let metadata = serde_json::json!({"epay": {"pid": pid.to_row(), "outTradeNo": new.out_trade_no}});
    let wanted = NewOrder {
        order_no: Some(trade_no_of(pid, &new.out_trade_no, number).to_string()),
        user_id: format!("{USER_PREFIX}{pid}"),
        subject: new.name.clone(),
        amount: new.amount,
        return_url: new.return_url.clone(),
        metadata: Some(metadata.to_string()),
        allows_balance: false,
        expires_in: None,
    };
    draft(services, &wanted, Purpose::Sale)
}

async fn list_of_number(
    services: &Services,
    pid: Pid,
    out_trade_no: &str,
) -> Result<Vec<Attempt>, StoreError> {
    services
        .db
        .read_one(|tx| async move { epay_attempts::list_of_number(tx, pid, out_trade_no).await }.boxed())
        .await
}

async fn find_attempt_by(
    services: &Services,
    pid: Pid,
    query: AttemptQuery<'_>,
) -> Result<Option<Attempt>, StoreError> {
    match query {
        AttemptQuery::Trade(trade_no) => {
            services
                .db
                .read_one(|tx| async move { epay_attempts::find_by_trade(tx, pid, trade_no).await }.boxed())
                .await
        }
        AttemptQuery::Number(out_trade_no) => {
            let attempts = list_of_number(services, pid, out_trade_no).await?;
            let paid = attempts
                .iter()
                .position(|attempt| attempt.state == OrderState::Paid);
            Ok(attempts.into_iter().nth(paid.unwrap_or(0)))
        }
    }
}

/// An order of this merchant. Another merchant's is answered like one that does not exist.
pub async fn find_attempt(
    services: &Services,
    pid: Pid,
    query: AttemptQuery<'_>,
) -> Result<Attempt, Refusal> {
    find_attempt_by(services, pid, query)
        .await?
        .ok_or_else(Refusal::no_such_order)
}

/// Asks the gateway about an open payment of the order, at most once a second, and returns what is known then.
pub async fn refresh_attempt(services: &Services, attempt: Attempt) -> Result<Attempt, Refusal> {
    let id = &attempt.order_id;
    let open = services
        .db
        .read_one(|tx| async move { payments::open_of_order(tx, id).await }.boxed())
        .await?;
    let Some(payment) = open else { return Ok(attempt) };
    let asking = services.clone();
    let asked = async move { query_payment(&asking, &payment.payment_no, None).await.map(drop) };
    if let Some(Err(error)) = wait_for(PATIENCE, asked).await {
        tracing::debug!(order.id = %id, error = crate::error::logged(&error), "the gateway tells nothing about {id}");
    }
    let now = services
        .db
        .read_one(|tx| async move { epay_attempts::find_by_order(tx, id).await }.boxed())
        .await?;
    Ok(now.unwrap_or(attempt))
}

/// Orders of a merchant, newest first.
pub async fn list_attempts(
    services: &Services,
    pid: Pid,
    filter: AttemptFilter,
) -> Result<Vec<Attempt>, Refusal> {
    Ok(services
        .db
        .read_one(|tx| async move { epay_attempts::list_of_merchant(tx, pid, filter).await }.boxed())
        .await?)
}

/// All orders of a merchant, those of today and those of yesterday in Beijing.
pub async fn count_orders(services: &Services, pid: Pid) -> Result<[Turnover; 3], Refusal> {
    let midnight = midnight_before(services.clock.now());
    let floors = [
        OrderId::floor(Timestamp::from_millis(0)),
        OrderId::floor(midnight - DAY),
        OrderId::floor(midnight),
        OrderId::floor(Timestamp::from_millis((1 << 50) - 1)),
    ];
    let [start, yesterday, today, end] = &floors;
    Ok(services
        .db
        .snapshot(|tx| {
            async move {
                Ok::<_, StoreError>([
                    epay_attempts::sum_of_merchant(tx, pid, start, end).await?,
                    epay_attempts::sum_of_merchant(tx, pid, today, end).await?,
                    epay_attempts::sum_of_merchant(tx, pid, yesterday, today).await?,
                ])
            }
            .boxed()
        })
        .await?)
}

/// Closes an order at its merchant's wish: its open payment first, and refused when that turns out to be paid.
pub async fn close_attempt(services: &Services, attempt: &Attempt) -> Result<(), Refusal> {
    let reason = Some("商户关闭订单".to_owned());
    cancel_order(services, &attempt.order_id, reason, &Requester::Rule, None)
        .await
        .map(drop)
        .map_err(Refusal::from)
}

#[cfg(test)]
mod tests {
    use domain::Money;

    use super::*;
    use crate::epay::Version;

    const NOW: Timestamp = Timestamp::from_millis(1_795_485_600_000);

    fn new(yuan: &str) -> NewAttempt {
        NewAttempt {
            out_trade_no: "A1".to_owned(),
            amount: Money::parse_yuan(yuan).unwrap(),
            name: "VIP".to_owned(),
            notify_url: "https://shop.example/n".to_owned(),
            return_url: None,
            param: String::new(),
            asked_type: "alipay".to_owned(),
            client_ip: None,
            version: Version::V1,
        }
    }

    fn attempt(number: u32, state: OrderState, is_expired: bool) -> Attempt {
        let new = new("1.00");
        Attempt {
            order_id: OrderId::new(NOW, [1; 10]),
            pid: Pid::parse("1001").unwrap(),
            out_trade_no: new.out_trade_no,
            number,
            version: new.version,
            asked_type: new.asked_type,
            notify_url: new.notify_url,
            return_url: None,
            name: new.name,
            param: new.param,
            client_ip: None,
            trade_no: OrderNo::parse("E1").unwrap(),
            token: String::new(),
            amount: new.amount,
            state,
            refunded: Money::ZERO,
            is_expired,
            expires_at: NOW + DAY,
            paid_at: None,
            created_at: NOW,
            method: None,
            transaction_id: None,
        }
    }

    #[test]
    fn a_number_gets_another_order_only_after_the_time_of_the_last_one() {
        use OrderState::{Cancelled, Open, Paid};
        let (same, other) = (new("1.00"), new("2.00"));
        let open = attempt(1, Open, false);
        let late = Attempt {
            expires_at: NOW,
            ..open.clone()
        };
        for (attempts, new, decision) in [
            (vec![], &same, Decision::Make { number: 1 }),
            (vec![open.clone()], &same, Decision::Payable(0)),
            (vec![open], &other, Decision::OtherContent),
            (vec![late], &other, Decision::Ending(0)),
            (vec![attempt(1, Paid, false)], &same, Decision::Paid(0)),
            (vec![attempt(1, Cancelled, false)], &same, Decision::Cancelled),
            (
                vec![attempt(3, Cancelled, true)],
                &other,
                Decision::Make { number: 4 },
            ),
            (
                vec![attempt(2, Cancelled, true), attempt(1, Paid, false)],
                &same,
                Decision::Paid(1),
            ),
        ] {
            assert_eq!(decide_attempt(&attempts, new, NOW), decision, "{attempts:?}");
        }
    }

    #[test]
    fn the_same_number_has_the_same_trade_number_everywhere() {
        let pid = |text| Pid::parse(text).unwrap();
        let first = trade_no_of(pid("1001"), "A1", 1);
        assert_eq!(first, trade_no_of(pid("1001"), "A1", 1));
        assert!(
            first.as_str().len() == 27 && first.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric())
        );
        for other in [
            trade_no_of(pid("1001"), "A1", 2),
            trade_no_of(pid("1001"), "a1", 1),
            trade_no_of(pid("1002"), "A1", 1),
        ] {
            assert_ne!(first, other);
        }
    }
}
