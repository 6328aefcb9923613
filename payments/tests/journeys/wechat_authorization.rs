//! Authorisation inside WeChat: a page learns the payer's openid, and the state or code of another page is refused.

use std::time::Duration;

use domain::{Order, OrderStatus, PaymentStatus, Product};
use payments::{
    AuthorizationError, Initiator, StartPayment, begin_authorization, find_openid, finish_authorization,
    openid_text, start_payment,
};
use serde_json::{Value, json};
use url::Url;

use crate::shop::{Shop, on_each_engine};

const AGENT: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) MicroMessenger/8.0.49(0x18003137)";
const VISITOR: &str = "0123456789abcdef0123456789abcdef";

/// What the browser brings back from WeChat.
struct Brought {
    code: String,
    state: String,
}

/// Follows no redirect, so that a test sees where it leads.
fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(std::time::Duration::from_secs(30))
        .no_proxy()
        .build()
        .unwrap()
}

async fn authorize(shop: &Shop, order: &Order, visitor: &str) -> Brought {
    let back = "http://127.0.0.1:9/checkout/t/wechat?lang=en";
    let address = begin_authorization(&shop.services, order, visitor, back)
        .await
        .unwrap();
    assert!(address.ends_with("#wechat_redirect"), "{address}");
    let answer = client()
        .get(&address)
        .header("user-agent", AGENT)
        .send()
        .await
        .unwrap();
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let url = Url::parse(&location).unwrap();
    let field = |name: &str| {
        let found = url.query_pairs().find(|(known, _)| known == name);
        found.unwrap().1.into_owned()
    };
    assert_eq!(field("lang"), "en");
    Brought {
        code: field("code"),
        state: field("state"),
    }
}

async fn slip(shop: &Shop, kind: &str) {
    let url = format!("{}/oauth", shop.sim.control_url());
    let body: Value = json!({ "slip": kind });
    let answer = client().post(url).body(body.to_string()).send().await.unwrap();
    assert!(answer.status().is_success());
}

async fn finish(
    shop: &Shop,
    order: &Order,
    visitor: &str,
    brought: &Brought,
) -> Result<String, AuthorizationError> {
    let Brought { code, state } = brought;
    let learnt = finish_authorization(&shop.services, order, visitor, state, code).await;
    learnt.map(|openid| openid_text(&openid))
}

#[tokio::test]
async fn a_payer_inside_wechat_pays_by_jsapi_without_being_asked_for_a_name() {
    on_each_engine(async |shop| {
        let order = shop.order("9.90").await;
        assert!(find_openid(&shop.services, VISITOR).await.unwrap().is_none());
        let brought = authorize(shop, &order, VISITOR).await;
        let openid = finish(shop, &order, VISITOR, &brought).await.unwrap();
        assert!(openid.starts_with('o') && openid.len() == 28, "{openid}");
        let known = find_openid(&shop.services, VISITOR).await.unwrap().unwrap();
        assert_eq!(openid_text(&known), openid);
        // Nothing in the database shows it.
        let found = shop
            .meddle(format!(
                "update wechat_openids set openid = openid where openid like '%{openid}%'"
            ))
            .await;
        assert_eq!(found, 0);
        let start = StartPayment {
            openid: Some(openid),
            initiator: Initiator::Payer,
            ..StartPayment::new(order.id.clone(), Product::Jsapi)
        };
        let payment = start_payment(&shop.services, start, None)
            .await
            .unwrap()
            .into_value()
            .unwrap();
        assert_eq!(payment.status(), PaymentStatus::Processing);
        shop.scan_and_pay(&payment).await;
        assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    })
    .await;
}

#[tokio::test]
async fn a_state_is_good_once_for_its_order_and_visitor_and_for_minutes() {
    on_each_engine(async |shop| {
        let (order, other) = (shop.order("9.90").await, shop.order("9.90").await);
        let is_state =
            |outcome: &Result<String, AuthorizationError>| matches!(outcome, Err(AuthorizationError::State));
        let brought = authorize(shop, &order, VISITOR).await;
        for (order, visitor) in [
            (&other, VISITOR),
            (&order, "ffffffffffffffffffffffffffffffff"),
            (&order, ""),
        ] {
            let outcome = finish(shop, order, visitor, &brought).await;
            assert!(is_state(&outcome), "{outcome:?}");
        }
        finish(shop, &order, VISITOR, &brought).await.unwrap();
        let again = finish(shop, &order, VISITOR, &brought).await;
        assert!(is_state(&again), "{again:?}");
        let brought = authorize(shop, &order, VISITOR).await;
        shop.sleep(Duration::from_mins(5)).await;
        let late = finish(shop, &order, VISITOR, &brought).await;
        assert!(is_state(&late), "{late:?}");
        slip(shop, "swappedState").await;
        let brought = authorize(shop, &order, VISITOR).await;
        let swapped = finish(shop, &order, VISITOR, &brought).await;
        assert!(is_state(&swapped), "{swapped:?}");
    })
    .await;
}

#[tokio::test]
async fn a_code_that_wechat_refuses_names_nobody() {
    on_each_engine(async |shop| {
        let order = shop.order("9.90").await;
        for kind in ["usedCode", "expiredCode", "foreignApp"] {
            slip(shop, kind).await;
            let brought = authorize(shop, &order, VISITOR).await;
            let outcome = finish(shop, &order, VISITOR, &brought).await;
            assert!(
                matches!(outcome, Err(AuthorizationError::Code(_))),
                "{kind}: {outcome:?}"
            );
            assert!(find_openid(&shop.services, VISITOR).await.unwrap().is_none());
        }
    })
    .await;
}

#[tokio::test]
async fn another_payer_gets_a_payment_of_their_own() {
    on_each_engine(async |shop| {
        let order = shop.order("9.90").await;
        let start = |openid: &str| StartPayment {
            openid: Some(openid.to_owned()),
            initiator: Initiator::Payer,
            ..StartPayment::new(order.id.clone(), Product::Jsapi)
        };
        let open = async |openid: &str| {
            let made = start_payment(&shop.services, start(openid), None).await.unwrap();
            made.into_value().unwrap().payment_no
        };
        let first = open("o-first").await;
        assert_eq!(open("o-first").await, first);
        let second = open("o-second").await;
        assert_ne!(second, first);
        let open: Vec<_> = shop.checkout(&order).await.payments;
        let open: Vec<_> = open.iter().filter(|payment| payment.state.is_open()).collect();
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].payment_no, second);
    })
    .await;
}

#[tokio::test]
async fn an_openid_is_forgotten_after_a_month() {
    on_each_engine(async |shop| {
        let order = shop.order("9.90").await;
        let brought = authorize(shop, &order, VISITOR).await;
        finish(shop, &order, VISITOR, &brought).await.unwrap();
        authorize(shop, &order, VISITOR).await;
        shop.sleep(payments::OPENID_LIFE + Duration::from_hours(1)).await;
        assert!(find_openid(&shop.services, VISITOR).await.unwrap().is_none());
        payments::erase_old_data(&shop.services).await.unwrap();
        for table in ["wechat_openids", "wechat_authorizations"] {
            assert_eq!(shop.meddle(format!("delete from {table}")).await, 0, "{table}");
        }
    })
    .await;
}
