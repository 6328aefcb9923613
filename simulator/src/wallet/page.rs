//! The wallet's HTML. Ids and `data-testid` attributes are stable: browser tests find things by them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest as _;

use super::Act;
use super::words::Words;
use crate::books::Gateway;
use crate::payer::{Bill, Refusal, Standing};
use crate::wire::{Reply, form_escape, yuan};

const STYLE: &str = include_str!("style.css");
/// So many waiting codes are listed.
const MOST_LISTED: usize = 20;

pub(crate) struct Document<'a> {
    pub(crate) language: &'a str,
    pub(crate) title: &'a str,
    pub(crate) body: String,
    pub(crate) status: u16,
}

impl Document<'_> {
    /// No script runs here, and the one style element is named by its hash.
    pub(crate) fn reply(self) -> Reply {
        let Document {
            language,
            title,
            body,
            status,
        } = self;
        let page = format!(
            "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\">\
             <title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
        );
        let hash = STANDARD.encode(sha2::Sha256::digest(STYLE.as_bytes()));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'"
        );
        Reply::new(status, "text/html; charset=utf-8", page)
            .with_header("content-security-policy", policy)
            .with_header("x-content-type-options", "nosniff")
            .with_header("referrer-policy", "no-referrer")
            .with_header("cache-control", "no-store")
            .with_header("vary", "accept-language")
    }
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

pub(super) fn start(words: &Words, code: &str, shown: Option<Result<Bill, Refusal>>, open: &[Bill]) -> Reply {
    let status = if matches!(shown, Some(Err(_))) { 404 } else { 200 };
    let bill = match shown {
        None => String::new(),
        Some(Ok(bill)) => bill_card(words, code, &bill),
        Some(Err(refusal)) => error_card(words, refusal),
    };
    let body = format!(
        "<h1>{title}</h1>{bill}{form}{list}<p class=\"note\">{note}</p>",
        title = words.title,
        form = scan_form(words, code),
        list = open_list(words, open),
        note = words.note,
    );
    Document {
        language: words.language,
        title: words.title,
        body,
        status,
    }
    .reply()
}

pub(super) fn result(words: &Words, code: &str, act: Act, outcome: Result<Bill, Refusal>) -> Reply {
    let (status, card) = match &outcome {
        Ok(bill) => (200, outcome_card(words, act, bill)),
        Err(refusal) => (409, error_card(words, *refusal)),
    };
    let again = match (&outcome, act) {
        (Ok(_), Act::Refuse | Act::Later) => format!(
            "<a class=\"button\" id=\"again\" data-testid=\"wallet-again\" href=\"{}\">{}</a>",
            link(code),
            words.again
        ),
        _ => String::new(),
    };
    let body = format!(
        "<h1>{}</h1>{card}<nav class=\"actions\">{again}\
         <a class=\"button\" id=\"back\" data-testid=\"wallet-back\" href=\"/wallet\">{}</a></nav>\
         <p class=\"note\">{}</p>",
        words.title, words.back, words.note
    );
    Document {
        language: words.language,
        title: words.title,
        body,
        status,
    }
    .reply()
}

fn outcome_card(words: &Words, act: Act, bill: &Bill) -> String {
    let (outcome, said) = match act {
        Act::Pay => ("paid", words.paid),
        Act::Refuse => ("refused", words.refused),
        Act::Later => ("later", words.left),
    };
    format!(
        "<section class=\"card\" id=\"result\" data-testid=\"wallet-result\" data-outcome=\"{outcome}\" \
         role=\"status\"><h2>{said}</h2>{}</section>",
        facts(words, bill)
    )
}

fn error_card(words: &Words, refusal: Refusal) -> String {
    format!(
        "<section class=\"card card--error\" id=\"error\" data-testid=\"wallet-error\" \
         data-outcome=\"failed\" role=\"alert\"><h2>{}</h2><p>{}</p></section>",
        words.failed,
        escape(&words.why(refusal))
    )
}

