//! Overview: figures of today, beside yesterday and the same day of last week, up to the same hour; or of a span of days,
//! beside the span before.

use std::cmp::Ordering;
use std::time::Duration;

use domain::Timestamp;
use leptos::prelude::*;
use payments::console::{Day, Overview, RangeOverview};

use super::live::{LiveState, render_live};
use super::parts::{
    Column::{Figures, Text},
    heading, input, panel, table, unencrypted,
};
use crate::components::icons;
use crate::console::{ConsoleContext, format};
use crate::i18n::{ConsoleWords, fill};

const A_DAY: Duration = Duration::from_hours(24);
/// Width of all bars in the chart's own units, and height of the highest below the first line. Amounts stand at the right.
const WIDTH: i64 = 400;
const HEIGHT: i64 = 120;
const TOP: i64 = 10;

pub fn overview(context: &ConsoleContext, overview: &Overview, live: LiveState, now: Timestamp) -> AnyView {
    let words = context.words();
    let hours = (0_i64..)
        .zip(overview.today.by_hour)
        .map(|(hour, fen)| (format!("{hour:02}:00"), fen))
        .collect();
    view! {
        {heading(words.overview, ().into_any())}
        {unencrypted(context)}
        {render_waiting(context)}
        {render_fall(context, overview)}
        {render_ranges(context, None, now)}
        <div class="stats">{render_stats(words, overview)}</div>
        {panel(words.by_hour, render_chart(words, words.by_hour, words.hour, hours))}
        {panel(words.by_method, render_by_method(context, &overview.today))}
        {panel(words.speed, render_speed(words, overview))}
        {render_live(context, live, "/admin", None)}
    }
    .into_any()
}

/// First and last day, as they stand in the address.
pub type Days = (String, String);

/// The same figures of a span of days.
pub fn overview_of_range(
    context: &ConsoleContext,
    range: &RangeOverview,
    days: &Days,
    now: Timestamp,
) -> AnyView {
    let (words, texts) = (context.words(), context.language.list_words());
    let title = fill(
        texts.range_title,
        &[("from", days.0.as_str()), ("to", days.1.as_str())],
    );
    let bars = range
        .by_day
        .iter()
        .map(|(day, fen)| (format::day(*day), *fen))
        .collect();
    let each = |figure: fn(&Day) -> i64| [figure(&range.span), figure(&range.before)];
    let stat = |label, values: [i64; 2], show: fn(i64) -> String, compare: fn(i64, i64) -> String| {
        let [now, before] = values;
        render_figure(
            label,
            show(now),
            vec![(texts.before_range, show(before), compare(now, before))],
        )
    };
    view! {
        {heading(&title, ().into_any())}
        {render_waiting(context)}
        {render_ranges(context, Some(days), now)}
        <div class="stats">
            {stat(words.gross, each(|day| day.gross.fen), format::sum, change_percent)}
            {stat(words.refunds, each(|day| day.refunded.fen), format::sum, change_percent)}
            {stat(words.net, each(|day| day.gross.fen - day.refunded.fen), format::sum, change_percent)}
            {stat(words.orders, each(|day| day.n_orders), |n| n.to_string(), change_percent)}
            {stat(words.success_rate, each(success_per_mille), per_mille, change_points)}
        </div>
        {panel(texts.by_day, render_chart(words, texts.by_day, texts.day, bars))}
        {panel(texts.range_by_method, render_by_method(context, &range.span))}
    }
    .into_any()
}

/// Links to spans of days, and a form for any other.
fn render_ranges(context: &ConsoleContext, days: Option<&Days>, now: Timestamp) -> AnyView {
    let (words, texts) = (context.words(), context.language.list_words());
    let back = |n_days: u32| format::day(now - n_days * A_DAY);
    let today = back(0);
    let ranges = [
        (texts.range_yesterday, (back(1), back(1))),
        (texts.range_7_days, (back(6), today.clone())),
        (texts.range_30_days, (back(29), today)),
    ];
    let links = ranges.map(|(name, range)| {
        let is_current = days == Some(&range);
        let path = format!("/admin?from={}&to={}", range.0, range.1);
        view! { <a class="act" href=path aria-current=is_current.then_some("true")>{name}</a> }
    });
    let (from, to) = days.cloned().unwrap_or_default();
    // On the page that loads itself again a date would be lost while it is typed.
    let form = days.map(|_| {
        view! {
            <form class="form form--row" method="get" action="/admin">
                {input("from", words.from_day, "date", &from)}
                {input("to", words.to_day, "date", &to)}
                <button class="act">{texts.range_show}</button>
            </form>
        }
    });
    view! {
        <nav class="acts" aria-label=texts.range>
            <a class="act" href="/admin" aria-current=days.is_none().then_some("true")>{texts.range_today}</a>
            {links.collect_view()}
        </nav>
        {form}
    }
    .into_any()
}

