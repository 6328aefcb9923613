//! Who did what.

use leptos::prelude::*;
use payments::Page;
use payments::console::Line;

use super::parts::{Column::Text, empty, heading, table};
use crate::console::{Desk, shown};

pub fn trail(desk: &Desk, page: Page<Line>) -> AnyView {
    let words = desk.words();
    let is_empty = page.data.is_empty();
    let next = page.next_cursor.map(|cursor| {
        view! { <a class="act" href=format!("/admin/audit?cursor={cursor}") rel="next">{words.older}</a> }
    });
    let rows = page.data.into_iter().map(row).collect();
    let columns = [
        Text(words.number),
        Text(words.when),
        Text(words.who),
        Text(words.act),
        Text(words.subject),
        Text(words.detail),
        Text(words.from_where),
        Text(words.seal),
    ];
    view! {
        {heading(words.audit, ().into_any())}
        <p class="panel__text">{words.audit_text}</p>
        <section class="panel">
            {if is_empty { empty(words.nothing_yet) } else { table(words.audit, &columns, rows) }}
            {next}
        </section>
    }
    .into_any()
}

fn row(line: Line) -> AnyView {
    let seal: String = line.hash.chars().take(12).collect();
    view! {
        <tr>
            <td class="num">{line.seq}</td>
            <td>{shown::time(line.at)}</td>
            <td>{line.actor}</td>
            <td><code class="reference">{line.action}</code></td>
            <td class="reference">{line.subject}</td>
            <td>{line.detail}</td>
            <td class="reference">{line.ip}</td>
            <td class="reference" title=line.hash>{seal}</td>
        </tr>
    }
    .into_any()
}
