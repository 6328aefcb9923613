//! Fields of forms that are shown again as they were typed, with the refused one named.

use leptos::prelude::*;

use super::parts::alert_line;
use crate::console::{ConsoleContext, TypedForm};
use crate::i18n::fill;

/// Input with its label above.
#[derive(Debug, Clone, Copy)]
pub struct TextField {
    pub name: &'static str,
    pub label: &'static str,
    /// `type` of the input.
    pub kind: &'static str,
    /// `autocomplete`, for password managers.
    pub complete: &'static str,
    /// `inputmode`, for the keyboard of a phone.
    pub mode: Option<&'static str>,
    pub most: Option<&'static str>,
    pub is_required: bool,
    pub hint: Option<&'static str>,
}

impl TextField {
    /// A required line of text.
    pub const fn line(name: &'static str, label: &'static str, most: &'static str) -> TextField {
        TextField {
            name,
            label,
            kind: "text",
            complete: "off",
            mode: None,
            most: Some(most),
            is_required: true,
            hint: None,
        }
    }

    /// A required amount in yuan.
    pub const fn amount(name: &'static str, label: &'static str) -> TextField {
        TextField {
            mode: Some("decimal"),
            ..TextField::line(name, label, "16")
        }
    }

    pub const fn password(name: &'static str, label: &'static str, complete: &'static str) -> TextField {
        TextField {
            kind: "password",
            complete,
            most: None,
            ..TextField::line(name, label, "")
        }
    }

    #[must_use]
    pub const fn optional(self) -> TextField {
        TextField {
            is_required: false,
            ..self
        }
    }
}

pub fn text_field(context: &ConsoleContext, typed: &TypedForm, field: TextField) -> AnyView {
    filled_field(context, typed, field, typed.value(field.name).to_owned())
}

/// The same with a value of its own, for a field that is filled in before anything was typed.
pub fn filled_field(context: &ConsoleContext, typed: &TypedForm, field: TextField, value: String) -> AnyView {
    let is_refused = typed.problem_of(field.name).is_some();
    let class = if field.mode.is_some() {
        "field__input num"
    } else {
        "field__input"
    };
    view! {
        <label class="field">
            <span class="field__label">{field.label}</span>
            <input
                class=class
                type=field.kind
                name=field.name
                autocomplete=field.complete
                inputmode=field.mode
                maxlength=field.most
                placeholder=field.hint
                value=value
                required=field.is_required
                autofocus=is_refused
                aria-invalid=is_refused.then_some("true")
                aria-describedby=is_refused.then(|| problem_id(field.name))
            />
            {problem(context, typed, field.name)}
        </label>
    }
    .into_any()
}

fn problem_id(name: &str) -> String {
    format!("problem-{name}")
}

/// Problem of a refused field, shown below it.
pub fn problem(context: &ConsoleContext, typed: &TypedForm, name: &str) -> AnyView {
    let text = typed
        .problem_of(name)
        .map(|problem| problem.text(context.form_words()));
    text.map(|text| view! { <span class="field__problem" id=problem_id(name)>{text}</span> })
        .into_any()
}

/// Says above a form that it was refused, and names the field. `labels` are the names of its fields.
pub fn refusal(
    context: &ConsoleContext,
    typed: &TypedForm,
    labels: &[(&'static str, &'static str)],
) -> AnyView {
    let Some((refused, _)) = typed.problem() else {
        return ().into_any();
    };
    let words = context.form_words();
    let label = labels.iter().find(|(name, _)| *name == refused);
    alert_line(match label {
        Some((_, label)) => fill(words.form_refused, &[("field", label)]),
        None => words.form_refused_somewhere.to_owned(),
    })
}

/// Hidden number of a form that acts once: a reload of its answer sends it again.
pub fn once_field(context: &ConsoleContext) -> AnyView {
    view! { <input type="hidden" name="once" value=context.once.clone()/> }.into_any()
}