/// Fewest orders of a day whose share of paid ones means anything.
const FEWEST_ORDERS: i64 = 20;
/// Fall of the share of paid orders that is told, in thousandths.
const FALL: i64 = 100;

/// Warns when far fewer of the orders are paid than yesterday.
fn render_fall(context: &ConsoleContext, overview: &Overview) -> Option<AnyView> {
    let (today, yesterday) = (&overview.today, &overview.yesterday);
    let (now, before) = (success_per_mille(today), success_per_mille(yesterday));
    let is_fall =
        today.n_orders >= FEWEST_ORDERS && yesterday.n_orders >= FEWEST_ORDERS && before - now >= FALL;
    is_fall.then(|| {
        let (now, before) = (per_mille(now), per_mille(before));
        let values = [("now", now.as_str()), ("before", before.as_str())];
        let text = fill(context.language.list_words().rate_fell, &values);
        view! {
            <p class="notice notice--warn" role="status">{icons::warning()} <span>{text}</span></p>
        }
        .into_any()
    })
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
        render_stat(
            words,
            words.gross,
            each(|day| day.gross.fen),
            format::sum,
            change_percent,
        ),
        render_stat(
            words,
            words.refunds,
            each(|day| day.refunded.fen),
            format::sum,
            change_percent,
        ),
        render_stat(
            words,
            words.net,
            each(|day| day.gross.fen - day.refunded.fen),
            format::sum,
            change_percent,
        ),
        render_stat(
            words,
            words.orders,
            each(|day| day.n_orders),
            |n| n.to_string(),
            change_percent,
        ),
        render_stat(
            words,
            words.success_rate,
            each(success_per_mille),
            per_mille,
            change_points,
        ),
    ]
}

/// Paid orders per thousand.
fn success_per_mille(day: &Day) -> i64 {
    match day.n_orders {
        0 => 0,
        n => day.n_orders_paid * 1000 / n,
    }
}

fn per_mille(n: i64) -> String {
    format!("{}.{} %", n / 10, n % 10)
}

/// Change in percent with its sign and arrow, never a colour alone.
fn change_percent(now: i64, before: i64) -> String {
    if before <= 0 {
        return direction_arrow(now, before).to_owned();
    }
    let change = (i128::from(now) - i128::from(before)) * 1000 / i128::from(before);
    signed_tenths(now, before, change.unsigned_abs(), " %")
}

/// Change of a share in percentage points.
fn change_points(now: i64, before: i64) -> String {
    signed_tenths(now, before, (now - before).unsigned_abs().into(), "")
}

fn signed_tenths(now: i64, before: i64, tenths: u128, unit: &str) -> String {
    let sign = match now.cmp(&before) {
        Ordering::Greater => "+",
        Ordering::Less => "−",
        Ordering::Equal => return direction_arrow(now, before).to_owned(),
    };
    let arrow = direction_arrow(now, before);
    format!("{arrow} {sign}{}.{}{unit}", tenths / 10, tenths % 10)
}

fn render_stat(
    words: &'static ConsoleWords,
    label: &'static str,
    [today, yesterday, last_week, whole_yesterday]: [i64; 4],
    show: fn(i64) -> String,
    compare: fn(i64, i64) -> String,
) -> AnyView {
    render_figure(
        label,
        show(today),
        vec![
            (words.yesterday, show(whole_yesterday), String::new()),
            (
                words.yesterday_until_now,
                show(yesterday),
                compare(today, yesterday),
            ),
            (
                words.last_week_until_now,
                show(last_week),
                compare(today, last_week),
            ),
        ],
    )
}

/// A figure with the ones that it is compared with: name, value and change.
fn render_figure(label: &'static str, value: String, others: Vec<(&'static str, String, String)>) -> AnyView {
    let others: Vec<_> = others
        .into_iter()
        .map(|(name, value, change)| view! { <p class="small num">{name} " " {value} " " {change}</p> })
        .collect();
    view! {
        <section class="panel stat">
            <h2 class="stat__label">{label}</h2>
            <p class="stat__value num">{value}</p>
            {others}
        </section>
    }
    .into_any()
}

