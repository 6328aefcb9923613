//! Every query and every act of the console, on each engine: both must accept the one SQL text.

use domain::{Channel, Method, Money, OrderStatus, RefundNo};
use payments::api_keys::{KeyDraft, KeyLimits, Scope};
use payments::console::{
    self, Actor, Asked, ConsoleError, OrderQuery, Proof, RefundDraft, Verdict, count_waiting, find_exact,
    find_orders, open_file,
};
use payments::users::Role;
use payments::{Policy, request_refund};
use simulator::WechatKeys;

use super::shop::{Shop, employ, engines};

fn actor(name: &str) -> Actor {
    Actor {
        email: format!("{name}@example.com"),
        ip: None,
        request_id: "r1".to_owned(),
    }
}

fn query() -> OrderQuery {
    OrderQuery {
        limit: 2,
        ..OrderQuery::default()
    }
}

async fn count(shop: &Shop, query: OrderQuery) -> usize {
    find_orders(&shop.services, &query).await.unwrap().page.data.len()
}

#[tokio::test]
async fn every_search_filter_finds_its_orders() {
    for engine in engines() {
        let mut shop = Shop::on(engine).await;
        let shop_ref = &shop;
        let order = shop.order("99.90").await;
        let payment = shop.start(&order, Method::Wechat).await;
        shop.scan_and_pay(&payment).await;
        shop.pass(std::time::Duration::from_secs(10)).await;
        shop.order("50.00").await;
        shop.order("50.00").await;
        let services = &shop_ref.services;
        let paid = shop.payment(&payment).await;
        for number in [
            order.id.as_str(),
            order.order_no.as_str(),
            paid.id.as_str(),
            paid.payment_no.as_str(),
            paid.transaction_id.as_deref().unwrap(),
        ] {
            assert_eq!(
                find_exact(services, number).await.unwrap(),
                Some(order.id.clone()),
                "{number}"
            );
        }
        assert_eq!(find_exact(services, "ann").await.unwrap(), None);

        let text = |text: &str| Some(text.to_owned());
        let fen = |fen: i64| Money::from_fen(fen).ok();
        let first = find_orders(services, &query()).await.unwrap().page;
        assert_eq!(first.data.len(), 2);
        let cursor = first.next_cursor;
        assert_eq!(count(shop_ref, OrderQuery { cursor, ..query() }).await, 1);
        for (expected, query) in [
            (
                1,
                OrderQuery {
                    status: Some(OrderStatus::Paid),
                    ..query()
                },
            ),
            (
                0,
                OrderQuery {
                    status: Some(OrderStatus::Refunded),
                    ..query()
                },
            ),
            (
                2,
                OrderQuery {
                    status: Some(OrderStatus::Pending),
                    ..query()
                },
            ),
            (
                1,
                OrderQuery {
                    method: Some(Method::Wechat),
                    ..query()
                },
            ),
            (
                0,
                OrderQuery {
                    method: Some(Method::Alipay),
                    ..query()
                },
            ),
            (
                2,
                OrderQuery {
                    text: text("50"),
                    ..query()
                },
            ),
            (
                2,
                OrderQuery {
                    text: text("ann"),
                    ..query()
                },
            ),
            (
                1,
                OrderQuery {
                    text: text("ann"),
                    method: Some(Method::Wechat),
                    ..query()
                },
            ),
            (
                1,
                OrderQuery {
                    least: fen(6000),
                    ..query()
                },
            ),
            (
                2,
                OrderQuery {
                    most: fen(6000),
                    ..query()
                },
            ),
            (
                2,
                OrderQuery {
                    from: Some(order.created_at),
                    ..query()
                },
            ),
            (
                0,
                OrderQuery {
                    to: Some(order.created_at),
                    ..query()
                },
            ),
        ] {
            assert_eq!(count(shop_ref, query.clone()).await, expected, "{query:?}");
        }

        // Entries made in this very millisecond belong to the next read.
        shop.sleep(std::time::Duration::from_secs(1)).await;
        let overview = console::read_overview(services).await.unwrap();
        assert_eq!((overview.today.gross.n, overview.today.gross.fen), (1, 9990));
        assert_eq!((overview.today.n_orders, overview.today.n_orders_paid), (3, 1));
        assert!(overview.today.median_to_paid.is_some() && overview.today.callback_delay_p95.is_some());
        assert_eq!(overview.yesterday.gross.n, 0);
        let notifications = console::list_notifications(services, None, 10).await.unwrap();
        assert_eq!(notifications.data.len(), 1);
        let found = console::find_notification(services, Channel::Wechat, &notifications.data[0].id)
            .await
            .unwrap();
        assert_eq!(found.order_id, Some(order.id.clone()));
        for channel in Channel::ALL {
            let trial = console::test_gateway(services, &actor("dev"), channel)
                .await
                .unwrap();
            assert_eq!(trial.proof, Proof::Works, "{channel}");
            let call = trial.call.unwrap();
            assert_eq!((call.channel, call.verdict), (channel, Verdict::Signed));
        }
        assert!(
            console::list_gateways(services).await.unwrap()[0]
                .last_callback_at
                .is_some()
        );
        console::write_note(services, &actor("ann"), &order.id, "called")
            .await
            .unwrap();
        console::ask_about_order(services, &actor("ann"), &order.id)
            .await
            .unwrap();
        let file = open_file(services, &order.id).await.unwrap();
        assert_eq!(
            (file.notes.len(), file.notifications.len(), file.payments.len()),
            (1, 1, 1)
        );
        assert!(file.timeline().is_sorted_by_key(|(at, _)| *at));
        assert_eq!(count_waiting(services).await.unwrap().incidents, 0);
        shop.close().await;
    }
}

