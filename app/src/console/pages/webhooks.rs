//! Webhook endpoints, their deliveries, and one delivery with every byte that was sent and answered.

use domain::{EndpointId, EventType};
use leptos::prelude::*;
use payments::Page;
use payments::console::EndpointState;
use payments::webhook::{Delivery, Endpoint, EndpointStatus};

use super::fields::{TextField, once_field, refusal, text_field};
use super::parts::{
    Column::{Figures, Text},
    choice, empty, fact, heading, input, panel, table,
};
use crate::console::{ConsoleContext, format};
use crate::i18n::ConsoleWords;

/// `secret`: one that this request made, shown only once.
pub fn webhooks(context: &ConsoleContext, endpoints: &[EndpointState], secret: Option<&str>) -> AnyView {
    let words = context.words();
    let secret = secret.map(|secret| {
        let content = view! {
            <p>{words.webhook_secret_once}</p>
            <p><code class="reference" data-testid="webhook-secret">{secret.to_owned()}</code></p>
        };
        panel(words.webhook_secret, content.into_any())
    });
    let rows: Vec<AnyView> = endpoints
        .iter()
        .map(|state| render_endpoint_row(words, state))
        .collect();
    let columns = [
        Text(words.webhook_url),
        Text(words.webhook_events),
        Text(words.status),
        Figures(words.deliveries_pending),
        Figures(words.deliveries_failed),
        Text(words.created_at),
    ];
    let list = if rows.is_empty() {
        empty(words.nothing_yet)
    } else {
        table(words.webhooks, &columns, rows)
    };
    view! {
        {heading(words.webhooks, ().into_any())}
        {secret}
        {panel(words.webhooks, list)}
        {panel(words.make_webhook, render_endpoint_form(context))}
    }
    .into_any()
}

fn render_endpoint_row(words: &'static ConsoleWords, state: &EndpointState) -> AnyView {
    let endpoint = &state.endpoint;
    view! {
        <tr>
            <td><a class="reference" href=format!("/admin/webhooks/{}", endpoint.id)>{endpoint.url.clone()}</a></td>
            <td class="reference">{endpoint.events.words().join(" ")}</td>
            <td>{render_status_badge(words, endpoint.status)}</td>
            <td class="amount-cell num">{state.n_pending}</td>
            <td class="amount-cell num">{state.n_failed}</td>
            <td>{format::time(endpoint.created_at)}</td>
        </tr>
    }
    .into_any()
}

fn render_status_badge(words: &'static ConsoleWords, status: EndpointStatus) -> AnyView {
    match status {
        EndpointStatus::Enabled => format::badge("ok", words.webhook_enabled),
        EndpointStatus::Disabled => format::badge("neutral", words.webhook_disabled),
    }
}

fn render_endpoint_form(context: &ConsoleContext) -> AnyView {
    let words = context.words();
    let typed = context.typed("/admin/webhooks");
    let labels = [
        ("url", words.webhook_url),
        ("description", words.webhook_description),
    ];
    let url = TextField {
        kind: "url",
        hint: Some("https://"),
        ..TextField::line("url", words.webhook_url, "2048")
    };
    let description = TextField::line("description", words.webhook_description, "256").optional();
    let kinds = EventType::ALL.iter().map(|kind| {
        view! {
            <label class="check">
                <input type="checkbox" name=kind.as_str() checked=typed.is_ticked(kind.as_str(), false)/>
                <span class="reference">{kind.as_str()}</span>
            </label>
        }
    });
    view! {
        <p class="panel__text">{words.make_webhook_text}</p>
        {refusal(context, typed, &labels)}
        <form class="form" method="post" action="/admin/webhooks">
            {once_field(context)}
            {text_field(context, typed, url)}
            {text_field(context, typed, description)}
            <details>
                <summary>{words.webhook_choose_events}</summary>
                {kinds.collect_view()}
            </details>
            <button class="act act--primary">{words.make_webhook}</button>
        </form>
    }
    .into_any()
}

/// One endpoint with its log of deliveries.
pub fn webhook(context: &ConsoleContext, endpoint: &Endpoint, status: &str, page: Page<Delivery>) -> AnyView {
    let words = context.words();
    let base = format!("/admin/webhooks/{}", endpoint.id);
    let facts = vec![
        fact(words.webhook_url, format::reference(&endpoint.url)),
        fact(
            words.webhook_events,
            format::reference(&endpoint.events.words().join(" ")),
        ),
        fact(words.status, render_status_badge(words, endpoint.status)),
        fact(
            words.webhook_description,
            endpoint
                .description
                .clone()
                .unwrap_or_else(|| "–".to_owned())
                .into_any(),
        ),
        fact(
            words.webhook_failing_since,
            format::maybe_time(endpoint.failing_since),
        ),
        fact(
            words.webhook_overlap_until,
            format::maybe_time(endpoint.previous_until),
        ),
        fact(words.created_at, format::time(endpoint.created_at)),
    ];
    view! {
        {heading(words.webhook, render_endpoint_acts(words, &base, endpoint.status))}
        {panel(words.facts, view! { <dl class="facts">{facts}</dl> }.into_any())}
        {panel(words.replay_events, render_replay_form(words, &base))}
        {panel(words.deliveries, render_deliveries(words, &base, status, page))}
    }
    .into_any()
}