/// Arrow of a trend, never a colour alone.
fn direction_arrow(now: i64, before: i64) -> &'static str {
    match now.cmp(&before) {
        Ordering::Greater => "▲",
        Ordering::Less => "▼",
        Ordering::Equal => "=",
    }
}

/// Bars over a line, with the highest amount at its height; the same as a table below.
fn render_chart(
    words: &'static ConsoleWords,
    label: &'static str,
    of_bars: &'static str,
    bars: Vec<(String, i64)>,
) -> AnyView {
    let most = bars.iter().map(|(_, fen)| *fen).max().unwrap_or(0);
    let scale = most.max(1);
    let n_bars = i64::try_from(bars.len()).unwrap_or(1).max(1);
    let step = (WIDTH / n_bars).max(1);
    let width = (step - step / 5).max(1);
    let left = |place: i64| (place * step + step / 10).to_string();
    let drawn: Vec<_> = (0_i64..)
        .zip(&bars)
        .map(|(place, (_, fen))| {
            // Divided first where the product would overflow.
            let height = if scale > i64::MAX / HEIGHT { fen / (scale / HEIGHT) } else { fen * HEIGHT / scale };
            view! {
                <rect x=left(place) y=(TOP + HEIGHT - height).to_string() width=width.to_string() height=height.to_string()></rect>
            }
        })
        .collect();
    // Four names at most find their place below the bars.
    let between = bars.len().div_ceil(4).max(1);
    let names: Vec<_> = (0_i64..)
        .zip(&bars)
        .step_by(between)
        .map(|(place, (name, _))| view! { <text x=left(place) y="146">{name.clone()}</text> })
        .collect();
    let lines = [(TOP, most), (TOP + HEIGHT / 2, most / 2)].map(|(y, fen)| {
        view! {
            <line class="chart__grid" x1="0" y1=format!("{y}.5") x2="400" y2=format!("{y}.5")></line>
            <text x="405" y=(y + 4).to_string()>{format::sum(fen)}</text>
        }
    });
    let grid = (most > 0).then(|| lines.collect_view());
    let rows = bars
        .iter()
        .map(|(name, fen)| {
            view! { <tr><td class="num">{name.clone()}</td><td class="amount-cell num">{format::sum(*fen)}</td></tr> }
                .into_any()
        })
        .collect();
    view! {
        <svg class="chart" viewBox="0 0 490 152" role="img" aria-label=label>
            {grid}
            <line x1="0" y1="130.5" x2="400" y2="130.5"></line>
            {drawn}
            {names}
        </svg>
        <details>
            <summary class="chart__more">{words.as_table}</summary>
            {table(label, &[Text(of_bars), Figures(words.gross)], rows)}
        </details>
    }
    .into_any()
}

fn render_by_method(context: &ConsoleContext, day: &Day) -> AnyView {
    let (words, texts) = (context.words(), context.language.list_words());
    let rows = day
        .by_method
        .into_iter()
        .map(|(method, sum)| {
            let share = match day.gross.fen {
                0 => "–".to_owned(),
                gross => {
                    let share = i128::from(sum.fen) * 1000 / i128::from(gross);
                    format!("{}.{} %", share / 10, share % 10)
                }
            };
            view! {
                <tr>
                    <td>{format::method(method, words)}</td>
                    <td class="amount-cell num">{sum.n}</td>
                    <td class="amount-cell num">{format::sum(sum.fen)}</td>
                    <td class="amount-cell num">{share}</td>
                </tr>
            }
            .into_any()
        })
        .collect();
    let columns = [
        Text(words.method),
        Figures(words.payments),
        Figures(words.gross),
        Figures(texts.share),
    ];
    table(words.by_method, &columns, rows)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_has_an_arrow_a_sign_and_its_size() {
        for (now, before, text) in [
            (150, 100, "▲ +50.0 %"),
            (1, 3, "▼ −66.6 %"),
            (5, 5, "="),
            (5, 0, "▲"),
            (0, 0, "="),
            (i64::MAX, 1, "▲ +922337203685477580600.0 %"),
        ] {
            assert_eq!(change_percent(now, before), text, "{now} after {before}");
        }
        assert_eq!(change_points(745, 912), "▼ −16.7");
    }
}
