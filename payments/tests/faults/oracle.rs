//! Oracle: checks every answer at its moment, and everything at the end.

use domain::{Channel, OrderId};
use payments::Error;
use payments::gateway::Reply;
use simulator::SignedNotification;

use crate::peek::runtime;
use crate::simulation::Simulation;

/// Largest delay of a row behind its deadline before it counts as forgotten.
const SLACK_MS: i64 = 120_000;

#[derive(sqlx::FromRow)]
struct PaymentRow {
    payment_no: String,
    method: String,
    state: String,
    amount: i64,
    expires_at: i64,
    order_state: String,
    /// `None` when the merchant cancelled the order: no reason is given here.
    cancel_reason: Option<String>,
}

#[derive(sqlx::FromRow)]
struct OrderRow {
    order_no: String,
    expires_at: i64,
}

#[derive(sqlx::FromRow)]
struct RefundRow {
    refund_no: String,
    method: String,
    state: String,
    amount: i64,
}

#[derive(sqlx::FromRow)]
struct EdgeRow {
    kind: String,
    id: String,
    old: String,
    new: String,
}

/// Allowed changes of state.
const EDGES: &[(&str, &str, &str)] = &[
    ("order", "open", "paid"),
    ("order", "open", "cancelled"),
    ("order", "cancelled", "paid"),
    ("payment", "created", "pending"),
    ("payment", "created", "paid"),
    ("payment", "created", "closed"),
    ("payment", "created", "declined"),
    ("payment", "pending", "paid"),
    ("payment", "pending", "closed"),
    ("payment", "closed", "paid"),
    ("payment", "declined", "paid"),
    ("refund", "requested", "pending"),
    ("refund", "requested", "succeeded"),
    ("refund", "pending", "succeeded"),
    ("refund", "requested", "stuck"),
    ("refund", "pending", "stuck"),
    ("refund", "requested", "failed"),
    ("refund", "pending", "failed"),
    ("refund", "stuck", "failed"),
    // The gateway may correct itself; an incident tells a person.
    ("refund", "failed", "succeeded"),
    ("refund", "stuck", "succeeded"),
    ("refund", "stuck", "pending"),
];

impl Simulation {
    /// Checks that an acknowledged notification and its effect are committed.
    pub fn see_reply(
        &self,
        channel: Channel,
        letter: &SignedNotification,
        about: Option<&str>,
        reply: &Reply,
    ) {
        self.tell(&format!("{channel} notice answered {}", reply.status));
        if reply.status != 200 {
            return;
        }
        self.facts().n_acks += 1;
        let Some(number) = about else { return };
        let (id, is_success) = gist(channel, &letter.body);
        let kept = self
            .peek()
            .text("select verdict from notices where notice_id = $1", &id);
        if kept.is_none() {
            self.fail(format!("notice {id} was acknowledged and is not kept"));
        }
        let state = self.peek().payment_state(number);
        if is_success && state.as_deref() != Some("paid") {
            self.fail(format!("{number} was acknowledged as paid and is {state:?}"));
        }
    }

    pub fn see_order(&self, order_no: &str, answer: &Result<String, Error>) {
        let Ok(id) = answer else { return };
        let kept = self
            .peek()
            .text("select id from orders where order_no = $1", order_no);
        if kept.as_ref() != Some(id) {
            self.fail(format!("order {order_no} was answered as {id} and is {kept:?}"));
        }
    }

    pub fn see_payment(&self, answer: &Result<String, Error>) {
        match answer {
            Err(error) => self.tell(&format!("no code: {error}")),
            Ok(text) => {
                let number = text.split('|').next().unwrap_or_default();
                self.tell(&format!("a code for {number}"));
                if self.peek().payment_state(number).is_none() {
                    self.fail(format!("payment {number} was answered and is not there"));
                }
            }
        }
    }

    pub fn see_refund(&self, refund_no: &str, answer: &Result<String, Error>) {
        match answer {
            Err(error) => self.tell(&format!("no refund: {error}")),
            Ok(id) => {
                self.tell(&format!("refund {refund_no} is accepted"));
                let kept = self
                    .peek()
                    .text("select id from refunds where refund_no = $1", refund_no);
                if kept.as_ref() != Some(id) {
                    self.fail(format!("refund {refund_no} was answered as {id} and is {kept:?}"));
                }
            }
        }
    }

