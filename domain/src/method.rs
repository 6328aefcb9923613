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
    pub const PROMPT_MARGIN: Duration = Duration::from_secs(60);

    pub const fn method(self) -> Method {
        match self {
            Product::Native | Product::H5 | Product::Jsapi => Method::Wechat,
            Product::Qr | Product::Wap | Product::Page => Method::Alipay,
            Product::Balance => Method::Balance,
        }
    }
    /// Time for which a prompt can be used; `None`: as long as the payment lasts.
    pub const fn prompt_lifetime(self) -> Option<Duration> {
        match self {
            Product::H5 => Some(Duration::from_secs(5 * 60)),
            Product::Native | Product::Jsapi | Product::Qr => Some(Duration::from_secs(2 * 3600)),
            Product::Wap | Product::Page | Product::Balance => None,
        }
    }
}
