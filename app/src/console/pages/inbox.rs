//! The inbox of notifications.

use domain::Channel;
use leptos::prelude::*;
use payments::Page;
use payments::console::{KeptNotification, NotificationOutcome, Permission};

use super::parts::{Column::Text, choice, empty, fact, heading, panel, table};
use crate::console::{ConsoleContext, format};

/// `outcome` is the filter as typed.
pub fn inbox(context: &ConsoleContext, outcome: &str, page: Page<KeptNotification>) -> AnyView {
    let (words, texts) = (context.words(), context.language.list_words());
    let is_empty = page.data.is_empty();
    let next = page.next_cursor.map(|cursor| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("outcome", outcome)
            .append_pair("cursor", &cursor)
            .finish();
        view! { <a class="act" href=format!("/admin/callbacks?{query}") rel="next">{words.older}</a> }
    });
    let outcomes = NotificationOutcome::ALL.map(|known| {
        let name = match known {
            NotificationOutcome::Applied => texts.outcome_applied,
            NotificationOutcome::Problem => texts.outcome_problem,
        };
        (known.as_str(), name, outcome == known.as_str())
    });
    let nothing = if outcome.is_empty() {
        words.nothing_yet
    } else {
        texts.no_callback_fits
    };
    let rows = page
        .data
        .iter()
        .map(|notification| render_row(context, notification))
        .collect();
    let columns = [
        Text(words.when),
        Text(words.method),
        Text(words.verdict),
        Text(words.payment_no),
        Text(words.id),
    ];
    view! {
        {heading(words.callbacks, ().into_any())}
        <form class="panel form form--row" method="get" action="/admin/callbacks">
            {choice("outcome", texts.outcome, words.any, &outcomes)}
            <button class="act act--primary">{words.search}</button>
        </form>
        <p class="panel__text">{texts.forged_are_counted}</p>
        <section class="panel">
            {if is_empty { empty(nothing) } else { table(words.callbacks, &columns, rows) }}
            {next}
        </section>
    }
    .into_any()
}

fn render_row(context: &ConsoleContext, notification: &KeptNotification) -> AnyView {
    let words = context.words();
    let number = notification.payment_no.clone();
    let payment = match &notification.order_id {
        Some(id) => view! { <a class="reference" href=format!("/admin/orders/{id}")>{number}</a> }.into_any(),
        None => format::reference(&number),
    };
    view! {
        <tr>
            <td>{format::time(notification.received_at)}</td>
            <td>{format::method(notification.channel.method(), words)}</td>
            <td>{format::verdict(&notification.verdict, words).to_owned()}</td>
            <td>{payment}</td>
            <td><a class="reference" href=path_of_notification(notification.channel, &notification.id)>{notification.id.clone()}</a></td>
        </tr>
    }
    .into_any()
}

/// Address of a notification. A gateway chooses its id, so it is escaped.
pub fn path_of_notification(channel: Channel, id: &str) -> String {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("/admin/callbacks/{}/{}", channel.as_str(), id.replace('+', "%20"))
}

/// `inside` is the decrypted content.
pub fn notification(
    context: &ConsoleContext,
    notification: &KeptNotification,
    inside: Option<String>,
) -> AnyView {
    let words = context.words();
    let order = notification.order_id.as_ref().map(|id| {
        view! { <a class="act" href=format!("/admin/orders/{id}")>{words.open_order}</a> }
    });
    let replay = context.may(Permission::Handle).then(|| {
        let action = format!(
            "{}/replay",
            path_of_notification(notification.channel, &notification.id)
        );
        view! { <form method="post" action=action><button class="act">{words.replay}</button></form> }
    });
    let facts = vec![
        fact(
            words.method,
            format::method(notification.channel.method(), words).into_any(),
        ),
        fact(
            words.verdict,
            format::verdict(&notification.verdict, words)
                .to_owned()
                .into_any(),
        ),
        fact(words.payment_no, format::reference(&notification.payment_no)),
        fact(words.id, format::reference(&notification.id)),
        fact(words.when, format::time(notification.received_at)),
    ];
    view! {
        {heading(words.callback, view! { {order} {replay} }.into_any())}
        {panel(words.facts, view! { <dl class="facts">{facts}</dl> }.into_any())}
        {panel(words.message, view! { <pre class="message__text">{notification.masked()}</pre> }.into_any())}
        {inside.map(|text| {
            panel(words.message_inside, view! { <pre class="message__text">{text}</pre> }.into_any())
        })}
    }
    .into_any()
}
