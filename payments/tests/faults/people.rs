//! People of the simulation: shoppers with their scenarios, the merchant's program that retries for ever, and an attacker.

use std::time::Duration;

use domain::ledger::Change;
use domain::{Money, OrderId, PaymentId, Product, RefundId, Timestamp};
use futures_util::FutureExt;
use futures_util::future::join;
use payments::{Adjustment, Entry, Error, NewOrder, RefundRequest, StartPayment, TopUp};
use serde_json::json;
use simulator::{Alteration, InProcess, SignedBy};

use crate::answers::{kept, told, written};
use crate::executor::Owner;
use crate::servers::is_unheard;
use crate::simulation::{Paid, Simulation};

const TRIES: u64 = 6;
const USERS: [&str; 2] = ["ann", "bob"];

#[derive(Debug, Clone, Copy)]
enum Scenario {
    Pay,
    /// Gets one code, then another, and pays both.
    PayTwice,
    /// Comes back after the deadline.
    PayLate,
    /// From the user's balance; the operator may have credited it.
    PayByBalance,
    /// The merchant cancels the order meanwhile.
    PayWhileCancelled,
    Cancel,
    Leave,
}

pub const N_SCENARIOS: usize = 10;
const SCENARIOS: [Scenario; N_SCENARIOS] = [
    Scenario::Pay,
    Scenario::Pay,
    Scenario::PayTwice,
    Scenario::PayTwice,
    Scenario::PayByBalance,
    Scenario::PayByBalance,
    Scenario::PayLate,
    Scenario::PayWhileCancelled,
    Scenario::Cancel,
    Scenario::Leave,
];

/// A payment as its shopper sees it.
#[derive(Debug, Clone)]
pub struct Code {
    pub payment_no: String,
    pub payment_id: String,
    expires_at: Timestamp,
    prompt: String,
}

impl Simulation {
    pub fn move_in(&self) {
        for n in 0..self.plan.n_shoppers {
            self.spawn(Owner::Outside, "shopper", self.clone().shopper(n));
        }
        self.spawn(Owner::Outside, "nemesis", self.clone().nemesis());
        self.spawn(Owner::Outside, "courier", self.clone().courier());
        self.spawn(Owner::Outside, "clerk", self.clone().clerk());
        if self.plan.flood {
            self.spawn(Owner::Outside, "crowd", self.clone().crowd());
        }
        if self.plan.hostile {
            self.spawn(Owner::Outside, "attacker", self.clone().attacker());
        }
    }

    async fn shopper(self, n: u64) {
        let mut n_orders = 0;
        let nap = self.rng().seconds(0, 10);
        self.sleep(nap).await;
        while self.in_trouble() && n_orders < 3 {
            let scenario = match self.plan.bias {
                Some(place) => SCENARIOS[place],
                None => self.rng().one_of(&SCENARIOS),
            };
            self.tell(&format!("shopper {n} wants to {scenario:?}"));
            let is_topup = self.rng().percent(35) && !matches!(scenario, Scenario::PayByBalance);
            let user = self.rng().one_of(&USERS);
            if matches!(scenario, Scenario::PayByBalance) && self.rng().percent(70) {
                self.adjust(user, &format!("A{n}-{n_orders}")).await;
            }
            if let Some(order) = self.order(&format!("{n}-{n_orders}"), user, is_topup).await {
                self.follow(scenario, &order).await;
            }
            n_orders += 1;
            let nap = self.rng().seconds(1, 30);
            self.sleep(nap).await;
        }
    }

