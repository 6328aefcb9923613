//! The page before an act that cannot be undone: what it is about, what it does, and the way back.

use domain::{Method, Money};
use leptos::prelude::*;
use payments::Adjustment;
use payments::users::Role;

use super::fields::{TextField, once_field, text_field};
use super::parts::{fact, heading};
use crate::components::icons;
use crate::console::{ConsoleContext, format};
use crate::view::money;

/// An act that a person confirms.
#[derive(Debug)]
pub struct Question {
    pub title: String,
    pub effect: String,
    pub facts: Vec<(&'static str, String)>,
    /// Address that the act is sent to.
    pub action: String,
    pub button: &'static str,
    /// Page that the person comes from.
    pub back: String,
    /// Whether the act takes something away.
    pub is_loss: bool,
}

/// `fields` are further fields of the act.
pub fn question(context: &ConsoleContext, question: Question, fields: AnyView) -> AnyView {
    let words = context.form_words();
    let facts: Vec<_> = question
        .facts
        .into_iter()
        .map(|(name, value)| fact(name, value.into_any()))
        .collect();
    let button = if question.is_loss {
        "button button--danger"
    } else {
        "button button--primary"
    };
    view! {
        {heading(&question.title, ().into_any())}
        <section class="panel panel--narrow" data-question="true">
            <dl class="facts">{facts}</dl>
            <p class="notice notice--warn">{icons::warning()} <span>{question.effect}</span></p>
            <p><a class="act" href=question.back>{words.keep}</a></p>
            <form class="form" method="post" action=question.action>
                {once_field(context)}
                {fields}
                <button class=button>{question.button}</button>
            </form>
        </section>
    }
    .into_any()
}

pub fn amount_text(amount: Money) -> String {
    money::text(amount)
}

pub fn role_name(context: &ConsoleContext, role: Role) -> &'static str {
    format::role(role, context.words())
}

/// Change of a balance, with its sign.
pub fn change_text(fen: i64) -> String {
    format::change(fen)
}

/// The same as it can be typed into the form.
pub fn plain_change(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let amount = Money::from_fen(fen.saturating_abs()).map_or_else(|_| String::new(), Money::to_yuan);
    format!("{sign}{amount}")
}

pub fn sum_text(fen: i64) -> String {
    format::sum(fen)
}

pub fn method_name(context: &ConsoleContext, method: Method) -> &'static str {
    format::method(method, context.words())
}

/// Fields of an adjustment, which its question sends on.
pub fn adjustment_fields(adjustment: &Adjustment) -> AnyView {
    view! {
        <input type="hidden" name="user" value=adjustment.user_id.clone()/>
        <input type="hidden" name="number" value=adjustment.number.clone()/>
        <input type="hidden" name="amount" value=plain_change(adjustment.change.fen())/>
        <input type="hidden" name="note" value=adjustment.note.clone()/>
    }
    .into_any()
}

/// Reason without which an act is refused.
pub fn required_reason_field(context: &ConsoleContext, most: &'static str) -> AnyView {
    let reason = TextField::line("reason", context.words().reason, most);
    text_field(context, context.typed(""), reason)
}

/// Optional reason of an act.
pub fn reason_field(context: &ConsoleContext) -> AnyView {
    let reason = TextField::line("reason", context.words().reason, "100").optional();
    text_field(context, context.typed(""), reason)
}
