//! One order: facts at the side, its timeline in the middle, actions at the top.

use domain::{OrderId, OrderState, Payment, Refund, RefundState};
use leptos::prelude::*;
use payments::console::{OrderFile, Permission, ShippingUpload, UploadEnd, UploadState};
use url::form_urlencoded::byte_serialize;

use super::live::{LiveState, render_live};
use super::parts::{
    Column::{Figures, Text},
    empty, fact, heading, panel, table,
};
use super::payment_links::checkout_link;
use super::timeline::timeline;
use crate::console::columns::product_word;
use crate::console::sentences::translate;
use crate::console::{ConsoleContext, format};
use crate::i18n::fill;
use crate::view::money;

/// The list that an order was opened from: its filters, and its neighbours there with the filters that each is opened with.
#[derive(Debug)]
pub struct OrderPlace {
    pub list: String,
    pub newer: Option<(OrderId, String)>,
    pub older: Option<(OrderId, String)>,
}

pub fn order(
    context: &ConsoleContext,
    file: &OrderFile,
    place: Option<&OrderPlace>,
    live: Option<LiveState>,
) -> AnyView {
    let words = context.words();
    let title = format!("{} {}", words.order, file.order.order_no);
    let path = format!("/admin/orders/{}", file.order.id);
    // A page that loads itself again would lose what is being written.
    let is_writable = !matches!(live, Some(LiveState::On(_)));
    let pause = context
        .may(Permission::Handle)
        .then_some(context.language.list_words().live_pause);
    view! {
        {place.map(|place| render_place(context, place))}
        {heading(&title, render_acts(context, file))}
        {live.map(|state| render_live(context, state, &path, pause))}
        <div class="record">
            <div class="record__main">
                {panel(words.payments, render_payments(context, file))}
                {panel(words.refunds, render_refunds(context, file))}
                {panel(words.postings, render_postings(context, file))}
                {panel(words.timeline, timeline(context, file))}
                {is_writable.then(|| render_notes(context, file)).flatten()}
            </div>
            <div class="record__side">
                {checkout_link(context, &file.order)}
                {panel(words.facts, render_facts(context, file))}
            </div>
        </div>
    }
    .into_any()
}

/// Back to the list, and on to its next order.
fn render_place(context: &ConsoleContext, place: &OrderPlace) -> AnyView {
    let texts = context.language.list_words();
    let link = |neighbour: &Option<(OrderId, String)>, name: &'static str, rel: &'static str| {
        neighbour.as_ref().map(|(id, list)| {
            let list: String = byte_serialize(list.as_bytes()).collect();
            view! { <a class="act" href=format!("/admin/orders/{id}?list={list}") rel=rel>{name}</a> }
        })
    };
    view! {
        <nav class="acts" aria-label=texts.back_to_list>
            <a class="act" href=format!("/admin/orders?{}", place.list)>{texts.back_to_list}</a>
            {link(&place.newer, texts.newer_order, "prev")}
            {link(&place.older, texts.older_order, "next")}
        </nav>
    }
    .into_any()
}

/// Actions that are possible now.
fn render_acts(context: &ConsoleContext, file: &OrderFile) -> AnyView {
    let words = context.words();
    let is_askable = context.may(Permission::Handle) && !file.payments.is_empty();
    let ask = is_askable.then(|| {
        view! {
            <form method="post" action=format!("/admin/orders/{}/ask", file.order.id)>
                <button class="act">{words.ask_gateway}</button>
            </form>
        }
    });
    let refunds: Vec<_> = file
        .payments
        .iter()
        .filter(|payment| format::left_of(payment).is_some_and(|left| !left.is_zero()))
        .filter(|_| context.may(Permission::RequestRefund))
        .map(|payment| {
            view! { <a class="act" href=format!("/admin/payments/{}/refund", payment.id)>{words.refund}</a> }
        })
        .collect();
    let support = context.may(Permission::ReadMessages).then(|| {
        let path = format!("/admin/orders/{}/support.txt", file.order.id);
        view! { <a class="act" href=path download>{words.support_text}</a> }
    });
    let receipt = file.order.paid_at.map(|_| {
        let path = format!("/checkout/{}/receipt", file.order.token);
        view! { <a class="act" href=path target="_blank" rel="noopener">{context.language.list_words().receipt}</a> }
    });
    view! {
        {format::order_status(file.order.status(), words)}
        {receipt}
        {support}
        {ask}
        {refunds}
    }
    .into_any()
}

fn render_facts(context: &ConsoleContext, file: &OrderFile) -> AnyView {
    let (words, order) = (context.words(), &file.order);
    let text = |text: &str| text.to_owned().into_any();
    let mut facts = vec![
        fact(words.amount, text(&money::text(order.amount))),
        fact(words.returned, text(&money::text(order.refunded))),
        fact(words.subject_of_order, text(&order.subject)),
        fact(words.user, text(&order.user_id)),
        fact(words.order_no, format::reference(order.order_no.as_str())),
        fact(words.id, format::reference(order.id.as_str())),
        fact(words.created_at, format::time(order.created_at)),
        fact(
            words.paid_at,
            format::maybe_time(order.paid_at.map(|at| at.max(order.created_at))),
        ),
    ];
    if order.state == OrderState::Open {
        facts.push(fact(words.expires_at, format::time(order.expires_at)));
    }
    if let Some(reason) = &order.cancel_reason {
        facts.push(fact(words.reason, format::reason(reason, words)));
    }
    if let Some(metadata) = &order.metadata {
        facts.push(fact(words.metadata, format::reference(metadata)));
    }
    view! { <dl class="facts">{facts}</dl> }.into_any()
}