    async fn follow(&self, scenario: Scenario, order: &OrderId) {
        let [first, second] = if self.rng().percent(50) {
            [Product::Native, Product::Qr]
        } else {
            [Product::Qr, Product::Native]
        };
        match scenario {
            Scenario::PayByBalance => {
                if self.rng().percent(30) {
                    // A gateway's code is open: it must be closed first, or its payment will be surplus.
                    let Some(code) = self.code(order, first).await else {
                        return;
                    };
                    let nap = self.rng().millis(0, 1_500);
                    let pay = async {
                        self.sleep(nap).await;
                        self.pay(&code);
                    };
                    join(pay, self.code(order, Product::Balance)).await;
                    return;
                }
                if let Some(code) = self.code(order, Product::Balance).await {
                    self.regret(&code).await;
                }
            }
            Scenario::Pay => {
                if let Some(code) = self.code(order, first).await {
                    self.think(0, 10).await;
                    self.pay(&code);
                    self.watch(order).await;
                    self.regret(&code).await;
                }
            }
            Scenario::PayTwice => {
                let Some(one) = self.code(order, first).await else {
                    return;
                };
                self.think(0, 3).await;
                let nap = self.rng().millis(0, 400);
                let other = async {
                    let code = self.code(order, second).await;
                    if let Some(code) = code {
                        self.think(0, 3).await;
                        self.pay(&code);
                    }
                };
                let one = async {
                    self.sleep(nap).await;
                    self.pay(&one);
                };
                join(one, other).await;
                self.watch(order).await;
            }
            Scenario::PayLate => {
                let Some(code) = self.code(order, first).await else {
                    return;
                };
                let over = code.expires_at.duration_since(self.now());
                let nap = self.rng().millis(0, 40_000);
                self.sleep((over + nap).saturating_sub(Duration::from_secs(5)))
                    .await;
                self.pay(&code);
            }
            Scenario::PayWhileCancelled => {
                let Some(code) = self.code(order, first).await else {
                    return;
                };
                let nap = self.rng().millis(0, 1_500);
                let pay = async {
                    self.sleep(nap).await;
                    self.pay(&code);
                };
                join(pay, self.cancel(order)).await;
            }
            Scenario::Cancel => {
                if self.rng().percent(60) {
                    self.code(order, first).await;
                }
                self.cancel(order).await;
            }
            Scenario::Leave => drop(self.code(order, first).await),
        }
    }

    async fn think(&self, from: u64, to: u64) {
        let nap = self.rng().seconds(from, to);
        self.sleep(nap).await;
    }

    /// Creates an order as the merchant's program: the same number and key until there is an answer.
    pub async fn order(&self, name: &str, user: &str, is_topup: bool) -> Option<OrderId> {
        let amount = Money::from_fen(1 + i64::try_from(self.rng().below(20_000)).unwrap()).unwrap();
        let new = NewOrder {
            order_no: Some(format!("S{}-{name}", self.plan.seed % 1_000_000)),
            user_id: user.to_owned(),
            subject: "会员 & 月卡 100%".to_owned(),
            amount,
            return_url: None,
            metadata: None,
            allows_balance: false,
            expires_in: None,
        };
        let order_no = new.order_no.clone().unwrap();
        for _ in 0..TRIES {
            let (new, simulation) = (new.clone(), self.clone());
            let idempotency = kept("orders", &order_no, |order: &domain::Order| order.id.to_string());
            let answer = self.ask("create_order", move |services| {
                async move {
                    let made = if is_topup {
                        let top_up = TopUp {
                            user_id: new.user_id.clone(),
                            amount: new.amount,
                            order_no: new.order_no.clone(),
                            return_url: None,
                        };
                        payments::top_up(&services, top_up, Some(idempotency)).await
                    } else {
                        payments::create_order(&services, new.clone(), Some(idempotency)).await
                    };
                    let id = made.map(|made| told(made, |order| order.id.to_string()));
                    simulation.see_order(new.order_no.as_deref().unwrap(), &id);
                    id
                }
                .boxed()
            });
            match answer.await {
                Some(Ok(id)) => return OrderId::parse(&id),
                Some(Err(error)) if is_unheard(&error) => self.think(0, 4).await,
                Some(Err(error)) => self.fail(format!("an order was refused: {error:?}")),
                None => self.think(0, 4).await,
            }
        }
        None
    }

