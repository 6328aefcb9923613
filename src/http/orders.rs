//! Orders over HTTP.

mod wire;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::{Order, OrderId, OrderStatus};
use payments::api_keys::Scope;
use payments::views::OrderView;
use payments::{OrderFilter, cancel_order, create_order, find_order, list_orders};

use self::wire::{CancelOrder, CreateOrder};
use super::api::{Call, Id, PageBody, answer, changed, created, to_the_end};
use super::auth::Caller;
use super::error::Problem;
use super::parameters::Parameters;
use super::web::Web;

pub use self::wire::parse_return_url;

/// Checks a return URL against the hosts that the operator allows.
pub fn check_return_host(web: &Web, return_url: Option<&str>) -> Result<(), Problem> {
    let hosts = &web.site.page_settings.return_hosts;
    if return_url.is_none_or(|url| hosts.allow(url)) {
        Ok(())
    } else {
        Err(Problem::invalid(
            "returnUrl",
            "is on a host that RETURN_URL_HOSTS does not name",
        ))
    }
}

/// The order as a key may read it that need not have the scope `pay`.
fn for_reader(order: &Order, base: &str, caller: &Caller) -> OrderView {
    let view = OrderView::new(order, base);
    if caller.has(Scope::Pay) {
        view
    } else {
        view.without_checkout()
    }
}

fn order_id(text: &str) -> Result<OrderId, Problem> {
    OrderId::parse(text).ok_or_else(Problem::not_found)
}

#[utoipa::path(
    post, path = "/api/billing/orders", tag = "orders",
    operation_id = "create_order", summary = "Create an order",
    description = "The same `orderNo` with the same content is the same order; with other content 409 `order_no_reused`.",
    request_body = CreateOrder,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 201, body = OrderView, description = "It is new"),
        (status = 200, body = OrderView, description = "It was there already"),
    ),
)]
pub async fn create(State(web): State<Web>, call: Call<CreateOrder>) -> Result<Response, Problem> {
    let site = web.site.clone();
    let writer = created(move |order: &Order| OrderView::new(order, site.public_url.as_str()));
    let idempotency = call.promise.idempotency(&writer);
    let new = call.body.check()?;
    check_return_host(&web, new.return_url.as_deref())?;
    let made = to_the_end(async move { create_order(&web.services, new, idempotency).await }).await?;
    Ok(answer(made, &writer))
}

#[utoipa::path(
    get, path = "/api/billing/orders", tag = "orders",
    operation_id = "list_orders", summary = "List orders",
    params(
        ("status" = Option<String>, Query), ("userId" = Option<String>, Query), ("orderNo" = Option<String>, Query),
        ("createdFrom" = Option<String>, Query, description = "RFC 3339"),
        ("createdTo" = Option<String>, Query, description = "RFC 3339"),
        ("updatedFrom" = Option<String>, Query, description = "RFC 3339, inclusive"),
        ("updatedTo" = Option<String>, Query, description = "RFC 3339, exclusive"),
        ("sort" = Option<String>, Query, description = "`updated`: oldest change first"),
        ("limit" = Option<u32>, Query, description = "1 to 100, default 20"), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = PageBody<OrderView>, description = "Newest first")),
)]
pub async fn list(
    State(web): State<Web>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<PageBody<OrderView>>, Problem> {
    let mut parameters = Parameters::parse(query.as_deref())?;
    let changes = parameters.changes()?;
    let filter = OrderFilter {
        status: parameters.parsed("status", "is not a status of an order", OrderStatus::parse)?,
        user_id: parameters.text("userId")?,
        order_no: parameters.text("orderNo")?,
        created_from: parameters.time("createdFrom")?,
        created_to: parameters.time("createdTo")?,
        limit: parameters.limit()?,
        cursor: parameters.cursor_of_changes(changes.order, OrderId::is_made_by_us)?,
        changes,
    };
    parameters.finish()?;
    let page = list_orders(&web.services, filter).await?;
    let base = web.site.public_url.as_str();
    Ok(Json(PageBody {
        data: page
            .data
            .iter()
            .map(|order| for_reader(order, base, &caller))
            .collect(),
        next_cursor: page.next_cursor,
    }))
}

#[utoipa::path(
    get, path = "/api/billing/orders/{id}", tag = "orders",
    operation_id = "show_order", summary = "Read an order",
    params(("id" = String, Path)),
    responses((status = 200, body = OrderView, description = "The order")),
)]
pub async fn show(State(web): State<Web>, caller: Caller, Id(id): Id) -> Result<Json<OrderView>, Problem> {
    let order = find_order(&web.services, &order_id(&id)?).await?;
    Ok(Json(for_reader(&order, web.site.public_url.as_str(), &caller)))
}

#[utoipa::path(
    post, path = "/api/billing/orders/{id}/cancel", tag = "orders",
    operation_id = "cancel_order", summary = "Cancel an order",
    description = "Open payments are closed at the gateway first. If the gateway says that the payer has just paid: 409 `order_not_cancellable`, and the order is paid.",
    request_body = Option<CancelOrder>,
    params(
        ("id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters"),
    ),
    responses((status = 200, body = OrderView, description = "The order")),
)]
pub async fn cancel(
    State(web): State<Web>,
    caller: Caller,
    Id(id): Id,
    call: Call<CancelOrder>,
) -> Result<Response, Problem> {
    let site = web.site.clone();
    let writer = changed(move |order: &Order| OrderView::new(order, site.public_url.as_str()));
    let idempotency = call.promise.idempotency(&writer);
    let (id, reason) = (order_id(&id)?, call.body.reason);
    let made = to_the_end(async move {
        cancel_order(&web.services, &id, reason, &caller.requester(), idempotency).await
    })
    .await?;
    Ok(answer(made, &writer))
}
