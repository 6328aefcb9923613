//! Balances of users, and whether the ledger's invariants hold.

use domain::ledger::EntryKind;
use leptos::prelude::*;
use payments::console::{ListedBalance, Permission, Requesters};
use payments::{Balance, Entry, Finding, Page};
use url::form_urlencoded::Serializer;

use super::fields::{TextField, refusal, text_field};
use super::parts::{
    Column::{Figures, Text},
    empty, fact, heading, input, panel, table,
};
use crate::console::{ConsoleContext, format};
use crate::i18n::ConsoleWords;
use crate::view::money;

/// Address of the first step of an adjustment, whose answer asks about it.
pub const CHECK_ADJUSTMENT: &str = "/admin/balances/adjust/check";

/// A user's balance with a page of its history, and the requesters of its adjustments.
pub type Account = (Balance, Page<Entry>, Requesters);

/// Page of the list of all balances, with the part of a user id that narrows it.
#[derive(Debug)]
pub struct BalanceList {
    pub part: String,
    pub page: Page<ListedBalance>,
}

/// `number` is the number of an adjustment from this page, however often its form is sent.
pub fn balances(
    context: &ConsoleContext,
    account: Option<Account>,
    list: Option<&BalanceList>,
    number: &str,
) -> AnyView {
    let words = context.words();
    let user = account
        .as_ref()
        .map_or_else(String::new, |(balance, ..)| balance.user_id.clone());
    let found = account.map(|account| render_found(context, account, number));
    view! {
        {heading(words.balances, ().into_any())}
        <form class="panel form form--row" method="get" action="/admin/balances">
            <label class="field field--wide">
                <span class="field__label">{words.user}</span>
                <input class="field__input" type="search" name="user" maxlength="64" value=user required/>
            </label>
            <button class="act act--primary">{words.search}</button>
            {context.may(Permission::ReadAudit).then(|| view! { <a class="act" href="/admin/books">{words.books}</a> })}
        </form>
        {found}
        {list.map(|list| render_list(context, list))}
    }
    .into_any()
}

fn render_list(context: &ConsoleContext, list: &BalanceList) -> AnyView {
    let (words, texts) = (context.words(), context.language.list_words());
    let next = list.page.next_cursor.as_ref().map(|cursor| {
        let query = Serializer::new(String::new())
            .append_pair("part", &list.part)
            .append_pair("after", cursor)
            .finish();
        view! { <a class="act" href=format!("/admin/balances?{query}") rel="next">{texts.more}</a> }
    });
    let rows: Vec<AnyView> = list.page.data.iter().map(render_balance).collect();
    let columns = [Text(words.user), Figures(words.available), Text(words.when)];
    let table = if rows.is_empty() {
        empty(texts.no_balance_fits)
    } else {
        table(texts.all_balances, &columns, rows)
    };
    let content = view! {
        <form class="form form--row" method="get" action="/admin/balances">
            {input("part", texts.part_of_user, "search", &list.part)}
            <button class="act">{words.search}</button>
        </form>
        {table}
        {next}
    };
    panel(texts.all_balances, content.into_any())
}

fn render_balance(balance: &ListedBalance) -> AnyView {
    let query = Serializer::new(String::new())
        .append_pair("user", &balance.user_id)
        .finish();
    view! {
        <tr>
            <td><a href=format!("/admin/balances?{query}")>{balance.user_id.clone()}</a></td>
            <td class="amount-cell num">{money::text(balance.available)}</td>
            <td>{format::time(balance.updated_at)}</td>
        </tr>
    }
    .into_any()
}

fn render_found(context: &ConsoleContext, (balance, entries, requesters): Account, number: &str) -> AnyView {
    let words = context.words();
    let facts = vec![
        fact(words.user, balance.user_id.clone().into_any()),
        fact(words.available, money::text(balance.available).into_any()),
        fact(words.frozen, money::text(balance.frozen).into_any()),
        fact(words.when, format::maybe_time(balance.updated_at)),
    ];
    let adjust = context
        .may(Permission::AdjustBalance)
        .then(|| panel(words.adjust, render_adjust(context, &balance.user_id, number)));
    view! {
        {panel(words.balance, view! { <dl class="facts">{facts}</dl> }.into_any())}
        {panel(words.entries, render_history(words, &balance.user_id, entries, &requesters))}
        {adjust}
    }
    .into_any()
}

fn render_history(
    words: &'static ConsoleWords,
    user: &str,
    entries: Page<Entry>,
    requesters: &Requesters,
) -> AnyView {
    if entries.data.is_empty() {
        return empty(words.nothing_yet);
    }
    let next = entries.next_cursor.map(|cursor| {
        let query = Serializer::new(String::new())
            .append_pair("user", user)
            .append_pair("cursor", &cursor)
            .finish();
        view! { <a class="act" href=format!("/admin/balances?{query}") rel="next">{words.older}</a> }
    });
    let rows = entries
        .data
        .into_iter()
        .map(|entry| {
            let by = requesters
                .get(&entry.reference)
                .filter(|_| entry.kind == EntryKind::Adjust)
                .map(|by| format::requester(by, words));
            view! {
                <tr>
                    <td class="num">{entry.seq}</td>
                    <td>{format::time(entry.created_at)}</td>
                    <td>{format::entry_kind(entry.kind, words)}</td>
                    <td class="amount-cell num">{format::change(entry.amount.fen())}</td>
                    <td class="amount-cell num">{money::text(entry.balance_after)}</td>
                    <td class="reference">{entry.reference}</td>
                    <td>{entry.note}</td>
                    <td>{by}</td>
                </tr>
            }
            .into_any()
        })
        .collect();
    let columns = [
        Text(words.number),
        Text(words.when),
        Text(words.act),
        Figures(words.amount),
        Figures(words.balance_after),
        Text(words.subject),
        Text(words.detail),
        Text(words.who),
    ];
    view! { {table(words.entries, &columns, rows)} {next} }.into_any()
}

fn render_adjust(context: &ConsoleContext, user: &str, number: &str) -> AnyView {
    let words = context.words();
    let typed = context.typed_in_steps(&[CHECK_ADJUSTMENT, "/admin/balances/adjust"]);
    let labels = [("amount", words.adjust_amount), ("note", words.reason)];
    view! {
        {refusal(context, typed, &labels)}
        <form class="form form--row" method="post" action=CHECK_ADJUSTMENT>
            <input type="hidden" name="user" value=user.to_owned()/>
            <input type="hidden" name="number" value=number.to_owned()/>
            {text_field(context, typed, TextField::amount("amount", words.adjust_amount))}
            {text_field(context, typed, TextField::line("note", words.reason, "256"))}
            <button class="act">{words.look_again}</button>
        </form>
    }
    .into_any()
}

/// Every invariant, checked now.
pub fn books(context: &ConsoleContext, findings: &[Finding]) -> AnyView {
    let words = context.words();
    let rows = findings
        .iter()
        .map(|finding| {
            let verdict = if finding.n_broken == 0 {
                format::badge("ok", words.holds)
            } else {
                format::badge("bad", words.broken)
            };
            let n = (finding.n_broken > 0).then_some(finding.n_broken);
            view! { <tr><td>{verdict} " " {n}</td><td lang="en">{finding.name}</td></tr> }.into_any()
        })
        .collect();
    view! {
        {heading(words.books, ().into_any())}
        {panel(words.books_text, table(words.books, &[Text(words.verdict), Text(words.rule)], rows))}
    }
    .into_any()
}
