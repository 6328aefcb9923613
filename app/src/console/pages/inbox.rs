//! The inbox of notifications.

use domain::Channel;
use leptos::prelude::*;
use payments::Page;
use payments::console::{KeptNotification, Permission};

use super::parts::{Column::Text, empty, fact, heading, panel, table};
use crate::console::{ConsoleContext, format};

pub fn inbox(context: &ConsoleContext, page: Page<KeptNotification>) -> AnyView {
    let words = context.words();
    let is_empty = page.data.is_empty();
    let next = page.next_cursor.map(|cursor| {
        let cursor: String = url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
        view! { <a class="act" href=format!("/admin/callbacks?cursor={cursor}") rel="next">{words.older}</a> }
    });
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
        <section class="panel">
            {if is_empty { empty(words.nothing_yet) } else { table(words.callbacks, &columns, rows) }}
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
