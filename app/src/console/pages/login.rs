//! The login page.

use leptos::prelude::*;

use super::parts::{alert, factor_field, field};
use crate::components::icons;
use crate::console::ConsoleContext;

pub fn login(context: &ConsoleContext, email: &str, next: &str, problem: Option<&'static str>) -> AnyView {
    let words = context.words();
    view! {
        <div class="door">
            <div class="card">
                <p class="door__brand"><span class="door__mark">{icons::coin()}</span> {context.site.merchant.clone()}</p>
                <h1 class="card__title">{words.log_in_title}</h1>
                {alert(problem)}
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
                    {factor_field(words.factor_optional, false)}
                    <button class="button button--primary">{words.log_in}</button>
                </form>
            </div>
        </div>
    }
    .into_any()
}
