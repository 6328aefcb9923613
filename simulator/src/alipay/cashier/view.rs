//! The cashier's HTML, in the wallet's look. Ids and `data-testid` attributes are stable.

use super::super::pages::CASHIER_PATH;
use super::{Act, Desk};
use crate::keys::Keys;
use crate::payer::Standing;
use crate::wallet::{Document, escape, reads_chinese};
use crate::wire::{Reply, yuan};

#[derive(Debug)]
pub(super) struct Words {
    language: &'static str,
    brand: &'static str,
    title: &'static str,
    note: &'static str,
    payee: &'static str,
    merchant: &'static str,
    subject: &'static str,
    number: &'static str,
    amount: &'static str,
    pay: &'static str,
    refuse: &'static str,
    back: &'static str,
    quit: &'static str,
    again: &'static str,
    paid: &'static str,
    refused: &'static str,
    closed: &'static str,
    failed: &'static str,
}

static CHINESE: Words = Words {
    language: "zh-CN",
    brand: "支付宝",
    title: "收银台",
    note: "模拟器，不会真实扣款",
    payee: "收款方",
    merchant: "模拟商户",
    subject: "商品",
    number: "商户订单号",
    amount: "金额",
    pay: "确认付款",
    refuse: "拒绝付款",
    back: "返回商户",
    quit: "放弃并返回商户",
    again: "重新付款",
    paid: "付款成功",
    refused: "已拒绝付款，订单仍可支付",
    closed: "该订单已关闭",
    failed: "无法付款",
};

static ENGLISH: Words = Words {
    language: "en",
    brand: "Alipay",
    title: "Cashier",
    note: "A simulator: no money moves",
    payee: "Pay to",
    merchant: "Simulated merchant",
    subject: "For",
    number: "Order number",
    amount: "Amount",
    pay: "Pay",
    refuse: "Refuse",
    back: "Back to the merchant",
    quit: "Leave for the merchant's page",
    again: "Pay after all",
    paid: "Paid",
    refused: "Refused; the order can still be paid",
    closed: "This order is closed",
    failed: "Cannot pay",
};

impl Words {
    pub(super) fn for_reader(accept_language: Option<&str>) -> &'static Words {
        if reads_chinese(accept_language) {
            &CHINESE
        } else {
            &ENGLISH
        }
    }
}

pub(super) fn show(words: &Words, desk: &Desk, act: Act, keys: &Keys) -> Reply {
    let (status, state, after) = match (&desk.outcome, act) {
        (Err(refusal), _) => {
            let said = if words.language == "zh-CN" {
                refusal.chinese().to_owned()
            } else {
                refusal.to_string()
            };
            let after = format!(
                "<p class=\"standing\" role=\"alert\" data-testid=\"cashier-refusal\">{}: {}</p>{}",
                words.failed,
                escape(&said),
                away_page(words, desk)
            );
            (409, "failed", after)
        }
        (Ok(bill), act) => match (bill.standing, act) {
            (Standing::Paid, _) => (
                200,
                "paid",
                outcome_block(words.paid, &home_page(words, desk, keys)),
            ),
            (Standing::Closed, _) => (
                200,
                "closed",
                outcome_block(words.closed, &away_page(words, desk)),
            ),
            (Standing::Open, Act::Refuse) => {
                let again = format!(
                    "<nav class=\"actions\"><a class=\"button\" id=\"again\" data-testid=\"cashier-again\" \
                     href=\"{CASHIER_PATH}?session={}\">{}</a></nav>",
                    escape(&desk.token),
                    words.again
                );
                (200, "refused", outcome_block(words.refused, &again))
            }
            (Standing::Open, Act::Open | Act::Pay) => (
                200,
                "open",
                format!("{}{}", button_row(words, desk), away_page(words, desk)),
            ),
        },
    };
    cashier_page(words, desk, status, state, &after)
}

fn cashier_page(words: &Words, desk: &Desk, status: u16, state: &str, after: &str) -> Reply {
    let bill = &desk.bill;
    let body = format!(
        "<p class=\"bar\"><a href=\"/wallet\">{brand}</a><span class=\"tag\">{note}</span></p><h1>{title}</h1>\
         <section class=\"card\" id=\"cashier\" data-testid=\"cashier\" data-state=\"{state}\">\
         <p class=\"amount\" data-testid=\"cashier-amount\"><span class=\"label\">{amount_label}</span>¥{amount}</p>\
         <dl><dt>{payee}</dt><dd>{merchant}</dd>\
         <dt>{subject_label}</dt><dd data-testid=\"cashier-subject\">{subject}</dd>\
         <dt>{number_label}</dt><dd data-testid=\"cashier-number\">{number}</dd></dl>{after}</section>",
        brand = words.brand,
        title = words.title,
        note = words.note,
        amount_label = words.amount,
        amount = yuan(bill.total_fen),
        payee = words.payee,
        merchant = words.merchant,
        subject_label = words.subject,
        subject = escape(&bill.subject),
        number_label = words.number,
        number = escape(&bill.out_trade_no),
    );
    let mut reply = Document {
        language: words.language,
        title: words.title,
        body,
        status,
    }
    .reply();
    // The form's answer redirects to the merchant, and browsers apply this policy to redirects as well.
    let origins: String = [&bill.return_url, &bill.quit_url]
        .into_iter()
        .flatten()
        .filter_map(|url| origin_of(url))
        .map(|origin| format!(" {origin}"))
        .collect();
    for (name, value) in &mut reply.headers {
        if *name == "content-security-policy" {
            *value = value.replace("form-action 'self'", &format!("form-action 'self'{origins}"));
        }
    }
    reply
}

/// Scheme and host; addresses were checked to have nothing else there.
fn origin_of(url: &str) -> Option<&str> {
    let start = url.find("://")? + 3;
    let len = url[start..].find(['/', '?', '#']).unwrap_or(url.len() - start);
    Some(&url[..start + len])
}

fn outcome_block(said: &str, after: &str) -> String {
    format!("<p class=\"standing\" role=\"status\" data-testid=\"cashier-outcome\">{said}</p>{after}")
}

fn button_row(words: &Words, desk: &Desk) -> String {
    format!(
        "<form class=\"actions\" method=\"post\" action=\"{CASHIER_PATH}\">\
         <input type=\"hidden\" name=\"session\" value=\"{token}\">\
         <button class=\"primary\" id=\"pay\" data-testid=\"cashier-pay\" name=\"act\" value=\"pay\">{pay}</button>\
         <button id=\"refuse\" data-testid=\"cashier-refuse\" name=\"act\" value=\"refuse\">{refuse}</button></form>",
        token = escape(&desk.token),
        pay = words.pay,
        refuse = words.refuse,
    )
}

/// Link for a payer after payment.
fn home_page(words: &Words, desk: &Desk, keys: &Keys) -> String {
    if desk.bill.return_url.is_none() {
        return String::new();
    }
    link_button("back", "cashier-back", &desk.back(keys), words.back)
}

/// Link for a payer without payment.
fn away_page(words: &Words, desk: &Desk) -> String {
    match &desk.bill.quit_url {
        Some(url) => link_button("quit", "cashier-quit", url, words.quit),
        None => String::new(),
    }
}

fn link_button(id: &str, testid: &str, url: &str, said: &str) -> String {
    format!(
        "<nav class=\"actions\"><a class=\"button\" id=\"{id}\" data-testid=\"{testid}\" href=\"{}\">{said}</a></nav>",
        escape(url)
    )
}
