//! Refunds over HTTP.

mod wire;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::{PaymentId, Refund, RefundId};
use payments::views::RefundView;
use payments::{RefundFilter, find_payment, find_refund, list_all_refunds, list_refunds, request_refund};

use self::wire::RequestRefund;
use super::api::{Call, Id, PageBody, accepted, answer, to_the_end};
use super::auth::Caller;
use super::error::Problem;
use super::parameters::Parameters;
use super::web::Web;

fn payment_id(text: &str) -> Result<PaymentId, Problem> {
    PaymentId::parse(text).ok_or_else(Problem::not_found)
}

#[utoipa::path(
    post, path = "/api/billing/payments/{id}/refund", tag = "refunds",
    operation_id = "request_refund", summary = "Refund a payment",
    description = "202 means that it is durable, not that the money is back. It needs a key with the scope `refund`.",
    request_body = RequestRefund,
    params(
        ("id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters"),
    ),
    responses(
        (status = 202, body = RefundView, description = "Accepted: it is sent to the gateway, and not done yet"),
        (status = 200, body = RefundView, description = "The refund with this number and content, as it stands"),
    ),
)]
pub async fn request(
    State(web): State<Web>,
    caller: Caller,
    Id(id): Id,
    call: Call<RequestRefund>,
) -> Result<Response, Problem> {
    // The answer names the order, which only the payment knows.
    let (payment, _) = find_payment(&web.services, &payment_id(&id)?).await?;
    let order_id = payment.order_id;
    let writer = accepted(move |refund: &Refund| RefundView::new(refund, &order_id));
    let idempotency = call.promise.idempotency(&writer);
    let request = call.body.of(payment.id, caller.requester());
    let made = to_the_end(async move { request_refund(&web.services, request, idempotency).await }).await?;
    Ok(answer(made, &writer))
}

#[utoipa::path(
    get, path = "/api/billing/payments/{id}/refunds", tag = "refunds",
    operation_id = "list_refunds", summary = "List the refunds of a payment",
    params(("id" = String, Path)),
    responses((status = 200, body = PageBody<RefundView>, description = "All of them, newest first, on one page")),
)]
pub async fn list(State(web): State<Web>, Id(id): Id) -> Result<Json<PageBody<RefundView>>, Problem> {
    let (payment, _) = find_payment(&web.services, &payment_id(&id)?).await?;
    let refunds = list_refunds(&web.services, &payment.id).await?;
    Ok(Json(PageBody {
        data: refunds
            .iter()
            .map(|refund| RefundView::new(refund, &payment.order_id))
            .collect(),
        // A payment has few refunds, so there is no pagination.
        next_cursor: None,
    }))
}

#[utoipa::path(
    get, path = "/api/billing/refunds/{id}", tag = "refunds",
    operation_id = "show_refund", summary = "Read a refund",
    params(("id" = String, Path)),
    responses((status = 200, body = RefundView, description = "The refund")),
)]
pub async fn show(State(web): State<Web>, Id(id): Id) -> Result<Json<RefundView>, Problem> {
    let id = RefundId::parse(&id).ok_or_else(Problem::not_found)?;
    let (refund, payment) = find_refund(&web.services, &id).await?;
    Ok(Json(RefundView::new(&refund, &payment.order_id)))
}

#[utoipa::path(
    get, path = "/api/billing/refunds", tag = "refunds",
    operation_id = "list_all_refunds", summary = "List refunds",
    params(
        ("paymentId" = Option<String>, Query), ("orderId" = Option<String>, Query), ("status" = Option<String>, Query),
        ("createdFrom" = Option<String>, Query, description = "RFC 3339, inclusive"),
        ("createdTo" = Option<String>, Query, description = "RFC 3339, exclusive"),
        ("updatedFrom" = Option<String>, Query, description = "RFC 3339, inclusive"),
        ("updatedTo" = Option<String>, Query, description = "RFC 3339, exclusive"),
        ("sort" = Option<String>, Query, description = "`updated`: oldest change first"),
        ("limit" = Option<u32>, Query, description = "1 to 100, default 20"), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = PageBody<RefundView>, description = "Newest first")),
)]
pub async fn list_all(
    State(web): State<Web>,
    RawQuery(query): RawQuery,
) -> Result<Json<PageBody<RefundView>>, Problem> {
    let mut parameters = Parameters::parse(query.as_deref())?;
    let changes = parameters.changes()?;
    let filter = RefundFilter {
        payment_id: parameters.text("paymentId")?,
        order_id: parameters.text("orderId")?,
        state: parameters.parsed("status", "is not a status of a refund", RefundView::parse_status)?,
        created_from: parameters.time("createdFrom")?,
        created_to: parameters.time("createdTo")?,
        changes,
        limit: parameters.limit()?,
        cursor: parameters.cursor_of_changes(changes.order, RefundId::is_made_by_us)?,
    };
    parameters.finish()?;
    let page = list_all_refunds(&web.services, filter).await?;
    Ok(Json(PageBody {
        data: page
            .data
            .iter()
            .map(|listed| RefundView::new(&listed.refund, &listed.order_id))
            .collect(),
        next_cursor: page.next_cursor,
    }))
}
