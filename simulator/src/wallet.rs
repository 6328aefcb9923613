//! `/wallet`: a phone on a page, for people on one machine. Plain forms, no script.

mod page;
mod words;

use crate::courier::Courier;
use crate::payer::{self, Bill, Payer, Refusal};
use crate::wire::{Reply, Request, parse_form};
pub(crate) use page::{Document, escape};
use words::Words;

/// What the person with the phone did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Pay,
    Refuse,
    Later,
}

impl Act {
    fn parse(word: &str) -> Option<Act> {
        match word {
            "pay" => Some(Act::Pay),
            "refuse" => Some(Act::Refuse),
            "later" => Some(Act::Later),
            _ => None,
        }
    }
}

pub(crate) fn handle(courier: &Courier, request: &Request) -> Reply {
    let words = Words::for_reader(request.header("accept-language"));
    match request.method.as_str() {
        "GET" | "HEAD" => look(courier, request, words),
        "POST" => act(courier, request, words),
        _ => Reply::new(405, "text/plain", "").with_header("allow", "GET, POST"),
    }
}

fn look(courier: &Courier, request: &Request, words: &Words) -> Reply {
    let code = field(request.query(), "code").unwrap_or_default();
    let shown = (!code.is_empty()).then(|| courier.act(|world, now_ms| payer::look(world, now_ms, &code)));
    let open = courier.act(payer::open_bills);
    page::start(words, &code, shown, &open)
}

fn act(courier: &Courier, request: &Request, words: &Words) -> Reply {
    let form = String::from_utf8_lossy(&request.body);
    let code = field(&form, "code").unwrap_or_default();
    let Some(act) = field(&form, "act").as_deref().and_then(Act::parse) else {
        return Reply::new(422, "text/plain", "act is pay, refuse or later");
    };
    let outcome: Result<Bill, Refusal> = courier.act(|world, now_ms| {
        let payer = Payer::first(&code);
        match act {
            Act::Pay => payer::pay(world, now_ms, &payer),
            Act::Refuse => payer::refuse(world, now_ms, &payer),
            Act::Later => payer::scan(world, now_ms, &payer),
        }
    });
    page::result(words, &code, act, outcome)
}

fn field(form: &str, name: &str) -> Option<String> {
    let (_, value) = parse_form(form)?.into_iter().find(|(found, _)| found == name)?;
    Some(value.trim().to_owned())
}
