//! `/wallet`: a phone as a web page, for people on one machine. Plain forms, no script.

mod frame;
mod page;
mod words;

use crate::dispatcher::Dispatcher;
use crate::payer::{self, Bill, Payer, Refusal};
use crate::wire::{Reply, Request, parse_form, parse_yuan};
pub(crate) use frame::{Document, escape, reads_chinese};
use words::Words;

/// Action of the payer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Pay,
    Refuse,
    Later,
    /// Pays with a coupon of the gateway's.
    Coupon {
        fen: i64,
    },
    /// Tries to pay with an empty balance.
    Poor,
}

impl Act {
    fn read(form: &str) -> Option<Act> {
        match form_field(form, "act")?.as_str() {
            "pay" => Some(Act::Pay),
            "refuse" => Some(Act::Refuse),
            "later" => Some(Act::Later),
            "poor" => Some(Act::Poor),
            "coupon" => {
                let fen = form_field(form, "coupon").as_deref().and_then(parse_yuan);
                // An invalid amount is refused like a coupon without value.
                Some(Act::Coupon {
                    fen: fen.unwrap_or(0),
                })
            }
            _ => None,
        }
    }
}

/// The payer's phone and language.
#[derive(Debug)]
struct Phone {
    code: String,
    is_second: bool,
}

impl Phone {
    fn read(form: &str) -> Phone {
        Phone {
            code: form_field(form, "code").unwrap_or_default(),
            is_second: form_field(form, "payer").as_deref() == Some("two"),
        }
    }

    fn payer(&self) -> Payer<'_> {
        let first = Payer::first(&self.code);
        Payer {
            name: if self.is_second { "two" } else { first.name },
            ..first
        }
    }
}

pub(crate) fn handle(dispatcher: &Dispatcher, request: &Request) -> Reply {
    let words = Words::for_reader(request.header("accept-language"));
    match request.method.as_str() {
        "GET" | "HEAD" => look_at_bill(dispatcher, request, words),
        "POST" => act_on_bill(dispatcher, request, words),
        _ => Reply::new(405, "text/plain", "").with_header("allow", "GET, HEAD, POST"),
    }
}

fn look_at_bill(dispatcher: &Dispatcher, request: &Request, words: &Words) -> Reply {
    let phone = Phone::read(request.query());
    let open = dispatcher.act(payer::open_bills);
    if phone.code.is_empty() {
        return page::start(words, &open);
    }
    let shown = dispatcher.act(|state, now_ms| payer::look(state, now_ms, &phone.code));
    page::bill(words, &phone, shown, &open)
}

fn act_on_bill(dispatcher: &Dispatcher, request: &Request, words: &Words) -> Reply {
    let form = String::from_utf8_lossy(&request.body);
    let phone = Phone::read(&form);
    let Some(act) = Act::read(&form) else {
        return Reply::new(422, "text/plain", "act is pay, refuse, later, coupon or poor");
    };
    let payer = phone.payer();
    let outcome: Result<Bill, Refusal> = dispatcher.act(|state, now_ms| match act {
        Act::Pay => payer::pay(state, now_ms, &payer),
        Act::Refuse => payer::refuse(state, now_ms, &payer),
        Act::Later => payer::scan(state, now_ms, &payer),
        Act::Coupon { fen: 0 } => Err(Refusal::BadCoupon),
        Act::Coupon { fen } => payer::pay(
            state,
            now_ms,
            &Payer {
                coupon_fen: fen,
                ..payer
            },
        ),
        Act::Poor => payer::pay(
            state,
            now_ms,
            &Payer {
                balance_fen: Some(0),
                ..payer
            },
        ),
    });
    page::result(words, &phone, act, outcome)
}

fn form_field(form: &str, name: &str) -> Option<String> {
    let (_, value) = parse_form(form)?.into_iter().find(|(found, _)| found == name)?;
    Some(value.trim().to_owned())
}
