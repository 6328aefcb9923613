//! One's own account: sessions, the second factor, and the confirmation of the password.

use leptos::prelude::*;
use payments::console::{Operator, Session, Totp};

use super::fields::{TextField, refusal, text_field};
use super::parts::{Column::Text, alert, code_field, factor_field, field, heading, panel, table};
use crate::console::{ConsoleContext, format};
use crate::qr::Qr;

/// Address of the page that changes the password.
const PASSWORD: &str = "/admin/account/password";

pub fn account(
    context: &ConsoleContext,
    operator: &Operator,
    n_codes: i64,
    sessions: Vec<Session>,
) -> AnyView {
    let words = context.words();
    view! {
        {heading(words.account, ().into_any())}
        {panel(words.totp, render_second_factor(context, operator, n_codes))}
        {panel(words.change_password, view! { <p><a class="act" href=PASSWORD>{words.change_password}</a></p> }.into_any())}
        {panel(words.sessions, render_sessions_of(context, operator, sessions))}
    }
    .into_any()
}

fn render_second_factor(context: &ConsoleContext, operator: &Operator, n_codes: i64) -> AnyView {
    let words = context.words();
    if operator.has_totp {
        return view! {
            <p class="panel__text">{words.totp_is_on}</p>
            <p class="panel__text">{words.recovery_codes_left} " " <b class="num" data-testid="codes-left">{n_codes}</b></p>
            <div class="acts">
                <a class="act" href="/admin/account/recovery-codes">{words.new_recovery_codes}</a>
                <a class="act act--bad" href="/admin/account/totp/off">{words.turn_off}</a>
            </div>
        }
        .into_any();
    }
    view! {
        <p class="panel__text">{words.totp_is_off}</p>
        <p><a class="act" href="/admin/account/totp">{words.turn_on}</a></p>
    }
    .into_any()
}

/// The page that changes the password; with a first password it is the only page.
pub fn password(context: &ConsoleContext, operator: &Operator) -> AnyView {
    let (words, forms) = (context.words(), context.form_words());
    let typed = context.typed(PASSWORD);
    let title = if operator.must_change_password {
        forms.first_password_title
    } else {
        words.change_password
    };
    let labels = [
        ("old", words.old_password),
        ("password", words.new_password),
        ("again", words.new_password_again),
    ];
    let fields = labels.map(|(name, label)| {
        let complete = if name == "old" {
            "current-password"
        } else {
            "new-password"
        };
        text_field(context, typed, TextField::password(name, label, complete))
    });
    view! {
        {heading(title, ().into_any())}
        <section class="panel panel--narrow">
            {operator.must_change_password.then(|| view! { <p class="panel__text">{forms.first_password_text}</p> })}
            {refusal(context, typed, &labels)}
            <form class="form" method="post" action=PASSWORD>
                {fields.into_iter().collect_view()}
                <button class="button button--primary">{words.change_password}</button>
            </form>
        </section>
    }
    .into_any()
}

fn render_sessions_of(context: &ConsoleContext, operator: &Operator, sessions: Vec<Session>) -> AnyView {
    let words = context.words();
    let rows = sessions
        .into_iter()
        .map(|session| {
            let is_here = session.id == operator.session_id;
            view! {
                <tr>
                    <td>{session.agent} {is_here.then(|| view! { " " <b>{words.this_session}</b> })}</td>
                    <td class="reference">{session.ip.unwrap_or_default()}</td>
                    <td>{format::time(session.created_at)}</td>
                    <td>{format::time(session.seen_at)}</td>
                </tr>
            }
            .into_any()
        })
        .collect();
    let columns = [
        Text(words.browser),
        Text(words.from_where),
        Text(words.since),
        Text(words.last_seen),
    ];
    view! {
        {table(words.sessions, &columns, rows)}
        <form method="post" action="/admin/account/log-out-elsewhere">
            <button class="act">{words.log_out_elsewhere}</button>
        </form>
    }
    .into_any()
}

/// The new TOTP seed is shown once, and kept only when its code comes back.
pub fn totp(context: &ConsoleContext, totp: &Totp, address: &str, problem: Option<&'static str>) -> AnyView {
    let words = context.words();
    let code = Qr::draw(address).map(|qr| {
        view! {
            <svg class="qr" role="img" aria-label=words.totp viewBox=format!("0 0 {0} {0}", qr.side)>
                <path d=qr.path fill="#000" shape-rendering="crispEdges"></path>
            </svg>
        }
    });
    view! {
        {heading(words.totp, ().into_any())}
        <section class="panel panel--narrow">
            {alert(problem)}
            <p class="panel__text">{words.totp_text}</p>
            {code}
            <p class="reference">{totp.secret().to_owned()}</p>
            <form class="form" method="post" action="/admin/account/totp">
                <input type="hidden" name="secret" value=totp.secret().to_owned()/>
                {code_field(words.code)}
                <button class="button button--primary">{words.turn_on}</button>
            </form>
        </section>
    }
    .into_any()
}

/// Recovery codes, shown only this once.
pub fn recovery_codes(context: &ConsoleContext, codes: &[String]) -> AnyView {
    let words = context.words();
    let codes = codes
        .iter()
        .map(|code| view! { <li><code class="reference" data-testid="recovery-code">{code.clone()}</code></li> })
        .collect_view();
    view! {
        {heading(words.recovery_codes, ().into_any())}
        <section class="panel panel--narrow">
            <p class="panel__text">{words.recovery_text}</p>
            <ol>{codes}</ol>
            <p><a class="act" href="/admin/account">{words.go_on}</a></p>
        </section>
    }
    .into_any()
}

pub fn confirm(
    context: &ConsoleContext,
    operator: &Operator,
    next: &str,
    problem: Option<&'static str>,
) -> AnyView {
    let words = context.words();
    let code = operator.has_totp.then(|| factor_field(words.factor, true));
    view! {
        {heading(words.confirm_title, ().into_any())}
        <section class="panel panel--narrow">
            {alert(problem)}
            <p class="panel__text">{words.confirm_text}</p>
            <form class="form" method="post" action="/admin/confirm">
                <input type="hidden" name="next" value=next.to_owned()/>
                {field("password", words.password, "password", "current-password")}
                {code}
                <button class="button button--primary">{words.go_on}</button>
            </form>
        </section>
    }
    .into_any()
}
