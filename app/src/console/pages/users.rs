//! Users of the console and their roles.

use leptos::prelude::*;
use payments::console::{Operator, User};
use payments::users::Role;

use super::parts::{Column::Text, field, heading, panel, table};
use crate::console::{ConsoleContext, format};

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
    let is_other = user.id != operator.user_id && user.disabled_at.is_none();
    let acts = is_other.then(|| {
        view! {
            <div class="acts">
                <form class="inline" method="post" action=format!("/admin/people/{}/role", user.id)>
                    {render_role_choice(context, user.role)}
                    <button class="act">{words.change}</button>
                </form>
                <form class="inline" method="post" action=format!("/admin/people/{}/disable", user.id)>
                    <button class="act act--bad">{words.disable}</button>
                </form>
                <details>
                    <summary class="act">{words.reset_login}</summary>
                    <form class="inline" method="post" action=format!("/admin/people/{}/reset", user.id)>
                        {field("password", words.first_password, "password", "new-password")}
                        <button class="act act--bad">{words.reset_login}</button>
                    </form>
                </details>
            </div>
        }
    });
    let state = user
        .disabled_at
        .map(|_| view! { " " <span class="badge" data-tone="neutral">{words.disabled}</span> });
    view! {
        <tr>
            <td>{user.email} {state}</td>
            <td>{format::role(user.role, words)}</td>
            <td>{if user.has_totp { words.yes } else { words.no }}</td>
            <td>{format::maybe_time(user.seen_at)}</td>
            <td>{acts}</td>
        </tr>
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
    view! {
        <form class="form form--row" method="post" action="/admin/people">
            {field("email", words.email, "email", "off")}
            <label class="field">
                <span class="field__label">{words.role}</span>
                {render_role_choice(context, Role::Viewer)}
            </label>
            {field("password", words.first_password, "password", "new-password")}
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
