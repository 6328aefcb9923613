//! The cashier page in the payer's browser. Opening it logs in as the first buyer and creates the trade.

mod view;

use super::bill::Bill;
use super::node::Refusal;
use super::order::Product;
use super::pages::{address, admit_bill, error_page};
use crate::dispatcher::Dispatcher;
use crate::keys::{ALIPAY_APP_ID, Keys, SELLER_ID, Signer};
use crate::payer::{self, Payer};
use crate::state::State;
use crate::time::beijing_text;
use crate::wire::{Reply, Request, form_escape, parse_form, yuan};

/// Action of the payer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Open,
    Pay,
    Refuse,
}

/// A cashier that found its bill.
struct Desk {
    token: String,
    bill: Bill,
    outcome: Result<payer::Bill, payer::Refusal>,
    cert_sn: String,
    now_ms: i64,
}

pub(crate) fn handle(dispatcher: &Dispatcher, request: &Request) -> Reply {
    let form = String::from_utf8_lossy(&request.body);
    let token = form_field(request.query(), "session").or_else(|| form_field(&form, "session"));
    let act = match (request.method.as_str(), form_field(&form, "act").as_deref()) {
        ("GET" | "HEAD", _) => Act::Open,
        ("POST", Some("pay")) => Act::Pay,
        ("POST", Some("refuse")) => Act::Refuse,
        ("POST", _) => return Reply::new(422, "text/plain", "act is pay or refuse"),
        _ => return Reply::new(405, "text/plain", "").with_header("allow", "GET, POST"),
    };
    let token = token.unwrap_or_default();
    let desk = dispatcher.act(|state, now_ms| open_desk(state, now_ms, &token, act));
    let desk = match desk {
        Ok(desk) => desk,
        Err(refusal) => return error_page(&refusal),
    };
    let words = view::Words::for_reader(request.header("accept-language"));
    match (act, &desk.outcome) {
        (Act::Pay, Ok(_)) if desk.bill.return_url.is_some() => leave_cashier(&desk.back(&dispatcher.keys)),
        (Act::Refuse, Ok(_)) if desk.bill.quit_url.is_some() => {
            leave_cashier(desk.bill.quit_url.as_deref().unwrap_or_default())
        }
        _ => view::show(words, &desk, act, &dispatcher.keys),
    }
}

fn leave_cashier(url: &str) -> Reply {
    Reply::new(302, "text/html;charset=utf-8", "").with_header("location", url)
}

fn open_desk(state: &mut State, now_ms: i64, token: &str, act: Act) -> Result<Desk, Refusal> {
    state.lapse(now_ms);
    let brought = state.alipay.sessions.bill(now_ms, token).cloned();
    let brought =
        brought.ok_or_else(|| Refusal::business("ACQ.SESSION_TIMEOUT", "页面已过期，请返回商户重新发起"))?;
    let out_trade_no = brought.out_trade_no.clone();
    let code = address(token);
    if !admit_bill(state, brought, &code) {
        return Err(Refusal::business("ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改"));
    }
    let payer = Payer::first(&code);
    let outcome = match act {
        Act::Open => match payer::scan(state, now_ms, &payer) {
            // Opening the page again shows the current state.
            Err(payer::Refusal::AlreadyPaid | payer::Refusal::Closed) => payer::look(state, now_ms, &code),
            outcome => outcome,
        },
        Act::Pay => payer::pay(state, now_ms, &payer),
        Act::Refuse => payer::refuse(state, now_ms, &payer),
    };
    if outcome == Err(payer::Refusal::OtherPayer) {
        return Err(Refusal::business("ACQ.TRADE_BUYER_NOT_MATCH", "交易买家不匹配"));
    }
    Ok(Desk {
        token: token.to_owned(),
        bill: state.alipay.bills[&out_trade_no].clone(),
        outcome,
        cert_sn: state.alipay.signing.cert_sn(&state.keys),
        now_ms,
    })
}

impl Desk {
    /// The merchant's return URL with the parameters of the trade, which never prove payment.
    fn back(&self, keys: &Keys) -> String {
        let Some(url) = &self.bill.return_url else {
            return String::new();
        };
        let method = match self.bill.product {
            Product::Wap => "alipay.trade.wap.pay.return",
            _ => "alipay.trade.page.pay.return",
        };
        let trade_no = self.bill.trade.as_ref().map_or("", |trade| &trade.trade_no);
        // Sorted by name, the order in which they are signed.
        let fields = [
            ("app_id", ALIPAY_APP_ID.to_owned()),
            ("auth_app_id", ALIPAY_APP_ID.to_owned()),
            ("charset", "utf-8".to_owned()),
            ("method", method.to_owned()),
            ("out_trade_no", self.bill.out_trade_no.clone()),
            ("seller_id", SELLER_ID.to_owned()),
            ("sign_type", "RSA2".to_owned()),
            ("timestamp", beijing_text(self.now_ms)),
            ("total_amount", yuan(self.bill.total_fen)),
            ("trade_no", trade_no.to_owned()),
            ("version", "1.0".to_owned()),
        ];
        let joined = |escape: fn(&str) -> String| {
            let pairs = fields
                .iter()
                .map(|(name, value)| format!("{name}={}", escape(value)));
            pairs.collect::<Vec<_>>().join("&")
        };
        // Unlike in a notification, sign_type is part of what is signed (yansongda/pay#389).
        let message = joined(str::to_owned);
        let cert_sn = Some(self.cert_sn.as_str()).filter(|_| self.bill.has_certificates);
        let sign = keys.sign_as_alipay(Signer::Gateway, cert_sn, message.as_bytes());
        let escape = |text: &str| form_escape(text.as_bytes(), "+");
        let joint = if url.contains('?') { '&' } else { '?' };
        let (page, fragment) = url
            .split_once('#')
            .map_or((url.as_str(), ""), |(page, rest)| (page, rest));
        let hash = if fragment.is_empty() { "" } else { "#" };
        format!(
            "{page}{joint}{}&sign={}{hash}{fragment}",
            joined(escape),
            escape(&sign)
        )
    }
}

fn form_field(form: &str, name: &str) -> Option<String> {
    let (_, value) = parse_form(form)?.into_iter().find(|(found, _)| found == name)?;
    Some(value)
}