#[tokio::test]
async fn keys_come_and_go_on_each_engine() {
    for engine in engines() {
        let mut shop = Shop::on(engine).await;
        let services = &shop.services;
        let owner = employ(services, "owner@example.com", Role::Owner).await;
        let draft = KeyDraft {
            name: "shop",
            scopes: &[Scope::Read],
            limits: KeyLimits::default(),
        };
        let key = console::make_key(services, &owner, &actor("dev"), &draft)
            .await
            .unwrap();
        let known = payments::api_keys::find_api_key(services, &key)
            .await
            .unwrap()
            .unwrap();
        assert!(payments::api_keys::is_use_due(services, &known));
        payments::api_keys::note_use(services, &known).await.unwrap();
        let listed = console::list_keys(services).await.unwrap();
        assert!(listed[0].last_used_at.is_some() && key.ends_with(&listed[0].last4));
        console::revoke_key(services, &actor("dev"), &known.id)
            .await
            .unwrap();
        assert!(
            payments::api_keys::find_api_key(services, &key)
                .await
                .unwrap()
                .is_none()
        );
        assert!(matches!(
            console::revoke_key(services, &actor("dev"), &known.id).await,
            Err(ConsoleError::DecidedAlready)
        ));
        shop.close().await;
    }
}

#[tokio::test]
async fn concurrent_decisions_on_a_request_take_effect_once() {
    for engine in engines() {
        let policy = Policy {
            refund_approval_above: Some(Money::ZERO),
            ..Policy::default()
        };
        let mut shop = Shop::open(engine, WechatKeys::PublicKey, policy).await;
        let services = &shop.services;
        let order = shop.order("99.90").await;
        let payment = shop.start(&order, Method::Alipay).await;
        shop.scan_and_pay(&payment).await;
        shop.pass(std::time::Duration::from_secs(10)).await;
        let draft = RefundDraft {
            payment_id: payment.id.clone(),
            amount: Money::from_fen(9990).unwrap(),
            reason: "defect".to_owned(),
            refund_no: RefundNo::new(services.clock.now(), services.clock.entropy()),
        };
        let ann = employ(services, "ann@example.com", Role::Support).await;
        for _ in 0..2 {
            let asked = console::ask_for_refund(services, &ann, &actor("ann"), &draft)
                .await
                .unwrap();
            assert_eq!(asked, Asked::Waiting);
        }
        let (waiting, _) = console::list_approvals(services, 10).await.unwrap();
        assert_eq!(waiting.len(), 1);
        assert_eq!(
            console::plan_refund(services, &payment.id).await.unwrap().left,
            Money::ZERO
        );
        let id = &waiting[0].id;
        let own = console::approve_approval(services, &actor("ann"), id).await;
        assert!(matches!(own, Err(ConsoleError::OwnRequest)));
        let (bob, eve) = (actor("bob"), actor("eve"));
        let outcomes = futures_util::future::join_all([
            console::approve_approval(services, &bob, id),
            console::approve_approval(services, &eve, id),
        ])
        .await;
        assert_eq!(
            outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
            1,
            "{outcomes:?}"
        );
        let refunds = payments::list_refunds(services, &payment.id).await.unwrap();
        assert_eq!((refunds.len(), &refunds[0].refund_no), (1, &draft.refund_no));
        let (waiting, decided) = console::list_approvals(services, 10).await.unwrap();
        assert_eq!(
            (waiting.len(), decided.len(), decided[0].approval.is_approved),
            (0, 1, Some(true))
        );
        // Refunds by a program meanwhile count too.
        let more = payments::RefundRequest {
            payment_id: payment.id.clone(),
            amount: None,
            reason: "again".to_owned(),
            refund_no: None,
            by: payments::Requester::Rule,
        };
        assert!(request_refund(services, more, None).await.is_err());
        shop.pass(std::time::Duration::from_mins(1)).await;
        assert_eq!(shop.status(&order).await, OrderStatus::Refunded);
        shop.close().await;
    }
}
