//! The API reference at `/docs`, drawn on the server from the same description as `openapi.json`.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_meta::Title;

use crate::components::Frame;
use crate::context::request;
use crate::i18n::{Language, Words};
use crate::reference::{Answer, Call, Group, Kind, Member, Object, Reference};

const GUIDES: [(Language, &str); 2] = [
    (Language::English, "/docs/PAYMENT_INTEGRATION.md"),
    (Language::Chinese, "/docs/PAYMENT_INTEGRATION.zh-CN.md"),
];

#[component]
pub fn ReferencePage() -> impl IntoView {
    let request = request();
    let words = request.words();
    let reference = use_context::<Arc<Reference>>().unwrap_or_default();
    let guide = GUIDES
        .into_iter()
        .find(|(language, _)| *language == request.language)
        .map(|(_, address)| address);
    // Drawn before the page: its frame takes nothing that is borrowed.
    let subjects = reference.groups.iter().map(|group| {
        view! { <li><a href=format!("#{}", group.name)>{group.name.clone()}</a></li> }
    });
    let subjects = subjects.collect_view();
    let groups = reference.groups.iter().map(|group| draw_group(group, words));
    let groups = groups.collect_view();
    let objects = reference.objects.iter().map(|object| draw_object(object, words));
    let objects = objects.collect_view();
    let description = draw_text(&reference.description);
    let server = reference.server.clone();
    view! {
        <Title text=words.docs_title/>
        <Frame>
            <main class="page docs" id="content">
                <h1>{words.docs_title}</h1>
                <p>{description}</p>
                <p>{words.docs_generated}</p>
                <ul class="docs__links">
                    <li><a href=guide>{words.docs_guide}</a></li>
                    <li><a href="/api/billing/openapi.json">"OpenAPI 3.1"</a></li>
                </ul>
                <p>{words.docs_server} " " <code>{server}</code></p>
                <p><code>"Authorization: Bearer <API key>"</code></p>
                <nav aria-label=words.docs_title>
                    <ul class="docs__links">{subjects}<li><a href="#objects">{words.docs_objects}</a></li></ul>
                </nav>
                {groups}
                <section class="docs__group" id="objects">
                    <h2>{words.docs_objects}</h2>
                    {objects}
                </section>
            </main>
        </Frame>
    }
    .into_any()
}

fn draw_group(group: &Group, words: &'static Words) -> AnyView {
    let calls = group.calls.iter().map(|call| draw_call(call, words));
    view! {
        <section class="docs__group" id=group.name.clone()>
            <h2>{group.name.clone()}</h2>
            <p>{draw_text(&group.description)}</p>
            {calls.collect_view()}
        </section>
    }
    .into_any()
}

fn draw_call(call: &Call, words: &'static Words) -> AnyView {
    let answers = call.answers.iter().map(draw_answer);
    let body = call
        .body
        .as_ref()
        .map(|kind| view! { <h3>{words.docs_body}</h3><p>{draw_kind(kind)}</p> }.into_any());
    let parameters = (!call.parameters.is_empty()).then(|| {
        view! { <h3>{words.docs_parameters}</h3>{draw_members(&call.parameters, words)} }.into_any()
    });
    view! {
        <details class="docs__item">
            <summary>
                <code class="docs__method">{call.method.clone()}</code> " "
                <code class="docs__path">{call.path.clone()}</code> " "
                <span class="docs__summary">{call.summary.clone()}</span>
            </summary>
            <div id=call.id.clone()>
                <p>{draw_text(&call.description)}</p>
                {parameters}
                {body}
                <h3>{words.docs_answers}</h3>
                <dl class="docs__members">{answers.collect_view()}</dl>
            </div>
        </details>
    }
    .into_any()
}

fn draw_answer(answer: &Answer) -> AnyView {
    let kind = answer.kind.as_ref().map(draw_kind);
    view! {
        <dt><code>{answer.status.clone()}</code> " " {kind}</dt>
        <dd>{draw_text(&answer.description)}</dd>
    }
    .into_any()
}

fn draw_members(members: &[Member], words: &'static Words) -> AnyView {
    let members = members.iter().map(|member| {
        let required = member.is_required.then_some(words.docs_required);
        view! {
            <dt>
                <code>{member.name.clone()}</code> " " {draw_kind(&member.kind)} " "
                <span class="docs__bounds">{required} " " {member.bounds.clone()}</span>
            </dt>
            <dd>{draw_text(&member.description)}</dd>
        }
    });
    view! { <dl class="docs__members">{members.collect_view()}</dl> }.into_any()
}

fn draw_object(object: &Object, words: &'static Words) -> AnyView {
    let enumerated = object
        .words
        .iter()
        .map(|word| view! { <li><code>{word.clone()}</code></li> });
    view! {
        <details class="docs__item">
            <summary><code>{object.name.clone()}</code></summary>
            <div id=object_anchor(&object.name)>
                <p>{draw_text(&object.description)}</p>
                <ul class="docs__links">{enumerated.collect_view()}</ul>
                {draw_members(&object.members, words)}
            </div>
        </details>
    }
    .into_any()
}

/// A link to an object that is closed opens it, because its anchor stands inside.
fn object_anchor(name: &str) -> String {
    format!("object-{name}")
}

fn draw_kind(kind: &Kind) -> AnyView {
    let object = kind.object.as_ref().map(|name| {
        view! { <a href=format!("#{}", object_anchor(name))>{name.clone()}</a> }
    });
    view! { <span class="docs__kind">{kind.before} {object} {kind.after.clone()}</span> }.into_any()
}

/// Text with names in backticks.
fn draw_text(text: &str) -> AnyView {
    let parts = text.split('`').enumerate().map(|(index, part)| {
        let part = part.to_owned();
        if index % 2 == 1 {
            view! { <code>{part}</code> }.into_any()
        } else {
            part.into_any()
        }
    });
    parts.collect_view().into_any()
}
