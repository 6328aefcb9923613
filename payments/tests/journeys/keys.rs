//! Idempotency keys: one key, one effect, one answer, also for concurrent requests or after a lost answer.

use std::sync::Arc;

use domain::{Change, Method, Money, Order, Payment, Refusal};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use payments::{
    Adjustment, Error, Idempotency, KeptAnswer, NewOrder, Outcome, RefundRequest, Services, StartPayment,
    TopUp,
};
use simulator::{Endpoint, Fault, FaultKind, Faults};

use crate::balance::{adjust, available, refused};
use crate::shop::{BOTH, Shop, on_each_engine, persistently};

/// Answer, and whether it was stored by another call.
type Told = Result<(String, bool), Error>;

/// A writing verb with its whole request except the key and a hash of the body.
struct Verb {
    name: &'static str,
    call: Box<dyn Fn(Services, &'static str, &'static str) -> BoxFuture<'static, Told>>,
}

impl Verb {
    /// Each call runs in a task of its own, as requests do.
    fn new<T, R, F, Fut>(name: &'static str, id: fn(&T) -> String, request: R, call: F) -> Verb
    where
        T: Send + 'static,
        R: Clone + Send + Sync + 'static,
        F: Fn(Services, R, Option<Idempotency<T>>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Outcome<T>, Error>> + Send,
    {
        let call = move |services: Services, key, body| {
            let (request, call) = (request.clone(), call.clone());
            let task = tokio::spawn(async move {
                persistently(|| {
                    call(
                        services.clone(),
                        request.clone(),
                        Some(idempotency(name, key, body, id)),
                    )
                })
                .await
            });
            async move { task.await.unwrap().map(|made| told(made, id)) }.boxed()
        };
        Verb {
            name,
            call: Box::new(call),
        }
    }

    async fn tell(&self, shop: &Shop, key: &'static str, body: &'static str) -> Told {
        (self.call)(shop.services.clone(), key, body).await
    }
}

fn idempotency<T: 'static>(name: &str, key: &str, body: &str, id: fn(&T) -> String) -> Idempotency<T> {
    Idempotency {
        route: name.to_owned(),
        key: key.to_owned(),
        fingerprint: body.to_owned(),
        answer: Arc::new(move |value, is_new| KeptAnswer {
            status: if is_new { 201 } else { 200 },
            body: format!("{} {is_new}", id(value)),
        }),
    }
}

fn told<T>(made: Outcome<T>, id: fn(&T) -> String) -> (String, bool) {
    match made {
        Outcome::New(value) => (format!("{} true", id(&value)), false),
        Outcome::Existing(value) => (format!("{} false", id(&value)), false),
        Outcome::Replayed(answer) => (answer.body, true),
    }
}

fn start(name: &'static str, order: &Order, method: Method) -> Verb {
    let request = StartPayment::new(order.id.clone(), method.default_product());
    let id = |payment: &Payment| payment.id.to_string();
    Verb::new(
        name,
        id,
        request,
        async |services: Services, request, idempotency| {
            payments::start_payment(&services, request, idempotency).await
        },
    )
}

fn cancel(order: &Order) -> Verb {
    let id = |order: &Order| order.id.to_string();
    Verb::new(
        "cancel",
        id,
        order.id.clone(),
        async |services: Services, id, idempotency| {
            payments::cancel_order(&services, &id, None, &payments::Requester::Rule, idempotency).await
        },
    )
}

fn query(payment: &Payment) -> Verb {
    let id = |payment: &Payment| payment.id.to_string();
    let number = payment.payment_no.clone();
    Verb::new(
        "query",
        id,
        number,
        async |services: Services, number, idempotency| {
            payments::query_payment(&services, &number, idempotency).await
        },
    )
}

fn refund(name: &'static str, payment: &Payment) -> Verb {
    let request = RefundRequest {
        payment_id: payment.id.clone(),
        amount: None,
        reason: "不想要了".to_owned(),
        refund_no: None,
        by: payments::Requester::Rule,
    };
    let id = |refund: &domain::Refund| refund.id.to_string();
    Verb::new(
        name,
        id,
        request,
        async |services: Services, request, idempotency| {
            payments::request_refund(&services, request, idempotency).await
        },
    )
}

fn create_order() -> Verb {
    let new = NewOrder {
        order_no: None,
        user_id: "ann".to_owned(),
        subject: "plan".to_owned(),
        amount: Money::from_fen(100).unwrap(),
        return_url: None,
        metadata: None,
        allows_balance: false,
        expires_in: None,
    };
    let id = |order: &Order| order.id.to_string();
    Verb::new("create", id, new, async |services: Services, new, idempotency| {
        payments::create_order(&services, new, idempotency).await
    })
}

fn top_up() -> Verb {
    let new = TopUp {
        user_id: "ann".to_owned(),
        amount: Money::from_fen(100).unwrap(),
        order_no: None,
        return_url: None,
    };
    let id = |order: &Order| order.id.to_string();
    Verb::new("topup", id, new, async |services: Services, new, idempotency| {
        payments::top_up(&services, new, idempotency).await
    })
}

/// Debits the whole balance.
async fn empty_balance(shop: &Shop) -> Verb {
    let adjustment = Adjustment {
        user_id: "ann".to_owned(),
        change: Change::from_fen(-available(shop).await).unwrap(),
        number: "B-1".to_owned(),
        note: "correction".to_owned(),
        by: payments::Requester::Rule,
    };
    let id = |entry: &payments::Entry| entry.id.clone();
    Verb::new(
        "adjust",
        id,
        adjustment,
        async |services: Services, new, idempotency| {
            payments::adjust_balance(&services, new, idempotency).await
        },
    )
}

async fn paid_by_code(shop: &Shop) -> Payment {
    let order = shop.order("4.00").await;
    let payment = shop.start(&order, Method::Wechat).await;
    shop.scan_and_pay(&payment).await;
    shop.payment(&payment).await
}

/// Fifty equal concurrent calls, and one with another body: one takes effect, the others get the same answer.
async fn try_fifty_times(shop: &Shop, verb: &Verb) {
    let name = verb.name;
    let answers = join_all((0..50).map(|_| verb.tell(shop, "key", "body"))).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let n_told_first = answers.iter().filter(|(_, is_kept)| !is_kept).count();
    assert_eq!(n_told_first, 1, "{name}: {answers:?}");
    assert!(
        answers.iter().all(|(text, _)| *text == answers[0].0),
        "{name}: {answers:?}"
    );
    refused(
        verb.tell(shop, "key", "other").await,
        Refusal::IdempotencyConflict,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_equal_calls_of_every_verb_take_effect_once() {
    on_each_engine(async |shop| {
        adjust(shop, "A-1", 1000).await;
        try_fifty_times(shop, &create_order()).await;
        try_fifty_times(shop, &top_up()).await;
        for (method, name) in [(Method::Wechat, "wechat"), (Method::Alipay, "alipay")] {
            let order = shop.order("4.00").await;
            try_fifty_times(shop, &start(name, &order, method)).await;
            assert_eq!(shop.checkout(&order).await.payments.len(), 1);
        }
        // The whole balance: every request after the first finds an empty balance and a paid order.
        let order = shop.order("10.00").await;
        let by_balance = start("balance", &order, Method::Balance);
        try_fifty_times(shop, &by_balance).await;
        let paid = shop.checkout(&order).await.payments.remove(0);
        try_fifty_times(shop, &refund("refund to the balance", &paid)).await;
        assert_eq!(available(shop).await, 1000);
        let paid = paid_by_code(shop).await;
        try_fifty_times(shop, &refund("refund", &paid)).await;
        assert_eq!(shop.payment(&paid).await.refunding, paid.amount);
        try_fifty_times(shop, &empty_balance(shop).await).await;
        assert_eq!(available(shop).await, 0);

        let order = shop.order("4.00").await;
        let payment = shop.start(&order, Method::Alipay).await;
        try_fifty_times(shop, &query(&payment)).await;
        try_fifty_times(shop, &cancel(&order)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_is_found_again_under_its_key() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let [made, asked, cancelled] = [
                shop.order("4.00").await,
                shop.order("4.00").await,
                shop.order("4.00").await,
            ];
            let asked = shop.start(&asked, method).await;
            shop.start(&cancelled, method).await;
            shop.sleep(std::time::Duration::from_secs(2)).await;
            let key: &'static str = method.as_str();
            for (verb, endpoint) in [
                (start("start", &made, method), Endpoint::Create),
                (query(&asked), Endpoint::Query),
                (cancel(&cancelled), Endpoint::Query),
            ] {
                shop.sim.fault(Fault::new(FaultKind::ErrorAfter).at(endpoint));
                let unknown = verb.tell(shop, key, "body").await;
                assert!(
                    matches!(unknown, Err(Error::Unreachable { .. })),
                    "{method} {}: {unknown:?}",
                    verb.name
                );
                shop.sim.faults(Faults::none());
                refused(verb.tell(shop, key, "other").await, Refusal::IdempotencyConflict);
                shop.sleep(std::time::Duration::from_secs(2)).await;
                let (first, is_kept) = verb.tell(shop, key, "body").await.unwrap();
                assert!(!is_kept, "{method} {}", verb.name);
                assert_eq!(verb.tell(shop, key, "body").await.unwrap(), (first, true));
            }
            assert_eq!(shop.checkout(&made).await.payments.len(), 1);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_orders_under_one_key_never_both_get_a_payment() {
    on_each_engine(async |shop| {
        for method in [Method::Wechat, Method::Alipay, Method::Balance] {
            adjust(shop, &format!("A-{method}"), 5000).await;
            let orders = [shop.order("4.00").await, shop.order("4.00").await];
            // Another method is open at first, and is closed for the request that has the key.
            if method == Method::Alipay {
                shop.start(&orders[0], Method::Wechat).await;
                shop.start(&orders[1], Method::Wechat).await;
            }
            let verbs = orders.each_ref().map(|order| start("start", order, method));
            let key: &'static str = method.as_str();
            let calls = (0..20).map(|n| verbs[n % 2].tell(shop, key, ["one", "two"][n % 2]));
            let mut n_done = [0, 0];
            for (n, answer) in join_all(calls).await.into_iter().enumerate() {
                match answer {
                    Ok(_) => n_done[n % 2] += 1,
                    other => refused(other, Refusal::IdempotencyConflict),
                }
            }
            assert!(n_done == [10, 0] || n_done == [0, 10], "{method}: {n_done:?}");
            for (order, n_done) in orders.iter().zip(n_done) {
                let payments = shop.checkout(order).await.payments;
                let n_of_method = payments
                    .iter()
                    .filter(|payment| payment.method() == method)
                    .count();
                assert_eq!(n_of_method, usize::from(n_done > 0), "{method}");
                let n_alive = payments
                    .iter()
                    .filter(|payment| payment.state.is_open() || payment.settles)
                    .count();
                let n_wanted = usize::from(n_done > 0 || method == Method::Alipay);
                assert_eq!(n_alive, n_wanted, "{method}: a refused request closes nothing");
            }
        }
    })
    .await;
}

/// The payment under the key is over without an answer: the same request opens another one.
#[tokio::test]
async fn a_declined_payment_does_not_spoil_its_key() {
    on_each_engine(async |shop| {
        let order = shop.order("4.00").await;
        shop.sim
            .fault(Fault::new(FaultKind::ErrorBefore).at(Endpoint::Create));
        let verb = start("start", &order, Method::Wechat);
        let unknown = verb.tell(shop, "key", "body").await;
        assert!(matches!(unknown, Err(Error::Unreachable { .. })), "{unknown:?}");
        shop.sim.faults(Faults::none());
        let declined = "update payments set state = 'declined', failure_reason = 'no', version = version + 1";
        shop.meddle(declined.to_owned()).await;
        let (first, is_kept) = verb.tell(shop, "key", "body").await.unwrap();
        assert!(!is_kept);
        assert_eq!(verb.tell(shop, "key", "body").await.unwrap(), (first, true));
        let payments = shop.checkout(&order).await.payments;
        assert_eq!(
            payments.iter().filter(|payment| payment.state.is_open()).count(),
            1
        );
    })
    .await;
}