    /// Adjusts a user's balance, under a number that makes it idempotent.
    async fn adjust(&self, user: &str, number: &str) {
        let change = Change::from_fen(1 + i64::try_from(self.rng().below(30_000)).unwrap()).unwrap();
        for _ in 0..TRIES {
            let adjustment = Adjustment {
                user_id: user.to_owned(),
                change,
                number: number.to_owned(),
                note: "welcome".to_owned(),
                by: payments::Requester::Rule,
            };
            let idempotency = kept("adjust", number, |entry: &Entry| entry.id.clone());
            let (simulation, number) = (self.clone(), number.to_owned());
            let answer = self.ask("adjust_balance", move |services| {
                async move {
                    let made = payments::adjust_balance(&services, adjustment, Some(idempotency)).await;
                    let made = made.map(|made| told(made, |entry| entry.id.clone()));
                    simulation.see_adjustment(&number, &made);
                    made
                }
                .boxed()
            });
            match answer.await {
                Some(Ok(_)) => return,
                Some(Err(error)) if is_unheard(&error) => self.think(0, 4).await,
                Some(Err(error)) => return self.fail(format!("adjust_balance: {error:?}")),
                None => self.think(0, 4).await,
            }
        }
    }

    /// Chooses a product and gets a code; impatient shoppers press twice.
    pub async fn code(&self, order: &OrderId, product: Product) -> Option<Code> {
        let key = format!("start-{order}-{}", self.rng().next());
        if self.rng().percent(15) {
            let (first, second) = join(
                self.try_code(order, product, &key),
                self.try_code(order, product, &key),
            )
            .await;
            return first.or(second);
        }
        self.try_code(order, product, &key).await
    }

    async fn try_code(&self, order: &OrderId, product: Product, key: &str) -> Option<Code> {
        for _ in 0..TRIES {
            let start = StartPayment::new(order.clone(), product);
            let idempotency = kept("payments", key, written);
            let simulation = self.clone();
            let answer = self.ask("start_payment", move |services| {
                async move {
                    let made = payments::start_payment(&services, start, Some(idempotency)).await;
                    let text = made.map(|made| told(made, written));
                    simulation.see_payment(&text);
                    text
                }
                .boxed()
            });
            match answer.await {
                Some(Ok(text)) => return self.read_code(&text),
                Some(Err(Error::Refused(_))) => return None,
                Some(Err(error @ Error::Internal(_))) if !is_unheard(&error) => {
                    self.fail(format!("start_payment: {error:?}"))
                }
                Some(Err(_)) | None => self.think(0, 4).await,
            }
        }
        None
    }

    fn read_code(&self, text: &str) -> Option<Code> {
        let mut parts = text.splitn(4, '|');
        let code = Code {
            payment_no: parts.next()?.to_owned(),
            payment_id: parts.next()?.to_owned(),
            expires_at: Timestamp::from_millis(parts.next()?.parse().ok()?),
            prompt: parts.next()?.to_owned(),
        };
        if !code.prompt.is_empty() {
            self.facts().shown.push(code.payment_no.clone());
        }
        Some(code)
    }

    pub fn pay(&self, code: &Code) {
        if code.prompt.is_empty() {
            return;
        }
        let number = &code.payment_no;
        let order = self.peek().order_state_of(number).unwrap_or_default();
        let payment = self.peek().payment_state(number).unwrap_or_default();
        match self.gateways(|gateways, now_ms| gateways.pay(now_ms, &code.prompt)) {
            Ok(()) => {
                self.tell(&format!(
                    "{number} is paid while it is {payment} and its order {order}"
                ));
                let at = self.now();
                self.facts()
                    .paid
                    .insert(number.clone(), Paid { at, order, payment });
            }
            Err(reason) => self.tell(&format!("{number} is not paid: {reason}")),
        }
    }

