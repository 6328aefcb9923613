//! An order at WeChat, and how answers and notifications show it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::product::Product;
use super::shipping::Shipping;
use crate::keys::{APP_ID, BOUND_APP_IDS, MCH_ID};
use crate::outbox::{Content, Notification};
use crate::payer::PAYERS;
use crate::rng::Rng;
use crate::statement::{fee_of, usual_rate};
use crate::time::rfc3339;

pub(super) const COUPON_ID: &str = "109519";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) out_trade_no: String,
    pub(crate) product: Product,
    /// The first request's members: any later request must have the same.
    pub(crate) params: Map<String, Value>,
    pub(crate) description: String,
    pub(crate) attach: Option<String>,
    pub(crate) notify_url: String,
    pub(crate) total_fen: i64,
    pub(crate) created_ms: i64,
    /// Deadline of paying; the order itself stays open.
    pub(crate) pay_by_ms: i64,
    /// Code for a phone: a code_url, or a prepay_id.
    pub(crate) code: String,
    pub(crate) code_dies_ms: i64,
    /// The first to scan; no other payer can pay.
    pub(crate) payer: Option<String>,
    pub(crate) payment: Option<Payment>,
    /// A refund was accepted, however small and however it ended.
    pub(crate) refunded: bool,
    pub(crate) closed: bool,
    /// Shipping information of a payment in a mini program, once it was uploaded.
    #[serde(default)]
    pub(crate) shipping: Option<Shipping>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Payment {
    pub(crate) transaction_id: String,
    pub(crate) paid_ms: i64,
    /// Less than the total when a coupon was used.
    pub(crate) payer_total_fen: i64,
    /// Part of the coupon that the merchant gives away; the rest WeChat pays to the merchant.
    #[serde(default)]
    pub(crate) merchant_coupon_fen: i64,
    /// Rate of the fee, in hundredths of a percent.
    #[serde(default = "usual_rate")]
    pub(crate) rate: i64,
}

impl Payment {
    /// WeChat's fee for this payment of an order's total.
    pub(super) fn fee_fen(&self, total_fen: i64) -> i64 {
        fee_of(total_fen - self.merchant_coupon_fen, self.rate)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TradeState {
    NotPay,
    Success,
    Refund,
    Closed,
}

impl TradeState {
    pub(crate) fn word(self) -> &'static str {
        match self {
            TradeState::NotPay => "NOTPAY",
            TradeState::Success => "SUCCESS",
            TradeState::Refund => "REFUND",
            TradeState::Closed => "CLOSED",
        }
    }

    fn description(self) -> &'static str {
        match self {
            TradeState::NotPay => "订单未支付",
            TradeState::Success => "支付成功",
            TradeState::Refund => "订单发生过退款，退款详情请查询退款单",
            TradeState::Closed => "订单已关闭",
        }
    }
}

impl Order {
    pub(crate) fn state(&self) -> TradeState {
        self.state_with(self.payment.as_ref())
    }

    fn state_with(&self, payment: Option<&Payment>) -> TradeState {
        match payment {
            Some(_) if self.refunded => TradeState::Refund,
            Some(_) => TradeState::Success,
            None if self.closed => TradeState::Closed,
            None => TradeState::NotPay,
        }
    }

    pub(crate) fn transaction_id(&self) -> Option<&str> {
        self.payment
            .as_ref()
            .map(|payment| payment.transaction_id.as_str())
    }

    /// Amount that the merchant receives, before the fee.
    pub(super) fn settled_fen(&self) -> i64 {
        let given_away = self
            .payment
            .as_ref()
            .map_or(0, |payment| payment.merchant_coupon_fen);
        self.total_fen - given_away
    }

    /// Amount that the payer paid, or would pay.
    pub(crate) fn payer_total_fen(&self) -> i64 {
        self.payment
            .as_ref()
            .map_or(self.total_fen, |payment| payment.payer_total_fen)
    }

