//! The page before an act that cannot be undone: what it is about, what it does, and the way back.

use domain::Money;
use leptos::prelude::*;
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

/// Optional reason of an act.
pub fn reason_field(context: &ConsoleContext) -> AnyView {
    let reason = TextField::line("reason", context.words().reason, "100").optional();
    text_field(context, context.typed(""), reason)
}
