//! Frame of every console page: navigation, search, and the person's menu.

use leptos::prelude::*;
use payments::console::Permission;

use super::ConsoleContext;
use super::format;
use crate::assets::CONSOLE_STYLESHEET;
use crate::components::icons;
use crate::i18n::Language;
use crate::links;

pub fn document(context: &ConsoleContext, title: &str, content: AnyView) -> AnyView {
    let words = context.words();
    let title = format!("{title} · {}", words.console);
    view! {
        <html lang=context.language.tag()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="robots" content="noindex, nofollow"/>
                <meta name="format-detection" content="telephone=no"/>
                <title>{title}</title>
                <link rel="icon" type="image/svg+xml" href="/favicon.svg"/>
                <link rel="stylesheet" href=context.site.theme.stylesheet_path.clone()/>
                <link rel="stylesheet" href=CONSOLE_STYLESHEET.path.as_str()/>
            </head>
            <body class="console" data-inside=context.operator.is_some().to_string()>
                <a class="skip" href="#content">{words.skip}</a>
                {context.operator.is_some().then(|| render_navigation(context))}
                <div class="console__page">
                    {render_top(context)}
                    <main class="console__main" id="content">
                        {context.flash.map(|flash| view! {
                            <p class="notice notice--info" role="status">{icons::check()} <span>{flash.text(words, context.form_words())}</span></p>
                        })}
                        {content}
                    </main>
                    {context.operator.is_some().then(|| view! { <footer class="console__foot small">{words.all_times}</footer> })}
                </div>
            </body>
        </html>
    }
    .into_any()
}

fn render_top(context: &ConsoleContext) -> AnyView {
    let words = context.words();
    let mode = if context.site.is_simulator {
        view! { <span class="mode" data-mode="test">{words.mode_test}</span> }
    } else {
        view! { <span class="mode" data-mode="live">{words.mode_live}</span> }
    };
    let person = context.operator.as_ref().map(|operator| {
        view! {
            <div class="top-bar__person">
                <a class="top-bar__link" href="/admin/account">{operator.email.clone()}</a>
                <span class="top-bar__role">{format::role(operator.role, words)}</span>
                <form method="post" action="/admin/logout">
                    <button class="top-bar__button">{words.log_out}</button>
                </form>
            </div>
        }
    });
    view! {
        <header class="top-bar">
            {mode}
            {context.operator.is_some().then(|| render_search(context))}
            {render_languages(context)}
            {person}
        </header>
    }
    .into_any()
}

/// Search field on every page: a caller can usually name a number. The console runs no script, so the key is the browser's:
/// Alt and `/`, on a Mac Control, Option and `/`.
fn render_search(context: &ConsoleContext) -> AnyView {
    let words = context.words();
    view! {
        <form class="top-bar__search" method="get" action="/admin/orders" role="search">
            <input
                class="field__input"
                type="search"
                name="q"
                maxlength="64"
                placeholder=words.search_hint
                aria-label=words.search_hint
                accesskey="/"
            />
        </form>
    }
    .into_any()
}

fn render_languages(context: &ConsoleContext) -> AnyView {
    let links = Language::ALL.map(|language| {
        let is_current = language == context.language;
        view! {
            <a
                class="languages__link"
                href=links::in_language(&context.path, &context.query, language.as_str())
                lang=language.tag()
                hreflang=language.tag()
                aria-current=is_current.then_some("true")
            >
                {language.name()}
            </a>
        }
    });
    view! { <nav class="languages" aria-label=context.words().language>{links.collect_view()}</nav> }
        .into_any()
}

/// Navigation: a column beside the page, and on a phone a menu that folds. Which of the two is shown is up to the width.
fn render_navigation(context: &ConsoleContext) -> AnyView {
    let words = context.words();
    let places = [
        ("/admin", words.overview, Permission::Look),
        ("/admin/orders", words.orders, Permission::Look),
        (
            "/admin/payment-links",
            context.language.link_words().payment_links,
            Permission::Look,
        ),
        (
            "/admin/payments",
            context.language.list_words().all_payments,
            Permission::Look,
        ),
        (
            "/admin/refund-list",
            context.language.list_words().all_refunds,
            Permission::Look,
        ),
        ("/admin/refunds", words.approvals, Permission::Look),
        ("/admin/attention", words.attention, Permission::Look),
        ("/admin/balances", words.balances, Permission::Look),
        ("/admin/reconciliation", words.reconciliation, Permission::Look),
        ("/admin/files", words.files, Permission::Export),
        ("/admin/callbacks", words.callbacks, Permission::ReadMessages),
        ("/admin/gateways", words.gateways, Permission::Operate),
        ("/admin/keys", words.keys, Permission::ManageKeys),
        ("/admin/epay", words.epay, Permission::ManageKeys),
        ("/admin/webhooks", words.webhooks, Permission::ManageKeys),
        ("/admin/people", words.users, Permission::ManageUsers),
        ("/admin/audit-log", words.audit, Permission::ReadAudit),
    ];
    let links = || {
        places
            .into_iter()
            .filter(|(_, _, permission)| context.may(*permission))
            .map(|(path, name, _)| render_place(context, path, name))
            .collect_view()
    };
    let n_waiting = context.waiting.incidents + context.waiting.approvals;
    view! {
        <nav class="side" aria-label=words.navigation>
            <a class="side__brand" href="/admin">
                <span class="side__mark">{icons::coin()}</span>
                <span>{context.site.merchant.clone()}</span>
            </a>
            <ul class="side__list side__list--wide">{links()}</ul>
            <details class="side__menu">
                <summary class="side__fold">{context.form_words().menu} {render_count(n_waiting)}</summary>
                <ul class="side__list">{links()}</ul>
            </details>
        </nav>
    }
    .into_any()
}

fn render_place(context: &ConsoleContext, path: &'static str, name: &'static str) -> AnyView {
    let is_here = if path == "/admin" {
        context.path == path
    } else {
        context.path.starts_with(path)
    };
    let n = match path {
        "/admin/attention" => context.waiting.incidents,
        "/admin/refunds" => context.waiting.approvals,
        _ => 0,
    };
    view! {
        <li>
            <a class="side__link" href=path aria-current=is_here.then_some("page")>{name} {render_count(n)}</a>
        </li>
    }
    .into_any()
}

fn render_count(n: i64) -> Option<AnyView> {
    (n > 0).then(|| view! { <span class="side__count num">{n}</span> }.into_any())
}
