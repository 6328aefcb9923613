//! Users of the console and their roles.

use leptos::prelude::*;
use payments::console::{Operator, User};
use payments::users::Role;

use super::fields::{TextField, refusal, text_field};
use super::parts::{Column::Text, heading, panel, table};
use crate::components::icons;
use crate::console::{ConsoleContext, format};
use crate::i18n::fill;

pub fn users(context: &ConsoleContext, operator: &Operator, users: Vec<User>) -> AnyView {
    let words = context.words();
    let rows = users
        .into_iter()
        .map(|user| render_row(context, operator, user))
        .collect();
    let columns = [
        Text(words.email),
        Text(words.role),
        Text(words.totp),
        Text(words.last_seen),
        Text(words.acts),
    ];
    view! {
        {heading(words.users, ().into_any())}
        {panel(words.users, table(words.users, &columns, rows))}
        {panel(words.invite, render_invite(context))}
        {panel(words.rights, render_rights(context))}
    }
    .into_any()
}

fn render_row(context: &ConsoleContext, operator: &Operator, user: User) -> AnyView {
    let words = context.words();
    let acts = (user.id != operator.user_id).then(|| render_acts(context, &user));
    let state = match (user.disabled_at, user.must_change_password) {
        (Some(_), _) => format::badge("neutral", words.disabled),
        (None, true) => format::badge("info", context.form_words().must_change),
        (None, false) => ().into_any(),
    };
    view! {
        <tr>
            <td>{user.email} " " {state}</td>
            <td>{format::role(user.role, words)}</td>
            <td>{if user.has_totp { words.yes } else { words.no }}</td>
            <td>{format::maybe_time(user.seen_at)}</td>
            <td>{acts}</td>
        </tr>
    }
    .into_any()
}

fn render_acts(context: &ConsoleContext, user: &User) -> AnyView {
    let words = context.words();
    let forms = context.form_words();
    let path = format!("/admin/people/{}", user.id);
    if user.disabled_at.is_some() {
        return view! { <a class="act" href=format!("{path}/enable")>{forms.enable}</a> }.into_any();
    }
    view! {
        <div class="acts">
            <form class="inline" method="post" action=format!("{path}/role")>
                {render_role_choice(context, user.role)}
                <button class="act">{words.change}</button>
            </form>
            <a class="act" href=format!("{path}/reset")>{words.reset_login}</a>
            <a class="act act--bad" href=format!("{path}/disable")>{words.disable}</a>
        </div>
    }
    .into_any()
}

/// The page that resets a login to a first password.
pub fn reset_login(context: &ConsoleContext, user: &User) -> AnyView {
    let (words, forms) = (context.words(), context.form_words());
    let action = format!("/admin/people/{}/reset", user.id);
    let typed = context.typed(&action);
    let password = TextField::password("password", words.first_password, "new-password");
    view! {
        {heading(&fill(forms.reset_login, &[("email", &user.email)]), ().into_any())}
        <section class="panel panel--narrow" data-question="true">
            {refusal(context, typed, &[("password", words.first_password)])}
            <p class="notice notice--warn">{icons::warning()} <span>{forms.reset_login_effect}</span></p>
            <p><a class="act" href="/admin/people">{forms.keep}</a></p>
            <form class="form" method="post" action=action.clone()>
                {text_field(context, typed, password)}
                <button class="button button--danger">{forms.reset_login_now}</button>
            </form>
        </section>
    }
    .into_any()
}

fn render_role_choice(context: &ConsoleContext, current: Role) -> AnyView {
    let words = context.words();
    let options = Role::ALL.map(|role| {
        view! { <option value=role.as_str() selected=role == current>{format::role(role, words)}</option> }
    });
    view! {
        <select class="field__input" name="role" aria-label=words.role>{options.collect_view()}</select>
    }
    .into_any()
}

fn render_invite(context: &ConsoleContext) -> AnyView {
    let words = context.words();
    let typed = context.typed("/admin/people");
    let role = Role::parse(typed.value("role")).unwrap_or(Role::Viewer);
    let labels = [("email", words.email), ("password", words.first_password)];
    let email = TextField {
        kind: "email",
        ..TextField::line("email", words.email, "254")
    };
    let password = TextField::password("password", words.first_password, "new-password");
    view! {
        {refusal(context, typed, &labels)}
        <form class="form form--row" method="post" action="/admin/people">
            {text_field(context, typed, email)}
            <label class="field">
                <span class="field__label">{words.role}</span>
                {render_role_choice(context, role)}
            </label>
            {text_field(context, typed, password)}
            <button class="act act--primary">{words.invite}</button>
        </form>
    }
    .into_any()
}

/// Table of roles and permissions, from the code that enforces them.
fn render_rights(context: &ConsoleContext) -> AnyView {
    let words = context.words();
    let rows = payments::console::Permission::ALL
        .into_iter()
        .map(|permission| {
            let cells = Role::ALL.map(|role| {
                view! { <td>{if role.may(permission) { words.yes } else { "–" }}</td> }
            });
            view! { <tr><th scope="row">{format::permission(permission, words)}</th>{cells.collect_view()}</tr> }
                .into_any()
        })
        .collect();
    let mut columns = vec![Text(words.permission)];
    columns.extend(Role::ALL.map(|role| Text(format::role(role, words))));
    table(words.rights, &columns, rows)
}
