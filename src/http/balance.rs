//! Balances over HTTP.

mod wire;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::Order;
use payments::views::{BalanceView, EntryView, OrderView};
use payments::{Entry, adjust_balance, find_balance, list_entries, top_up};

use self::wire::{AdjustBalance, TopUpBalance, parse_cursor};
use super::api::{Call, Id, PageBody, answer, created, to_the_end};
use super::auth::Caller;
use super::error::Problem;
use super::orders::check_return_host;
use super::parameters::Parameters;
use super::web::Web;

#[utoipa::path(
    get, path = "/api/billing/balance/{userId}", tag = "balance",
    operation_id = "show_balance", summary = "Read the balance of a user",
    params(("userId" = String, Path)),
    responses((status = 200, body = BalanceView, description = "What the user has; somebody unknown has nothing")),
)]
pub async fn show(State(web): State<Web>, Id(user_id): Id) -> Result<Json<BalanceView>, Problem> {
    let balance = find_balance(&web.services, &user_id).await?;
    Ok(Json(BalanceView::new(&balance)))
}

#[utoipa::path(
    get, path = "/api/billing/balance/{userId}/entries", tag = "balance",
    operation_id = "list_balance_entries", summary = "List the changes of a balance",
    params(
        ("userId" = String, Path),
        ("limit" = Option<u32>, Query, description = "1 to 100, default 20"), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = PageBody<EntryView>, description = "Newest first")),
)]
pub async fn entries(
    State(web): State<Web>,
    Id(user_id): Id,
    RawQuery(query): RawQuery,
) -> Result<Json<PageBody<EntryView>>, Problem> {
    let mut parameters = Parameters::parse(query.as_deref())?;
    let limit = parameters.limit()?;
    let before = parameters.parsed("cursor", "must be nextCursor of the page before", parse_cursor)?;
    parameters.finish()?;
    let page = list_entries(&web.services, &user_id, before, limit).await?;
    Ok(Json(PageBody {
        data: page.data.iter().map(EntryView::new).collect(),
        next_cursor: page.next_cursor,
    }))
}

#[utoipa::path(
    post, path = "/api/billing/balance/{userId}/adjust", tag = "balance",
    operation_id = "adjust_balance", summary = "Credit or debit a user",
    request_body = AdjustBalance,
    description = "Gives money to a user or takes it away. It needs a key with the scope `refund`: money that goes out \
        is a right of its own.",
    params(
        ("userId" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters"),
    ),
    responses(
        (status = 201, body = EntryView, description = "It is new"),
        (status = 200, body = EntryView, description = "The adjustment with this number and content was made before"),
    ),
)]
pub async fn adjust(
    State(web): State<Web>,
    caller: Caller,
    Id(user_id): Id,
    call: Call<AdjustBalance>,
) -> Result<Response, Problem> {
    let writer = created(EntryView::new);
    let idempotency = call.promise.idempotency(&writer);
    let adjustment = call.body.of(user_id, caller.requester());
    let made =
        to_the_end(async move { adjust_balance(&web.services, adjustment, idempotency).await }).await?;
    Ok(answer::<Entry>(made, &writer))
}

#[utoipa::path(
    post, path = "/api/billing/balance/{userId}/topup", tag = "balance",
    operation_id = "top_up_balance", summary = "Order a top-up of a balance",
    request_body = TopUpBalance,
    params(
        ("userId" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters"),
    ),
    responses(
        (status = 201, body = OrderView, description = "An order whose payment fills the balance"),
        (status = 200, body = OrderView, description = "It was there already"),
    ),
)]
pub async fn fill(
    State(web): State<Web>,
    Id(user_id): Id,
    call: Call<TopUpBalance>,
) -> Result<Response, Problem> {
    let site = web.site.clone();
    let writer = created(move |order: &Order| OrderView::new(order, site.public_url.as_str()));
    let idempotency = call.promise.idempotency(&writer);
    let new = call.body.check(user_id)?;
    check_return_host(&web, new.return_url.as_deref())?;
    let made = to_the_end(async move { top_up(&web.services, new, idempotency).await }).await?;
    Ok(answer(made, &writer))
}
