//! Incidents: what is wrong, since when, what to do, and how it ended.

use domain::Timestamp;
use leptos::prelude::*;
use payments::Page;
use payments::alarm::Robot;
use payments::console::{Incident, IncidentKind, Permission, RobotState};

use super::parts::{Column::Text, empty, fact, heading, panel, table};
use super::webhooks::delivery_badge;
use crate::console::{ConsoleContext, format, incident_text};
use crate::i18n::{AlarmWords, ConsoleWords};
use crate::view::money;

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
            {render_facts(context, incident)}
            <p>{incident_text::detail(incident, context.language)}</p>
            <p class="panel__text">{incident_text::advice(incident, context.language)}</p>
            <div class="acts acts--low">
                {render_assignee(context, incident, handlers)}
                {render_acts(context, incident)}
            </div>
            {form}
        </section>
    }
    .into_any()
}

/// Order, amount and user of an incident.
fn render_facts(context: &ConsoleContext, incident: &Incident) -> AnyView {
    let words = context.words();
    let order = incident.order_id.as_ref().zip(incident.order_no.clone());
    let order = order.map(|(id, order_no)| {
        let link = view! { <a class="reference" href=format!("/admin/orders/{id}")>{order_no}</a> };
        fact(words.order, link.into_any())
    });
    let amount = incident
        .amount
        .map(|amount| fact(words.amount, money::text(amount).into_any()));
    let user = incident
        .user_id
        .clone()
        .map(|user| fact(words.user, user.into_any()));
    view! {
        <dl class="facts">
            {order}
            {amount}
            {user}
            {fact(words.subject, format::reference(&incident.subject))}
        </dl>
    }
    .into_any()
}

/// Acts that can help, and the page where such an incident is dealt with.
fn render_acts(context: &ConsoleContext, incident: &Incident) -> AnyView {
    let words = context.words();
    let order_id = incident.order_id.as_ref();
    let order = order_id.map(|id| {
        view! { <a class="act" href=format!("/admin/orders/{id}")>{words.open_order}</a> }
    });
    let may_retry = context.may(Permission::RequestRefund) && incident_text::can_be_retried(incident);
    let retry = may_retry.then(|| {
        view! {
            <form method="post" action=format!("/admin/refunds/{}/retry", incident.subject)>
                <button class="act act--primary" data-action="retry">{words.retry}</button>
            </form>
        }
    });
    let may_ask = context.may(Permission::Handle) && incident_text::is_answered_by_gateway(incident);
    let ask = order_id.filter(|_| may_ask).map(|id| {
        view! {
            <form method="post" action=format!("/admin/orders/{id}/ask")>
                <button class="act act--primary">{words.ask_gateway}</button>
            </form>
        }
    });
    let place = place_of(incident.kind, words)
        .filter(|(_, _, permission)| context.may(*permission))
        .map(|(path, name, _)| view! { <a class="act" href=path>{name}</a> });
    view! { {retry} {ask} {place} {order} }.into_any()
}

/// The page of the console where such an incident is dealt with.
fn place_of(
    kind: Option<IncidentKind>,
    words: &'static ConsoleWords,
) -> Option<(&'static str, &'static str, Permission)> {
    Some(match kind? {
        IncidentKind::ReconciliationDifference | IncidentKind::StatementMissing => {
            ("/admin/reconciliation", words.reconciliation, Permission::Look)
        }
        IncidentKind::WebhookFailed | IncidentKind::WebhookDisabled => {
            ("/admin/webhooks", words.webhooks, Permission::ManageKeys)
        }
        IncidentKind::EpayNotificationFailed => ("/admin/epay", words.epay, Permission::ManageKeys),
        IncidentKind::NewKey => ("/admin/keys", words.keys, Permission::ManageKeys),
        IncidentKind::ForeignNotification | IncidentKind::UnmatchedNotification => (
            "/admin/callbacks?outcome=problem",
            words.callbacks,
            Permission::ReadMessages,
        ),
        IncidentKind::GatewaySilent
        | IncidentKind::KeyExpiring
        | IncidentKind::ClockOff
        | IncidentKind::Refused
        | IncidentKind::ProductNotPermitted
        | IncidentKind::ForgedNotifications => ("/admin/gateways", words.gateways, Permission::Operate),
        _ => return None,
    })
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
