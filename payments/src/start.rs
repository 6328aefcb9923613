//! Starting a payment: record, call, record.

mod call;
mod repeated;

use std::net::IpAddr;

use domain::{
    Method, Money, Opening, Order, OrderId, Payment, PaymentId, PaymentNo, PaymentState, Product, Refusal,
    open_payment, schedule,
};
use futures_util::FutureExt;

use self::call::{Called, call};
use crate::balance::pay_by_balance;
use crate::expire::end_payment;
use crate::gateway::{Ask, Gateway, GatewayError, Payer};
use crate::once::{KeptAnswer, Made, Once, find_answer, keep_answer};
use crate::order::find_payment;
use crate::store::{StoreError, orders, payments};
use crate::{Error, Services};

/// Each round ends one payment that stood in the way; more than this is somebody switching without end.
pub(crate) const MAX_ROUNDS: u32 = 4;

#[derive(Debug, Clone)]
pub struct StartPayment {
    pub order_id: OrderId,
    pub product: Product,
    /// When given, it must be the order's amount.
    pub amount: Option<Money>,
    /// Where the payer's browser goes from the gateway; by default where the caller's page of the order is.
    pub return_url: Option<String>,
    pub payer_ip: Option<IpAddr>,
    pub openid: Option<String>,
}

impl StartPayment {
    /// For a product that needs to know nothing about the payer.
    pub fn new(order_id: OrderId, product: Product) -> StartPayment {
        StartPayment {
            order_id,
            product,
            amount: None,
            return_url: None,
            payer_ip: None,
            openid: None,
        }
    }
}

/// What was recorded before the call.
enum Recorded {
    Replayed(KeptAnswer),
    CloseFirst(Payment),
    Ready { payment: Payment, is_new: bool },
}

/// Opens a payment at the gateway, or gives back the one that is still open and valid.
pub async fn start_payment(
    services: &Services,
    start: StartPayment,
    once: Option<Once<Payment>>,
) -> Result<Made<Payment>, Error> {
    let method = start.product.method();
    if method == Method::Balance {
        return pay_by_balance(services, &start, once).await;
    }
    let offered = method
        .channel()
        .and_then(|channel| services.gateways.get(channel).map(|gateway| (channel, gateway)));
    let (channel, gateway) = offered
        .filter(|(_, gateway)| gateway.offers(start.product))
        .ok_or(Error::MethodUnavailable(method))?;
    check_payer(&start)?;
    for _ in 0..MAX_ROUNDS {
        match record(services, &start, gateway, once.as_ref()).await? {
            Recorded::Replayed(answer) => return Ok(Made::Replayed(answer)),
            Recorded::CloseFirst(payment) => end_payment(services, &payment).await?,
            Recorded::Ready { payment, is_new } => {
                if call(services, gateway, channel, &payment).await? == Called::Answered {
                    return finish(services, &payment.id, is_new, once.as_ref()).await;
                }
            }
        }
    }
    Err(Error::Unreachable {
        channel,
        source: GatewayError::unknown("payments of this order keep ending while one is started"),
    })
}

/// Sees to it that an open payment has a prompt that lives long enough to be used, and returns it as it is then. The
/// bytes that were recorded are all it takes, so nothing need be known of the payer a second time.
pub async fn renew_prompt(services: &Services, id: &PaymentId) -> Result<Payment, Error> {
    let (payment, _) = find_payment(services, id).await?;
    if !payment.state.is_open() || payment.expires_at <= services.clock.now() {
        return Ok(payment);
    }
    let method = payment.method();
    let channel = method.channel().ok_or(Error::MethodUnavailable(method))?;
    let gateway = services
        .gateways
        .get(channel)
        .ok_or(Error::MethodUnavailable(method))?;
    call(services, gateway, channel, &payment).await?;
    find_payment(services, id).await.map(|(payment, _)| payment)
}

