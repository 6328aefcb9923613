//! Lists and searches of the console, the order of a timeline, and incidents that end by themselves, on each engine.

use std::time::Duration;

use domain::{Method, Order, PaymentStatus, RefundState, Timestamp};
use payments::console::{
    self, Age, Event, IncidentKind, NotificationOutcome, OrderQuery, OrderSort, PaymentQuery, RefundQuery,
    TakenAs, find_exact, find_orders, list_open_incidents, open_file,
};
use payments::{RefundRequest, Requester, request_refund};
use simulator::{Endpoint, Fault, FaultKind};

use super::shop::{Shop, on_each_engine};

const MINUTE: Duration = Duration::from_mins(1);

async fn found(shop: &Shop, text: &str, anywhere: bool) -> (TakenAs, Vec<Order>) {
    let query = OrderQuery {
        text: Some(text.to_owned()),
        anywhere,
        limit: 10,
        ..OrderQuery::default()
    };
    let found = find_orders(&shop.services, &query).await.unwrap();
    let totals = console::find_order_totals(&shop.services, &query).await.unwrap();
    let n = i64::try_from(found.page.data.len()).unwrap();
    assert_eq!(totals.n_orders, n, "{text}");
    (found.taken_as, found.page.data)
}

#[tokio::test]
async fn an_order_is_found_by_the_end_of_a_number_and_by_parts() {
    on_each_engine(async |shop| {
        let order = shop.order_of("团队版 100% plan", "99.90").await;
        let payment = shop.start(&order, Method::Wechat).await;
        shop.scan_and_pay(&payment).await;
        shop.pass(Duration::from_secs(10)).await;
        shop.order_of("another thing", "5.00").await;
        let paid = shop.payment(&payment).await;
        let trade = paid.transaction_id.as_deref().unwrap();
        for number in [trade, paid.payment_no.as_str(), order.order_no.as_str()] {
            let end = &number[number.len() - 6..];
            assert_eq!(
                find_exact(&shop.services, end).await.unwrap(),
                Some(order.id.clone()),
                "{end} of {number}"
            );
            let longer = &number[number.len() - 8..];
            let (taken_as, orders) = found(shop, longer, false).await;
            assert_eq!((taken_as, orders.len()), (TakenAs::Number, 1), "{longer}");
        }
        let wrong_end = format!("x{}", &trade[trade.len() - 5..]);
        assert_eq!(find_exact(&shop.services, &wrong_end).await.unwrap(), None);
        for part in [
            "团队",
            "100%",
            "PLAN",
            &order.order_no.as_str()[..20],
            &trade[4..14],
        ] {
            let (taken_as, orders) = found(shop, part, false).await;
            assert_eq!(taken_as, TakenAs::Part, "{part}");
            assert_eq!(orders.len(), 1, "{part}");
            assert_eq!(orders[0].id, order.id, "{part}");
        }
        assert_eq!(found(shop, "50_", false).await.1.len(), 0, "`_` is no wildcard");
        // A user is the user, unless the text is wanted anywhere.
        assert_eq!(found(shop, "ann", false).await.0, TakenAs::UserOrAmount);
        let (taken_as, orders) = found(shop, "an", false).await;
        assert_eq!((taken_as, orders.len()), (TakenAs::Part, 2));
        let (taken_as, orders) = found(shop, "ann", true).await;
        assert_eq!((taken_as, orders.len()), (TakenAs::Part, 2));
    })
    .await;
}

/// Places of events in the timeline of an order.
async fn places(shop: &Shop, order: &Order) -> Vec<&'static str> {
    let file = open_file(&shop.services, &order.id).await.unwrap();
    let timeline = file.timeline();
    assert!(timeline.is_sorted_by_key(|(at, _)| *at), "{timeline:?}");
    timeline
        .iter()
        .filter_map(|(_, event)| {
            Some(match event {
                Event::Ordered(_) => "ordered",
                Event::PaymentStarted(_) => "started",
                Event::Notification(notification) if notification.verdict == "payment" => "told of payment",
                Event::PaymentPaid(_) => "paid",
                Event::OrderPaid(_) => "order paid",
                Event::RefundAsked(..) => "refund asked",
                Event::RefundEnded(_) => "refunded",
                _ => return None,
            })
        })
        .collect()
}

