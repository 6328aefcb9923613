//! Gateways: configuration, addresses to enter at the gateway, and the result of a connection test.

use domain::Channel;
use leptos::prelude::*;
use payments::console::{Call, GatewayState, Proof, Trial, Verdict};
use payments::gateway::Description;

use super::parts::{empty, fact, findings, heading, panel, unencrypted};
use crate::components::icons;
use crate::console::{ConsoleContext, format};

pub fn gateways(
    context: &ConsoleContext,
    states: &[GatewayState],
    tested: Option<(Channel, Trial)>,
) -> AnyView {
    let words = context.words();
    let panels: Vec<_> = states
        .iter()
        .map(|state| {
            let trial = tested.as_ref().filter(|(channel, _)| *channel == state.channel);
            render_gateway(context, state, trial.map(|(_, trial)| trial))
        })
        .collect();
    view! { {heading(words.gateways, ().into_any())} {unencrypted(context)} {findings(context)} {panels} }
        .into_any()
}

fn render_gateway(context: &ConsoleContext, state: &GatewayState, trial: Option<&Trial>) -> AnyView {
    let words = context.words();
    let name = format::method(state.channel.method(), words);
    let Some(description) = &state.description else {
        return panel(name, empty(words.not_configured));
    };
    let test = view! {
        <form method="post" action=format!("/admin/gateways/{}/test", state.channel.as_str())>
            <button class="act">{words.test_gateway}</button>
        </form>
    };
    let content = view! {
        {trial.map(|trial| render_result(context, &trial.proof))}
        {trial.and_then(|trial| Some(render_steps(context, &trial.proof, trial.call.as_ref()?)))}
        {render_facts(context, state, description)}
        {test}
    };
    panel(name, content.into_any())
}

fn render_facts(context: &ConsoleContext, state: &GatewayState, description: &Description) -> AnyView {
    let words = context.words();
    let mut facts = vec![
        fact(words.notify_url, format::reference(&description.notify_url)),
        fact(words.last_callback, format::maybe_time(state.last_callback_at)),
        fact("App ID", format::reference(&description.app_id)),
    ];
    if let Some(merchant) = &description.merchant {
        facts.push(fact(words.merchant_no, format::reference(merchant)));
    }
    if let Some(serial) = &description.serial_no {
        facts.push(fact(words.serial_no, format::reference(serial)));
    }
    facts.push(fact(
        words.own_fingerprint,
        format::reference(&description.own_fingerprint),
    ));
    facts.push(fact(
        words.gateway_url,
        format::reference(&description.gateway_url),
    ));
    for (name, ends_at) in &description.ends {
        let value = view! { {format::reference(name)} " " {format::time(*ends_at)} };
        facts.push(fact(words.key_ends, value.into_any()));
    }
    for serial in &description.expired {
        facts.push(fact(words.expired_key, format::reference(serial)));
    }
    view! { <dl class="facts">{facts}</dl> }.into_any()
}

/// Steps that the test has proved; ends with the first that failed.
fn render_steps(context: &ConsoleContext, proof: &Proof, call: &Call) -> AnyView {
    let words = context.words();
    let took = format::duration(Some(call.took));
    let status = call.status.map(|status| status.to_string()).unwrap_or_default();
    let is_believed = call.verdict == Verdict::Signed;
    let is_taken = matches!(proof, Proof::Works);
    let all = [
        (true, words.step_sent, call.line.clone()),
        (
            call.status.is_some(),
            words.step_answered,
            format!("{status} {took}"),
        ),
        (is_believed, words.step_believed, String::new()),
        (is_taken, words.step_taken, String::new()),
        (is_taken, words.step_unknown, call.payment_no.to_string()),
    ];
    let n_good = all.iter().take_while(|(is_good, ..)| *is_good).count();
    let steps: Vec<_> = all
        .into_iter()
        .take(n_good + 1)
        .map(|(is_good, name, detail)| {
            let tone = if is_good { "ok" } else { "bad" };
            view! { <li>{format::badge(tone, name)} " " <span class="reference">{detail}</span></li> }
        })
        .collect();
    view! { <ol class="steps" aria-label=words.test_gateway>{steps}</ol> }.into_any()
}

fn render_result(context: &ConsoleContext, proof: &Proof) -> AnyView {
    let words = context.words();
    let (class, icon, text, detail) = match proof {
        Proof::Works => (
            "notice notice--info",
            icons::check(),
            words.test_works,
            String::new(),
        ),
        Proof::Refused { code, message } => (
            "notice notice--bad",
            icons::cross(),
            words.test_refused,
            format!("{code}: {message}"),
        ),
        Proof::Silent { reason } => (
            "notice notice--warn",
            icons::warning(),
            words.test_silent,
            reason.clone(),
        ),
    };
    view! { <p class=class role="status">{icon} <span>{text} " " {detail}</span></p> }.into_any()
}
