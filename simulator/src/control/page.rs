//! `GET /_control`: the guide, as a page for a browser and as plain text for a terminal.

use std::fmt::Write as _;

use super::guide::{CHAPTERS, Call};
use crate::faults::{CATALOGUE, Entry};
use crate::wallet::{Document, escape};
use crate::wire::{Reply, Request};

const TITLE: &str = "Gateway simulator";
const FAULTS: &str = "Kinds of faults";
const INTRODUCTION: &str = "WeChat Pay answers under /v3, Alipay under /gateway.do, a phone under /wallet, all of it at both addresses (the second is the backup host of WeChat Pay). Calls take and give JSON; what is refused answers 422 with error, and changes nothing.";

/// Serves HTML to a browser; plain lines to curl and to requests for text/plain.
pub(super) fn show(request: &Request, base: &str) -> Reply {
    let accept = request.header("accept").unwrap_or_default();
    if accept.contains("text/html") {
        html_page(base)
    } else {
        Reply::new(200, "text/plain; charset=utf-8", text_page(base)).with_header("vary", "accept")
    }
}

/// Lines for a shell; no body contains its quotes.
fn call_examples(call: &Call, base: &str) -> Vec<String> {
    let Call { method, path, .. } = call;
    let url = format!("{base}/_control{path}");
    call.bodies
        .iter()
        .map(|body| match (*method, *body) {
            ("GET", _) => format!("curl -s {url}"),
            (_, "") => format!("curl -s -X {method} {url}"),
            (_, body) => format!("curl -s -X {method} {url} -d '{body}'"),
        })
        .collect()
}

fn name_of(entry: &Entry) -> String {
    match entry.number {
        Some(number) => format!("{}, {number}", entry.kind),
        None => entry.kind.to_owned(),
    }
}

fn where_of(entry: &Entry) -> String {
    let places = entry.places.words();
    match entry.gateway {
        Some(gateway) => format!("{}: {places}", gateway.as_str()),
        None => places,
    }
}

fn text_page(base: &str) -> String {
    let mut text = format!("{TITLE}\n\n{INTRODUCTION}\n");
    let mut add = |line: &str| writeln!(text, "{line}").expect("a String takes any text");
    for chapter in CHAPTERS {
        add(&format!("\n# {}", chapter.title));
        if !chapter.text.is_empty() {
            add(chapter.text);
        }
        for call in chapter.calls {
            add(&format!("\n{} /_control{}", call.method, call.path));
            add(&format!("  {}", call.what));
            for example in call_examples(call, base) {
                add(&format!("  $ {example}"));
            }
        }
    }
    add(&format!("\n# {FAULTS}"));
    for entry in CATALOGUE {
        add(&format!("\n{}  [{}]", name_of(entry), where_of(entry)));
        add(&format!("  {}", entry.what));
    }
    text
}

/// Anchor of a chapter.
fn anchor_of(title: &str) -> String {
    title
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect()
}

fn heading_html(title: &str) -> String {
    format!("<h2 id=\"{}\">{}</h2>", anchor_of(title), escape(title))
}

fn html_page(base: &str) -> Reply {
    let titles = CHAPTERS.iter().map(|chapter| chapter.title).chain([FAULTS]);
    let contents: String = titles
        .map(|title| format!("<a href=\"#{}\">{}</a>", anchor_of(title), escape(title)))
        .collect();
    let mut body = format!(
        "<p class=\"bar\"><a href=\"/wallet\">Open the wallet</a><span class=\"tag\">no money moves here</span></p>\
         <h1>{TITLE}</h1><p>{}</p><nav class=\"contents\" aria-label=\"Contents\">{contents}</nav>",
        escape(INTRODUCTION)
    );
    let mut add = |part: &str| body.push_str(part);
    for chapter in CHAPTERS {
        add(&heading_html(chapter.title));
        if !chapter.text.is_empty() {
            add(&format!("<p>{}</p>", escape(chapter.text)));
        }
        for call in chapter.calls {
            add(&format!(
                "<h3><code>{} /_control{}</code></h3><p>{}</p>",
                call.method,
                call.path,
                escape(call.what)
            ));
            for example in call_examples(call, base) {
                add(&format!("<pre>{}</pre>", escape(&example)));
            }
        }
    }
    let rows: String = CATALOGUE
        .iter()
        .map(|entry| {
            format!(
                "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td></tr>",
                escape(&name_of(entry)),
                escape(entry.what),
                escape(&where_of(entry))
            )
        })
        .collect();
    add(&heading_html(FAULTS));
    add(&format!(
        "<table><thead><tr><th scope=\"col\">kind, number</th>\
         <th scope=\"col\">what happens</th><th scope=\"col\">where</th></tr></thead><tbody>{rows}</tbody></table>"
    ));
    Document {
        language: "en",
        title: TITLE,
        body: format!("<div class=\"doc\">{body}</div>"),
        status: 200,
    }
    .reply()
}