#[tokio::test]
async fn causes_stand_before_effects_although_gateways_write_whole_seconds() {
    on_each_engine(async |shop| {
        shop.sleep(Duration::from_millis(700)).await;
        let order = shop.order("99.90").await;
        let payment = shop.start(&order, Method::Wechat).await;
        shop.scan_and_pay(&payment).await;
        let request = RefundRequest {
            payment_id: payment.id.clone(),
            amount: None,
            reason: "defect".to_owned(),
            refund_no: None,
            by: Requester::Rule,
        };
        request_refund(&shop.services, request, None).await.unwrap();
        shop.run_jobs().await;
        shop.pass(Duration::from_secs(30)).await;
        let paid = shop.payment(&payment).await;
        assert_eq!(paid.status(), PaymentStatus::Refunded);
        assert!(
            paid.paid_at.unwrap() < paid.created_at,
            "the gateway's time is before ours"
        );
        assert_eq!(
            places(shop, &order).await,
            [
                "ordered",
                "started",
                "told of payment",
                "paid",
                "order paid",
                "refund asked",
                "refunded"
            ]
        );
        let file = open_file(&shop.services, &order.id).await.unwrap();
        let order_now = payments::find_order(&shop.services, &order.id).await.unwrap();
        let seen = [
            serde_json::to_value(payments::views::OrderView::new(&order_now, "")).unwrap(),
            serde_json::to_value(payments::views::RefundView::new(&file.refunds[0], &order.id)).unwrap(),
        ];
        let time = |object: usize, name: &str| -> Timestamp {
            payments::parse_rfc3339(seen[object][name].as_str().unwrap()).unwrap()
        };
        assert!(time(0, "paidAt") >= time(0, "createdAt"), "{}", seen[0]);
        assert!(time(1, "finishedAt") >= time(1, "createdAt"), "{}", seen[1]);
    })
    .await;
}

#[tokio::test]
async fn surplus_that_has_gone_back_closes_its_incident() {
    on_each_engine(async |shop| {
        shop.sim.fault(Fault::new(FaultKind::LatePay).at(Endpoint::Close));
        let order = shop.order("8.00").await;
        let payment = shop.start(&order, Method::Wechat).await;
        shop.pass(31 * MINUTE).await;
        shop.sim.pay(payment.prompt.as_deref().unwrap()).await.unwrap();
        shop.run_jobs().await;
        let open = list_open_incidents(&shop.services, None, 10).await.unwrap().data;
        let surplus = open
            .iter()
            .find(|incident| incident.kind == Some(IncidentKind::Surplus))
            .unwrap();
        assert_eq!(
            (surplus.amount, surplus.user_id.as_deref()),
            (Some(order.amount), Some("ann"))
        );
        assert_eq!(surplus.order_no.as_deref(), Some(order.order_no.as_str()));
        shop.pass(10 * MINUTE).await;
        assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Refunded);
        let open = list_open_incidents(&shop.services, None, 10).await.unwrap().data;
        let is_surplus = |incident: &console::Incident| incident.kind == Some(IncidentKind::Surplus);
        assert!(!open.iter().any(is_surplus), "{open:?}");
        let resolved = console::list_resolved_incidents(&shop.services, 10)
            .await
            .unwrap();
        let closed = resolved
            .into_iter()
            .find(|incident| is_surplus(incident))
            .unwrap();
        assert_eq!(closed.resolved_by, None, "no person did it");
    })
    .await;
}

