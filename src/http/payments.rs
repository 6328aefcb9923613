//! Payments over HTTP.

mod wire;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::{Method, Payment, PaymentId, PaymentNo, PaymentStatus};
use payments::api_keys::Scope;
use payments::views::{PaymentOwner, PaymentView};
use payments::{
    PaymentFilter, Services, find_order, find_payment, find_payment_by_number, list_payments, query_payment,
    start_payment,
};

pub use self::wire::ALIPAY_RETURN_URL_BYTES;
use self::wire::{QueryPayment, StartPaymentBody};
use super::api::{Call, Id, PageBody, answer, changed, created, to_the_end};
use super::auth::Caller;
use super::error::Problem;
use super::orders::check_return_host;
use super::parameters::Parameters;
use super::web::Web;

/// The payment as a key may read it that need not have the scope `pay`.
fn for_reader(web: &Web, payment: &Payment, owner: &PaymentOwner, caller: &Caller) -> PaymentView {
    if caller.has(Scope::Pay) {
        for_payer(&web.services, payment, owner)
    } else {
        PaymentView::new(payment, owner).without_checkout(owner)
    }
}

/// View of a payment for a program that passes its parameters to a wallet.
fn for_payer(services: &Services, payment: &Payment, owner: &PaymentOwner) -> PaymentView {
    let parameters = services.gateways.client_parameters(payment);
    PaymentView::new(payment, owner).with_client_parameters(parameters)
}

#[utoipa::path(
    post, path = "/api/billing/payments", tag = "payments",
    operation_id = "start_payment", summary = "Start a payment of an order",
    description = "The same method while an open payment is valid: that payment. Another method: the open one is closed at its gateway first.",
    request_body = StartPaymentBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 201, body = PaymentView, description = "It is new"),
        (status = 200, body = PaymentView, description = "The open payment of the same method"),
    ),
)]
pub async fn start(State(web): State<Web>, call: Call<StartPaymentBody>) -> Result<Response, Problem> {
    let mut start = call.body.check(&web.services, call.peer)?;
    check_return_host(&web, start.return_url.as_deref())?;
    let order = find_order(&web.services, &start.order_id).await?;
    let owner = PaymentOwner::new(&order, web.site.public_url.as_str());
    start
        .return_url
        .get_or_insert_with(|| owner.checkout_url().to_owned());
    let services = web.services.clone();
    let writer = created(move |payment: &Payment| for_payer(&services, payment, &owner));
    let idempotency = call.promise.idempotency(&writer);
    let made = to_the_end(async move { start_payment(&web.services, start, idempotency).await }).await?;
    Ok(answer(made, &writer))
}

#[utoipa::path(
    get, path = "/api/billing/payments", tag = "payments",
    operation_id = "list_payments", summary = "List payments",
    params(
        ("orderId" = Option<String>, Query), ("status" = Option<String>, Query), ("method" = Option<String>, Query),
        ("userId" = Option<String>, Query),
        ("updatedFrom" = Option<String>, Query, description = "RFC 3339, inclusive"),
        ("updatedTo" = Option<String>, Query, description = "RFC 3339, exclusive"),
        ("sort" = Option<String>, Query, description = "`updated`: oldest change first"),
        ("limit" = Option<u32>, Query, description = "1 to 100, default 20"), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = PageBody<PaymentView>, description = "Newest first")),
)]
pub async fn list(
    State(web): State<Web>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<PageBody<PaymentView>>, Problem> {
    let mut parameters = Parameters::parse(query.as_deref())?;
    let changes = parameters.changes()?;
    let filter = PaymentFilter {
        order_id: parameters.text("orderId")?,
        status: parameters.parsed("status", "is not a status of a payment", PaymentStatus::parse)?,
        method: parameters.parsed("method", "must be wechat, alipay or balance", Method::parse)?,
        user_id: parameters.text("userId")?,
        limit: parameters.limit()?,
        cursor: parameters.cursor_of_changes(changes.order, PaymentId::is_made_by_us)?,
        changes,
    };
    parameters.finish()?;
    let page = list_payments(&web.services, filter).await?;
    let public_url = web.site.public_url.as_str();
    Ok(Json(PageBody {
        data: page
            .data
            .iter()
            .map(|listed| {
                let owner = PaymentOwner::of_listed(listed, public_url);
                for_reader(&web, &listed.payment, &owner, &caller)
            })
            .collect(),
        next_cursor: page.next_cursor,
    }))
}

#[utoipa::path(
    get, path = "/api/billing/payments/{id}", tag = "payments",
    operation_id = "show_payment", summary = "Read a payment",
    params(("id" = String, Path)),
    responses((status = 200, body = PaymentView, description = "The payment")),
)]
pub async fn show(State(web): State<Web>, caller: Caller, Id(id): Id) -> Result<Json<PaymentView>, Problem> {
    let id = PaymentId::parse(&id).ok_or_else(Problem::not_found)?;
    let (payment, order) = find_payment(&web.services, &id).await?;
    let owner = PaymentOwner::new(&order, web.site.public_url.as_str());
    Ok(Json(for_reader(&web, &payment, &owner, &caller)))
}

#[utoipa::path(
    post, path = "/api/billing/payments/query", tag = "payments",
    operation_id = "query_payment", summary = "Ask the gateway about a payment",
    description = "At most once a second while the payment is not final; otherwise what is on record.",
    request_body = QueryPayment,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 200, body = PaymentView, description = "The payment")),
)]
pub async fn query(State(web): State<Web>, call: Call<QueryPayment>) -> Result<Response, Problem> {
    let payment_no = PaymentNo::parse(&call.body.payment_no).ok_or_else(Problem::not_found)?;
    // The answer names the payer, which only the order knows.
    let (_, order) = find_payment_by_number(&web.services, &payment_no).await?;
    let owner = PaymentOwner::new(&order, web.site.public_url.as_str());
    let services = web.services.clone();
    let writer = changed(move |payment: &Payment| for_payer(&services, payment, &owner));
    let (services, idempotency) = (web.services.clone(), call.promise.idempotency(&writer));
    let made = to_the_end(async move { query_payment(&services, &payment_no, idempotency).await }).await?;
    Ok(answer(made, &writer))
}
