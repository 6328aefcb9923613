//! Permissions and thresholds: how much one person or one API key may pay out alone, and which acts on others each role
//! has.

use std::time::Duration;

use domain::ledger::Change;
use domain::{Method, Money, Payment, RefundNo};
use futures_util::future::join_all;
use payments::api_keys::{KeyDraft, KeyLimits, Scope, find_api_key};
use payments::console::{
    self, Actor, Asked, AuditQuery, Browser, ConsoleError, IncidentKind, Operator, RefundDraft, RequestedBy,
    admit_login, find_credentials, open_session, recognise_browser,
};
use payments::users::Role;
use payments::{
    Adjustment, Error, Outcome, Policy, RefundRequest, Requester, adjust_balance, request_refund,
};
use simulator::WechatKeys;

use super::refunds::fen;
use super::shop::{Shop, employ, engines, visit_of};

const DAY: Duration = Duration::from_hours(24);

/// Runs a journey on every engine, in a shop where more than ¥100.00 needs a second person.
async fn with_thresholds(journey: impl AsyncFn(&Shop)) {
    for engine in engines() {
        let policy = Policy {
            refund_approval_above: Some(fen(10_000)),
            ..Policy::default()
        };
        let mut shop = Shop::open(engine, WechatKeys::PublicKey, policy).await;
        Box::pin(journey(&shop)).await;
        shop.close().await;
    }
}

async fn sell(shop: &Shop, yuan: &str) -> Payment {
    let order = shop.order(yuan).await;
    let payment = shop.start(&order, Method::Alipay).await;
    shop.scan_and_pay(&payment).await;
    shop.pass(Duration::from_secs(10)).await;
    shop.payment(&payment).await
}

fn draft(shop: &Shop, payment: &Payment, amount: i64) -> RefundDraft {
    let clock = &shop.services.clock;
    RefundDraft {
        payment_id: payment.id.clone(),
        amount: fen(amount),
        reason: "defect".to_owned(),
        refund_no: RefundNo::new(clock.now(), clock.entropy()),
    }
}

async fn ask(shop: &Shop, who: &Operator, payment: &Payment, amount: i64) -> Asked {
    let draft = draft(shop, payment, amount);
    console::ask_for_refund(&shop.services, who, &visit_of(who), &draft)
        .await
        .unwrap()
}

fn credit(number: &str, amount: i64) -> Adjustment {
    Adjustment {
        user_id: "ann".to_owned(),
        change: Change::from_fen(amount).unwrap(),
        number: number.to_owned(),
        note: "gift".to_owned(),
        by: Requester::Rule,
    }
}

async fn give(shop: &Shop, who: &Operator, number: &str, amount: i64) -> Asked {
    console::adjust_balance(&shop.services, who, &visit_of(who), &credit(number, amount))
        .await
        .unwrap()
}

async fn available(shop: &Shop) -> Money {
    payments::find_balance(&shop.services, "ann")
        .await
        .unwrap()
        .available
}

#[tokio::test]
async fn refunds_just_below_the_threshold_count_together() {
    with_thresholds(async |shop| {
        let support = employ(&shop.services, "support@example.com", Role::Support).await;
        let other = employ(&shop.services, "other@example.com", Role::Support).await;
        let payment = sell(shop, "500.00").await;
        assert_eq!(ask(shop, &support, &payment, 9_999).await, Asked::Requested);
        assert_eq!(
            ask(shop, &other, &payment, 2).await,
            Asked::Waiting,
            "of one payment, whoever asks"
        );
        let second = sell(shop, "500.00").await;
        assert_eq!(
            ask(shop, &support, &second, 2).await,
            Asked::Waiting,
            "of one person, whatever the payment"
        );
        assert_eq!(ask(shop, &other, &second, 9_999).await, Asked::Requested);
        shop.sleep(DAY).await;
        let third = sell(shop, "500.00").await;
        assert_eq!(ask(shop, &support, &third, 9_999).await, Asked::Requested);
    })
    .await;
}

