//! Overview: figures of today, beside yesterday and the same day of last week, up to the same hour.

use std::time::Duration;

use domain::Timestamp;
use leptos::prelude::*;
use payments::console::{Day, Overview};

use super::parts::{
    Column::{Figures, Text},
    heading, panel, table, unencrypted,
};
use crate::console::{ConsoleContext, format};
use crate::i18n::ConsoleWords;

/// Height of the chart in its own units; a bar and its gap are 20 wide.
const HEIGHT: i64 = 120;

pub fn overview(context: &ConsoleContext, overview: &Overview) -> AnyView {
    let words = context.words();
    view! {
        {heading(words.overview, ().into_any())}
        {unencrypted(context)}
        {render_waiting(context)}
        <div class="stats">{render_stats(words, overview)}</div>
        {panel(words.by_hour, render_chart(words, &overview.today))}
        {panel(words.by_method, render_by_method(words, overview))}
        {panel(words.speed, render_speed(words, overview))}
    }
    .into_any()
}

/// Counts of what waits for a person, before any figure.
fn render_waiting(context: &ConsoleContext) -> AnyView {
    let words = context.words();
    let link = |path: &'static str, name: &'static str, n: i64| {
        (n > 0).then(|| {
            view! { <a class="notice notice--warn waiting" href=path><b class="num">{n}</b> <span>{name}</span></a> }
        })
    };
    view! {
        {link("/admin/attention", words.attention, context.waiting.incidents)}
        {link("/admin/refunds", words.approvals, context.waiting.approvals)}
    }
    .into_any()
}

fn render_stats(words: &'static ConsoleWords, overview: &Overview) -> Vec<AnyView> {
    let each = |figure: fn(&Day) -> i64| {
        let days = [
            &overview.today,
            &overview.yesterday,
            &overview.last_week,
            &overview.whole_yesterday,
        ];
        days.map(figure)
    };
    vec![
        render_stat(words, words.gross, each(|day| day.gross.fen), format::sum),
        render_stat(words, words.refunds, each(|day| day.refunded.fen), format::sum),
        render_stat(
            words,
            words.net,
            each(|day| day.gross.fen - day.refunded.fen),
            format::sum,
        ),
        render_stat(words, words.orders, each(|day| day.n_orders), |n| n.to_string()),
        render_stat(words, words.success_rate, each(success_percent), per_mille),
    ]
}

/// Paid orders per thousand.
fn success_percent(day: &Day) -> i64 {
    match day.n_orders {
        0 => 0,
        n => day.n_orders_paid * 1000 / n,
    }
}

fn per_mille(n: i64) -> String {
    format!("{}.{} %", n / 10, n % 10)
}

fn render_stat(
    words: &'static ConsoleWords,
    label: &'static str,
    [today, yesterday, last_week, whole_yesterday]: [i64; 4],
    show: fn(i64) -> String,
) -> AnyView {
    view! {
        <section class="panel stat">
            <h2 class="stat__label">{label}</h2>
            <p class="stat__value num">{show(today)}</p>
            <p class="small num">{words.yesterday} " " {show(whole_yesterday)}</p>
            <p class="small num">{words.yesterday_until_now} " " {show(yesterday)} " " {direction_arrow(today, yesterday)}</p>
            <p class="small num">{words.last_week_until_now} " " {show(last_week)} " " {direction_arrow(today, last_week)}</p>
        </section>
    }
    .into_any()
}

/// Arrow of a trend, never a colour alone.
fn direction_arrow(now: i64, before: i64) -> &'static str {
    match now.cmp(&before) {
        std::cmp::Ordering::Greater => "▲",
        std::cmp::Ordering::Less => "▼",
        std::cmp::Ordering::Equal => "=",
    }
}

fn render_chart(words: &'static ConsoleWords, day: &Day) -> AnyView {
    let most = day.by_hour.iter().copied().max().unwrap_or(0).max(1);
    let bars: Vec<_> = (0_i64..)
        .zip(day.by_hour)
        .map(|(hour, fen)| {
            // Divided first where the product would overflow.
            let height = if most > i64::MAX / HEIGHT { fen / (most / HEIGHT) } else { fen * HEIGHT / most };
            view! {
                <rect x=(hour * 20 + 2).to_string() y=(HEIGHT - height).to_string() width="16" height=height.to_string()></rect>
            }
        })
        .collect();
    let hours: Vec<_> = [0, 6, 12, 18]
        .map(|hour| view! { <text x=(hour * 20 + 2).to_string() y="136">{format!("{hour:02}:00")}</text> })
        .into();
    let rows = (0_i64..)
        .zip(day.by_hour)
        .map(|(hour, fen)| {
            view! { <tr><td class="num">{format!("{hour:02}:00")}</td><td class="amount-cell num">{format::sum(fen)}</td></tr> }
                .into_any()
        })
        .collect();
    view! {
        <svg class="chart" viewBox="0 0 480 142" role="img" aria-label=words.by_hour>
            <line x1="0" y1="120.5" x2="480" y2="120.5"></line>
            {bars}
            {hours}
        </svg>
        <details>
            <summary class="chart__more">{words.as_table}</summary>
            {table(words.by_hour, &[Text(words.hour), Figures(words.gross)], rows)}
        </details>
    }
    .into_any()
}

fn render_by_method(words: &'static ConsoleWords, overview: &Overview) -> AnyView {
    let rows = overview
        .today
        .by_method
        .into_iter()
        .map(|(method, sum)| {
            view! {
                <tr>
                    <td>{format::method(method, words)}</td>
                    <td class="amount-cell num">{sum.n}</td>
                    <td class="amount-cell num">{format::sum(sum.fen)}</td>
                </tr>
            }
            .into_any()
        })
        .collect();
    table(
        words.by_method,
        &[Text(words.method), Figures(words.payments), Figures(words.gross)],
        rows,
    )
}

/// Median time to payment. Gateways report whole seconds, so a shorter one is only known as less than one.
fn to_paid(median: Option<Duration>) -> String {
    match median {
        Some(median) if median < Duration::from_secs(1) => "< 1 s".to_owned(),
        median => format::duration(median),
    }
}

fn render_speed(words: &'static ConsoleWords, overview: &Overview) -> AnyView {
    let days = [
        (words.today, &overview.today),
        (words.yesterday, &overview.whole_yesterday),
        (words.last_week_until_now, &overview.last_week),
    ];
    let rows = days
        .into_iter()
        .map(|(name, day)| {
            let from: Timestamp = day.from;
            view! {
                <tr>
                    <td>{name} " " {format::day(from)}</td>
                    <td class="amount-cell num">{to_paid(day.median_to_paid)}</td>
                    <td class="amount-cell num">{format::duration(day.callback_delay_p50)}</td>
                    <td class="amount-cell num">{format::duration(day.callback_delay_p95)}</td>
                </tr>
            }
            .into_any()
        })
        .collect();
    let columns = [
        Text(words.day),
        Figures(words.median_to_paid),
        Figures(words.delay_p50),
        Figures(words.delay_p95),
    ];
    table(words.speed, &columns, rows)
}
