//! Parameters with which a merchant's own program, an app or a mini program, opens a payment in the wallet (docs/gateway-facts.md
//! 1.6.1, 2.5). Their names are those of the wallets' SDKs, so that a program hands them on as they are.

use domain::Product;

use super::Gateway;
use crate::model::client_parameters::ClientParameters;

impl Gateway {
    /// `prompt` is what the create call returned. `None`: the product is opened by one of our pages.
    pub(super) fn client_parameters(&self, product: Product, prompt: &str) -> Option<ClientParameters> {
        match (self, product) {
            (Gateway::Wechat(wechat), Product::WechatMini) => wechat.mini_parameters(prompt),
            (Gateway::Wechat(wechat), Product::WechatApp) => wechat.app_parameters(prompt),
            (Gateway::Alipay(_), Product::AlipayApp) => {
                Some(ClientParameters::of([("orderString", prompt.to_owned())]))
            }
            (Gateway::Alipay(_), Product::AlipayMini) => {
                Some(ClientParameters::of([("tradeNO", prompt.to_owned())]))
            }
            _ => None,
        }
    }
}
