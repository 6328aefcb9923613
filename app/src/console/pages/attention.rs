//! Incidents: what is wrong, since when, what to do, and how it ended.

use domain::Timestamp;
use leptos::prelude::*;
use payments::Page;
use payments::alarm::Robot;
use payments::console::{Incident, Permission, RobotState};

use super::parts::{Column::Text, empty, heading, panel, table};
use super::webhooks::delivery_badge;
use crate::console::{ConsoleContext, format};
use crate::i18n::AlarmWords;

/// `robots`: only for those who may test them.
pub fn attention(
    context: &ConsoleContext,
    open: Page<Incident>,
    resolved: Vec<Incident>,
    handlers: &[String],
    robots: Option<Vec<RobotState>>,
    now: Timestamp,
) -> AnyView {
    let words = context.words();
    let is_empty = open.data.is_empty();
    let cards: Vec<_> = open
        .data
        .iter()
        .map(|incident| render_card(context, incident, handlers, now))
        .collect();
    let next = open.next_cursor.map(|cursor| {
        view! { <a class="act" href=format!("/admin/attention?cursor={cursor}") rel="next">{words.newer}</a> }
    });
    view! {
        {heading(words.attention, ().into_any())}
        {is_empty.then(|| view! { <section class="panel" data-state="clear">{empty(words.all_clear)}</section> })}
        {cards}
        {next}
        {(!resolved.is_empty()).then(|| panel(words.resolved, render_done(context, resolved)))}
        {robots.map(|robots| panel(context.language.alarm_words().receivers, render_receivers(context, &robots)))}
    }
    .into_any()
}

fn render_card(
    context: &ConsoleContext,
    incident: &Incident,
    handlers: &[String],
    now: Timestamp,
) -> AnyView {
    let words = context.words();
    let age = format::age(now.duration_since(incident.created_at), words);
    let order = incident.order_id.as_ref().map(|id| {
        view! { <a class="act" href=format!("/admin/orders/{id}")>{words.open_order}</a> }
    });
    let form = context.may(Permission::Handle).then(|| {
        view! {
            <form class="inline" method="post" action=format!("/admin/attention/{}/resolve", incident.id)>
                <label class="field field--wide">
                    <span class="field__label">{words.resolution}</span>
                    <input class="field__input" name="resolution" maxlength="500" required/>
                </label>
                <button class="act">{words.resolve}</button>
            </form>
        }
    });
    view! {
        <section class="panel incident" id=incident.id.clone()>
            <div class="heading">
                <h2 class="panel__title">{format::badge("bad", format::incident(incident.kind, words))}</h2>
                <p class="small">{words.age} " " {age} " · " {format::time(incident.created_at)}</p>
            </div>
            <p>{incident.detail.clone()}</p>
            <p class="panel__text">{format::advice(incident.kind, words)}</p>
            <p class="reference">{incident.subject.clone()}</p>
            <div class="acts acts--low">{render_assignee(context, incident, handlers)} {order}</div>
            {form}
        </section>
    }
    .into_any()
}

/// The person assigned: a choice for those with the permission, otherwise a name.
fn render_assignee(context: &ConsoleContext, incident: &Incident, handlers: &[String]) -> AnyView {
    let words = context.words();
    let current = incident.assigned_to.clone();
    if !context.may(Permission::Handle) {
        let name = current.unwrap_or_else(|| words.nobody.to_owned());
        return view! { <p class="small">{words.assigned_to} " " {name}</p> }.into_any();
    }
    let choices: Vec<_> = handlers
        .iter()
        .map(|email| {
            let is_current = current.as_ref() == Some(email);
            view! { <option value=email.clone() selected=is_current>{email.clone()}</option> }
        })
        .collect();
    view! {
        <form class="inline" method="post" action=format!("/admin/attention/{}/assign", incident.id)>
            <label class="field">
                <span class="field__label">{words.assigned_to}</span>
                <select class="field__input" name="to">
                    <option value="">{words.nobody}</option>
                    {choices}
                </select>
            </label>
            <button class="act">{words.assign}</button>
        </form>
    }
    .into_any()
}

fn render_done(context: &ConsoleContext, resolved: Vec<Incident>) -> AnyView {
    let words = context.words();
    let rows = resolved
        .into_iter()
        .map(|incident| {
            view! {
                <tr>
                    <td>{format::incident(incident.kind, words)}</td>
                    <td class="reference">{incident.subject}</td>
                    <td>{incident.resolution}</td>
                    <td>{incident.resolved_by}</td>
                    <td>{format::maybe_time(incident.resolved_at)}</td>
                </tr>
            }
            .into_any()
        })
        .collect();
    let columns = [
        Text(words.cause),
        Text(words.subject),
        Text(words.resolution),
        Text(words.who),
        Text(words.when),
    ];
    table(words.resolved, &columns, rows)
}

/// Robots and mailboxes with what became of their last message, and a test.
fn render_receivers(context: &ConsoleContext, robots: &[RobotState]) -> AnyView {
    let (words, own) = (context.words(), context.language.alarm_words());
    if robots.is_empty() {
        return view! { <p class="panel__text">{own.no_receivers}</p> }.into_any();
    }
    let rows = robots
        .iter()
        .map(|state| {
            let last = state.last.as_ref();
            view! {
                <tr>
                    <td>{robot_name(own, state.robot)}</td>
                    <td>{last.map(|last| delivery_badge(words, &last.status))}</td>
                    <td>{format::maybe_time(last.map(|last| last.created_at))}</td>
                    <td>{last.and_then(|last| last.error.clone())}</td>
                </tr>
            }
            .into_any()
        })
        .collect();
    let columns = [
        Text(own.receiver),
        Text(words.status),
        Text(own.last_message),
        Text(words.delivery_error),
    ];
    view! {
        <p class="panel__text">{own.receivers_text}</p>
        {table(own.receivers, &columns, rows)}
        <form method="post" action="/admin/alarms/test">
            <button class="act">{own.send_test}</button>
        </form>
    }
    .into_any()
}

fn robot_name(words: &'static AlarmWords, robot: Robot) -> &'static str {
    match robot {
        Robot::Wecom => words.wecom,
        Robot::Dingtalk => words.dingtalk,
        Robot::Feishu => words.feishu,
        Robot::Email => words.email,
    }
}
