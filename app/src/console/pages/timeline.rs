//! Timeline of an order, oldest first, each event with its cause: as a list, and as a text for support.

use domain::Timestamp;
use leptos::prelude::*;
use payments::console::{Event, GatewayCall, OrderFile, Permission, RequestedBy};

use crate::console::{ConsoleContext, format, incident_text};
use crate::i18n::{ConsoleWords, fill};
use crate::view::money;

/// One event: a dot of its kind, a sentence, and its cause.
struct Entry {
    kind: &'static str,
    sentence: String,
    detail: Option<String>,
    cause: String,
    /// The gateway's message verbatim, for people with the permission to read it.
    message: Option<String>,
}

pub fn timeline(context: &ConsoleContext, file: &OrderFile) -> AnyView {
    let words = context.words();
    let entries: Vec<_> = file
        .timeline()
        .into_iter()
        .map(|(at, event)| {
            let entry = dated_entry(context, event, at);
            view! {
                <li class="timeline__entry" data-kind=entry.kind>
                    <p class="timeline__sentence">{entry.sentence}</p>
                    {entry.detail.map(|detail| view! { <p class="timeline__detail">{detail}</p> })}
                    <p class="timeline__cause">{format::time(at)} " · " {entry.cause}</p>
                    {entry.message.filter(|_| context.may(Permission::ReadMessages)).map(|text| view! {
                        <details class="message">
                            <summary>{words.message}</summary>
                            <pre class="message__text">{text}</pre>
                        </details>
                    })}
                </li>
            }
        })
        .collect();
    view! { <ol class="timeline">{entries}</ol> }.into_any()
}

/// The timeline for a support request: plain text with every message, masked. It leaves the company, so it names neither the
/// user nor any member of staff.
pub fn support_text(context: &ConsoleContext, file: &OrderFile) -> String {
    let (words, order) = (context.words(), &file.order);
    let mut text = format!(
        "{} {} ({})\n{} · {}\n",
        words.order,
        order.order_no,
        order.id,
        money::text(order.amount),
        format::order_status_name(order.status(), words),
    );
    let is_public = |(_, event): &(Timestamp, Event)| {
        !matches!(event, Event::Noted(_) | Event::Done(_) | Event::Resolved(_))
    };
    for (at, event) in file.timeline().into_iter().filter(is_public) {
        let entry = dated_entry(context, without_people(event), at);
        let head = format!("{}  {} · {}", payments::rfc3339(at), entry.sentence, entry.cause);
        let more = [entry.detail, entry.message];
        text.push_str(&format!("\n{head}\n"));
        for line in more.iter().flatten().flat_map(|part| part.lines()) {
            text.push_str(&format!("    {line}\n"));
        }
    }
    text.replace(&format!("user:{}", order.user_id), "user:••••")
}

