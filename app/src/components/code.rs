//! The QR code to scan, and its deadline.

use leptos::prelude::*;

use crate::components::icons;
use crate::i18n::fill;
use crate::islands::Countdown;
use crate::view::{CheckoutView, Code};

/// The QR code. It keeps its size and stays white in every theme: scanners need the contrast.
#[component]
pub fn CodeCard(view: CheckoutView) -> impl IntoView {
    let words = view.words;
    view.code.map(|code| {
        let Code {
            qr,
            instruction,
            label,
            wallet,
        } = code;
        let wallet = wallet.map(|wallet| {
            view! {
                <div class="demo">
                    <p class="demo__text">{words.wallet_help}</p>
                    <a class="demo__link" href=wallet target="_blank" rel="noreferrer" data-action="wallet">
                        {words.open_wallet}
                    </a>
                </div>
            }
        });
        view! {
            <div class="qr" data-testid="qr" data-code=qr.content>
                <svg
                    class="qr__code"
                    viewBox=format!("0 0 {0} {0}", qr.side)
                    shape-rendering="crispEdges"
                    role="img"
                    aria-label=label
                >
                    <path fill="#000" d=qr.path></path>
                </svg>
            </div>
            <p class="scan">{icons::scan()} <span>{instruction}</span></p>
            {wallet}
        }
    })
}

/// The deadline as a time of day, and as a countdown once script runs.
#[component]
pub fn DeadlineLine(view: CheckoutView) -> impl IntoView {
    let words = view.words;
    view.deadline.map(|deadline| {
        view! {
            <p
                class="deadline"
                data-millis-left=deadline.millis_left
                data-label=words.time_left
                data-at-five=words.five_minutes_left
                data-at-one=words.one_minute_left
                data-at-end=words.time_is_over
            >
                <time class="deadline__time num" data-testid="deadline" datetime=deadline.machine>
                    {fill(words.pay_before, &[("time", &deadline.time)])}
                </time>
                <Countdown/>
            </p>
        }
    })
}