    /// Watches the page for a while; a paid order must stay paid.
    async fn watch(&self, order: &OrderId) {
        let mut was_paid = false;
        for _ in 0..5 {
            let id = order.clone();
            let seen = self.ask("look", move |services| {
                async move {
                    let order = payments::find_order(&services, &id).await?;
                    let checkout = payments::find_checkout(&services, &order.token).await?;
                    payments::try_to_attend(&services, &checkout).await;
                    payments::find_order(&services, &id).await
                }
                .boxed()
            });
            if let Some(seen) = seen.await {
                let is_paid = match seen {
                    Ok(order) => order.paid_at.is_some(),
                    Err(error) if is_unheard(&error) => was_paid,
                    Err(error) => return self.fail(format!("an order cannot be read: {error:?}")),
                };
                if was_paid && !is_paid {
                    self.fail(format!("order {order} was paid and is not any more"));
                }
                was_paid = is_paid;
            }
            self.think(4, 8).await;
        }
    }

    async fn cancel(&self, order: &OrderId) {
        for _ in 0..TRIES {
            let idempotency = kept("cancel", order.as_str(), |order: &domain::Order| {
                order.id.to_string()
            });
            let (id, simulation) = (order.clone(), self.clone());
            let answer = self.ask("cancel_order", move |services| {
                async move {
                    let made = payments::cancel_order(
                        &services,
                        &id,
                        None,
                        &payments::Requester::Rule,
                        Some(idempotency),
                    )
                    .await;
                    if made.is_ok() {
                        simulation.see_cancelled(&id);
                    }
                    made
                }
                .boxed()
            });
            match answer.await {
                Some(Ok(_) | Err(Error::Refused(_))) => return,
                Some(Err(error @ Error::Internal(_))) if !is_unheard(&error) => {
                    self.fail(format!("cancel_order: {error:?}"))
                }
                Some(Err(_)) | None => self.think(0, 4).await,
            }
        }
    }

    /// Requests refunds of some payments, in full or in parts; some merchants press the button twice.
    async fn regret(&self, code: &Code) {
        let paid = self.peek().number(
            "select amount from payments where payment_no = $1 and state = 'paid'",
            &code.payment_no,
        );
        let Some(paid) = paid.filter(|_| self.rng().percent(60)) else {
            return;
        };
        let part = |thousandths: i64| Some((paid * thousandths / 1000).max(1));
        let (one, other) = self.rng().one_of(&[
            (None, None),
            (part(500), part(500)),
            (part(600), part(600)),
            (part(300), None),
            (part(100), part(200)),
        ]);
        let name = &code.payment_no[code.payment_no.len() - 12..];
        let (first, second) = (format!("R{name}-1"), format!("R{name}-2"));
        let nap = if self.rng().percent(50) {
            Duration::ZERO
        } else {
            self.rng().millis(0, 3_000)
        };
        let later = async {
            self.sleep(nap).await;
            self.refund(code, &second, other).await;
        };
        join(self.refund(code, &first, one), later).await;
        // Another program of the merchant repeats the refund, under the same number.
        if self.rng().percent(30) {
            self.refund(code, &first, one).await;
        }
        // A program without a number requests once, whatever the outcome.
        if self.rng().percent(60) {
            self.refund_without_number(code, part(50)).await;
        }
    }

    pub async fn refund(&self, code: &Code, refund_no: &str, fen: Option<i64>) {
        let id = PaymentId::parse(&code.payment_id).unwrap();
        let key = format!("{refund_no}-{}", self.rng().next());
        for _ in 0..TRIES {
            let request = RefundRequest {
                payment_id: id.clone(),
                amount: fen.map(|fen| Money::from_fen(fen).unwrap()),
                reason: "改变主意".to_owned(),
                refund_no: Some(refund_no.to_owned()),
                by: payments::Requester::Rule,
            };
            let idempotency = kept("refunds", &key, |refund: &domain::Refund| refund.id.to_string());
            let (simulation, number) = (self.clone(), refund_no.to_owned());
            let answer = self.ask("request_refund", move |services| {
                async move {
                    let made = payments::request_refund(&services, request, Some(idempotency)).await;
                    let made = made.map(|made| told(made, |refund| refund.id.to_string()));
                    simulation.see_refund(&number, &made);
                    made
                }
                .boxed()
            });
            match answer.await {
                Some(Ok(_) | Err(Error::RefundRefused(_) | Error::Refused(_))) => return,
                Some(Err(error)) if is_unheard(&error) => self.think(0, 4).await,
                Some(Err(error)) => return self.fail(format!("request_refund: {error:?}")),
                None => self.think(0, 4).await,
            }
        }
    }

