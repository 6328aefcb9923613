//! The page behind an `h5_url`: it opens in a phone's browser before the app takes over (docs/gateway-facts.md 1.6.1).
//!
//! It checks the browser's origin. Without a Referer the merchant's domain is unknown, and a browser at another address than
//! the order names is not the payer's phone.

use super::order::Order;
use super::product::{CASHIER_PATH, Product};
use crate::dispatcher::Dispatcher;
use crate::payer::{self, Payer, Standing};
use crate::state::State;
use crate::wallet::{Document, escape, reads_chinese};
use crate::wire::{Reply, Request, parse_form, yuan};

#[derive(Debug)]
struct Words {
    language: &'static str,
    brand: &'static str,
    note: &'static str,
    title: &'static str,
    amount: &'static str,
    merchant_label: &'static str,
    merchant: &'static str,
    subject: &'static str,
    number: &'static str,
    pay: &'static str,
    refuse: &'static str,
    back: &'static str,
    paid: &'static str,
    refused: &'static str,
    closed: &'static str,
    failed: &'static str,
}

static CHINESE: Words = Words {
    language: "zh-CN",
    brand: "微信支付",
    note: "模拟器，不会真实扣款",
    title: "H5 支付",
    amount: "金额",
    merchant_label: "收款方",
    merchant: "模拟商户",
    subject: "商品",
    number: "商户订单号",
    pay: "立即支付",
    refuse: "取消支付",
    back: "返回商户",
    paid: "支付成功",
    refused: "已取消，订单仍可支付",
    closed: "该订单已关闭",
    failed: "无法支付",
};

static ENGLISH: Words = Words {
    language: "en",
    brand: "WeChat Pay",
    note: "A simulator: no money moves",
    title: "H5 payment",
    amount: "Amount",
    merchant_label: "Pay to",
    merchant: "Simulated merchant",
    subject: "For",
    number: "Order number",
    pay: "Pay",
    refuse: "Cancel",
    back: "Back to the merchant",
    paid: "Paid",
    refused: "Cancelled; the order can still be paid",
    closed: "This order is closed",
    failed: "Cannot pay",
};

/// Action of the payer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Open,
    Pay,
    Refuse,
}

/// Reason for which the page shows no order, in WeChat's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    NoReferer,
    OtherAddress,
    Unknown,
    Expired,
}

impl Refused {
    fn says(self, words: &Words) -> &'static str {
        match (self, words.language) {
            (Refused::NoReferer, "zh-CN") => "商家参数格式有误，请联系商家解决（未带 Referer）",
            (Refused::OtherAddress, "zh-CN") => "网络环境未能通过安全验证，请稍后再试",
            (Refused::Unknown, "zh-CN") => "商家参数格式有误，请联系商家解决",
            (Refused::Expired, "zh-CN") => "支付链接已失效，请返回商户重新发起",
            (Refused::NoReferer, _) => {
                "The link was followed without a Referer, so the merchant's domain is not known"
            }
            (Refused::OtherAddress, _) => "This browser is not at the address that payer_client_ip names",
            (Refused::Unknown, _) => "There is no such H5 payment",
            (Refused::Expired, _) => "This link is older than five minutes: ask the merchant for another",
        }
    }
}

/// A page that found its order.
struct Shown {
    prepay_id: String,
    redirect_url: Option<String>,
    outcome: Result<payer::Bill, payer::Refusal>,
}

pub(crate) fn handle(dispatcher: &Dispatcher, request: &Request) -> Reply {
    let form = String::from_utf8_lossy(&request.body);
    let act = match (request.method.as_str(), form_field(&form, "act").as_deref()) {
        ("GET" | "HEAD", _) => Act::Open,
        ("POST", Some("pay")) => Act::Pay,
        ("POST", Some("refuse")) => Act::Refuse,
        ("POST", _) => return Reply::new(422, "text/plain", "act is pay or refuse"),
        _ => return Reply::new(405, "text/plain", "").with_header("allow", "GET, HEAD, POST"),
    };
    let words = words_for(request.header("accept-language"));
    let shown = dispatcher.act(|state, now_ms| open_order(state, now_ms, request, &form, act));
    match shown {
        Err(refused) => error_page(words, refused),
        Ok(shown) => match (act, &shown.outcome, &shown.redirect_url) {
            // As the app does: it sends the browser back whatever the outcome of the payment.
            (Act::Pay | Act::Refuse, Ok(_), Some(url)) => {
                Reply::new(302, "text/html;charset=utf-8", "").with_header("location", url)
            }
            _ => order_page(words, &shown, act),
        },
    }
}

fn open_order(
    state: &mut State,
    now_ms: i64,
    request: &Request,
    form: &str,
    act: Act,
) -> Result<Shown, Refused> {
    state.lapse(now_ms);
    let given = |name: &str| form_field(request.query(), name).or_else(|| form_field(form, name));
    let prepay_id = given("prepay_id").ok_or(Refused::Unknown)?;
    let no = state.wechat.codes.get(&prepay_id).ok_or(Refused::Unknown)?;
    let order = &state.wechat.orders[no];
    if order.product != Product::H5 {
        return Err(Refused::Unknown);
    }
    // The page's own form carries none: pages here send no Referer.
    if act == Act::Open && request.header("referer").is_none() {
        return Err(Refused::NoReferer);
    }
    if !is_at_home(order, request) {
        return Err(Refused::OtherAddress);
    }
    let is_alive = prepay_id == order.code && now_ms < order.code_dies_ms;
    if !is_alive && order.payment.is_none() && !order.closed {
        return Err(Refused::Expired);
    }
    let payer = Payer::first(&prepay_id);
    let outcome = match act {
        Act::Open => payer::look(state, now_ms, &prepay_id),
        Act::Pay => payer::pay(state, now_ms, &payer),
        Act::Refuse => payer::refuse(state, now_ms, &payer),
    };
    Ok(Shown {
        redirect_url: given("redirect_url").filter(|url| origin_of(url).is_some()),
        prepay_id,
        outcome,
    })
}

