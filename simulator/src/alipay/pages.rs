//! `alipay.trade.wap.pay`, `alipay.trade.page.pay` and `alipay.trade.app.pay`: a signed link, or form, that a payer's browser
//! or app brings.
//!
//! Valid ones lead to the cashier; errors of others are shown on a page, because a person reads them.

use std::collections::BTreeMap;

use super::bill::Bill;
use super::node::Refusal;
use super::order::{self, Product, may_reenter, same_content};
use super::params::Params;
use super::{Method, vetoed_refusal};
use crate::books::Gateway;
use crate::faults::Endpoint;
use crate::state::State;
use crate::time::HOUR_MS;
use crate::wallet::{Document, escape};
use crate::wire::Reply;

pub(crate) const CASHIER_PATH: &str = "/alipay/cashier";
const SESSION_LIFE_MS: i64 = 2 * HOUR_MS;

/// Links that were opened and found valid; there is no trade before its cashier is opened.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    brought: BTreeMap<String, (i64, Bill)>,
}

impl Sessions {
    pub(super) fn bill(&self, now_ms: i64, token: &str) -> Option<&Bill> {
        let (brought_ms, bill) = self.brought.get(token)?;
        Some(bill).filter(|_| now_ms < brought_ms + SESSION_LIFE_MS)
    }

    fn keep(&mut self, now_ms: i64, token: String, bill: Bill) {
        self.brought
            .retain(|_, (brought_ms, _)| now_ms < *brought_ms + SESSION_LIFE_MS);
        self.brought.insert(token, (now_ms, bill));
    }
}

pub(super) fn enter(state: &mut State, now_ms: i64, params: &Params, product: Product) -> Reply {
    let trace_id = state.rng.hex(32);
    let reply = match read(state, now_ms, params, product) {
        Err(refusal) => error_page(&refusal),
        Ok(bill) => {
            let token = state.rng.hex(32);
            let place = address(&token);
            state.alipay.sessions.keep(now_ms, token, bill);
            Reply::new(302, "text/html;charset=utf-8", "").with_header("location", place)
        }
    };
    reply.with_header("trace_id", trace_id)
}

pub(super) fn address(token: &str) -> String {
    format!("{CASHIER_PATH}?session={token}")
}

fn read(state: &mut State, now_ms: i64, params: &Params, product: Product) -> Result<Bill, Refusal> {
    params.authenticate(&state.keys)?;
    params.check_rest(now_ms)?;
    let biz = params.biz_content(&state.keys)?;
    if let Some(kind) = state.veto(Gateway::Alipay, Endpoint::Cashier) {
        return Err(vetoed_refusal(kind));
    }
    order::require_signed(state, product)?;
    let bill = order::read(params, &biz, now_ms, product)?;
    match state.alipay.bills.get(&bill.out_trade_no) {
        Some(known) => may_reenter(known, &bill).map(|()| bill),
        None => Ok(bill),
    }
}

pub(super) fn error_page(refusal: &Refusal) -> Reply {
    let (sub_code, sub_msg) = refusal.said();
    let body = format!(
        "<section class=\"card card--error\" id=\"error\" data-testid=\"cashier-error\" \
         data-sub-code=\"{code}\" role=\"alert\"><h1>支付宝 · 抱歉，系统出现错误</h1><p>{said}</p>\
         <p class=\"note\">错误代码 <code>{code}</code></p></section>",
        code = escape(sub_code),
        said = escape(sub_msg),
    );
    Document {
        language: "zh-CN",
        title: "支付宝",
        body,
        status: 200,
    }
    .reply()
}

/// Opens a signed link that was pasted into a wallet, as a browser would, or the order string of an app.
pub(crate) fn admit(state: &mut State, now_ms: i64, prompt: &str) {
    if state.alipay.codes.contains_key(prompt) {
        return;
    }
    let query = prompt
        .split_once("/gateway.do?")
        .map_or(prompt, |(_, query)| query);
    if !query.contains("&sign=") {
        return;
    }
    let Ok(params) = Params::read(&[query]) else {
        return;
    };
    let Ok(Method::Pages(product)) = params.method() else {
        return;
    };
    let read = |state: &State| -> Result<Bill, Refusal> {
        params.authenticate(&state.keys)?;
        params.check_rest(now_ms)?;
        order::read(&params, &params.biz_content(&state.keys)?, now_ms, product)
    };
    if let Ok(bill) = read(state) {
        admit_bill(state, bill, prompt);
    }
}

/// Makes the code lead to this bill, unless another one has its number; returns whether it does.
pub(super) fn admit_bill(state: &mut State, bill: Bill, code: &str) -> bool {
    let out_trade_no = bill.out_trade_no.clone();
    let alipay = &mut state.alipay;
    let known = alipay.bills.entry(out_trade_no.clone()).or_insert_with(|| Bill {
        code: code.to_owned(),
        ..bill.clone()
    });
    let is_same = same_content(known, &bill);
    if is_same {
        alipay.codes.insert(code.to_owned(), out_trade_no);
    }
    is_same
}