    /// A clerk who retries failed and stuck refunds.
    async fn clerk(self) {
        loop {
            self.think(30, 120).await;
            let troubled: Vec<(String,)> = self
                .peek()
                .all("select id from refunds where state in ('stuck', 'failed') order by id");
            if troubled.is_empty() {
                continue;
            }
            let (id,) = &troubled[self.rng().place(troubled.len())];
            let id = RefundId::parse(id).unwrap();
            let answer = self.ask("retry_refund", move |services| {
                async move { payments::retry_refund(&services, &id).await }.boxed()
            });
            match answer.await {
                Some(Err(error @ Error::Internal(_))) if !is_unheard(&error) => {
                    self.fail(format!("retry_refund: {error:?}"))
                }
                Some(Ok(refund)) => self.tell(&format!("the clerk tries {} again", refund.id)),
                Some(Err(_)) | None => {}
            }
        }
    }

    /// Sends forged notifications, and repeats genuine ones.
    async fn attacker(self) {
        while self.in_trouble() {
            self.think(3, 15).await;
            let number = {
                let facts = self.facts();
                if facts.shown.is_empty() {
                    continue;
                }
                facts.shown[self.rng().place(facts.shown.len())].clone()
            };
            let asked_fen = self.peek().payment_amount(&number).unwrap_or_default();
            let lies = [
                (
                    Alteration {
                        signed_by: SignedBy::Stranger,
                        ..Alteration::default()
                    },
                    false,
                ),
                (
                    Alteration {
                        signed_by: SignedBy::Nobody,
                        ..Alteration::default()
                    },
                    false,
                ),
                (
                    Alteration {
                        signed_by: SignedBy::Stranger,
                        new_id: true,
                        ..Alteration::default()
                    },
                    false,
                ),
                (wrong_sum(asked_fen + 1), true),
            ];
            let place = self.rng().place(lies.len());
            let (lie, is_signed) = &lies[place];
            // A wrong amount under a valid signature is sent only for unpaid payments: it must change nothing.
            if *is_signed && self.peek().payment_state(&number).as_deref() == Some("paid") {
                continue;
            }
            let letter = self.gateways_unheard_letter(&number, lie);
            let Ok(letter) = letter else { continue };
            self.facts().n_forged += 1;
            let reply = self.post(&letter, None).await;
            if reply.is_some_and(|(status, _)| status == 200) && !is_signed {
                self.fail(format!("a forged notice about {number} was believed: {lie:?}"));
            }
        }
    }

    fn gateways_unheard_letter(
        &self,
        number: &str,
        lie: &Alteration,
    ) -> Result<simulator::SignedNotification, String> {
        let now_ms = self.now_ms();
        let gateways: &mut InProcess = &mut self.gateways_unheard();
        gateways.letter(now_ms, number, lie)
    }
}

fn wrong_sum(fen: i64) -> Alteration {
    let mut alteration = Alteration {
        new_id: true,
        ..Alteration::default()
    };
    for (name, value) in [
        ("total", json!(fen)),
        ("payer_total", json!(fen)),
        ("total_amount", json!(format!("{}.{:02}", fen / 100, fen % 100))),
    ] {
        alteration.set.insert(name.to_owned(), value);
    }
    alteration
}