/// Returns whether this browser has the payer's address of the order.
fn is_at_home(order: &Order, request: &Request) -> bool {
    let named = order.params["scene_info"]["payer_client_ip"].as_str();
    named.and_then(|ip| ip.parse().ok()) == Some(request.peer.to_canonical())
}

fn order_page(words: &Words, shown: &Shown, act: Act) -> Reply {
    let back = shown.redirect_url.as_deref().map_or_else(String::new, |url| {
        format!(
            "<nav class=\"actions\"><a class=\"button\" id=\"back\" data-testid=\"cashier-back\" href=\"{}\">{}</a></nav>",
            escape(url),
            words.back
        )
    });
    let bill = match &shown.outcome {
        Ok(bill) => bill,
        Err(refusal) => {
            let said = if words.language == "zh-CN" {
                refusal.chinese().to_owned()
            } else {
                refusal.to_string()
            };
            return said_page(words, 409, &said, &back);
        }
    };
    let (state, after) = match (bill.standing, act) {
        (Standing::Paid, _) => ("paid", standing_text(words.paid, &back)),
        (Standing::Closed, _) => ("closed", standing_text(words.closed, &back)),
        (Standing::Open, Act::Refuse) => ("refused", standing_text(words.refused, &back)),
        (Standing::Open, Act::Open | Act::Pay) => ("open", button_row(words, shown)),
    };
    let body = format!(
        "{bar}<h1>{title}</h1>\
         <section class=\"card\" id=\"cashier\" data-testid=\"cashier\" data-state=\"{state}\">\
         <p class=\"amount\" data-testid=\"cashier-amount\"><span class=\"label\">{amount_label}</span>¥{amount}</p>\
         <dl><dt>{merchant_label}</dt><dd>{merchant}</dd>\
         <dt>{subject_label}</dt><dd data-testid=\"cashier-subject\">{subject}</dd>\
         <dt>{number_label}</dt><dd data-testid=\"cashier-number\">{number}</dd></dl>{after}</section>",
        bar = title_bar(words),
        title = words.title,
        amount_label = words.amount,
        amount = yuan(bill.total_fen),
        merchant_label = words.merchant_label,
        merchant = words.merchant,
        subject_label = words.subject,
        subject = escape(&bill.subject),
        number_label = words.number,
        number = escape(&bill.out_trade_no),
    );
    framed_page(words, 200, body, shown.redirect_url.as_deref())
}

fn button_row(words: &Words, shown: &Shown) -> String {
    format!(
        "<form class=\"actions\" method=\"post\" action=\"{CASHIER_PATH}\">\
         <input type=\"hidden\" name=\"prepay_id\" value=\"{prepay_id}\">\
         <input type=\"hidden\" name=\"redirect_url\" value=\"{redirect_url}\">\
         <button class=\"primary\" id=\"pay\" data-testid=\"cashier-pay\" name=\"act\" value=\"pay\">{pay}</button>\
         <button id=\"refuse\" data-testid=\"cashier-refuse\" name=\"act\" value=\"refuse\">{refuse}</button></form>",
        prepay_id = escape(&shown.prepay_id),
        redirect_url = escape(shown.redirect_url.as_deref().unwrap_or_default()),
        pay = words.pay,
        refuse = words.refuse,
    )
}

fn standing_text(said: &str, after: &str) -> String {
    format!("<p class=\"standing\" role=\"status\" data-testid=\"cashier-outcome\">{said}</p>{after}")
}

fn error_page(words: &Words, refused: Refused) -> Reply {
    said_page(words, 403, refused.says(words), "")
}

fn said_page(words: &Words, status: u16, said: &str, after: &str) -> Reply {
    let body = format!(
        "{}<h1>{}</h1><section class=\"card card--error\" data-testid=\"cashier-refusal\" role=\"alert\">\
         <p class=\"standing\">{}</p>{after}</section>",
        title_bar(words),
        words.failed,
        escape(said)
    );
    framed_page(words, status, body, None)
}

fn title_bar(words: &Words) -> String {
    format!(
        "<p class=\"bar\"><a href=\"/wallet\">{}</a><span class=\"tag\">{}</span></p>",
        words.brand, words.note
    )
}

fn framed_page(words: &Words, status: u16, body: String, leads_to: Option<&str>) -> Reply {
    let mut reply = Document {
        language: words.language,
        title: words.title,
        body,
        status,
    }
    .reply();
    // The form's answer redirects to the merchant, and browsers apply this policy to redirects as well.
    if let Some(origin) = leads_to.and_then(origin_of) {
        for (name, value) in &mut reply.headers {
            if *name == "content-security-policy" {
                *value = value.replace("form-action 'self'", &format!("form-action 'self' {origin}"));
            }
        }
    }
    reply
}

/// Scheme and host of a web address, or nothing that could be put into a policy.
fn origin_of(url: &str) -> Option<&str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    let len = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = &rest[..len];
    let is_host = !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic());
    (is_host && is_plain).then(|| &url[..url.len() - rest.len() + len])
}

fn words_for(accept_language: Option<&str>) -> &'static Words {
    if reads_chinese(accept_language) {
        &CHINESE
    } else {
        &ENGLISH
    }
}

fn form_field(form: &str, name: &str) -> Option<String> {
    let (_, value) = parse_form(form)?.into_iter().find(|(found, _)| found == name)?;
    Some(value)
}
