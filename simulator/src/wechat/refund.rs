//! Refunds: `PROCESSING` until their time is up or a person decides, then notified to their own notify_url.

mod abnormal;
mod query;
mod request;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Order;
use super::account::{CLOSED_REFUND, Movement};
use crate::books::{BookedRefund, Gateway, RefundOutcome};
use crate::keys::MCH_ID;
use crate::outbox::{Content, Notification};
use crate::rng::Rng;
use crate::state::State;
use crate::statement::RefundWord;
use crate::time::{SECOND_MS, rfc3339};
pub(super) use abnormal::apply;
pub(super) use query::query;
pub(crate) use request::by_hand;
pub(super) use request::request;

/// Default duration of a refund.
pub(super) const DELAY_MS: i64 = 5 * SECOND_MS;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Refund {
    pub(crate) out_refund_no: String,
    pub(crate) refund_id: String,
    pub(crate) out_trade_no: String,
    pub(crate) transaction_id: String,
    /// The first request's members: any later request must have the same.
    params: Map<String, Value>,
    pub(crate) fen: i64,
    /// Amount that the payer gets back; the rest was a coupon.
    pub(crate) payer_fen: i64,
    /// Part of a coupon of the merchant's, which nobody pays back.
    #[serde(default)]
    pub(crate) merchant_coupon_fen: i64,
    /// The part of the fee that comes back to the merchant.
    pub(crate) fee_fen: i64,
    pub(crate) created_ms: i64,
    pub(crate) state: RefundState,
    /// Planned end of the refund.
    fate: RefundOutcome,
    ends_ms: Option<i64>,
    pub(crate) ended_ms: Option<i64>,
    notify_url: Option<String>,
    receiver: Cow<'static, str>,
    channel: Cow<'static, str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RefundState {
    Processing,
    Success,
    Abnormal,
    Closed,
}

impl RefundState {
    pub(crate) fn word(self) -> &'static str {
        match self {
            RefundState::Processing => "PROCESSING",
            RefundState::Success => "SUCCESS",
            RefundState::Abnormal => "ABNORMAL",
            RefundState::Closed => "CLOSED",
        }
    }
}

impl RefundState {
    /// As a trade statement writes it; one that had not ended by then is under way in it.
    pub(super) fn in_statement(self, has_ended: bool) -> RefundWord {
        match self {
            _ if !has_ended => RefundWord::Processing,
            RefundState::Processing => RefundWord::Processing,
            RefundState::Success => RefundWord::Success,
            RefundState::Abnormal => RefundWord::Change,
            RefundState::Closed => RefundWord::Fail,
        }
    }
}

impl From<RefundOutcome> for RefundState {
    fn from(outcome: RefundOutcome) -> RefundState {
        match outcome {
            RefundOutcome::Success => RefundState::Success,
            RefundOutcome::Abnormal => RefundState::Abnormal,
            RefundOutcome::Closed => RefundState::Closed,
        }
    }
}

impl Refund {
    /// As the create call and the query answer it.
    fn show(&self, order: &Order, refund_state: RefundState) -> Value {
        let text = |name: &str| self.params.get(name).and_then(Value::as_str);
        let mut shown = json!({
            "refund_id": self.refund_id,
            "out_refund_no": self.out_refund_no,
            "transaction_id": self.transaction_id,
            "out_trade_no": self.out_trade_no,
            "channel": self.channel,
            "user_received_account": self.receiver,
            "create_time": rfc3339(self.created_ms),
            "status": refund_state.word(),
            "funds_account": text("funds_account").unwrap_or("UNSETTLED"),
            "amount": {
                "total": order.total_fen,
                "refund": self.fen,
                "from": self.params["amount"].get("from").cloned().unwrap_or_else(|| json!([])),
                "payer_total": order.payer_total_fen(),
                "payer_refund": self.payer_fen,
                "settlement_refund": self.settled_fen(),
                "settlement_total": order.settled_fen(),
                "discount_refund": self.fen - self.payer_fen,
                "currency": "CNY",
                "refund_fee": self.fee_fen,
            },
            "promotion_detail": self.show_coupon(),
        });
        if refund_state == RefundState::Success
            && let Some(ended_ms) = self.ended_ms
        {
            shown["success_time"] = rfc3339(ended_ms).into();
        }
        shown
    }

    fn show_coupon(&self) -> Value {
        let coupon_fen = self.fen - self.payer_fen;
        if coupon_fen == 0 {
            return json!([]);
        }
        json!([{
            "promotion_id": super::order::COUPON_ID,
            "scope": "GLOBAL",
            // A coupon is paid back, a discount of the merchant's is not.
            "type": if self.merchant_coupon_fen > 0 { "DISCOUNT" } else { "COUPON" },
            "amount": coupon_fen,
            "refund_amount": coupon_fen,
        }])
    }

