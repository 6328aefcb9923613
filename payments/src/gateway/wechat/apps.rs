//! Apps of a merchant at WeChat. A payment belongs to the app in which its payer is; all of them are bound to one merchant number.

use domain::Product;

#[derive(Debug, Clone)]
pub(super) struct Apps {
    /// The official account, or another app that opens native, H5 and JSAPI payments.
    pub(super) account: String,
    pub(super) mini: Option<String>,
    pub(super) mobile: Option<String>,
}

impl Apps {
    /// App of a product. `None`: not configured, or no product of WeChat's.
    pub(super) fn of(&self, product: Product) -> Option<&str> {
        match product {
            Product::Native | Product::H5 | Product::Jsapi => Some(&self.account),
            Product::WechatMini => self.mini.as_deref(),
            Product::WechatApp => self.mobile.as_deref(),
            Product::Qr
            | Product::Wap
            | Product::Page
            | Product::AlipayApp
            | Product::AlipayMini
            | Product::Balance => None,
        }
    }

    pub(super) fn contains(&self, app_id: &str) -> bool {
        let mut all = [Some(&self.account), self.mini.as_ref(), self.mobile.as_ref()]
            .into_iter()
            .flatten();
        all.any(|known| known == app_id)
    }
}
