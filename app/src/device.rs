//! Device of the payer, and the mode in which a method is offered there.
//!
//! Guessed from the `User-Agent`, because nothing else is known before the first page. A guess is never final: every page
//! offers the other mode, and `?device=` overrides it.

use domain::{Method, Product};

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

    /// Returns whether a payer here can use this method: neither wallet opens the other one.
    pub const fn offers(self, method: Method) -> bool {
        !matches!(
            (self, method),
            (Device::Wechat, Method::Alipay) | (Device::Alipay, Method::Wechat)
        )
    }

    /// Default mode. Inside WeChat a page can open the payment only with the payer's openid, which only a merchant's program
    /// knows; without it the page shows a code for another phone, and instructions to leave.
    pub const fn usual_mode(self) -> PayMode {
        match self {
            Device::Desktop | Device::Wechat => PayMode::Scan,
            Device::Phone | Device::Alipay => PayMode::Open,
        }
    }

    /// Product for a method here; `mode` is the payer's own choice.
    pub const fn product(self, method: Method, mode: Option<PayMode>) -> Product {
        let mode = match mode {
            Some(mode) => mode,
            None => self.usual_mode(),
        };
        match (method, mode, self) {
            (Method::Wechat, PayMode::Scan, _) => Product::Native,
            (Method::Wechat, PayMode::Open, _) => Product::H5,
            (Method::Alipay, PayMode::Scan, _) => Product::Qr,
            (Method::Alipay, PayMode::Open, Device::Desktop) => Product::Page,
            (Method::Alipay, PayMode::Open, _) => Product::Wap,
            (Method::Balance, _, _) => Product::Balance,
        }
    }

    /// The other mode of the same method, where there is one.
    pub const fn other_mode(self, product: Product) -> Option<PayMode> {
        match (product, self) {
            (Product::H5 | Product::Wap | Product::Page | Product::Jsapi, _) => Some(PayMode::Scan),
            (Product::Native | Product::Qr, Device::Phone) => Some(PayMode::Open),
            (Product::Qr, Device::Desktop | Device::Alipay) => Some(PayMode::Open),
            (Product::Native | Product::Qr | Product::Balance, _) => None,
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
        use Product::{H5, Native, Page, Qr, Wap};
        for (device, wechat, alipay) in [
            (Device::Desktop, Native, Qr),
            (Device::Phone, H5, Wap),
            (Device::Wechat, Native, Qr),
            (Device::Alipay, H5, Wap),
        ] {
            assert_eq!(device.product(Method::Wechat, None), wechat, "{device:?}");
            assert_eq!(device.product(Method::Alipay, None), alipay, "{device:?}");
        }
        assert_eq!(Device::Phone.product(Method::Wechat, Some(PayMode::Scan)), Native);
        assert_eq!(Device::Desktop.product(Method::Alipay, Some(PayMode::Open)), Page);
    }

    #[test]
    fn the_other_mode_of_the_other_mode_is_the_first() {
        for device in [Device::Desktop, Device::Phone] {
            for method in [Method::Wechat, Method::Alipay] {
                let usual = device.product(method, None);
                if let Some(mode) = device.other_mode(usual) {
                    let other = device.product(method, Some(mode));
                    assert_ne!(other, usual);
                    assert_eq!(device.other_mode(other), Some(device.usual_mode()));
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