#[tokio::test]
async fn a_form_that_is_sent_twice_is_one_refund_also_when_the_sum_is_used_up() {
    with_thresholds(async |shop| {
        let support = employ(&shop.services, "support@example.com", Role::Support).await;
        let payment = sell(shop, "500.00").await;
        let draft = draft(shop, &payment, 9_000);
        for _ in 0..2 {
            let asked = console::ask_for_refund(&shop.services, &support, &visit_of(&support), &draft)
                .await
                .unwrap();
            assert_eq!(asked, Asked::Requested);
        }
        let (waiting, _) = console::list_approvals(&shop.services, 10).await.unwrap();
        assert!(waiting.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refunds_of_one_person_at_the_same_time_count_each_other() {
    with_thresholds(async |shop| {
        let support = employ(&shop.services, "support@example.com", Role::Support).await;
        let payments = [
            sell(shop, "500.00").await,
            sell(shop, "500.00").await,
            sell(shop, "500.00").await,
        ];
        let asked = join_all(payments.iter().map(|payment| ask(shop, &support, payment, 6_000))).await;
        let n_sent = asked.iter().filter(|one| **one == Asked::Requested).count();
        assert_eq!(n_sent, 1, "{asked:?}");
    })
    .await;
}

#[tokio::test]
async fn a_refusal_is_remembered_for_its_payment() {
    with_thresholds(async |shop| {
        let services = &shop.services;
        let support = employ(services, "support@example.com", Role::Support).await;
        let owner = employ(services, "owner@example.com", Role::Owner).await;
        let payment = sell(shop, "500.00").await;
        assert_eq!(ask(shop, &support, &payment, 20_000).await, Asked::Waiting);
        let (waiting, _) = console::list_approvals(services, 10).await.unwrap();
        console::reject_approval(services, &visit_of(&owner), &waiting[0].id, "no")
            .await
            .unwrap();
        assert_eq!(ask(shop, &support, &payment, 1).await, Asked::Waiting);
        let (waiting, _) = console::list_approvals(services, 10).await.unwrap();
        console::approve_approval(services, &visit_of(&owner), &waiting[0].id)
            .await
            .unwrap();
        let file = console::open_file(services, &payment.order_id).await.unwrap();
        let by = file.requesters.get(file.refunds[0].id.as_str());
        assert_eq!(by, Some(&RequestedBy::Person(support.email.clone())));
        // An approved refund does not count in the sum of one person.
        let other = sell(shop, "500.00").await;
        assert_eq!(ask(shop, &support, &other, 10_000).await, Asked::Requested);
    })
    .await;
}

#[tokio::test]
async fn a_sum_above_the_second_threshold_asks_for_the_password() {
    with_thresholds(async |shop| {
        let services = &shop.services;
        let mut finance = employ(services, "finance@example.com", Role::Finance).await;
        finance.is_confirmed = false;
        let payment = sell(shop, "5000.00").await;
        let large = draft(shop, &payment, 100_001);
        let refused = console::ask_for_refund(services, &finance, &visit_of(&finance), &large).await;
        assert!(matches!(refused, Err(ConsoleError::Unconfirmed)), "{refused:?}");
        let refused =
            console::adjust_balance(services, &finance, &visit_of(&finance), &credit("A-1", 100_001)).await;
        assert!(matches!(refused, Err(ConsoleError::Unconfirmed)), "{refused:?}");
        assert_eq!(ask(shop, &finance, &payment, 100).await, Asked::Requested);
    })
    .await;
}

#[tokio::test]
async fn a_credit_above_the_threshold_needs_a_second_person() {
    with_thresholds(async |shop| {
        let services = &shop.services;
        let finance = employ(services, "finance@example.com", Role::Finance).await;
        let owner = employ(services, "owner@example.com", Role::Owner).await;
        assert_eq!(
            give(shop, &finance, "A-1", 100_000_000).await,
            Asked::Waiting,
            "a million yuan"
        );
        assert_eq!(available(shop).await, Money::ZERO);
        let (waiting, _) = console::list_credit_requests(services, 10).await.unwrap();
        let id = &waiting[0].id;
        let own = console::approve_credit(services, &visit_of(&finance), id).await;
        assert!(matches!(own, Err(ConsoleError::OwnRequest)));
        let both = join_all([
            console::approve_credit(services, &visit_of(&owner), id),
            console::approve_credit(services, &visit_of(&owner), id),
        ])
        .await;
        assert_eq!(both.iter().filter(|one| one.is_ok()).count(), 1, "{both:?}");
        assert_eq!(available(shop).await, fen(100_000_000));
        assert_eq!(give(shop, &finance, "A-1", 100_000_000).await, Asked::Waiting);

        // Ten just below it are one above it; a debit needs no approval, and a refund counts with it.
        assert_eq!(give(shop, &finance, "A-2", 9_999).await, Asked::Requested);
        assert_eq!(give(shop, &finance, "A-3", 9_999).await, Asked::Waiting);
        assert_eq!(give(shop, &finance, "A-4", -50_000).await, Asked::Requested);
        assert_eq!(
            give(shop, &owner, "A-5", 2).await,
            Asked::Waiting,
            "of one user, whoever gives"
        );
        let payment = sell(shop, "500.00").await;
        assert_eq!(ask(shop, &finance, &payment, 2).await, Asked::Waiting);

        let (waiting, _) = console::list_credit_requests(services, 10).await.unwrap();
        let third = waiting.iter().find(|one| one.adjustment_no == "A-3").unwrap();
        console::reject_credit(services, &visit_of(&owner), &third.id, "no")
            .await
            .unwrap();
        shop.sleep(DAY).await;
        assert_eq!(
            give(shop, &finance, "A-6", 1).await,
            Asked::Waiting,
            "a refusal is remembered"
        );
        let adjusters = console::list_adjusters(services, "ann").await.unwrap();
        let by = RequestedBy::Person(finance.email.clone());
        assert_eq!(
            (adjusters.get("A-1"), adjusters.get("A-2")),
            (Some(&by), Some(&by))
        );
    })
    .await;
}

async fn make_key(shop: &Shop, limits: KeyLimits) -> Requester {
    let draft = KeyDraft {
        name: "shop",
        scopes: &Scope::ALL,
        limits,
    };
    let actor = Actor::of_command("root");
    let key = payments::api_keys::create_api_key(&shop.services, &actor, &draft)
        .await
        .unwrap();
    let known = find_api_key(&shop.services, &key).await.unwrap().unwrap();
    Requester::ApiKey(known.id)
}

async fn refund_by(
    shop: &Shop,
    by: &Requester,
    payment: &Payment,
    amount: i64,
) -> Result<Outcome<domain::Refund>, Error> {
    let request = RefundRequest {
        payment_id: payment.id.clone(),
        amount: Some(fen(amount)),
        reason: "defect".to_owned(),
        refund_no: None,
        by: by.clone(),
    };
    request_refund(&shop.services, request, None).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_key_gives_out_no_more_than_its_limits() {
    with_thresholds(async |shop| {
        let limits = KeyLimits {
            per_refund: Some(fen(5_000)),
            per_day: Some(fen(12_000)),
        };
        let key = make_key(shop, limits).await;
        let payments = [
            sell(shop, "100.00").await,
            sell(shop, "100.00").await,
            sell(shop, "100.00").await,
        ];
        let refused = refund_by(shop, &key, &payments[0], 5_001).await;
        assert!(matches!(refused, Err(Error::AboveKeyLimit(_))), "{refused:?}");
        let all = join_all(
            payments
                .iter()
                .map(|payment| refund_by(shop, &key, payment, 5_000)),
        )
        .await;
        assert_eq!(all.iter().filter(|one| one.is_ok()).count(), 2, "{all:?}");
        let gift = Adjustment {
            by: key.clone(),
            ..credit("A-1", 2_001)
        };
        let refused = adjust_balance(&shop.services, gift.clone(), None).await;
        assert!(
            matches!(refused, Err(Error::AboveKeyLimit(_))),
            "a credit is no way around"
        );
        shop.sleep(DAY).await;
        adjust_balance(&shop.services, gift, None).await.unwrap();
        let adjusters = console::list_adjusters(&shop.services, "ann").await.unwrap();
        assert!(
            matches!(adjusters.get("A-1"), Some(RequestedBy::ApiKey { name, .. }) if name == "shop"),
            "{adjusters:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn an_order_tells_which_key_refunded_and_cancelled() {
    with_thresholds(async |shop| {
        let key = make_key(shop, KeyLimits::default()).await;
        let payment = sell(shop, "100.00").await;
        let refund = refund_by(shop, &key, &payment, 100)
            .await
            .unwrap()
            .into_value()
            .unwrap();
        let file = console::open_file(&shop.services, &payment.order_id).await.unwrap();
        let is_key = |by: Option<&RequestedBy>| matches!(by, Some(RequestedBy::ApiKey { name, last4 }) if name == "shop" && last4.len() == 4);
        assert!(is_key(file.requesters.get(refund.id.as_str())));

        let order = shop.order("5.00").await;
        payments::cancel_order(&shop.services, &order.id, None, &key, None)
            .await
            .unwrap();
        let file = console::open_file(&shop.services, &order.id).await.unwrap();
        assert!(is_key(file.requesters.get(order.id.as_str())));
    })
    .await;
}

#[tokio::test]
async fn no_key_gets_a_scope_that_its_maker_lacks_and_every_key_is_an_incident() {
    with_thresholds(async |shop| {
        let services = &shop.services;
        make_key(shop, KeyLimits::default()).await;
        let none = console::list_open_incidents(services, None, 10).await.unwrap();
        assert!(none.data.is_empty(), "the first key of a database is no news");
        let developer = employ(services, "dev@example.com", Role::Developer).await;
        let owner = employ(services, "owner@example.com", Role::Owner).await;
        let mint = async |who: &Operator, scopes: &[Scope]| {
            let draft = KeyDraft {
                name: "mine",
                scopes,
                limits: KeyLimits::default(),
            };
            console::make_key(services, who, &visit_of(who), &draft).await
        };
        for scopes in [&[Scope::Refund][..], &[Scope::Pay, Scope::Refund]] {
            let refused = mint(&developer, scopes).await;
            assert!(matches!(refused, Err(ConsoleError::ForeignScope)), "{scopes:?}");
        }
        mint(&developer, &[Scope::Read, Scope::Pay]).await.unwrap();
        mint(&owner, &Scope::ALL).await.unwrap();
        let open = console::list_open_incidents(services, None, 10)
            .await
            .unwrap()
            .data;
        assert_eq!(open.len(), 2);
        assert!(open.iter().all(|one| one.kind == Some(IncidentKind::NewKey)));
        let told = open
            .iter()
            .find(|one| one.detail.contains("made by dev@example.com"))
            .unwrap();
        let support = employ(services, "support@example.com", Role::Support).await;
        let hidden =
            console::resolve_incident(services, &support, &visit_of(&support), &told.id, "seen").await;
        assert!(matches!(hidden, Err(ConsoleError::Forbidden(_))), "{hidden:?}");
        console::resolve_incident(services, &owner, &visit_of(&owner), &told.id, "seen")
            .await
            .unwrap();
        let query = AuditQuery {
            actor: Some("os:root".to_owned()),
            limit: 10,
            ..AuditQuery::default()
        };
        let lines = console::list_audit_entries(services, &query).await.unwrap().data;
        assert_eq!(lines[0].action, "create_key");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_owners_who_disable_each_other_leave_one() {
    with_thresholds(async |shop| {
        let services = &shop.services;
        for round in 0..10 {
            let names = [0, 1].map(|n| format!("owner{round}{n}@example.com"));
            let first = employ(services, &names[0], Role::Owner).await;
            let second = employ(services, &names[1], Role::Owner).await;
            let (one, two) = (visit_of(&first), visit_of(&second));
            let (left, right) = tokio::join!(
                console::disable_user(services, &first, &one, &second.user_id),
                console::change_role(services, &second, &two, &first.user_id, Role::Viewer),
            );
            assert!(left.is_ok() != right.is_ok(), "{left:?} {right:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_wrong_logins_does_not_reach_a_browser_that_is_known() {
    with_thresholds(async |shop| {
        let services = &shop.services;
        let owner = employ(services, "owner@example.com", Role::Owner).await;
        let (email, actor) = (owner.email.as_str(), visit_of(&owner));
        let first = Browser::unknown(services, "a browser");
        let who = find_credentials(services, email).await.unwrap().unwrap();
        open_session(services, &who, &actor, &first, "").await.unwrap();
        let stranger = Browser::unknown(services, "a flood");
        let mut n_admitted = 0;
        for _ in 0..50 {
            n_admitted += usize::from(admit_login(services, email, None, &stranger).await.is_ok());
        }
        assert!(n_admitted <= 10, "{n_admitted}");
        let known = recognise_browser(services, email, Some(first.token()), "a browser")
            .await
            .unwrap();
        admit_login(services, email, None, &known).await.unwrap();
        // The cookie of one person gives no extra guesses about another.
        let other = employ(services, "other@example.com", Role::Owner).await;
        let foreign = recognise_browser(services, &other.email, Some(first.token()), "a browser")
            .await
            .unwrap();
        for _ in 0..5 {
            admit_login(services, &other.email, None, &foreign).await.unwrap();
        }
        assert!(admit_login(services, &other.email, None, &foreign).await.is_err());
        // A known browser has a counter of its own.
        let mut n_admitted = 0;
        for _ in 0..50 {
            n_admitted += usize::from(admit_login(services, email, None, &known).await.is_ok());
        }
        assert!(n_admitted <= 10, "{n_admitted}");
    })
    .await;
}

#[tokio::test]
async fn messages_of_one_millisecond_are_each_listed_once() {
    with_thresholds(async |shop| {
        for n in 0..5 {
            let channel = if n % 2 == 0 { "wechat" } else { "alipay" };
            shop.meddle(format!(
                "insert into notices (channel, notice_id, payment_no, headers, body, verdict, received_at)
                values ('{channel}', 'n.{n}', 'P1', '', '', 'other', 7)"
            ))
            .await;
        }
        let (mut seen, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let page = console::list_notifications(&shop.services, cursor.as_deref(), 2)
                .await
                .unwrap();
            seen.extend(page.data.into_iter().map(|notification| notification.id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, ["n.1", "n.3", "n.0", "n.2", "n.4"]);
    })
    .await;
}
