//! Methods of payment, their products, and the channels that carry them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

crate::words! {
    /// Method that the payer chooses.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Method {
        Wechat => "wechat",
        Alipay => "alipay",
        Balance => "balance",
    }
}

crate::words! {
    /// A company outside that moves the money. The balance has none: it is moved in our own transaction.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Channel {
        Wechat => "wechat",
        Alipay => "alipay",
    }
}

crate::words! {
    /// Form in which a method is offered.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Product {
        /// WeChat: a QR code for the WeChat camera.
        Native => "native",
        /// WeChat: a phone browser that wakes the app.
        H5 => "h5",
        /// WeChat: a page inside WeChat.
        Jsapi => "jsapi",
        /// Alipay: a QR code (precreate).
        Qr => "qr",
        /// Alipay: a phone browser.
        Wap => "wap",
        /// Alipay: a desktop browser.
        Page => "page",
        Balance => "balance",
        /// WeChat: the merchant's own app on a phone, which opens WeChat.
        WechatApp => "wechat_app",
        /// WeChat: the merchant's mini program.
        WechatMini => "wechat_mini",
        /// Alipay: the merchant's own app on a phone, which opens Alipay.
        AlipayApp => "alipay_app",
        /// Alipay: the merchant's mini program.
        AlipayMini => "alipay_mini",
    }
}

impl Method {
    pub const fn channel(self) -> Option<Channel> {
        match self {
            Method::Wechat => Some(Channel::Wechat),
            Method::Alipay => Some(Channel::Alipay),
            Method::Balance => None,
        }
    }

    /// Product of `POST /payments` when it names none.
    pub const fn default_product(self) -> Product {
        match self {
            Method::Wechat => Product::Native,
            Method::Alipay => Product::Qr,
            Method::Balance => Product::Balance,
        }
    }
}

impl Channel {
    pub const fn method(self) -> Method {
        match self {
            Channel::Wechat => Method::Wechat,
            Channel::Alipay => Method::Alipay,
        }
    }
}

impl std::fmt::Display for Channel {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Product {
    /// A prompt is renewed this long before it dies: a payer needs time to use it.
    pub const PROMPT_MARGIN: Duration = Duration::from_mins(1);

    pub const fn method(self) -> Method {
        match self {
            Product::Native | Product::H5 | Product::Jsapi | Product::WechatApp | Product::WechatMini => {
                Method::Wechat
            }
            Product::Qr | Product::Wap | Product::Page | Product::AlipayApp | Product::AlipayMini => {
                Method::Alipay
            }
            Product::Balance => Method::Balance,
        }
    }

    /// Finds a product of a method by its name in the API: `app` and `mini` are names of several.
    pub fn of_method(method: Method, name: &str) -> Option<Product> {
        let mut products = Product::ALL.into_iter();
        products.find(|product| product.method() == method && product.name() == name)
    }

    /// Name in the API, unique among the products of a method.
    pub const fn name(self) -> &'static str {
        match self {
            Product::WechatApp | Product::AlipayApp => "app",
            Product::WechatMini | Product::AlipayMini => "mini",
            other => other.as_str(),
        }
    }

    /// Names in the API, each once.
    pub const NAMES: [&'static str; 9] = [
        "native", "h5", "jsapi", "qr", "wap", "page", "balance", "app", "mini",
    ];

    /// Whether the create call must name the payer.
    pub const fn names_payer(self) -> bool {
        matches!(self, Product::Jsapi | Product::WechatMini | Product::AlipayMini)
    }

    /// Whether a program of the merchant's opens the payment with parameters that we sign: our pages offer no such product.
    pub const fn is_for_clients(self) -> bool {
        matches!(
            self,
            Product::WechatApp | Product::WechatMini | Product::AlipayApp | Product::AlipayMini
        )
    }

    /// Time for which a prompt can be used; `None`: as long as the payment lasts.
    pub const fn prompt_lifetime(self) -> Option<Duration> {
        match self {
            Product::H5 => Some(Duration::from_mins(5)),
            Product::Native | Product::Jsapi | Product::WechatApp | Product::WechatMini | Product::Qr => {
                Some(Duration::from_hours(2))
            }
            Product::Wap | Product::Page | Product::AlipayApp | Product::AlipayMini | Product::Balance => {
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_product_of_its_method() {
        for product in Product::ALL {
            assert_eq!(
                Product::of_method(product.method(), product.name()),
                Some(product)
            );
            assert!(Product::NAMES.contains(&product.name()));
        }
        assert_eq!(Product::of_method(Method::Alipay, "native"), None);
        assert_eq!(Product::of_method(Method::Wechat, "wechat_app"), None);
    }
}
