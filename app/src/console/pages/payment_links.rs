//! Payment links: the list with a form, one link with its code, and the plate to print.

use domain::{Order, OrderState, Timestamp};
use leptos::prelude::*;
use payments::console::{LinkFile, Permission};
use payments::{LinkState, PaymentLink};

use super::fields::{TextField, refusal, text_field};
use super::parts::{
    Column::{Figures, Text},
    empty, fact, heading, panel, table,
};
use crate::console::{ConsoleContext, format};
use crate::i18n::LinkWords;
use crate::view::money;

/// Address that the payers open.
fn link_address(context: &ConsoleContext, link: &PaymentLink) -> String {
    format!("{}/pay/{}", context.site.public_url, link.token)
}

pub fn payment_links(context: &ConsoleContext, links: &[PaymentLink], now: Timestamp) -> AnyView {
    let (words, texts) = (context.words(), context.language.link_words());
    let rows: Vec<AnyView> = links.iter().map(|link| render_row(context, link, now)).collect();
    let columns = [
        Text(words.subject_of_order),
        Figures(words.amount),
        Figures(texts.link_paid),
        Figures(texts.link_left),
        Text(words.expires_at),
        Text(words.status),
        Text(words.created_at),
    ];
    let list = if rows.is_empty() {
        empty(words.nothing_yet)
    } else {
        table(texts.payment_links, &columns, rows)
    };
    let may_make = context.may(Permission::MakeOrders);
    view! {
        {heading(texts.payment_links, ().into_any())}
        <p class="panel__text">{texts.payment_links_text}</p>
        {panel(texts.payment_links, list)}
        {may_make.then(|| panel(texts.link_make, render_link_form(context)))}
        {may_make.then(|| panel(texts.order_make, render_order_form(context)))}
    }
    .into_any()
}

fn render_row(context: &ConsoleContext, link: &PaymentLink, now: Timestamp) -> AnyView {
    let texts = context.language.link_words();
    view! {
        <tr>
            <td><a href=format!("/admin/payment-links/{}", link.id)>{link.subject.clone()}</a></td>
            <td class="amount-cell num">{amount_of(link, texts)}</td>
            <td class="amount-cell num">{link.n_paid}</td>
            <td class="amount-cell num">{link.left().map(|left| left.to_string())}</td>
            <td>{format::maybe_time(link.expires_at)}</td>
            <td>{render_state(link.state(now), texts)}</td>
            <td>{format::time(link.created_at)} <div class="small">{link.created_by.clone()}</div></td>
        </tr>
    }
    .into_any()
}

fn amount_of(link: &PaymentLink, texts: &'static LinkWords) -> String {
    link.amount
        .map_or_else(|| texts.link_open_amount.to_owned(), money::text)
}

fn render_state(state: LinkState, texts: &'static LinkWords) -> AnyView {
    match state {
        LinkState::Open => format::badge("ok", texts.link_open),
        LinkState::SoldOut => format::badge("neutral", texts.link_sold_out),
        LinkState::Reserved => format::badge("info", texts.link_reserved),
        LinkState::Expired => format::badge("neutral", texts.link_expired),
        LinkState::Closed => format::badge("neutral", texts.link_closed),
    }
}

pub fn payment_link(context: &ConsoleContext, file: &LinkFile, now: Timestamp) -> AnyView {
    let (words, link) = (context.words(), &file.link);
    let texts = context.language.link_words();
    let address = link_address(context, link);
    let acts = view! {
        {render_state(link.state(now), texts)}
        <a class="act" href=format!("/admin/payment-links/{}/plate", link.id)>{texts.link_plate}</a>
    };
    let is_closable = link.closed_at.is_none() && context.may(Permission::MakeOrders);
    let close = is_closable.then(|| {
        let path = format!("/admin/payment-links/{}/close", link.id);
        let ask = view! { <p><a class="act act--bad" href=path data-action="close-link">{texts.link_close}</a></p> };
        panel(texts.link_end, ask.into_any())
    });
    let facts = [
        fact(words.amount, amount_of(link, texts).into_any()),
        fact(texts.link_paid, link.n_paid.into_any()),
        fact(texts.link_being_paid, link.n_open.into_any()),
        fact(
            texts.link_left,
            link.left().map(|left| left.to_string()).into_any(),
        ),
        fact(words.expires_at, format::maybe_time(link.expires_at)),
        fact(words.created_at, format::time(link.created_at)),
    ];
    view! {
        {heading(&link.subject, acts.into_any())}
        <div class="record">
            <div class="record__main">
                {panel(texts.link_orders, render_orders(context, &file.orders))}
                {close}
            </div>
            <div class="record__side">
                {panel(texts.link_address, code(context, &address))}
                {panel(words.facts, view! { <dl class="facts">{facts.into_iter().collect_view()}</dl> }.into_any())}
            </div>
        </div>
    }
    .into_any()
}