    /// As a query shows it when it sees this payment, or none of it.
    pub(crate) fn show(&self, payment: Option<&Payment>) -> Value {
        let state = self.state_with(payment);
        let mut shown = json!({
            "appid": self.app_id(),
            "mchid": MCH_ID,
            "out_trade_no": self.out_trade_no,
            "attach": self.attach.as_deref().unwrap_or_default(),
            "trade_state": state.word(),
            "trade_state_desc": state.description(),
            "promotion_detail": [],
            "amount": {"total": self.total_fen, "payer_currency": "CNY"},
        });
        if let Some(payment) = payment {
            self.add_payment(&mut shown, payment);
        }
        shown
    }

    fn add_payment(&self, shown: &mut Value, payment: &Payment) {
        shown["transaction_id"] = payment.transaction_id.clone().into();
        shown["trade_type"] = self.product.trade_type().into();
        shown["bank_type"] = "OTHERS".into();
        shown["success_time"] = rfc3339(payment.paid_ms).into();
        shown["payer"] = json!({"openid": self.openid()});
        shown["amount"]["payer_total"] = payment.payer_total_fen.into();
        shown["amount"]["currency"] = "CNY".into();
        if let Some(device_id) = self
            .params
            .get("scene_info")
            .and_then(|scene| scene.get("device_id"))
        {
            shown["scene_info"] = json!({"device_id": device_id});
        }
        let coupon_fen = self.total_fen - payment.payer_total_fen;
        if coupon_fen > 0 {
            let is_merchants = payment.merchant_coupon_fen > 0;
            let (merchants_fen, wechats_fen) = if is_merchants {
                (coupon_fen, 0)
            } else {
                (0, coupon_fen)
            };
            // What WeChat pays, the merchant still receives; what the merchant gives away is not settled.
            shown["promotion_detail"] = json!([{
                "coupon_id": COUPON_ID,
                "name": "单品惠-6",
                "scope": "GLOBAL",
                "type": if is_merchants { "NOCASH" } else { "CASH" },
                "amount": coupon_fen,
                "stock_id": "931386",
                "wechatpay_contribute": wechats_fen,
                "merchant_contribute": merchants_fen,
                "other_contribute": 0,
                "currency": "CNY",
            }]);
        }
    }

    /// App in which the payer is.
    pub(super) fn app_id(&self) -> &str {
        self.params.get("appid").and_then(Value::as_str).unwrap_or(APP_ID)
    }

    /// Openid of the payer. JSAPI orders name it; elsewhere it belongs to the appid: another payer, another
    /// openid, always 28 characters.
    pub(super) fn openid(&self) -> String {
        let named = self
            .params
            .get("payer")
            .and_then(|payer| payer["openid"].as_str());
        if let Some(openid) = named {
            return openid.to_owned();
        }
        openid_in(self.app_id(), self.payer.as_deref().unwrap_or_default())
    }
}

pub(super) fn openid_of(payer: &str) -> String {
    openid_in(APP_ID, payer)
}

/// Whether an openid is one of the payers' in another app of the merchant's; any other text is taken as it is.
pub(super) fn is_of_other_app(openid: &str, app_id: &str) -> bool {
    let others = BOUND_APP_IDS.into_iter().filter(|other| *other != app_id);
    let mut openids = others.flat_map(|other| PAYERS.map(|payer| openid_in(other, payer)));
    openids.any(|other| other == openid)
}

/// Openid of a payer in one app: another app, another openid.
fn openid_in(app_id: &str, payer: &str) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(format!("{app_id}/{payer}").as_bytes());
    format!("o{}", &crate::keys::hex(&digest)[..27])
}

/// The notification of a payment, for its order's notify_url; sent when it is paid, so before any refund.
pub(crate) fn notification(rng: &mut Rng, order: &Order, payment: &Payment) -> Notification {
    let mut plain = order.show(Some(payment));
    plain["trade_state"] = TradeState::Success.word().into();
    plain["trade_state_desc"] = TradeState::Success.description().into();
    if order.attach.is_none()
        && let Some(members) = plain.as_object_mut()
    {
        members.remove("attach");
    }
    Notification {
        id: rng.uuid(),
        out_trade_no: order.out_trade_no.clone(),
        url: order.notify_url.clone(),
        about: "TRANSACTION.SUCCESS".to_owned(),
        created_ms: payment.paid_ms,
        content: Content::Wechat(plain),
        unsigned: Vec::new(),
    }
}