/// What a product must know of the payer is asked for before anything is written down: the gateway would refuse it, or,
/// worse, take the order and let nobody pay it.
fn check_payer(start: &StartPayment) -> Result<(), Error> {
    match start.product {
        Product::H5 if start.payer_ip.is_none() => Err(Error::Invalid {
            field: "payerIp",
            message: "must be the address of the payer's phone: WeChat Pay compares it",
        }),
        Product::Jsapi if !start.openid.as_deref().is_some_and(is_openid) => Err(Error::Invalid {
            field: "openid",
            message: "must be WeChat's name for the payer in this app, 1 to 128 visible ASCII characters",
        }),
        _ => Ok(()),
    }
}

fn is_openid(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

async fn record(
    services: &Services,
    start: &StartPayment,
    gateway: &Gateway,
    once: Option<&Once<Payment>>,
) -> Result<Recorded, Error> {
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                if let Some(answer) = find_answer(tx, once).await? {
                    return Ok(Recorded::Replayed(answer));
                }
                let order = orders::find(tx, &start.order_id).await?.ok_or(Error::NotFound)?;
                if start.amount.is_some_and(|amount| amount != order.amount) {
                    return Err(Refusal::AmountMismatch.into());
                }
                let open = payments::open_of_order(tx, &order.id).await?;
                match (open_payment(&order, open.as_ref(), start.product, now)?, open) {
                    (Opening::New, _) => {
                        let payment = draft(services, &order, start, gateway);
                        orders::touch(tx, &order).await?;
                        payments::insert(tx, &payment, schedule::next_question(now, 0, false)).await?;
                        Ok(Recorded::Ready {
                            payment,
                            is_new: true,
                        })
                    }
                    // Whatever else the caller says now: the gateway knows this payment by the bytes that were sent.
                    (Opening::Reuse(_), Some(open)) => Ok(Recorded::Ready {
                        payment: open,
                        is_new: false,
                    }),
                    (Opening::CloseFirst(_), Some(open)) => Ok(Recorded::CloseFirst(open)),
                    (Opening::Reuse(_) | Opening::CloseFirst(_), None) => {
                        unreachable!("only an open payment can be reused or closed")
                    }
                }
            }
            .boxed()
        })
        .await
}

/// A payment never outlives its order: what is shown as payable is payable.
fn draft(services: &Services, order: &Order, start: &StartPayment, gateway: &Gateway) -> Payment {
    let now = services.clock.now();
    let payment_no = PaymentNo::new(now, services.clock.entropy());
    let expires_at = now.after(services.policy.payment_ttl).min(order.expires_at);
    let ask = Ask {
        payment_no: &payment_no,
        product: start.product,
        amount: order.amount,
        subject: &order.subject,
        expires_at,
        return_url: start.return_url.as_deref(),
        payer: Payer {
            ip: start.payer_ip,
            openid: start.openid.as_deref(),
        },
    };
    Payment {
        id: PaymentId::new(now, services.clock.entropy()),
        request: gateway.request(&ask),
        payment_no,
        order_id: order.id.clone(),
        product: start.product,
        amount: order.amount,
        state: PaymentState::Created,
        settles: false,
        transaction_id: None,
        return_url: start.return_url.clone(),
        prompt: None,
        prompted_at: None,
        failure_reason: None,
        refunded: Money::ZERO,
        refunding: Money::ZERO,
        refund_reason: None,
        refunded_at: None,
        expires_at,
        paid_at: None,
        created_at: now,
        updated_at: now,
        version: 0,
    }
}

async fn finish(
    services: &Services,
    id: &PaymentId,
    is_new: bool,
    once: Option<&Once<Payment>>,
) -> Result<Made<Payment>, Error> {
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                // A twin under the same key may have finished first; it was about the same payment.
                if let Some(answer) = find_answer(tx, once).await? {
                    return Ok(Made::Replayed(answer));
                }
                let payment = payments::find(tx, id)
                    .await?
                    .ok_or(StoreError::Corrupt("payments.id"))?;
                keep_answer(tx, once, &payment, is_new, now).await?;
                Ok(if is_new {
                    Made::New(payment)
                } else {
                    Made::Existing(payment)
                })
            }
            .boxed()
        })
        .await
}
