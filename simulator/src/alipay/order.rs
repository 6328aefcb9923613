//! Orders of `alipay.trade.precreate`, `wap.pay`, `page.pay`, `app.pay` and `create`, and when the same number may be used again.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::bill::{Bill, Status};
use super::expiry::Expiry;
use super::fields::{amount, illegal, plain_text, required, text};
use super::node::Refusal;
use super::params::{Params, is_web_address};
use crate::keys::SELLER_ID;
use crate::state::State;

pub(super) const SELLER_LOGON_ID: &str = "seller@sandbox.example";

/// Product: how a payer reaches the bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Product {
    FaceToFace,
    Wap,
    Page,
    /// An app with Alipay's SDK.
    App,
    /// A mini program, for a payer whom the merchant names.
    Mini,
}

impl Product {
    fn codes(self) -> &'static [&'static str] {
        match self {
            Product::FaceToFace => &["FACE_TO_FACE_PAYMENT", "QR_CODE_OFFLINE"],
            Product::Wap => &["QUICK_WAP_WAY"],
            Product::Page => &["FAST_INSTANT_TRADE_PAY"],
            Product::App => &["QUICK_MSECURITY_PAY"],
            Product::Mini => &["JSAPI_PAY"],
        }
    }
}

/// Refuses a product that the merchant has not signed, as the real gateway does.
pub(super) fn require_signed(state: &State, product: Product) -> Result<(), Refusal> {
    let name = match product {
        Product::FaceToFace => "qr",
        Product::Wap => "wap",
        Product::Page => "page",
        Product::App => "app",
        Product::Mini => "mini",
    };
    if state.products.alipay.contains(name) {
        Ok(())
    } else {
        Err(Refusal::business("ACQ.ACCESS_FORBIDDEN", "无权限使用接口"))
    }
}

pub(super) fn read(
    params: &Params,
    biz: &Map<String, Value>,
    now_ms: i64,
    product: Product,
) -> Result<Bill, Refusal> {
    let out_trade_no = text(biz, "out_trade_no", 64)?.ok_or_else(|| required("out_trade_no"))?;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !out_trade_no.bytes().all(is_word) {
        return Err(Refusal::parameter(
            "参数有误out_trade_no只能由字母、数字、下划线组成",
        ));
    }
    let total_fen = amount(biz, "total_amount")?;
    let subject = plain_text(biz, "subject", 256)?.ok_or_else(|| required("subject"))?;
    check_product(biz, product)?;
    check_parties(biz)?;
    check_rest(biz)?;
    let quit_url = match product {
        Product::Wap => Some(text(biz, "quit_url", 400)?.ok_or_else(|| required("quit_url"))?),
        Product::FaceToFace | Product::Page | Product::App | Product::Mini => None,
    };
    if quit_url.as_ref().is_some_and(|url| !is_web_address(url, 400)) {
        return Err(illegal("quit_url"));
    }
    let expiry = Expiry::read(biz, now_ms, product)?;
    Ok(Bill {
        product,
        out_trade_no,
        subject,
        body: plain_text(biz, "body", 128)?,
        passback_params: text(biz, "passback_params", 512)?,
        store_id: text(biz, "store_id", 32)?,
        terminal_id: text(biz, "terminal_id", 32)?,
        total_fen,
        notify_url: params.get("notify_url").map(str::to_owned),
        return_url: params.get("return_url").map(str::to_owned),
        quit_url,
        has_certificates: params.has_certificates(),
        code: String::new(),
        created_ms: now_ms,
        code_dies_ms: expiry.code_dies_ms,
        pay_by_ms: expiry.pay_by_ms,
        trade: None,
    })
}

/// Only the QR code has a default.
fn check_product(biz: &Map<String, Value>, product: Product) -> Result<(), Refusal> {
    match text(biz, "product_code", 64)? {
        None if product == Product::FaceToFace => Ok(()),
        None => Err(required("product_code")),
        Some(code) if product.codes().contains(&code.as_str()) => Ok(()),
        Some(_) => Err(illegal("product_code")),
    }
}

fn check_parties(biz: &Map<String, Value>) -> Result<(), Refusal> {
    if text(biz, "seller_id", 28)?.is_some_and(|seller_id| seller_id != SELLER_ID) {
        return Err(Refusal::business("ACQ.SELLER_NOT_EXIST", "卖家不存在"));
    }
    if text(biz, "buyer_logon_id", 100)?.is_some_and(|buyer| buyer == SELLER_LOGON_ID) {
        return Err(Refusal::business("ACQ.BUYER_SELLER_EQUAL", "买卖家不能相同"));
    }
    Ok(())
}

/// Members without an effect here must still be well formed; unknown ones are ignored.
fn check_rest(biz: &Map<String, Value>) -> Result<(), Refusal> {
    for (name, most) in [
        ("operator_id", 28),
        ("merchant_order_no", 32),
        ("request_from_url", 256),
    ] {
        text(biz, name, most)?;
    }
    for name in ["discountable_amount", "undiscountable_amount"] {
        if biz.contains_key(name) {
            amount(biz, name)?;
        }
    }
    for (name, allowed) in [
        ("goods_type", &["0", "1"][..]),
        ("qr_pay_mode", &["0", "1", "2", "3", "4"]),
        ("integration_type", &["PCWEB", "ALIAPP"]),
    ] {
        if text(biz, name, 16)?.is_some_and(|value| !allowed.contains(&value.as_str())) {
            return Err(illegal(name));
        }
    }
    let is = |name: &str, fits: fn(&Value) -> bool| match biz.get(name) {
        Some(value) if !fits(value) => Err(illegal(name)),
        _ => Ok(()),
    };
    is("goods_detail", goods_are_listed)?;
    is("extend_params", Value::is_object)?;
    is("query_options", |options| {
        options
            .as_array()
            .is_some_and(|options| options.iter().all(Value::is_string))
    })?;
    is("qrcode_width", |width| {
        let digits = |text: &str| text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        width.is_u64() || width.as_str().is_some_and(digits)
    })
}

fn goods_are_listed(goods: &Value) -> bool {
    let needed = ["goods_id", "goods_name", "quantity", "price"];
    let is_whole = |item: &Value| needed.iter().all(|name| item.get(name).is_some());
    goods.as_array().is_some_and(|goods| goods.iter().all(is_whole))
}

/// The same number again needs the same content and a trade that is still open.
pub(super) fn may_reenter(known: &Bill, fresh: &Bill) -> Result<(), Refusal> {
    let refusal = match known.trade.as_ref().map(|trade| trade.status) {
        Some(Status::Success | Status::Finished) => {
            Refusal::business("ACQ.TRADE_HAS_SUCCESS", "交易已被支付")
        }
        Some(Status::Closed) => Refusal::business("ACQ.TRADE_HAS_CLOSE", "交易已经关闭"),
        None | Some(Status::WaitBuyerPay) if !same_content(known, fresh) => {
            Refusal::business("ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改")
        }
        None | Some(Status::WaitBuyerPay) => return Ok(()),
    };
    Err(refusal.with("out_trade_no", fresh.out_trade_no.clone()))
}

pub(super) fn same_content(known: &Bill, fresh: &Bill) -> bool {
    known.product == fresh.product
        && known.total_fen == fresh.total_fen
        && known.subject == fresh.subject
        && known.body == fresh.body
        && known.passback_params == fresh.passback_params
}
