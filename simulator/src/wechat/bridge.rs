//! The WeChat app asked to pay: by a page inside it (`WeixinJSBridge`), by a mini program (`wx.requestPayment`), or by an app with
//! WeChat's SDK (docs/gateway-facts.md 1.6.1, paySign).

use serde::Deserialize;

use super::product::Product;
use super::{Order, TradeState};
use crate::keys::{APP_ID, Keys, MCH_ID, MINI_APP_ID, MOBILE_APP_ID};
use crate::payer::{self, Bill, Payer};
use crate::state::State;
use crate::time::SECOND_MS;

/// Parameters that the app is handed, all of them strings: told apart by their names, which differ.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Invocation {
    Page(PageInvocation),
    Mini(MiniInvocation),
    App(AppInvocation),
}

/// `getBrandWCPayRequest` of a page.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PageInvocation {
    app_id: String,
    time_stamp: String,
    nonce_str: String,
    package: String,
    sign_type: String,
    pay_sign: String,
}

/// `wx.requestPayment`: the mini program's own id is signed, and not named.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MiniInvocation {
    time_stamp: String,
    nonce_str: String,
    package: String,
    sign_type: String,
    pay_sign: String,
}

/// `PayReq` of the SDK for apps.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppInvocation {
    appid: String,
    partnerid: String,
    prepayid: String,
    package: String,
    noncestr: String,
    timestamp: String,
    sign: String,
}

/// Checked parameters: the order that they name, and where its payer is.
#[derive(Debug)]
pub(crate) struct Invoked<'a> {
    prepay_id: &'a str,
    product: Product,
    app_id: &'static str,
}

impl Invocation {
    /// Names the wrong parameter, unlike the app, which only says that the parameters are wrong.
    pub(crate) fn check(&self, keys: &Keys) -> Result<Invoked<'_>, String> {
        match self {
            Invocation::Page(page) => {
                if page.app_id != APP_ID {
                    return Err("appId is not the merchant's".to_owned());
                }
                let (kind, sign) = (page.sign_type.as_str(), page.pay_sign.as_str());
                let signed = [&page.time_stamp, &page.nonce_str, &page.package];
                check_jsapi(keys, APP_ID, signed.map(String::as_str), (kind, sign))
            }
            Invocation::Mini(mini) => {
                let (kind, sign) = (mini.sign_type.as_str(), mini.pay_sign.as_str());
                let signed = [&mini.time_stamp, &mini.nonce_str, &mini.package];
                check_jsapi(keys, MINI_APP_ID, signed.map(String::as_str), (kind, sign))
            }
            Invocation::App(app) => app.check(keys),
        }
    }
}

impl AppInvocation {
    fn check(&self, keys: &Keys) -> Result<Invoked<'_>, String> {
        for (name, given, wanted) in [
            ("appid", &self.appid, MOBILE_APP_ID),
            ("partnerid", &self.partnerid, MCH_ID),
            ("package", &self.package, "Sign=WXPay"),
        ] {
            if given != wanted {
                return Err(format!("{name} is not {wanted}"));
            }
        }
        check_seconds(&self.timestamp)?;
        let signed = [MOBILE_APP_ID, &self.timestamp, &self.noncestr, &self.prepayid];
        check_sign(keys, signed, &self.sign)?;
        Ok(Invoked {
            prepay_id: &self.prepayid,
            product: Product::App,
            app_id: MOBILE_APP_ID,
        })
    }
}

/// `signed` are the time, the nonce and the package.
fn check_jsapi<'a>(
    keys: &Keys,
    app_id: &'static str,
    signed: [&'a str; 3],
    (sign_type, sign): (&str, &str),
) -> Result<Invoked<'a>, String> {
    let [seconds, nonce, package] = signed;
    if sign_type != "RSA" {
        return Err("signType is not RSA".to_owned());
    }
    check_seconds(seconds)?;
    let prepay_id = package
        .strip_prefix("prepay_id=")
        .filter(|id| !id.is_empty())
        .ok_or("package is not prepay_id=…")?;
    check_sign(keys, [app_id, seconds, nonce, package], sign)?;
    Ok(Invoked {
        prepay_id,
        product: Product::Jsapi,
        app_id,
    })
}

fn check_seconds(text: &str) -> Result<(), String> {
    if text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(())
    } else {
        Err("timeStamp is not a number of seconds".to_owned())
    }
}

fn check_sign(keys: &Keys, lines: [&str; 4], sign: &str) -> Result<(), String> {
    let message = lines.map(|line| format!("{line}\n")).concat();
    if keys.merchant_signed(message.as_bytes(), sign) {
        Ok(())
    } else {
        Err(format!(
            "paySign is not a signature of {message:?} by the merchant's key"
        ))
    }
}

/// Opens the app and pays as the payer of the order.
pub(crate) fn pay(state: &mut State, now_ms: i64, invoked: &Invoked<'_>) -> Result<Bill, String> {
    let prepay_id = invoked.prepay_id;
    let no = state.wechat.codes.get(prepay_id).ok_or("no such prepay_id")?;
    let order = &state.wechat.orders[no];
    if !is_opened_by(order, invoked) {
        return Err(format!(
            "this prepay_id is of a {} order of the app {}",
            order.product.trade_type(),
            order.app_id()
        ));
    }
    if order.state() == TradeState::NotPay && (prepay_id != order.code || now_ms >= order.code_dies_ms) {
        let age_s = (now_ms - order.created_ms) / SECOND_MS;
        return Err(format!(
            "this prepay_id is dead: the order is {age_s} s old, or has a newer one"
        ));
    }
    payer::pay(state, now_ms, &Payer::first(prepay_id)).map_err(|refusal| refusal.to_string())
}

fn is_opened_by(order: &Order, invoked: &Invoked<'_>) -> bool {
    order.product == invoked.product && order.app_id() == invoked.app_id
}