#[tokio::test]
async fn lists_of_payments_refunds_balances_and_callbacks_are_narrowed() {
    on_each_engine(async |shop| {
        let services = &shop.services;
        let order = shop.order("99.90").await;
        let payment = shop.start(&order, Method::Wechat).await;
        shop.scan_and_pay(&payment).await;
        let open = shop.order("5.00").await;
        shop.start(&open, Method::Alipay).await;
        let request = RefundRequest {
            payment_id: payment.id.clone(),
            amount: None,
            reason: "defect".to_owned(),
            refund_no: None,
            by: Requester::Rule,
        };
        request_refund(services, request, None).await.unwrap();
        shop.pass(MINUTE).await;
        let payments_of = async |query: PaymentQuery| {
            let query = PaymentQuery { limit: 1, ..query };
            console::find_listed(services, &query).await.unwrap().page
        };
        let all = payments_of(PaymentQuery::default()).await;
        assert_eq!(all.data[0].payment.order_id, open.id, "newest first");
        let cursor = all.next_cursor;
        let second = payments_of(PaymentQuery {
            cursor,
            ..PaymentQuery::default()
        })
        .await;
        assert_eq!(second.data[0].payment.id, payment.id);
        assert_eq!(second.next_cursor, None);
        let first = payments_of(PaymentQuery {
            age: Age::Oldest,
            ..PaymentQuery::default()
        })
        .await;
        assert_eq!(first.data[0].payment.id, payment.id, "oldest first");
        let second = payments_of(PaymentQuery {
            age: Age::Oldest,
            cursor: first.next_cursor,
            ..PaymentQuery::default()
        })
        .await;
        assert_eq!(second.data[0].payment.order_id, open.id);
        assert_eq!(second.next_cursor, None);
        let orders_of = async |sort: OrderSort, cursor: Option<String>| {
            let query = OrderQuery {
                sort,
                cursor,
                limit: 1,
                ..OrderQuery::default()
            };
            let page = console::find_orders(services, &query).await.unwrap().page;
            (page.data[0].id.clone(), page.next_cursor)
        };
        // Made in one moment, they are told apart by their ids.
        let (oldest, newest) = (
            order.id.clone().min(open.id.clone()),
            order.id.clone().max(open.id.clone()),
        );
        let (oldest, newest) = (&oldest, &newest);
        for (sort, first, last) in [
            (OrderSort::Newest, newest, oldest),
            (OrderSort::Oldest, oldest, newest),
            (OrderSort::Largest, &order.id, &open.id),
        ] {
            let (id, cursor) = orders_of(sort, None).await;
            assert_eq!(id, *first, "{sort:?}");
            assert_eq!(orders_of(sort, cursor).await, (last.clone(), None), "{sort:?}");
        }
        for (n, status, method) in [
            (1, Some(PaymentStatus::Refunded), None),
            (1, Some(PaymentStatus::Processing), Some(Method::Alipay)),
            (0, Some(PaymentStatus::Success), None),
            (0, Some(PaymentStatus::Processing), Some(Method::Wechat)),
        ] {
            let query = PaymentQuery {
                status,
                method,
                ..PaymentQuery::default()
            };
            assert_eq!(payments_of(query).await.data.len(), n, "{status:?} {method:?}");
        }
        let refunds_of = async |state: Option<RefundState>, method: Option<Method>| {
            let query = RefundQuery {
                status: state,
                method,
                limit: 10,
                ..RefundQuery::default()
            };
            console::find_listed(services, &query).await.unwrap().page.data
        };
        let refunds = refunds_of(Some(RefundState::Succeeded), Some(Method::Wechat)).await;
        assert_eq!(refunds[0].order_no, order.order_no.as_str());
        assert_eq!(refunds_of(None, None).await.len(), 1);
        assert_eq!(refunds_of(Some(RefundState::Failed), None).await.len(), 0);
        assert_eq!(refunds_of(None, Some(Method::Alipay)).await.len(), 0);
        let before = RefundQuery {
            to: Some(refunds[0].refund.created_at),
            limit: 10,
            ..RefundQuery::default()
        };
        let none = console::find_listed(services, &before).await.unwrap().page;
        assert!(none.data.is_empty());

        for (n, user) in ["ann", "bob@example.com", "100%"].into_iter().enumerate() {
            let topup = payments::Adjustment {
                user_id: user.to_owned(),
                change: domain::ledger::Change::from_fen(500).unwrap(),
                number: format!("adj-{n}"),
                note: "gift".to_owned(),
                by: Requester::Rule,
            };
            payments::adjust_balance(services, topup, None).await.unwrap();
        }
        let balances = async |part: Option<&str>, after: Option<&str>| {
            let page = console::list_balances(services, part, after, 2).await.unwrap();
            let users: Vec<String> = page.data.into_iter().map(|balance| balance.user_id).collect();
            (users, page.next_cursor)
        };
        let (first, cursor) = balances(None, None).await;
        let (rest, end) = balances(None, cursor.as_deref()).await;
        assert_eq!((first.len(), rest.len(), end), (2, 1, None));
        assert_eq!(balances(Some("EXAMPLE"), None).await.0, ["bob@example.com"]);
        assert_eq!(balances(Some("0%"), None).await.0, ["100%"]);

        let told = async |only: Option<NotificationOutcome>| {
            console::list_notifications_of(services, only, None, 10)
                .await
                .unwrap()
                .data
                .len()
        };
        let n_all = told(None).await;
        assert!(n_all > 0);
        assert_eq!(told(Some(NotificationOutcome::Applied)).await, n_all);
        assert_eq!(told(Some(NotificationOutcome::Problem)).await, 0);
        let sql = "update notices set verdict = 'unmatched_notice' where verdict = 'payment'";
        assert_eq!(shop.meddle(sql.to_owned()).await, 1);
        assert_eq!(told(Some(NotificationOutcome::Problem)).await, 1);
    })
    .await;
}

#[tokio::test]
async fn figures_of_a_span_are_those_of_its_days() {
    on_each_engine(async |shop| {
        const DAY: Duration = Duration::from_hours(24);
        let services = &shop.services;
        let opened_at = services.clock.now();
        for yuan in ["10.00", "20.00"] {
            let order = shop.order(yuan).await;
            let payment = shop.start(&order, Method::Wechat).await;
            shop.scan_and_pay(&payment).await;
            shop.sleep(DAY).await;
        }
        let day: String = payments::beijing(opened_at).chars().take(10).collect();
        let midnight = payments::parse_rfc3339(&format!("{day}T00:00:00+08:00")).unwrap();
        let range =
            async |from: Timestamp, to: Timestamp| console::read_range(services, from, to).await.unwrap();
        let both = range(midnight, midnight + 2 * DAY).await.unwrap();
        assert_eq!((both.span.gross.fen, both.before.gross.fen), (3000, 0));
        let days: Vec<i64> = both.by_day.iter().map(|(_, fen)| *fen).collect();
        assert_eq!(days, [1000, 2000]);
        let second = range(midnight + DAY, midnight + 2 * DAY).await.unwrap();
        assert_eq!((second.span.gross.fen, second.before.gross.fen), (2000, 1000));
        assert!(range(midnight, midnight).await.is_none());
        assert!(range(midnight, midnight + 93 * DAY).await.is_none());
    })
    .await;
}