fn bill_card(words: &Words, code: &str, bill: &Bill) -> String {
    let after = match bill.standing {
        Standing::Open => buttons(words, code),
        Standing::Paid => {
            format!(
                "<p class=\"standing\" data-testid=\"wallet-standing\">{}</p>",
                words.already_paid
            )
        }
        Standing::Closed => {
            format!(
                "<p class=\"standing\" data-testid=\"wallet-standing\">{}</p>",
                words.already_closed
            )
        }
    };
    format!(
        "<section class=\"card\" id=\"bill\" data-testid=\"wallet-bill\" data-gateway=\"{}\">{}{after}</section>",
        bill.gateway.as_str(),
        facts(words, bill)
    )
}

fn facts(words: &Words, bill: &Bill) -> String {
    format!(
        "<p class=\"amount\" data-testid=\"wallet-amount\"><span class=\"label\">{amount_label}</span>¥{amount}</p>\
         <dl><dt>{payee_label}</dt><dd data-testid=\"wallet-payee\">{payee} · {gateway}</dd>\
         <dt>{subject_label}</dt><dd data-testid=\"wallet-subject\">{subject}</dd>\
         <dt>{number_label}</dt><dd data-testid=\"wallet-number\">{number}</dd></dl>",
        amount_label = words.amount,
        amount = yuan(bill.total_fen),
        payee_label = words.payee,
        payee = words.merchant,
        gateway = gateway_name(words, bill.gateway),
        subject_label = words.subject,
        subject = escape(&bill.subject),
        number_label = words.number,
        number = escape(&bill.out_trade_no),
    )
}

fn buttons(words: &Words, code: &str) -> String {
    format!(
        "<form class=\"actions\" method=\"post\" action=\"/wallet\">\
         <input type=\"hidden\" name=\"code\" value=\"{code}\">\
         <button class=\"primary\" id=\"pay\" data-testid=\"wallet-pay\" name=\"act\" value=\"pay\">{pay}</button>\
         <button id=\"refuse\" data-testid=\"wallet-refuse\" name=\"act\" value=\"refuse\">{refuse}</button>\
         <button id=\"later\" data-testid=\"wallet-later\" name=\"act\" value=\"later\">{later}</button></form>",
        code = escape(code),
        pay = words.pay,
        refuse = words.refuse,
        later = words.later,
    )
}

fn scan_form(words: &Words, code: &str) -> String {
    format!(
        "<form class=\"scan\" method=\"get\" action=\"/wallet\"><label for=\"code\">{label}</label>\
         <input id=\"code\" data-testid=\"wallet-code\" name=\"code\" value=\"{code}\" placeholder=\"{hint}\" \
         autocomplete=\"off\" spellcheck=\"false\" required>\
         <button id=\"look\" data-testid=\"wallet-look\">{look}</button></form>",
        label = words.code,
        code = escape(code),
        hint = words.code_hint,
        look = words.look,
    )
}

fn open_list(words: &Words, open: &[Bill]) -> String {
    let items: String = open
        .iter()
        .take(MOST_LISTED)
        .map(|bill| {
            format!(
                "<li><a data-testid=\"wallet-open-item\" data-number=\"{number}\" href=\"{href}\">\
                 <span>{gateway} · {subject}</span><strong>¥{amount}</strong></a></li>",
                number = escape(&bill.out_trade_no),
                href = link(&bill.code),
                gateway = gateway_name(words, bill.gateway),
                subject = escape(&bill.subject),
                amount = yuan(bill.total_fen),
            )
        })
        .collect();
    let list = if items.is_empty() {
        format!("<p class=\"note\">{}</p>", words.none_open)
    } else {
        format!("<ul>{items}</ul>")
    };
    format!(
        "<section id=\"open\" data-testid=\"wallet-open\"><h2>{}</h2>{list}</section>",
        words.open
    )
}

fn gateway_name(words: &Words, gateway: Gateway) -> &'static str {
    match gateway {
        Gateway::Wechat => words.wechat,
        Gateway::Alipay => words.alipay,
    }
}

fn link(code: &str) -> String {
    format!("/wallet?code={}", form_escape(code.as_bytes(), "+"))
}