/// Removes the names of staff from an event; an API key stays.
fn without_people(event: Event<'_>) -> Event<'_> {
    match event {
        Event::RefundAsked(refund, Some(RequestedBy::Person(_))) => Event::RefundAsked(refund, None),
        Event::OrderCancelled(order, Some(RequestedBy::Person(_))) => Event::OrderCancelled(order, None),
        event => event,
    }
}

/// The entry, with the time that the gateway gave where it is another one.
fn dated_entry(context: &ConsoleContext, event: Event<'_>, at: Timestamp) -> Entry {
    let words = context.words();
    let mut entry = entry(event, words);
    if let Event::Raised(incident) = event {
        entry.detail = Some(incident_text::detail(incident, context.language));
    }
    let other_time = event
        .gateway_time()
        .map(payments::beijing)
        .filter(|time| *time != payments::beijing(at));
    if let Some(time) = other_time {
        let line = fill(context.language.list_words().gateway_time, &[("time", &time)]);
        let lines: Vec<String> = entry.detail.take().into_iter().chain([line]).collect();
        entry.detail = Some(lines.join("\n"));
    }
    entry
}

fn plain_entry(kind: &'static str, sentence: String, cause: &str) -> Entry {
    Entry {
        kind,
        sentence,
        detail: None,
        cause: cause.to_owned(),
        message: None,
    }
}

fn entry(event: Event<'_>, words: &'static ConsoleWords) -> Entry {
    match event {
        Event::Called(call) => call_entry(call, words),
        Event::Ordered(order) => {
            let amount = money::text(order.amount);
            plain_entry(
                "neutral",
                fill(words.event_ordered, &[("amount", &amount)]),
                words.cause_merchant,
            )
        }
        Event::OrderPaid(_) => plain_entry("ok", words.event_order_paid.to_owned(), words.cause_rule),
        Event::OrderCancelled(order, by) => Entry {
            detail: order
                .cancel_reason
                .as_deref()
                .map(|reason| format::reason_text(reason, words).to_owned()),
            ..plain_entry(
                "neutral",
                words.event_order_cancelled.to_owned(),
                &by.map_or_else(|| words.cause_rule.to_owned(), |by| format::requester(by, words)),
            )
        },
        Event::PaymentStarted(_) | Event::PaymentPaid(_) | Event::PaymentEnded(_) => {
            payment_entry(event, words)
        }
        Event::Notification(notification) => {
            let verdict = format::verdict(&notification.verdict, words);
            let sentence = fill(words.event_notification, &[("verdict", verdict)]);
            Entry {
                detail: Some(notification.id.clone()),
                message: Some(notification.masked()),
                ..plain_entry(
                    "info",
                    sentence,
                    format::method(notification.channel.method(), words),
                )
            }
        }
        Event::Posted(posting) => {
            let amount = money::text(posting.amount);
            let values = [
                ("amount", amount.as_str()),
                ("from", &posting.from),
                ("to", &posting.to),
                ("kind", format::entry_kind(posting.kind, words)),
            ];
            plain_entry("neutral", fill(words.event_posted, &values), words.cause_books)
        }
        Event::RefundAsked(..) | Event::RefundEnded(_) => refund_entry(event, words),
        Event::Raised(_) | Event::Resolved(_) | Event::Noted(_) | Event::Done(_) => {
            person_entry(event, words)
        }
    }
}

fn payment_entry(event: Event<'_>, words: &'static ConsoleWords) -> Entry {
    match event {
        Event::PaymentStarted(payment) => {
            let method = format::method(payment.method(), words);
            let number = payment.payment_no.as_str();
            let sentence = fill(
                words.event_payment_started,
                &[("method", method), ("number", number)],
            );
            plain_entry("info", sentence, words.cause_payer)
        }
        Event::PaymentPaid(payment) => {
            let (amount, number) = (money::text(payment.amount), payment.payment_no.as_str());
            let sentence = fill(
                words.event_payment_paid,
                &[("amount", &amount), ("number", number)],
            );
            Entry {
                detail: payment.transaction_id.clone(),
                ..plain_entry("ok", sentence, format::method(payment.method(), words))
            }
        }
        Event::PaymentEnded(payment) => {
            let number = payment.payment_no.as_str();
            Entry {
                detail: payment.failure_reason.clone(),
                ..plain_entry(
                    "neutral",
                    fill(words.event_payment_ended, &[("number", number)]),
                    words.cause_rule,
                )
            }
        }
        _ => unreachable!("only payments come here"),
    }
}

fn refund_entry(event: Event<'_>, words: &'static ConsoleWords) -> Entry {
    let (Event::RefundAsked(refund, _) | Event::RefundEnded(refund)) = event else {
        unreachable!("only refunds come here");
    };
    let (amount, number) = (money::text(refund.amount), refund.refund_no.as_str());
    let values = [("amount", amount.as_str()), ("number", number)];
    if let Event::RefundAsked(_, by) = event {
        return Entry {
            kind: "warn",
            sentence: fill(words.event_refund_asked, &values),
            detail: Some(refund.reason.clone()),
            cause: by.map_or_else(
                || words.cause_merchant.to_owned(),
                |by| format::requester(by, words),
            ),
            message: None,
        };
    }
    let is_done = refund.failure_reason.is_none();
    Entry {
        kind: if is_done { "ok" } else { "bad" },
        sentence: fill(
            if is_done {
                words.event_refund_done
            } else {
                words.event_refund_failed
            },
            &values,
        ),
        detail: refund
            .failure_reason
            .clone()
            .or_else(|| refund.gateway_refund_id.clone()),
        cause: words.cause_gateway.to_owned(),
        message: None,
    }
}

/// A query with its answer; repeated equal ones are one entry.
fn call_entry(call: &GatewayCall, words: &'static ConsoleWords) -> Entry {
    let status = call.status.map(|status| status.to_string()).unwrap_or_default();
    let verdict = fill(format::call_verdict(call.verdict, words), &[("status", &status)]);
    let values = [
        ("method", format::method(call.channel.method(), words)),
        ("operation", format::operation(call.operation, words)),
        ("verdict", &verdict),
    ];
    let again = (call.n > 1).then(|| {
        let (n, time) = (call.n.to_string(), payments::beijing(call.last_at));
        fill(words.call_again, &[("n", &n), ("time", &time)])
    });
    let details: Vec<String> = call.reason.iter().cloned().chain(again).collect();
    let flash = [&call.request, &call.answer].map(String::as_str).join("\n\n");
    Entry {
        kind: if call.is_usual() { "neutral" } else { "warn" },
        sentence: fill(words.event_called, &values),
        detail: (!details.is_empty()).then(|| details.join("\n")),
        cause: format!("{} · {}", call.line, format::span(call.took)),
        message: Some(flash.trim().to_owned()).filter(|flash| !flash.is_empty()),
    }
}

fn person_entry(event: Event<'_>, words: &'static ConsoleWords) -> Entry {
    let entry = |kind, sentence: &str, detail: &str, cause: &str| Entry {
        detail: (!detail.is_empty()).then(|| detail.to_owned()),
        ..plain_entry(kind, sentence.to_owned(), cause)
    };
    match event {
        Event::Raised(incident) => {
            let name = format::incident(incident.kind, words);
            entry("bad", name, &incident.detail, words.cause_rule)
        }
        Event::Resolved(incident) => entry(
            "ok",
            words.event_resolved,
            incident.resolution.as_deref().unwrap_or_default(),
            incident.resolved_by.as_deref().unwrap_or_default(),
        ),
        Event::Noted(note) => entry("neutral", words.note, &note.text, &note.author),
        Event::Done(line) => entry(
            "neutral",
            format::action(&line.action, words),
            &line.detail,
            &line.actor,
        ),
        _ => unreachable!("only what people see and do comes here"),
    }
}
