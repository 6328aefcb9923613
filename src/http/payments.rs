//! Payments over HTTP.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::{Method, Money, OrderId, Payment, PaymentId, PaymentNo, PaymentStatus, Product};
use payments::{
    PaymentFilter, Services, StartPayment, find_order, find_payment, find_payment_by_number, list_payments,
    query_payment, rfc3339, start_payment,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Web;
use super::api::{Call, Id, PageBody, answer, changed, created, to_the_end};
use super::error::{ErrorBody, Problem};
use super::orders::parse_return_url;
use super::parameters::Parameters;

/// One attempt to pay an order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Payment)]
pub struct PaymentBody {
    id: String,
    payment_no: String,
    order_id: String,
    user_id: String,
    /// `wechat`, `alipay` or `balance`.
    method: &'static str,
    /// `native`, `h5`, `jsapi`, `qr`, `wap`, `page` or `balance`.
    product: &'static str,
    /// In fen.
    #[schema(value_type = i64, minimum = 1)]
    amount: Money,
    #[schema(example = "CNY")]
    currency: &'static str,
    /// `pending`, `processing`, `success`, `failed`, `cancelled`, `refunding` or `refunded`.
    status: &'static str,
    /// The gateway's number.
    #[schema(required)]
    transaction_id: Option<String>,
    /// The content of the QR code, or the URL to open.
    #[schema(required)]
    payment_url: Option<String>,
    #[schema(required)]
    failure_reason: Option<String>,
    #[schema(value_type = i64, minimum = 0)]
    refund_amount: Money,
    #[schema(required)]
    refund_reason: Option<String>,
    #[schema(format = DateTime)]
    expires_at: String,
    #[schema(required, format = DateTime)]
    paid_at: Option<String>,
    #[schema(required, format = DateTime)]
    refunded_at: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl PaymentBody {
    fn new(payment: &Payment, user_id: &str) -> PaymentBody {
        PaymentBody {
            id: payment.id.to_string(),
            payment_no: payment.payment_no.to_string(),
            order_id: payment.order_id.to_string(),
            user_id: user_id.to_owned(),
            method: payment.method().as_str(),
            product: payment.product.as_str(),
            amount: payment.amount,
            currency: "CNY",
            status: payment.status().as_str(),
            transaction_id: payment.transaction_id.clone(),
            payment_url: payment.prompt.clone(),
            failure_reason: payment.failure_reason.clone(),
            refund_amount: payment.refunded,
            refund_reason: payment.refund_reason.clone(),
            expires_at: rfc3339(payment.expires_at),
            paid_at: payment.paid_at.map(rfc3339),
            refunded_at: payment.refunded_at.map(rfc3339),
            created_at: rfc3339(payment.created_at),
            updated_at: rfc3339(payment.updated_at),
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartPaymentBody {
    order_id: String,
    /// `wechat` or `alipay`.
    method: String,
    /// `native` for WeChat, `qr` for Alipay: the defaults.
    product: Option<String>,
    /// When sent, it must be the order's.
    #[schema(value_type = Option<i64>, minimum = 1)]
    amount: Option<Money>,
    return_url: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QueryPayment {
    payment_no: String,
}

impl StartPaymentBody {
    fn check(self, services: &Services) -> Result<StartPayment, Problem> {
        let method = Method::parse(&self.method)
            .ok_or_else(|| Problem::invalid("method", "must be wechat, alipay or balance"))?;
        let product = match self.product.as_deref() {
            None => method.default_product(),
            Some(word) => Product::parse(word)
                .filter(|product| product.method() == method)
                .ok_or_else(|| Problem::invalid("product", format!("is not a product of {method}")))?,
        };
        let gateway = method
            .channel()
            .and_then(|channel| services.gateways.get(channel));
        let Some(gateway) = gateway else {
            return Err(Problem::invalid(
                "method",
                format!("{method} cannot be used to pay here"),
            ));
        };
        if !gateway.offers(product) {
            return Err(Problem::invalid(
                "product",
                format!("{} is not offered here", product.as_str()),
            ));
        }
        // Codes are scanned on another device, so nobody is sent back; it is checked like the order's all the same.
        self.return_url.map(parse_return_url).transpose()?;
        let order_id = OrderId::parse(&self.order_id).ok_or_else(Problem::not_found)?;
        Ok(StartPayment {
            order_id,
            product,
            amount: self.amount,
        })
    }
}

#[utoipa::path(
    post, path = "/api/billing/payments", tag = "payments",
    operation_id = "start_payment", request_body = StartPaymentBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 201, body = PaymentBody, description = "It is new"),
        (status = 200, body = PaymentBody, description = "The open payment of the same method"),
        (status = "4XX", body = ErrorBody, description = "Refused; nothing was changed"),
        (status = "5XX", body = ErrorBody, description = "Not done, or not known to be done"),
    ),
)]
pub async fn start(State(web): State<Web>, call: Call<StartPaymentBody>) -> Result<Response, Problem> {
    let start = call.body.check(&web.services)?;
    let user_id = find_order(&web.services, &start.order_id).await?.user_id;
    let writer = created(move |payment: &Payment| PaymentBody::new(payment, &user_id));
    let once = call.promise.once(&writer);
    let made = to_the_end(async move { start_payment(&web.services, start, once).await }).await?;
    Ok(answer(made, &writer))
}

#[utoipa::path(
    get, path = "/api/billing/payments", tag = "payments",
    operation_id = "list_payments",
    params(
        ("orderId" = Option<String>, Query), ("status" = Option<String>, Query), ("method" = Option<String>, Query),
        ("userId" = Option<String>, Query),
        ("limit" = Option<u32>, Query, description = "1 to 100, default 20"), ("cursor" = Option<String>, Query),
    ),
    responses(
        (status = 200, body = PageBody<PaymentBody>, description = "Newest first"),
        (status = "4XX", body = ErrorBody, description = "Refused; nothing was changed"),
        (status = "5XX", body = ErrorBody, description = "Not done, or not known to be done"),
    ),
)]
pub async fn list(
    State(web): State<Web>,
    RawQuery(query): RawQuery,
) -> Result<Json<PageBody<PaymentBody>>, Problem> {
    let mut parameters = Parameters::parse(query.as_deref())?;
    let filter = PaymentFilter {
        order_id: parameters.text("orderId")?,
        status: parameters.parsed("status", "is not a status of a payment", PaymentStatus::parse)?,
        method: parameters.parsed("method", "must be wechat, alipay or balance", Method::parse)?,
        user_id: parameters.text("userId")?,
        limit: parameters.limit()?,
        cursor: parameters.cursor(PaymentId::is_made_by_us)?,
    };
    parameters.finish()?;
    let page = list_payments(&web.services, filter).await?;
    Ok(Json(PageBody {
        data: page
            .data
            .iter()
            .map(|(payment, user_id)| PaymentBody::new(payment, user_id))
            .collect(),
        next_cursor: page.next_cursor,
    }))
}

