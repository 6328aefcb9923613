//! `WeixinJSBridge`: a page inside WeChat asks the app to pay (docs/gateway-facts.md 1.6.1, paySign).

use serde::Deserialize;

use super::TradeState;
use super::product::Product;
use crate::keys::{APP_ID, Keys};
use crate::payer::{self, Bill, Payer};
use crate::state::State;
use crate::time::SECOND_MS;

/// The object that the page hands to `getBrandWCPayRequest`, all of it strings.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Invocation {
    app_id: String,
    time_stamp: String,
    nonce_str: String,
    package: String,
    sign_type: String,
    pay_sign: String,
}

impl Invocation {
    /// Names the wrong parameter, unlike the app, which only says that the parameters are wrong.
    pub(crate) fn check(&self, keys: &Keys) -> Result<&str, String> {
        if self.app_id != APP_ID {
            return Err("appId is not the merchant's".to_owned());
        }
        if self.sign_type != "RSA" {
            return Err("signType is not RSA".to_owned());
        }
        if self.time_stamp.len() != 10 || !self.time_stamp.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("timeStamp is not a number of seconds".to_owned());
        }
        let prepay_id = self
            .package
            .strip_prefix("prepay_id=")
            .filter(|id| !id.is_empty())
            .ok_or("package is not prepay_id=…")?;
        let message = format!(
            "{}\n{}\n{}\n{}\n",
            self.app_id, self.time_stamp, self.nonce_str, self.package
        );
        if keys.merchant_signed(message.as_bytes(), &self.pay_sign) {
            Ok(prepay_id)
        } else {
            Err(format!(
                "paySign is not a signature of {message:?} by the merchant's key"
            ))
        }
    }
}

/// Opens the app and pays as the payer of the order.
pub(crate) fn pay(state: &mut State, now_ms: i64, prepay_id: &str) -> Result<Bill, String> {
    let no = state.wechat.codes.get(prepay_id).ok_or("no such prepay_id")?;
    let order = &state.wechat.orders[no];
    if order.product != Product::Jsapi {
        return Err("this prepay_id is not of a JSAPI order".to_owned());
    }
    if order.state() == TradeState::NotPay && (prepay_id != order.code || now_ms >= order.code_dies_ms) {
        let age_s = (now_ms - order.created_ms) / SECOND_MS;
        return Err(format!(
            "this prepay_id is dead: the order is {age_s} s old, or has a newer one"
        ));
    }
    payer::pay(state, now_ms, &Payer::first(prepay_id)).map_err(|refusal| refusal.to_string())
}
