//! The four products: the members of their order calls, and the prompts they return.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::shape::{Field, Kind, may, must};
use crate::rng::Rng;
use crate::time::{HOUR_MS, MINUTE_MS, compact};
use crate::wire::form_escape;

/// Path that an H5 order's browser opens.
pub(crate) const CASHIER_PATH: &str = "/cgi-bin/mmpayweb-bin/checkmweb";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Product {
    Native,
    Jsapi,
    App,
    H5,
}

/// Prompt of an order call: a code for the phone, and the answer that carries it.
pub(super) struct Prompt {
    pub(super) code: String,
    pub(super) answer: Value,
}

impl Product {
    pub(super) fn of_path(path: &str) -> Option<Product> {
        match path.strip_prefix("/v3/pay/transactions/")? {
            "native" => Some(Product::Native),
            "jsapi" => Some(Product::Jsapi),
            "app" => Some(Product::App),
            "h5" => Some(Product::H5),
            _ => None,
        }
    }

    /// Name in the list of signed products, which is also the last part of its path.
    pub(super) fn name(self) -> &'static str {
        match self {
            Product::Native => "native",
            Product::Jsapi => "jsapi",
            Product::App => "app",
            Product::H5 => "h5",
        }
    }

    pub(crate) fn trade_type(self) -> &'static str {
        match self {
            Product::Native => "NATIVE",
            Product::Jsapi => "JSAPI",
            Product::App => "APP",
            Product::H5 => "MWEB",
        }
    }

    /// Lifetime of the code.
    pub(super) fn life_ms(self) -> i64 {
        match self {
            Product::Native | Product::Jsapi | Product::App => 2 * HOUR_MS,
            Product::H5 => 5 * MINUTE_MS,
        }
    }

    pub(super) fn prompt(self, rng: &mut Rng, now_ms: i64, base: &str) -> Prompt {
        if self == Product::Native {
            let code = format!(
                "weixin://wxpay/bizpayurl/up?pr={}&groupid=00",
                rng.alphanumeric(7)
            );
            let answer = json!({"code_url": code});
            return Prompt { code, answer };
        }
        let prepay_id = format!("wx{}{}", &compact(now_ms)[..14], rng.hex(20));
        let answer = match self {
            Product::H5 => {
                let package = form_escape(rng.digits(10).as_bytes(), "+");
                json!({"h5_url": format!("{base}{CASHIER_PATH}?prepay_id={prepay_id}&package={package}")})
            }
            Product::Native | Product::Jsapi | Product::App => json!({"prepay_id": prepay_id}),
        };
        Prompt {
            code: prepay_id,
            answer,
        }
    }

    /// The members of an order call of this product.
    pub(super) fn shape(self) -> &'static [Field] {
        match self {
            Product::Native | Product::App => PLAIN,
            Product::Jsapi => JSAPI,
            Product::H5 => H5,
        }
    }
}

const APPID: Field = must("appid", "公众账号ID", Kind::Text(1, 32));
const MCHID: Field = must("mchid", "商户号", Kind::Text(1, 32));
const DESCRIPTION: Field = must("description", "商品描述", Kind::Text(1, 127));
const OUT_TRADE_NO: Field = must("out_trade_no", "商户订单号", Kind::Text(6, 32));
const TIME_EXPIRE: Field = may("time_expire", "支付结束时间", Kind::Text(1, 64));
const ATTACH: Field = may("attach", "商户数据包", Kind::Text(1, 128));
const NOTIFY_URL: Field = must("notify_url", "商户回调地址", Kind::Text(1, 255));
const GOODS_TAG: Field = may("goods_tag", "订单优惠标记", Kind::Text(1, 32));
const SUPPORT_FAPIAO: Field = may("support_fapiao", "电子发票入口开放标识", Kind::Flag);
const AMOUNT: Field = must(
    "amount",
    "订单金额",
    Kind::Object(&[
        must("total", "总金额", Kind::Integer(1)),
        may("currency", "货币类型", Kind::Text(1, 16)),
    ]),
);
const DETAIL: Field = may(
    "detail",
    "优惠功能",
    Kind::Object(&[
        may("cost_price", "订单原价", Kind::Integer(0)),
        may("invoice_id", "商品小票ID", Kind::Text(1, 32)),
        may("goods_detail", "单品列表", Kind::List(6_000, GOODS)),
    ]),
);
const SETTLE_INFO: Field = may(
    "settle_info",
    "结算信息",
    Kind::Object(&[may("profit_sharing", "是否指定分账", Kind::Flag)]),
);
const PAYER: Field = must(
    "payer",
    "支付者",
    Kind::Object(&[must("openid", "用户标识", Kind::Text(1, 128))]),
);
const SCENE_INFO: Field = may(
    "scene_info",
    "场景信息",
    Kind::Object(&[PAYER_CLIENT_IP, DEVICE_ID, STORE_INFO]),
);
const H5_SCENE_INFO: Field = must(
    "scene_info",
    "场景信息",
    Kind::Object(&[PAYER_CLIENT_IP, DEVICE_ID, STORE_INFO, H5_INFO]),
);
const PAYER_CLIENT_IP: Field = must("payer_client_ip", "用户终端IP", Kind::Text(1, 45));
const DEVICE_ID: Field = may("device_id", "商户端设备号", Kind::Text(1, 32));
const STORE_INFO: Field = may(
    "store_info",
    "商户门店信息",
    Kind::Object(&[
        must("id", "门店编号", Kind::Text(1, 32)),
        may("name", "门店名称", Kind::Text(1, 256)),
        may("area_code", "地区编码", Kind::Text(1, 32)),
        may("address", "详细地址", Kind::Text(1, 512)),
    ]),
);
const H5_INFO: Field = must(
    "h5_info",
    "H5场景信息",
    Kind::Object(&[
        must("type", "场景类型", Kind::Text(1, 32)),
        may("app_name", "应用名称", Kind::Text(1, 64)),
        may("app_url", "网站URL", Kind::Text(1, 128)),
        may("bundle_id", "iOS平台BundleID", Kind::Text(1, 128)),
        may("package_name", "Android平台PackageName", Kind::Text(1, 128)),
    ]),
);

const GOODS: &[Field] = &[
    must("merchant_goods_id", "商户侧商品编码", Kind::Text(1, 32)),
    may("wechatpay_goods_id", "微信侧商品编码", Kind::Text(1, 32)),
    may("goods_name", "商品名称", Kind::Text(1, 256)),
    must("quantity", "商品数量", Kind::Integer(1)),
    must("unit_price", "商品单价", Kind::Integer(0)),
];

/// Members of every order call, in the order of the documentation, with those in which products differ.
macro_rules! members {
    ($scene_info:ident $(, $payer:ident)?) => {
        &[
            APPID,
            MCHID,
            DESCRIPTION,
            OUT_TRADE_NO,
            TIME_EXPIRE,
            ATTACH,
            NOTIFY_URL,
            GOODS_TAG,
            SUPPORT_FAPIAO,
            AMOUNT,
            $($payer,)?
            DETAIL,
            $scene_info,
            SETTLE_INFO,
        ]
    };
}

const PLAIN: &[Field] = members!(SCENE_INFO);
const JSAPI: &[Field] = members!(SCENE_INFO, PAYER);
const H5: &[Field] = members!(H5_SCENE_INFO);