#[utoipa::path(
    get, path = "/api/billing/payments/{id}", tag = "payments",
    operation_id = "show_payment", params(("id" = String, Path)),
    responses(
        (status = 200, body = PaymentBody, description = "The payment"),
        (status = "4XX", body = ErrorBody, description = "Refused; nothing was changed"),
        (status = "5XX", body = ErrorBody, description = "Not done, or not known to be done"),
    ),
)]
pub async fn show(State(web): State<Web>, Id(id): Id) -> Result<Json<PaymentBody>, Problem> {
    let id = PaymentId::parse(&id).ok_or_else(Problem::not_found)?;
    let (payment, order) = find_payment(&web.services, &id).await?;
    Ok(Json(PaymentBody::new(&payment, &order.user_id)))
}

#[utoipa::path(
    post, path = "/api/billing/payments/query", tag = "payments",
    operation_id = "query_payment", request_body = QueryPayment,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 200, body = PaymentBody, description = "The payment"),
        (status = "4XX", body = ErrorBody, description = "Refused; nothing was changed"),
        (status = "5XX", body = ErrorBody, description = "Not done, or not known to be done"),
    ),
)]
pub async fn query(State(web): State<Web>, call: Call<QueryPayment>) -> Result<Response, Problem> {
    let payment_no = PaymentNo::parse(&call.body.payment_no).ok_or_else(Problem::not_found)?;
    // The answer names the payer, whom only the order knows.
    let (_, order) = find_payment_by_number(&web.services, &payment_no).await?;
    let writer = changed(move |payment: &Payment| PaymentBody::new(payment, &order.user_id));
    let (services, once) = (web.services.clone(), call.promise.once(&writer));
    let made = to_the_end(async move { query_payment(&services, &payment_no, once).await }).await?;
    Ok(answer(made, &writer))
}
