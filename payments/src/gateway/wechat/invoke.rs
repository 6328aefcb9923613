//! Signed parameters that open a payment in the WeChat app: from a page inside WeChat, a mini program, or an app (docs/gateway-facts.md
//! 1.6.1). Signed anew each time, because the app checks their age.

use domain::Product;

use super::super::Invocation;
use super::Wechat;
use super::sign::invocation_message;
use crate::model::client_parameters::ClientParameters;

const SIGN_TYPE: &str = "RSA";

impl Wechat {
    /// For a page inside WeChat.
    pub(in super::super) fn invocation(&self, prepay_id: &str) -> Invocation {
        self.sign_invocation(&self.apps.account, prepay_id)
    }

    /// For `wx.requestPayment` of the mini program, which knows its own app id.
    pub(in super::super) fn mini_parameters(&self, prepay_id: &str) -> Option<ClientParameters> {
        let signed = self.sign_invocation(self.apps.of(Product::WechatMini)?, prepay_id);
        Some(ClientParameters::of([
            ("timeStamp", signed.time_stamp),
            ("nonceStr", signed.nonce_str),
            ("package", signed.package),
            ("signType", SIGN_TYPE.to_owned()),
            ("paySign", signed.pay_sign),
        ]))
    }

    /// For the SDK of an app, whose names and signed text differ: the bare id, and no kind of signature.
    pub(in super::super) fn app_parameters(&self, prepay_id: &str) -> Option<ClientParameters> {
        let app_id = self.apps.of(Product::WechatApp)?;
        let (timestamp, nonce) = (self.clock.now().seconds().to_string(), self.clock.nonce());
        let message = invocation_message(app_id, &timestamp, &nonce, prepay_id);
        Some(ClientParameters::of([
            ("appid", app_id.to_owned()),
            ("partnerid", self.mch_id.clone()),
            ("prepayid", prepay_id.to_owned()),
            ("package", "Sign=WXPay".to_owned()),
            ("noncestr", nonce),
            ("timestamp", timestamp),
            ("sign", self.own_key.sign(message.as_bytes())),
        ]))
    }

    fn sign_invocation(&self, app_id: &str, prepay_id: &str) -> Invocation {
        let (time_stamp, nonce_str) = (self.clock.now().seconds().to_string(), self.clock.nonce());
        let package = format!("prepay_id={prepay_id}");
        let message = invocation_message(app_id, &time_stamp, &nonce_str, &package);
        Invocation {
            pay_sign: self.own_key.sign(message.as_bytes()),
            app_id: app_id.to_owned(),
            time_stamp,
            nonce_str,
            package,
            sign_type: SIGN_TYPE,
        }
    }
}
