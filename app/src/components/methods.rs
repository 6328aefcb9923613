//! Choice of a payment method: names in words beside neutral tiles, never a colour or a logo alone.

use domain::Method;
use leptos::prelude::*;

use super::forms::{ActionForm, HiddenChoices};
use super::icons;
use crate::context::request;
use crate::i18n::fill;
use crate::view::{CheckoutView, MethodChoice};

/// The gateway's own mark where the operator has put it in place; else a sign of ours, because marks are trademarks.
#[component]
fn Tile(method: Method) -> impl IntoView {
    let marks = request().site.theme.marks.clone();
    let (mark, icon) = match method {
        Method::Wechat => (marks.wechat, icons::chat()),
        Method::Alipay => (marks.alipay, icons::phone()),
        Method::Balance => (None, icons::purse()),
    };
    match mark {
        Some(path) => view! { <img class="tile" src=path alt="" width="40" height="40"/> }.into_any(),
        None => view! { <span class="tile" data-method=method.as_str() aria-hidden="true">{icon}</span> }
            .into_any(),
    }
}

/// Radio buttons and one submit button: moving between radios by arrow keys loads nothing.
#[component]
pub fn MethodForm(view: CheckoutView) -> impl IntoView {
    let words = view.words;
    let price = view.price();
    if view.methods.is_empty() {
        return ().into_any();
    }
    let rows = view
        .methods
        .clone()
        .into_iter()
        .map(|choice| view! { <MethodRow choice=choice/> });
    view! {
        <form class="methods" method="post" action="/ui/start_payment">
            <HiddenChoices view=view/>
            <fieldset class="methods__list">
                <legend class="visually-hidden">{words.method}</legend>
                {rows.collect_view()}
            </fieldset>
            <button class="button button--primary" data-action="pay">
                {fill(words.pay_amount, &[("amount", &price)])}
            </button>
        </form>
    }
    .into_any()
}

#[component]
fn MethodRow(choice: MethodChoice) -> impl IntoView {
    let word = choice.method.as_str();
    view! {
        <label class="method" data-method=word>
            <input class="method__radio" type="radio" name="method" value=word checked=choice.is_chosen required/>
            <Tile method=choice.method/>
            <span class="method__words">
                <span class="method__name">{choice.name}</span>
                <span class="method__help">{choice.help}</span>
            </span>
        </label>
    }
}

/// Every other method as one button, so that one tap switches.
#[component]
pub fn SwitchMethod(view: CheckoutView) -> impl IntoView {
    let words = view.words;
    let others: Vec<_> = view
        .methods
        .iter()
        .filter(|choice| !choice.is_current)
        .cloned()
        .collect();
    let buttons = others.into_iter().map(|choice| {
        let label = fill(words.use_other, &[("method", choice.name)]);
        view! {
            <button class="button button--tile" data-action="switch" name="method" value=choice.method.as_str()>
                <Tile method=choice.method/>
                {label}
            </button>
        }
    });
    let buttons = buttons.collect_view();
    view! { <ActionForm view=view action="/ui/start_payment">{buttons}</ActionForm> }
}
