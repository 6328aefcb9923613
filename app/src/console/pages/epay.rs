//! Merchants of the epay protocol.

use domain::Timestamp;
use leptos::prelude::*;
use payments::epay::{KnownMerchant, NotificationRow};

use super::fields::{TextField, once_field, problem, refusal, text_field};
use super::parts::{Column::Text, empty, heading, panel, table};
use super::webhooks::delivery_badge;
use crate::components::icons;
use crate::console::{ConsoleContext, format};

/// View of the page.
#[derive(Debug)]
pub struct EpayView {
    pub is_on: bool,
    pub allows_refunds: bool,
    /// Base address that clients are configured with.
    pub public_url: String,
    pub merchants: Vec<KnownMerchant>,
    pub notifications: Vec<NotificationRow>,
    /// Names and values made by this request, shown only once.
    pub new: Vec<(&'static str, String)>,
}

pub fn epay(context: &ConsoleContext, view: EpayView) -> AnyView {
    let words = context.words();
    let new = (!view.new.is_empty()).then(|| {
        let lines = view.new.iter().map(|(name, value)| {
            view! {
                <p>
                    <span class="field__label">{*name}</span>
                    <br/>
                    <code class="reference" data-testid=*name>{value.clone()}</code>
                </p>
            }
        });
        let content = view! { <p>{words.key_once}</p> {lines.collect_view()} };
        panel(words.epay_new, content.into_any())
    });
    let rows: Vec<AnyView> = view
        .merchants
        .iter()
        .map(|merchant| render_row(context, merchant))
        .collect();
    let columns = [
        Text("pid"),
        Text(words.key_name),
        Text(words.epay_versions),
        Text(words.created_at),
        Text(words.acts),
    ];
    let list = if rows.is_empty() {
        empty(words.nothing_yet)
    } else {
        table(words.epay, &columns, rows)
    };
    view! {
        {heading(words.epay, ().into_any())}
        {new}
        {panel(words.epay_state, render_state(context, &view))}
        {panel(words.epay, list)}
        {panel(words.epay_notifications, render_notifications(context, &view.notifications))}
        {panel(words.epay_make, render_form(context))}
    }
    .into_any()
}

fn render_state(context: &ConsoleContext, view: &EpayView) -> AnyView {
    let words = context.words();
    let is_on = if view.is_on { words.epay_on } else { words.epay_off };
    let refunds = if view.allows_refunds {
        words.epay_refunds_on
    } else {
        words.epay_refunds_off
    };
    view! {
        <p>{is_on} " " <code class="reference">{view.public_url.clone()}"/"</code></p>
        <p>{refunds}</p>
        <p class="notice notice--warn">{icons::warning()} <span>{words.epay_md5}</span></p>
    }
    .into_any()
}

fn render_row(context: &ConsoleContext, merchant: &KnownMerchant) -> AnyView {
    let words = context.words();
    let path = format!("/admin/epay/{}", merchant.pid);
    let acts = match merchant.disabled_at {
        Some(at) => view! {
            {format::badge("neutral", words.epay_disabled)} " " {format::time(at)}
            <form method="post" action=format!("{path}/enable")>
                <button class="act">{words.epay_enable}</button>
            </form>
        }
        .into_any(),
        None => view! {
            <div class="acts">
                <a class="act" href=format!("{path}/rotate")>{words.epay_rotate}</a>
                <a class="act act--bad" href=format!("{path}/disable")>{words.epay_disable}</a>
            </div>
        }
        .into_any(),
    };
    let versions = if merchant.has_public_key { "V1 + V2" } else { "V1" };
    view! {
        <tr>
            <td class="num">{merchant.pid.to_string()}</td>
            <td>{merchant.name.clone()}</td>
            <td>
                {versions}
                <details>
                    <summary>"platform_public_key"</summary>
                    <code class="reference">{merchant.platform_public_key.clone()}</code>
                </details>
            </td>
            <td>{format::time(merchant.created_at)}</td>
            <td>{acts}</td>
        </tr>
    }
    .into_any()
}

fn render_notifications(context: &ConsoleContext, rows: &[NotificationRow]) -> AnyView {
    let words = context.words();
    if rows.is_empty() {
        return empty(words.nothing_yet);
    }
    let rows = rows.iter().map(|row| render_notification(context, row)).collect();
    let columns = [
        Text(words.epay_order),
        Text("notify_url"),
        Text(words.status),
        Text(words.epay_answer),
        Text(words.epay_next),
        Text(words.acts),
    ];
    table(words.epay_notifications, &columns, rows)
}

fn render_notification(context: &ConsoleContext, row: &NotificationRow) -> AnyView {
    let words = context.words();
    let answer = row.response_status.map_or_else(
        || row.error.clone().unwrap_or_default(),
        |status| format!("{status} {}", row.response_body.as_deref().unwrap_or_default()),
    );
    view! {
        <tr>
            <td>
                <a class="reference" href=format!("/admin/orders/{}", row.order_id)>{row.out_trade_no.clone()}</a>
                " (" {row.pid} ")"
            </td>
            <td class="reference">{row.notify_url.clone()}</td>
            <td>{delivery_badge(words, &row.status)} " (" {row.attempt} ")"</td>
            <td class="reference">{answer}</td>
            <td>{format::maybe_time(row.due_at.map(Timestamp::from_millis))}</td>
            <td>
                <form method="post" action=format!("/admin/epay/notifications/{}/send", row.order_id)>
                    <button class="act">{words.epay_send_again}</button>
                </form>
            </td>
        </tr>
    }
    .into_any()
}

fn render_form(context: &ConsoleContext) -> AnyView {
    let words = context.words();
    let typed = context.typed("/admin/epay");
    let labels = [("name", words.key_name), ("public_key", words.epay_public_key)];
    let is_refused = typed.problem_of("public_key").is_some();
    view! {
        <p class="panel__text">{words.epay_make_text}</p>
        {refusal(context, typed, &labels)}
        <form class="form" method="post" action="/admin/epay">
            {once_field(context)}
            {text_field(context, typed, TextField::line("name", words.key_name, "100"))}
            <label class="field">
                <span class="field__label">{words.epay_public_key}</span>
                <textarea
                    class="field__input reference"
                    name="public_key"
                    rows="3"
                    aria-invalid=is_refused.then_some("true")
                >{typed.value("public_key").to_owned()}</textarea>
                {problem(context, typed, "public_key")}
            </label>
            <button class="act act--primary">{words.epay_make}</button>
        </form>
    }
    .into_any()
}