fn render_payments(context: &ConsoleContext, file: &OrderFile) -> AnyView {
    let words = context.words();
    if file.payments.is_empty() {
        return empty(words.no_payments);
    }
    let columns = [
        Text(words.payment_no),
        Text(words.method),
        Figures(words.amount),
        Text(words.status),
        Text(words.transaction),
        Figures(words.left),
    ];
    let rows = file
        .payments
        .iter()
        .map(|payment| render_payment_row(context, file, payment))
        .collect();
    table(words.payments, &columns, rows)
}

/// State of the shipping information that WeChat is told of a payment in a mini program.
fn render_upload(context: &ConsoleContext, upload: &ShippingUpload) -> AnyView {
    let words = context.language.list_words();
    let (text, time) = match upload.state {
        UploadState::Waiting(at) if upload.detail.is_some() => (words.upload_failed, at),
        UploadState::Waiting(at) => (words.upload_waiting, at),
        UploadState::Ended(UploadEnd::Done, at) => (words.upload_done, at),
        UploadState::Ended(UploadEnd::Refunded, at) => (words.upload_refunded, at),
        UploadState::Ended(UploadEnd::GivenUp, at) => (words.upload_given_up, at),
    };
    let text = fill(text, &[("time", &payments::beijing(time))]);
    let detail = upload
        .detail
        .as_deref()
        .map(|detail| translate(detail, context.language));
    view! {
        <div class="small">{text}</div>
        {detail.map(|detail| view! { <div class="small">{detail}</div> })}
    }
    .into_any()
}

fn render_payment_row(context: &ConsoleContext, file: &OrderFile, payment: &Payment) -> AnyView {
    let words = context.words();
    let left = format::left_of(payment);
    let left = left.map(money::text);
    let upload = file
        .uploads
        .iter()
        .find(|upload| upload.payment_id == payment.id.as_str())
        .map(|upload| render_upload(context, upload));
    view! {
        <tr>
            <td class="reference">{payment.payment_no.to_string()} <div class="small">{format::time(payment.created_at)}</div></td>
            <td>{format::method(payment.method(), words)} " · " {product_word(payment.product, context.file_texts())}</td>
            <td class="amount-cell num">{money::text(payment.amount)}</td>
            <td>
                {format::state_of_payment(payment, words)}
                {upload}
            </td>
            <td class="reference">{payment.transaction_id.clone()}</td>
            <td class="amount-cell num">{left}</td>
        </tr>
    }
    .into_any()
}

fn render_refunds(context: &ConsoleContext, file: &OrderFile) -> AnyView {
    let words = context.words();
    if file.refunds.is_empty() {
        return empty(words.no_refunds);
    }
    let columns = [
        Text(words.refund_no),
        Figures(words.amount),
        Text(words.reason),
        Text(words.status),
        Text(words.gateway_refund),
        Text(words.finished_at),
    ];
    let rows = file
        .refunds
        .iter()
        .map(|refund| render_refund_row(context, refund))
        .collect();
    table(words.refunds, &columns, rows)
}

fn render_refund_row(context: &ConsoleContext, refund: &Refund) -> AnyView {
    let words = context.words();
    let needs_help = matches!(refund.state, RefundState::Failed | RefundState::Stuck);
    let act = (needs_help && context.may(Permission::RequestRefund)).then(|| {
        view! {
            <form method="post" action=format!("/admin/refunds/{}/retry", refund.id)>
                <button class="act">{words.retry}</button>
            </form>
        }
    });
    view! {
        <tr>
            <td class="reference">{refund.refund_no.to_string()} <div class="small">{format::time(refund.created_at)}</div></td>
            <td class="amount-cell num">{money::text(refund.amount)}</td>
            <td>{refund.reason.clone()}</td>
            <td>
                {format::state_of_refund(refund, words)}
            </td>
            <td class="reference">{refund.gateway_refund_id.clone()}</td>
            <td>{format::maybe_time(refund.finished_at.map(|at| at.max(refund.created_at)))} {act}</td>
        </tr>
    }
    .into_any()
}

fn render_postings(context: &ConsoleContext, file: &OrderFile) -> AnyView {
    let words = context.words();
    if file.postings.is_empty() {
        return empty(words.no_postings);
    }
    let columns = [
        Text(words.when),
        Text(words.act),
        Text(words.from_account),
        Text(words.to_account),
        Figures(words.amount),
    ];
    let rows = file
        .postings
        .iter()
        .map(|posting| {
            view! {
                <tr>
                    <td>{format::time(posting.at)}</td>
                    <td>{format::entry_kind(posting.kind, words)}</td>
                    <td class="reference">{posting.from.clone()}</td>
                    <td class="reference">{posting.to.clone()}</td>
                    <td class="amount-cell num">{money::text(posting.amount)}</td>
                </tr>
            }
            .into_any()
        })
        .collect();
    table(words.postings, &columns, rows)
}

fn render_notes(context: &ConsoleContext, file: &OrderFile) -> Option<AnyView> {
    let words = context.words();
    context.may(Permission::Handle).then(|| {
        let form = view! {
            <form class="form" method="post" action=format!("/admin/orders/{}/notes", file.order.id)>
                <label class="field">
                    <span class="field__label">{words.note}</span>
                    <textarea class="field__input field__text" name="text" maxlength="2000" rows="3" required></textarea>
                </label>
                <p><button class="act">{words.write_note}</button></p>
            </form>
        };
        panel(words.note, form.into_any())
    })
}