    /// The plaintext of a notification: `refund_status`, and neither appid, currency nor status (docs/gateway-facts.md 1.7).
    fn tell(&self, order: &Order, refund_state: RefundState, ended_ms: i64) -> Value {
        let mut plain = json!({
            "mchid": MCH_ID,
            "out_trade_no": self.out_trade_no,
            "transaction_id": self.transaction_id,
            "out_refund_no": self.out_refund_no,
            "refund_id": self.refund_id,
            "refund_status": refund_state.word(),
            "user_received_account": self.receiver,
            "amount": {
                "total": order.total_fen,
                "refund": self.fen,
                "payer_total": order.payer_total_fen(),
                "payer_refund": self.payer_fen,
            },
        });
        if refund_state == RefundState::Success {
            plain["success_time"] = rfc3339(ended_ms).into();
        }
        plain
    }

    fn notification(
        &self,
        rng: &mut Rng,
        order: &Order,
        refund_state: RefundState,
        now_ms: i64,
    ) -> Option<Notification> {
        Some(Notification {
            id: rng.uuid(),
            out_trade_no: self.out_trade_no.clone(),
            url: self.notify_url.clone()?,
            about: format!("REFUND.{}", refund_state.word()),
            created_ms: now_ms,
            content: Content::Wechat(self.tell(order, refund_state, now_ms)),
            unsigned: Vec::new(),
        })
    }

    /// Amount that leaves the merchant's account, before the fee that is given back.
    pub(super) fn settled_fen(&self) -> i64 {
        self.fen - self.merchant_coupon_fen
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.state != RefundState::Closed
    }

    pub(super) fn ends_ms(&self) -> Option<i64> {
        self.ends_ms
    }

    pub(super) fn book(&self) -> BookedRefund {
        BookedRefund {
            gateway: Gateway::Wechat,
            out_trade_no: self.out_trade_no.clone(),
            refund_no: self.out_refund_no.clone(),
            gateway_no: Some(self.refund_id.clone()),
            state: self.state.word().to_owned(),
            fen: self.fen,
        }
    }
}

/// Ends every refund whose time is up, each at its own time.
pub(super) fn lapse(state: &mut State, now_ms: i64) {
    loop {
        let next = state
            .wechat
            .refunds
            .values()
            .filter_map(|refund| Some((refund.ends_ms.filter(|at_ms| *at_ms <= now_ms)?, refund)))
            .min_by_key(|(at_ms, _)| *at_ms);
        let Some((at_ms, refund)) = next else { return };
        let (out_refund_no, fate) = (refund.out_refund_no.clone(), refund.fate);
        settle(state, at_ms, &out_refund_no, fate).expect("a refund that is to end is under way");
    }
}

/// Ends a refund now; an abnormal one may still succeed or be closed by hand.
pub(crate) fn settle(
    state: &mut State,
    now_ms: i64,
    out_refund_no: &str,
    outcome: RefundOutcome,
) -> Result<(), String> {
    let State { wechat, rng, .. } = state;
    let refund = wechat
        .refunds
        .get_mut(out_refund_no)
        .ok_or("no such refund at WeChat Pay")?;
    let refund_state = RefundState::from(outcome);
    if matches!(refund.state, RefundState::Success | RefundState::Closed) || refund.state == refund_state {
        return Err(format!("this refund is {} already", refund.state.word()));
    }
    refund.state = refund_state;
    refund.ends_ms = None;
    refund.ended_ms = Some(now_ms);
    if refund_state == RefundState::Closed {
        // The money never left: it returns to the merchant's balance.
        let movement = Movement {
            business: CLOSED_REFUND,
            business_no: &refund.refund_id,
            voucher_no: &refund.out_refund_no,
            fen: refund.settled_fen() - refund.fee_fen,
            remark: String::new(),
        };
        wechat.account.enter(rng, now_ms, movement);
    }
    let order = &wechat.orders[&refund.out_trade_no];
    if let Some(notification) = refund.notification(rng, order, refund_state, now_ms) {
        state.announce(now_ms, notification);
    }
    Ok(())
}

/// Returns the notification that a success of this refund would cause, without one.
pub(crate) fn pretend_notification(
    state: &mut State,
    now_ms: i64,
    out_refund_no: &str,
) -> Option<Notification> {
    let State { wechat, rng, .. } = state;
    let refund = wechat.refunds.get(out_refund_no)?;
    let order = wechat.orders.get(&refund.out_trade_no)?;
    refund.notification(rng, order, RefundState::Success, now_ms)
}