fn render_orders(context: &ConsoleContext, orders: &[Order]) -> AnyView {
    let (words, texts) = (context.words(), context.language.link_words());
    if orders.is_empty() {
        return empty(words.nothing_yet);
    }
    let rows = orders.iter().map(|order| {
        view! {
            <tr>
                <td><a class="reference" href=format!("/admin/orders/{}", order.id)>{order.order_no.to_string()}</a></td>
                <td class="amount-cell num">{money::text(order.amount)}</td>
                <td>{format::order_status(order.status(), words)}</td>
                <td>{format::time(order.created_at)}</td>
            </tr>
        }
        .into_any()
    });
    let columns = [
        Text(words.order_no),
        Figures(words.amount),
        Text(words.status),
        Text(words.created_at),
    ];
    table(texts.link_orders, &columns, rows.collect())
}

/// An address that can be copied, and its code.
pub fn code(context: &ConsoleContext, address: &str) -> AnyView {
    let texts = context.language.link_words();
    let drawn = context.site.codes.draw(address).map(|qr| {
        view! {
            <svg
                class="plate__code"
                viewBox=format!("0 0 {0} {0}", qr.side)
                shape-rendering="crispEdges"
                role="img"
                aria-label=texts.link_code
            >
                <path fill="#000" d=qr.path></path>
            </svg>
        }
    });
    view! {
        <label class="field">
            <span class="field__label">{texts.link_copy}</span>
            <input class="field__input reference" readonly data-testid="address" value=address.to_owned()/>
        </label>
        {drawn}
    }
    .into_any()
}

/// A page for a desk, a poster or a table: one code for both wallets.
pub fn plate(context: &ConsoleContext, link: &PaymentLink) -> AnyView {
    let texts = context.language.link_words();
    let address = link_address(context, link);
    let drawn = context.site.codes.draw(&address).map(|qr| {
        view! {
            <svg class="plate__code" viewBox=format!("0 0 {0} {0}", qr.side) shape-rendering="crispEdges" role="img" aria-label=texts.link_code>
                <path fill="#000" d=qr.path></path>
            </svg>
        }
    });
    let amount = link
        .amount
        .map(|amount| view! { <p class="plate__amount num">{money::text(amount)}</p> });
    view! {
        <div class="plate">
            <p class="plate__merchant">{context.site.merchant.clone()}</p>
            <h1 class="plate__subject">{link.subject.clone()}</h1>
            {amount}
            {drawn}
            <p class="plate__scan">{texts.plate_scan}</p>
        </div>
        <p class="plate__hint">{texts.plate_hint}</p>
    }
    .into_any()
}

/// Optional whole number from 1 to `most`.
const fn number_field(name: &'static str, label: &'static str, most: &'static str) -> TextField {
    TextField {
        mode: Some("numeric"),
        ..TextField::line(name, label, most).optional()
    }
}

fn render_link_form(context: &ConsoleContext) -> AnyView {
    let (words, texts) = (context.words(), context.language.link_words());
    let typed = context.typed("/admin/payment-links");
    let fields = [
        TextField::line("subject", words.subject_of_order, "127"),
        TextField {
            hint: Some("9.90"),
            ..TextField::amount("amount", texts.link_amount_hint).optional()
        },
        number_field("stock", texts.link_stock_hint, "7"),
        TextField {
            kind: "date",
            most: None,
            ..TextField::line("expires", texts.link_expires_hint, "").optional()
        },
    ];
    let labels = fields.map(|field| (field.name, field.label));
    view! {
        {refusal(context, typed, &labels)}
        <form class="form" method="post" action="/admin/payment-links">
            {fields.map(|field| text_field(context, typed, field)).into_iter().collect_view()}
            <button class="act act--primary" data-action="make-link">{texts.link_make}</button>
        </form>
    }
    .into_any()
}

fn render_order_form(context: &ConsoleContext) -> AnyView {
    let (words, texts) = (context.words(), context.language.link_words());
    let typed = context.typed("/admin/orders");
    let fields = [
        TextField::line("subject", words.subject_of_order, "127"),
        TextField {
            hint: Some("9.90"),
            ..TextField::amount("amount", words.amount)
        },
        TextField::line("user", texts.order_for, "64"),
        number_field("minutes", texts.order_minutes, "5"),
    ];
    let labels = fields.map(|field| (field.name, field.label));
    view! {
        <p class="panel__text">{texts.order_make_text}</p>
        {refusal(context, typed, &labels)}
        <form class="form" method="post" action="/admin/orders">
            {fields.map(|field| text_field(context, typed, field)).into_iter().collect_view()}
            <button class="act act--primary" data-action="make-order">{texts.order_make}</button>
        </form>
    }
    .into_any()
}

/// The checkout link of an order that can be paid, to be sent again, and the way to close the order.
pub fn checkout_link(context: &ConsoleContext, order: &Order) -> AnyView {
    let texts = context.language.link_words();
    if order.state != OrderState::Open {
        return ().into_any();
    }
    let address = format!("{}/checkout/{}", context.site.public_url, order.token);
    let close = context.may(Permission::MakeOrders).then(|| {
        let path = format!("/admin/orders/{}/close", order.id);
        view! { <p><a class="act act--bad" href=path data-action="close-order">{texts.order_close}</a></p> }
    });
    let content = view! { {code(context, &address)} {close} };
    panel(texts.checkout_link, content.into_any())
}
