//! The login page, and its second step.

use leptos::prelude::*;

use super::parts::{alert, factor_field, field};
use crate::components::icons;
use crate::console::ConsoleContext;

pub fn login(context: &ConsoleContext, email: &str, next: &str, problem: Option<&'static str>) -> AnyView {
    let words = context.words();
    let forms = context.form_words();
    let content = view! {
        <h1 class="card__title">{words.log_in_title}</h1>
        {alert(problem)}
        {render_password_form(context, email, next, words.log_in)}
        <details class="door__help">
            <summary>{forms.forgot_password}</summary>
            <p class="small">{forms.forgot_password_text} " " <code>"tongqian admin reset --email …"</code></p>
        </details>
    };
    render_door(context, content.into_any())
}

/// A login between the password and the code.
#[derive(Debug, Clone, Copy)]
pub struct HeldLogin<'a> {
    pub email: &'a str,
    pub next: &'a str,
    /// Number of this step; also the page after a wrong password has one.
    pub number: &'a str,
}

/// The second step: the code, or the password once more. It is the same whether the password was right or not.
pub fn second_step(context: &ConsoleContext, held: HeldLogin<'_>, problem: Option<&'static str>) -> AnyView {
    let words = context.words();
    let forms = context.form_words();
    let content = view! {
        <h1 class="card__title">{forms.second_step_title}</h1>
        {alert(problem)}
        <p class="notice notice--warn" role="status">{icons::warning()} <span>{forms.second_step}</span></p>
        <form class="form" method="post" action="/admin/login/code">
            <input type="hidden" name="next" value=held.next.to_owned()/>
            <input type="hidden" name="email" value=held.email.to_owned()/>
            <input type="hidden" name="number" value=held.number.to_owned()/>
            {factor_field(words.factor, true)}
            <button class="button button--primary">{words.log_in}</button>
        </form>
        <h2 class="panel__title">{forms.try_password_again}</h2>
        {render_password_form(context, held.email, held.next, forms.try_password_again)}
    };
    render_door(context, content.into_any())
}

fn render_door(context: &ConsoleContext, content: AnyView) -> AnyView {
    view! {
        <div class="door">
            <div class="card">
                <p class="door__brand"><span class="door__mark">{icons::coin()}</span> {context.site.merchant.clone()}</p>
                {content}
            </div>
        </div>
    }
    .into_any()
}

fn render_password_form(context: &ConsoleContext, email: &str, next: &str, button: &'static str) -> AnyView {
    let words = context.words();
    view! {
        <form class="form" method="post" action="/admin/login">
            <input type="hidden" name="next" value=next.to_owned()/>
            <label class="field">
                <span class="field__label">{words.email}</span>
                <input
                    class="field__input"
                    type="email"
                    name="email"
                    autocomplete="username"
                    value=email.to_owned()
                    required
                />
            </label>
            {field("password", words.password, "password", "current-password")}
            <button class="button button--primary">{button}</button>
        </form>
    }
    .into_any()
}
