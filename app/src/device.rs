//! Device of the payer, and the mode in which a method is offered there.
//!
//! Guessed from the `User-Agent`, because nothing else is known before the first page. A guess is never final: every page
//! offers the other mode, and `?device=` overrides it.

use domain::{Method, Product, Products};

domain::words! {
    /// Value of `?device=`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Device {
        /// A screen that a phone can be held to.
        Desktop => "desk",
        /// A phone's own browser: it can open the wallet apps.
        Phone => "phone",
        /// The browser inside WeChat: it opens no other app, and no code of WeChat's by a long press.
        Wechat => "wechat",
        /// The browser inside Alipay.
        Alipay => "alipay",
    }
}

domain::words! {
    /// Mode in which the payer gets from the page to the gateway.
    /// Value of the form field `way`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum PayMode {
        /// Another phone scans a code on this screen.
        Scan => "scan",
        /// This device opens the app or page itself.
        Open => "open",
    }
}

impl Device {
    pub fn of(user_agent: &str) -> Device {
        let says = |word: &str| user_agent.contains(word);
        // WeChat on a computer identifies as WeChat too, but there a phone can be held to the screen.
        let is_computer = ["WindowsWechat", "MacWechat", "UnifiedPCWindowsWechat"]
            .into_iter()
            .any(says);
        if is_computer {
            Device::Desktop
        } else if says("MicroMessenger") {
            Device::Wechat
        } else if says("AlipayClient") {
            Device::Alipay
        } else if ["Mobile", "Android", "iPhone", "iPod", "HarmonyOS"]
            .into_iter()
            .any(says)
            && !says("iPad")
        {
            Device::Phone
        } else {
            Device::Desktop
        }
    }

    /// Default mode.
    pub const fn usual_mode(self) -> PayMode {
        match self {
            Device::Desktop => PayMode::Scan,
            Device::Phone | Device::Wechat | Device::Alipay => PayMode::Open,
        }
    }

    /// Products of a method that can work here, the best first; `mode` is the payer's own choice.
    ///
    /// Neither wallet opens the other one. Inside WeChat a page can open the payment only with the payer's openid (JSAPI);
    /// H5 is refused there, so the alternative is a code for another phone.
    const fn usable(self, method: Method, mode: Option<PayMode>) -> &'static [Product] {
        use Product::{Balance, H5, Jsapi, Native, Page, Qr, Wap};
        let mode = match mode {
            Some(mode) => mode,
            None => self.usual_mode(),
        };
        match (method, self, mode) {
            (Method::Balance, _, _) => &[Balance],
            (Method::Wechat, Device::Alipay, _) | (Method::Alipay, Device::Wechat, _) => &[],
            (Method::Wechat, Device::Desktop, _) => &[Native],
            (Method::Wechat, Device::Phone, PayMode::Open) => &[H5, Native],
            (Method::Wechat, Device::Phone, PayMode::Scan) => &[Native, H5],
            (Method::Wechat, Device::Wechat, PayMode::Open) => &[Jsapi, Native],
            (Method::Wechat, Device::Wechat, PayMode::Scan) => &[Native, Jsapi],
            (Method::Alipay, Device::Desktop, PayMode::Scan) => &[Qr, Page, Wap],
            (Method::Alipay, Device::Desktop, PayMode::Open) => &[Page, Wap, Qr],
            (Method::Alipay, Device::Phone, PayMode::Open) => &[Wap, Qr, Page],
            (Method::Alipay, Device::Phone, PayMode::Scan) => &[Qr, Wap, Page],
            (Method::Alipay, Device::Alipay, PayMode::Open) => &[Wap, Page, Qr],
            (Method::Alipay, Device::Alipay, PayMode::Scan) => &[Qr, Wap, Page],
        }
    }

    /// Products with which a payer here can use a method, out of those that the merchant has signed, the best first.
    pub fn products(self, method: Method, mode: Option<PayMode>, signed: Products) -> Vec<Product> {
        let usable = self.usable(method, mode).iter().copied();
        usable.filter(|product| signed.contains(*product)).collect()
    }

    /// The other mode of the same method, where a signed product has one.
    pub fn other_mode(self, product: Product, signed: Products) -> Option<PayMode> {
        let other = match PayMode::of(product)? {
            PayMode::Scan => PayMode::Open,
            PayMode::Open => PayMode::Scan,
        };
        let first = self
            .products(product.method(), Some(other), signed)
            .first()
            .copied()?;
        (PayMode::of(first) == Some(other)).then_some(other)
    }
}