fn render_endpoint_acts(words: &'static ConsoleWords, base: &str, status: EndpointStatus) -> AnyView {
    let (next, label) = match status {
        EndpointStatus::Enabled => ("disabled", words.turn_off),
        EndpointStatus::Disabled => ("enabled", words.turn_on),
    };
    view! {
        <form method="post" action=format!("{base}/test")><button class="act">{words.test_webhook}</button></form>
        <form method="post" action=format!("{base}/status")>
            <input type="hidden" name="status" value=next/>
            <button class="act">{label}</button>
        </form>
        <a class="act" href=format!("{base}/rotate-secret")>{words.rotate_secret}</a>
        <a class="act act--bad" href=format!("{base}/delete")>{words.delete_webhook}</a>
    }
    .into_any()
}

fn render_replay_form(words: &'static ConsoleWords, base: &str) -> AnyView {
    view! {
        <p class="panel__text">{words.replay_events_text}</p>
        <form class="form form--row" method="post" action=format!("{base}/replay")>
            {input("from", words.from_day, "date", "")}
            {input("to", words.to_day, "date", "")}
            <button class="act">{words.replay_events}</button>
        </form>
    }
    .into_any()
}

fn render_deliveries(
    words: &'static ConsoleWords,
    base: &str,
    status: &str,
    page: Page<Delivery>,
) -> AnyView {
    let options =
        ["pending", "succeeded", "failed"].map(|word| (word, delivery_word(words, word), word == status));
    let next = page.next_cursor.map(|cursor| {
        view! { <a class="act" href=format!("{base}?status={status}&cursor={cursor}") rel="next">{words.older}</a> }
    });
    let rows: Vec<AnyView> = page
        .data
        .iter()
        .map(|delivery| render_delivery_row(words, base, delivery))
        .collect();
    let columns = [
        Text(words.event),
        Text(words.status),
        Figures(words.delivery_attempts),
        Text(words.delivery_answer),
        Figures(words.delivery_ms),
        Text(words.delivery_next),
    ];
    let list = if rows.is_empty() {
        empty(words.nothing_yet)
    } else {
        table(words.deliveries, &columns, rows)
    };
    view! {
        <form class="form form--row" method="get" action=base.to_owned()>
            {choice("status", words.status, words.any, &options)}
            <button class="act">{words.search}</button>
        </form>
        {list}
        {next}
    }
    .into_any()
}

fn delivery_word(words: &'static ConsoleWords, status: &str) -> &'static str {
    match status {
        "succeeded" => words.delivery_succeeded,
        "failed" => words.delivery_failed,
        _ => words.delivery_pending,
    }
}

pub(super) fn delivery_badge(words: &'static ConsoleWords, status: &str) -> AnyView {
    let tone = match status {
        "succeeded" => "ok",
        "failed" => "bad",
        _ => "neutral",
    };
    format::badge(tone, delivery_word(words, status))
}

fn render_delivery_row(words: &'static ConsoleWords, base: &str, delivery: &Delivery) -> AnyView {
    let answer = match (delivery.response_status, &delivery.error) {
        (Some(status), _) => status.to_string(),
        (None, Some(error)) => error.clone(),
        (None, None) => "–".to_owned(),
    };
    view! {
        <tr>
            <td><a class="reference" href=format!("{base}/deliveries/{}", delivery.event_id)>{delivery.event_id.clone()}</a></td>
            <td>{delivery_badge(words, &delivery.status)}</td>
            <td class="amount-cell num">{delivery.attempt}</td>
            <td>{answer}</td>
            <td class="amount-cell num">{delivery.duration_ms}</td>
            <td>{format::maybe_time(delivery.next_attempt_at)}</td>
        </tr>
    }
    .into_any()
}

/// One delivery, byte by byte. `body` is what its next attempt sends, and what the last one sent.
pub fn delivery(context: &ConsoleContext, id: &EndpointId, delivery: Delivery, body: String) -> AnyView {
    let words = context.words();
    let action = format!("/admin/webhooks/{id}/deliveries/{}/redeliver", delivery.event_id);
    let acts = view! {
        <a class="act" href=format!("/admin/webhooks/{id}")>{words.webhook}</a>
        <form method="post" action=action><button class="act">{words.redeliver}</button></form>
    };
    let facts = vec![
        fact(words.event, format::reference(&delivery.event_id)),
        fact(words.status, delivery_badge(words, &delivery.status)),
        fact(words.delivery_attempts, delivery.attempt.to_string().into_any()),
        fact(
            words.delivery_error,
            delivery.error.unwrap_or_else(|| "–".to_owned()).into_any(),
        ),
        fact(words.delivery_last, format::maybe_time(delivery.attempted_at)),
        fact(words.delivery_next, format::maybe_time(delivery.next_attempt_at)),
    ];
    let request = format!("{}\n{body}", delivery.request.unwrap_or_default());
    let answer = delivery.response_status.map(|status| {
        format!(
            "{status}\n{}\n{}",
            delivery.response_headers.unwrap_or_default(),
            delivery.response_body.unwrap_or_default()
        )
    });
    view! {
        {heading(words.delivery, acts.into_any())}
        {panel(words.facts, view! { <dl class="facts">{facts}</dl> }.into_any())}
        {panel(words.delivery_request, view! { <pre class="message__text">{request}</pre> }.into_any())}
        {answer.map(|text| {
            panel(words.delivery_answer, view! { <pre class="message__text">{text}</pre> }.into_any())
        })}
    }
    .into_any()
}
