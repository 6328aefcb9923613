//! The wallet's HTML. Ids and `data-testid` attributes are stable: browser tests rely on them.

pub(crate) use super::frame::{Document, escape};
use super::words::Words;
use super::{Act, Phone};
use crate::books::Gateway;
use crate::payer::{Bill, Refusal, Standing};
use crate::time::beijing_text;
use crate::wire::{Reply, form_escape, yuan};

/// Most waiting codes in the list.
const MOST_LISTED: usize = 20;

pub(super) fn start(words: &Words, open: &[Bill]) -> Reply {
    let body = format!(
        "<h1>{title}</h1><div class=\"desk\"><div>{form}<p class=\"note\">{note}</p></div>{list}</div>",
        title = words.start,
        form = scan_form(words, ""),
        note = words.how,
        list = open_list(words, open),
    );
    framed_page(words, words.title, 200, &body)
}

/// The phone's page after scanning.
pub(super) fn bill(words: &Words, phone: &Phone, shown: Result<Bill, Refusal>, open: &[Bill]) -> Reply {
    match shown {
        Ok(bill) if bill.standing == Standing::Open => {
            let body = format!(
                "<h1>{}</h1><div class=\"desk\">{}{}</div>",
                if phone.is_second {
                    words.second_phone
                } else {
                    words.bill_title
                },
                bill_card(words, phone, &bill),
                other_outcomes(words, phone),
            );
            framed_page(words, words.bill_title, 200, &body)
        }
        Ok(bill) => {
            let body = format!("<h1>{}</h1>{}", words.bill_title, bill_card(words, phone, &bill));
            framed_page(words, words.bill_title, 200, &body)
        }
        Err(refusal) => {
            let body = format!(
                "<h1>{title}</h1><div class=\"desk\"><div>{error}{form}</div>{list}</div>",
                title = words.start,
                error = error_card(words, refusal),
                form = scan_form(words, &phone.code),
                list = open_list(words, open),
            );
            framed_page(words, words.title, 404, &body)
        }
    }
}

pub(super) fn result(words: &Words, phone: &Phone, act: Act, outcome: Result<Bill, Refusal>) -> Reply {
    let (status, title, card) = match &outcome {
        Ok(bill) => (200, outcome_text(words, act), outcome_card(words, act, bill)),
        Err(refusal) => (409, words.failed, error_card(words, *refusal)),
    };
    let still_open = match &outcome {
        Ok(_) => matches!(act, Act::Refuse | Act::Later),
        Err(refusal) => matches!(refusal, Refusal::NotEnough | Refusal::BadCoupon),
    };
    let again = if still_open {
        format!(
            "<a class=\"button primary\" id=\"again\" data-testid=\"wallet-again\" href=\"{}\">{}</a>",
            code_link(&phone.code),
            words.again
        )
    } else {
        String::new()
    };
    let body = format!(
        "<h1>{title}</h1>{card}<nav class=\"actions\">{again}\
         <a class=\"button\" id=\"back\" data-testid=\"wallet-back\" href=\"/wallet\">{}</a></nav>",
        words.back
    );
    framed_page(words, title, status, &body)
}

fn framed_page(words: &Words, title: &str, status: u16, body: &str) -> Reply {
    let body = format!(
        "<p class=\"bar\"><a href=\"/wallet\">{}</a><span class=\"tag\">{}</span></p>{body}",
        words.title, words.note
    );
    Document {
        language: words.language,
        title,
        body,
        status,
    }
    .reply()
}

fn outcome_text(words: &Words, act: Act) -> &'static str {
    match act {
        Act::Pay | Act::Coupon { .. } | Act::Poor => words.paid,
        Act::Refuse => words.refused,
        Act::Later => words.left,
    }
}