impl PayMode {
    /// Mode of a product. The balance has none, nor has what a merchant's own program opens.
    pub const fn of(product: Product) -> Option<PayMode> {
        match product {
            Product::Native | Product::Qr => Some(PayMode::Scan),
            Product::H5 | Product::Jsapi | Product::Wap | Product::Page => Some(PayMode::Open),
            Product::WechatApp
            | Product::WechatMini
            | Product::AlipayApp
            | Product::AlipayMini
            | Product::Balance => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_detected_by_user_agent() {
        for (agent, device) in [
            ("", Device::Desktop),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36",
                Device::Desktop,
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36",
                Device::Phone,
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
                Device::Phone,
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 16_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
                Device::Desktop,
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI",
                Device::Wechat,
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; WOW64) Chrome/126.0 Safari/537.36 MicroMessenger/7.0.20 WindowsWechat(0x63090c11)",
                Device::Desktop,
            ),
            (
                "Mozilla/5.0 (Linux; U; Android 14; zh-CN) UCBS/3.22 Mobile Safari/537.36 AlipayClient/10.6.0 Language/zh-Hans",
                Device::Alipay,
            ),
        ] {
            assert_eq!(Device::of(agent), device, "{agent}");
        }
    }

    #[test]
    fn a_method_uses_the_product_that_works_on_the_device() {
        use Product::{H5, Jsapi, Native, Page, Qr, Wap};
        let best = |device: Device, method, mode, signed: Products| {
            device.products(method, mode, signed).first().copied()
        };
        for (device, wechat, alipay) in [
            (Device::Desktop, Some(Native), Some(Qr)),
            (Device::Phone, Some(H5), Some(Wap)),
            (Device::Wechat, Some(Jsapi), None),
            (Device::Alipay, None, Some(Wap)),
        ] {
            let all = Products::all();
            assert_eq!(best(device, Method::Wechat, None, all), wechat, "{device:?}");
            assert_eq!(best(device, Method::Alipay, None, all), alipay, "{device:?}");
        }
        let (scan, open) = (Some(PayMode::Scan), Some(PayMode::Open));
        assert_eq!(
            best(Device::Phone, Method::Wechat, scan, Products::all()),
            Some(Native)
        );
        assert_eq!(
            best(Device::Desktop, Method::Alipay, open, Products::all()),
            Some(Page)
        );
        let usual = Products::of(&[Native, Qr, Wap, Page]);
        assert_eq!(best(Device::Phone, Method::Wechat, None, usual), Some(Native));
        assert_eq!(best(Device::Wechat, Method::Wechat, None, usual), Some(Native));
    }

    #[test]
    fn the_other_mode_of_the_other_mode_is_the_first() {
        for device in Device::ALL {
            for method in [Method::Wechat, Method::Alipay] {
                let Some(usual) = device.products(method, None, Products::all()).first().copied() else {
                    continue;
                };
                if let Some(mode) = device.other_mode(usual, Products::all()) {
                    let other = device.products(method, Some(mode), Products::all())[0];
                    assert_ne!(other, usual);
                    assert_eq!(device.other_mode(other, Products::all()), PayMode::of(usual));
                }
            }
        }
    }

    #[test]
    fn only_known_words_are_devices_and_modes() {
        for device in Device::ALL {
            assert_eq!(Device::parse(device.as_str()), Some(device));
        }
        assert_eq!(Device::parse("desk\" onload="), None);
        assert_eq!(PayMode::parse("open"), Some(PayMode::Open));
        assert_eq!(PayMode::parse(""), None);
    }
}