    pub fn see_adjustment(&self, number: &str, answer: &Result<String, Error>) {
        let Ok(id) = answer else { return };
        let kept = self.peek().text(
            "select journal from entries where reference = $1 and kind = 'adjust' limit 1",
            number,
        );
        if kept.as_ref() != Some(id) {
            self.fail(format!(
                "adjustment {number} was answered as {id} and is {kept:?}"
            ));
        }
    }

    pub fn see_cancelled(&self, id: &OrderId) {
        let state = self
            .peek()
            .text("select state from orders where id = $1", id.as_str());
        // Late money may have paid it again where the operator accepts that.
        let is_accepted =
            self.plan.late_policy == domain::LatePolicy::Accept && state.as_deref() == Some("paid");
        if state.as_deref() != Some("cancelled") && !is_accepted {
            self.fail(format!("order {id} was answered as cancelled and is {state:?}"));
        }
    }

    fn payments(&self) -> Vec<PaymentRow> {
        self.peek().all(
            "select p.payment_no, p.method, p.state, p.amount, p.expires_at, o.state as order_state, o.cancel_reason
             from payments p join orders o on o.id = p.order_id order by p.id",
        )
    }

    fn refunds(&self) -> Vec<RefundRow> {
        self.peek().all(
            "select r.refund_no, p.method, r.state, r.amount
             from refunds r join payments p on p.id = r.payment_id order by r.id",
        )
    }

    /// Differences between the gateways' books and ours; empty when both agree.
    pub fn differences(&self) -> Vec<String> {
        let now_ms = self.now_ms();
        let books = self.gateways_unheard().books(now_ms);
        let mut differences = Vec::new();
        for row in self.payments() {
            let number = &row.payment_no;
            let trade = books.trade(number);
            let is_paid = trade.is_some_and(|trade| trade.paid_fen > 0);
            let is_payable = trade.is_some_and(|trade| {
                matches!(trade.state.as_str(), "NOTPAY" | "USERPAYING" | "WAIT_BUYER_PAY")
            });
            match row.state.as_str() {
                "paid" => {}
                state if is_paid => {
                    differences.push(format!("{number} is paid at the gateway and {state} here"))
                }
                "created" | "pending" if row.expires_at + SLACK_MS < now_ms => {
                    differences.push(format!("{number} should be over and is {}", row.state));
                }
                // Only queries find what a late create call has opened again.
                "closed" | "declined" if is_payable && self.plan.reconciles => {
                    differences.push(format!("{number} is {} and can still be paid", row.state));
                }
                _ => {}
            }
        }
        for row in self.refunds() {
            let booked = books.refund(&row.refund_no).map(|refund| refund.state.as_str());
            match (row.state.as_str(), booked) {
                ("succeeded" | "failed" | "stuck", _) => {}
                (state, booked) => differences.push(format!(
                    "refund {} is {state} and {booked:?} at the gateway",
                    row.refund_no
                )),
            }
        }
        let orders: Vec<OrderRow> = self
            .peek()
            .all("select order_no, expires_at from orders where state = 'open' order by id");
        for order in orders {
            if order.expires_at + SLACK_MS < now_ms {
                differences.push(format!("order {} should be over and is open", order.order_no));
            }
        }
        differences
    }

    /// Payers whose payment we have not recorded, though it is still expected.
    pub fn unnoticed(&self) -> Vec<String> {
        let now_ms = self.now_ms();
        let books = self.gateways_unheard().books(now_ms);
        self.payments()
            .into_iter()
            .filter(|row| matches!(row.state.as_str(), "created" | "pending"))
            .filter(|row| {
                books
                    .trade(&row.payment_no)
                    .is_some_and(|trade| trade.paid_fen > 0)
            })
            .map(|row| format!("{} was paid and nobody noticed", row.payment_no))
            .collect()
    }

    /// Checks safety: what must hold under every fault, healed or not.
    pub fn check_safety(&self) {
        let now_ms = self.now_ms();
        let books = self.gateways_unheard().books(now_ms);
        for row in self.payments() {
            let trade = books.trade(&row.payment_no);
            let received = trade.map_or(0, |trade| if trade.paid_fen > 0 { trade.total_fen } else { 0 });
            if row.method != "balance" && row.state == "paid" && received != row.amount {
                self.fail(format!(
                    "{} is paid here with {} fen, and the gateway has {received}",
                    row.payment_no, row.amount
                ));
            }
        }
        self.check_refunds(&books);
        // No fault here undoes a whole transaction: a refusal undoes its own part.
        let n_reruns = self
            .db
            .trouble()
            .expect("a simulated database is SQLite")
            .n_reruns();
        if n_reruns > 0 {
            self.fail(format!(
                "{n_reruns} writes were run again because of their neighbours"
            ));
        }
        let edges: Vec<EdgeRow> = self.peek().all("select kind, id, old, new from edges order by n");
        for EdgeRow { kind, id, old, new } in edges {
            if !EDGES.contains(&(kind.as_str(), old.as_str(), new.as_str())) {
                self.fail(format!("{kind} {id} went from {old} to {new}"));
            }
        }
        if let Some((_, services)) = self.any_server() {
            for finding in runtime().block_on(payments::check_invariants(&services)).unwrap() {
                if finding.n_broken > 0 {
                    self.fail(format!("{} rows break: {}", finding.n_broken, finding.name));
                }
            }
        }
    }