fn outcome_card(words: &Words, act: Act, bill: &Bill) -> String {
    let (outcome, good, next) = match act {
        Act::Pay | Act::Coupon { .. } | Act::Poor => ("paid", " card--good", words.after_paid),
        Act::Refuse => ("refused", "", words.after_unpaid),
        Act::Later => ("later", "", words.after_unpaid),
    };
    let coupon_fen = match act {
        Act::Coupon { fen } => fen,
        _ => 0,
    };
    format!(
        "<section class=\"card{good}\" id=\"result\" data-testid=\"wallet-result\" data-outcome=\"{outcome}\" \
         role=\"status\"><p class=\"standing\">{next}</p>{}</section>",
        bill_facts(words, bill, coupon_fen)
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

fn bill_card(words: &Words, phone: &Phone, bill: &Bill) -> String {
    let standing = |said: &str| format!("<p class=\"standing\" data-testid=\"wallet-standing\">{said}</p>");
    let after = match bill.standing {
        Standing::Open => button_row(words, phone, bill),
        Standing::Paid if bill.is_shipped => format!(
            "{}<p class=\"standing\" data-testid=\"wallet-shipped\">{}</p>",
            standing(words.already_paid),
            words.shipped
        ),
        Standing::Paid => standing(words.already_paid),
        Standing::Closed => standing(words.already_closed),
    };
    format!(
        "<section class=\"card\" id=\"bill\" data-testid=\"wallet-bill\" data-gateway=\"{}\">{}{after}</section>",
        bill.gateway.as_str(),
        bill_facts(words, bill, 0)
    )
}

fn bill_facts(words: &Words, bill: &Bill, coupon_fen: i64) -> String {
    let paid = if coupon_fen == 0 {
        String::new()
    } else {
        format!(
            "<dt>{}</dt><dd data-testid=\"wallet-coupon\">−¥{}</dd>\
             <dt>{}</dt><dd data-testid=\"wallet-payer-total\">¥{}</dd>",
            words.coupon,
            yuan(coupon_fen),
            words.payer_total,
            yuan(bill.total_fen - coupon_fen)
        )
    };
    format!(
        "<p class=\"amount\" data-testid=\"wallet-amount\"><span class=\"label\">{amount_label}</span>¥{amount}</p>\
         <dl>{paid}<dt>{payee_label}</dt><dd data-testid=\"wallet-payee\">{payee} · {gateway}</dd>\
         <dt>{subject_label}</dt><dd data-testid=\"wallet-subject\">{subject}</dd>\
         <dt>{number_label}</dt><dd class=\"number\" data-testid=\"wallet-number\">{number}</dd>\
         <dt>{time_label}</dt><dd data-testid=\"wallet-time\">{time}</dd></dl>",
        time_label = words.time,
        time = time_of(bill),
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

/// A form of the bill, with the hidden fields of every button.
fn code_form(phone: &Phone, content: &str) -> String {
    let payer = if phone.is_second {
        "<input type=\"hidden\" name=\"payer\" value=\"two\">"
    } else {
        ""
    };
    format!(
        "<form class=\"actions\" method=\"post\" action=\"/wallet\">\
         <input type=\"hidden\" name=\"code\" value=\"{}\">{payer}{content}</form>",
        escape(&phone.code)
    )
}

fn button_row(words: &Words, phone: &Phone, bill: &Bill) -> String {
    let content = format!(
        "<button class=\"primary\" id=\"pay\" data-testid=\"wallet-pay\" name=\"act\" value=\"pay\">{pay} ¥{amount}</button>\
         <button id=\"later\" data-testid=\"wallet-later\" name=\"act\" value=\"later\">{later}</button>\
         <button id=\"refuse\" data-testid=\"wallet-refuse\" name=\"act\" value=\"refuse\">{refuse}</button>",
        pay = words.pay,
        amount = yuan(bill.total_fen),
        later = words.later,
        refuse = words.refuse,
    );
    code_form(phone, &content)
}

/// Rare outcomes that a merchant must handle.
fn other_outcomes(words: &Words, phone: &Phone) -> String {
    let coupon = format!(
        "<div class=\"field\"><label for=\"coupon\">{label}</label>\
         <input id=\"coupon\" data-testid=\"wallet-coupon-amount\" name=\"coupon\" inputmode=\"decimal\" \
         pattern=\"[0-9]+([.][0-9]{{1,2}})?\" placeholder=\"0.01\" autocomplete=\"off\" \
         aria-describedby=\"coupon-hint\" required>\
         <p class=\"note\" id=\"coupon-hint\">{hint}</p></div>\
         <button id=\"pay-coupon\" data-testid=\"wallet-pay-coupon\" name=\"act\" value=\"coupon\">{pay}</button>",
        label = words.coupon_amount,
        hint = words.coupon_hint,
        pay = words.coupon_pay,
    );
    let poor = format!(
        "<button id=\"poor\" data-testid=\"wallet-poor\" name=\"act\" value=\"poor\" \
         aria-describedby=\"poor-hint\">{}</button><p class=\"note\" id=\"poor-hint\">{}</p>",
        words.poor, words.poor_hint
    );
    let (other, said) = if phone.is_second {
        (code_link(&phone.code), words.first)
    } else {
        (format!("{}&amp;payer=two", code_link(&phone.code)), words.second)
    };
    format!(
        "<section class=\"others\" data-testid=\"wallet-others\"><h2>{title}</h2>{}{}\
         <a class=\"button\" id=\"other-phone\" data-testid=\"wallet-other-phone\" href=\"{other}\">{said}</a>\
         <p class=\"note\">{hint}</p></section>",
        code_form(phone, &coupon),
        code_form(phone, &poor),
        title = words.others,
        hint = words.second_hint,
    )
}

fn scan_form(words: &Words, code: &str) -> String {
    format!(
        "<form class=\"card scan\" method=\"get\" action=\"/wallet\"><div class=\"field\"><label for=\"code\">{label}</label>\
         <input id=\"code\" data-testid=\"wallet-code\" name=\"code\" value=\"{code}\" placeholder=\"{hint}\" \
         autocomplete=\"off\" autocapitalize=\"off\" spellcheck=\"false\" required></div>\
         <button class=\"primary\" id=\"look\" data-testid=\"wallet-look\">{look}</button></form>",
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
        .map(|bill| bill_item(words, bill))
        .collect();
    let list = if items.is_empty() {
        format!("<p class=\"note\">{}</p>", words.none_open)
    } else {
        format!("<ul>{items}</ul>")
    };
    let more = match open.len().checked_sub(MOST_LISTED) {
        Some(n_more @ 1..) => format!("<p class=\"note\">{} {n_more}</p>", words.more),
        _ => String::new(),
    };
    format!(
        "<section id=\"open\" data-testid=\"wallet-open\"><h2>{}</h2>{list}{more}</section>",
        words.open
    )
}

fn bill_item(words: &Words, bill: &Bill) -> String {
    // A bill without a code of its own is known by its number.
    let code = if bill.code.is_empty() {
        &bill.out_trade_no
    } else {
        &bill.code
    };
    format!(
        "<li><a data-testid=\"wallet-open-item\" data-number=\"{number}\" href=\"{href}\">\
         <span class=\"what\"><span>{subject}</span><small>{gateway} · {time}</small><small class=\"number\">{number}</small></span>\
         <strong>¥{amount}</strong></a></li>",
        number = escape(&bill.out_trade_no),
        href = code_link(code),
        gateway = gateway_name(words, bill.gateway),
        time = time_of(bill),
        subject = escape(&bill.subject),
        amount = yuan(bill.total_fen),
    )
}

/// Time at which the bill was made, in Beijing: by it two bills over the same amount are told apart.
fn time_of(bill: &Bill) -> String {
    beijing_text(bill.created_ms)
}

fn gateway_name(words: &Words, gateway: Gateway) -> &'static str {
    match gateway {
        Gateway::Wechat => words.wechat,
        Gateway::Alipay => words.alipay,
    }
}

fn code_link(code: &str) -> String {
    format!("/wallet?code={}", form_escape(code.as_bytes(), "+"))
}