    /// Checks that every refund at the gateway is one that we sent, once.
    fn check_refunds(&self, books: &simulator::Books) {
        let rows = self.refunds();
        for booked in &books.refunds {
            match rows.iter().find(|row| row.refund_no == booked.refund_no) {
                None => self.fail(format!(
                    "the gateway has a refund {} that we have not",
                    booked.refund_no
                )),
                Some(row) if row.amount != booked.fen => {
                    self.fail(format!(
                        "refund {} is {} here and {} there",
                        row.refund_no, row.amount, booked.fen
                    ));
                }
                Some(row) if row.state == "failed" && has_moved(&booked.state) => {
                    self.fail(format!(
                        "refund {} has failed here and is done there",
                        row.refund_no
                    ));
                }
                Some(_) => {}
            }
        }
        for row in &rows {
            let booked = books.refund(&row.refund_no);
            if row.method != "balance"
                && row.state == "succeeded"
                && !booked.is_some_and(|booked| has_moved(&booked.state))
            {
                self.fail(format!("refund {} is done here and not there", row.refund_no));
            }
        }
        for trade in &books.trades {
            let returned: i64 = books
                .refunds
                .iter()
                .filter(|refund| refund.out_trade_no == trade.out_trade_no && refund.state != "CLOSED")
                .map(|refund| refund.fen)
                .sum();
            if returned > trade.total_fen {
                self.fail(format!(
                    "{} of {} fen went back of {}",
                    returned, trade.total_fen, trade.out_trade_no
                ));
            }
        }
        for number in self.words.lock().unwrap().numbers("refund ") {
            if rows.iter().all(|row| row.refund_no != number) {
                self.fail(format!(
                    "the gateway was told of a refund {number} that we have not"
                ));
            }
        }
    }

    /// Checks fairness after healing: a payer in time was not refused, and no payment was made for a closed order.
    pub fn check_fairness(&self) {
        if self.plan.gateway_lies() {
            return;
        }
        let rows = self.payments();
        let paid = self.facts().paid.clone();
        for (number, then) in paid {
            let Some(row) = rows.iter().find(|row| row.payment_no == number) else {
                self.fail(format!("{number} was paid and does not exist"));
                continue;
            };
            // A code that was not scanned cannot be closed at Alipay (docs/gateway-facts.md 2.5): a payer of an old one, or
            // in the very moment of a cancellation, is refunded instead.
            let was_cancelling = row.method == "alipay" && row.cancel_reason.is_none();
            let was_offered = then.order == "open"
                && matches!(then.payment.as_str(), "created" | "pending")
                && !was_cancelling;
            if was_offered && row.order_state != "paid" {
                self.fail(format!(
                    "{number} was paid at {} while its order was open, and the order is {}",
                    then.at.millis() % 100_000_000,
                    row.order_state
                ));
            }
            // For the same reason only WeChat can be held to its word.
            if then.order == "cancelled" && row.method == "wechat" {
                self.fail(format!("{number} could be paid after its order was cancelled"));
            }
        }
    }
}

fn has_moved(state: &str) -> bool {
    matches!(state, "SUCCESS" | "REFUND_SUCCESS")
}

/// Id of a notification, and whether it reports a payment.
fn gist(channel: Channel, body: &[u8]) -> (String, bool) {
    match channel {
        Channel::Wechat => {
            let value: serde_json::Value = serde_json::from_slice(body).unwrap();
            let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
            (text("id"), text("event_type") == "TRANSACTION.SUCCESS")
        }
        Channel::Alipay => {
            let fields: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
            let field = |name: &str| {
                let found = fields.iter().find(|(found, _)| found == name);
                found.map(|(_, value)| value.clone()).unwrap_or_default()
            };
            (field("notify_id"), field("trade_status") == "TRADE_SUCCESS")
        }
    }
}
