//! Payment links and orders by hand, as a person at a desk and a payer with a phone use them.

use serde_json::json;

use crate::api::{Api, client, pay, send};
use crate::browser::Browser;
use crate::console::visitor::{Visitor, server};

/// The address in the field that is copied.
fn address_in(page: &str) -> String {
    let (_, after) = page.split_once("data-testid=\"address\"").unwrap();
    let (_, after) = after.split_once("value=\"").unwrap();
    after.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_link_is_made_opened_by_a_payer_and_ended() {
    let server = server(&[]);
    let owner = Visitor::owner(&server).await;
    let form = [
        ("subject", "茶 & Tea"),
        ("amount", "9.90"),
        ("stock", "1"),
        ("expires", ""),
    ];
    let made = owner.post("/admin/payment-links", &form).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let place = made.header("location").unwrap().to_owned();
    let page = owner.get(&place).await;
    let address = address_in(&page.text);
    assert!(address.starts_with(&format!("{}/pay/", server.url)), "{address}");
    assert!(page.text.contains("plate__code"));
    let id = place.split('?').next().unwrap().to_owned();
    let plate = owner.get(&format!("{id}/plate")).await;
    assert!(
        plate.text.contains("plate__code") && plate.text.contains("¥9.90"),
        "{}",
        plate.text
    );

    let mut payer = Browser::open(&format!("{address}?lang=en")).await;
    let token = address.rsplit('/').next().unwrap();
    payer
        .submit("/ui/open_link", &[("token", token), ("lang", "en")])
        .await;
    assert!(payer.path.starts_with("/checkout/"), "{}", payer.path);
    assert_eq!(payer.state(), "choose");
    // The only piece is reserved; the same payer gets the same order again.
    let mut other = Browser::open(&format!("{address}?lang=en")).await;
    assert_eq!(other.state(), "reserved");
    let checkout = payer.path.clone();
    payer.go(&format!("/pay/{token}?lang=en")).await;
    assert_eq!(payer.state(), "open");
    payer
        .submit("/ui/open_link", &[("token", token), ("lang", "en")])
        .await;
    assert_eq!(payer.path, checkout);
    let listed = owner.get("/admin/payment-links").await;
    assert!(listed.text.contains("茶 &amp; Tea"), "{}", listed.text);

    let closed = owner.post(&format!("{id}/close"), &[]).await;
    assert_eq!(closed.status, 303, "{}", closed.text);
    other.go(&format!("/pay/{token}?lang=en")).await;
    assert_eq!(other.state(), "closed");
    payer.go(&checkout).await;
    assert_eq!(payer.state(), "choose", "an open order can still be paid");
    let unknown = send(
        client()
            .get(format!("{}/pay/unknown", server.url))
            .header("accept", "text/html"),
    )
    .await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn an_order_of_a_link_that_was_given_back_is_shown_as_refunded() {
    let server = server(&[]);
    let owner = Visitor::owner(&server).await;
    let form = [
        ("subject", "Tea"),
        ("amount", "9.90"),
        ("stock", ""),
        ("expires", ""),
    ];
    let made = owner.post("/admin/payment-links", &form).await;
    let place = made.header("location").unwrap().to_owned();
    let place = place.split('?').next().unwrap();
    let address = address_in(&owner.get(place).await.text);
    let token = address.rsplit('/').next().unwrap();
    let mut payer = Browser::open(&address).await;
    payer.submit("/ui/open_link", &[("token", token)]).await;
    let page = owner.get(place).await.text;
    let (_, id) = page.split_once("href=\"/admin/orders/").unwrap();
    let id = id.split('"').next().unwrap();

    let api = Api::of(&server);
    let payment = api.payment(&json!({ "id": id }), "alipay").await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    let payment = api.wait_for(&payment, "success").await;
    let page = owner.get(place).await.text;
    assert!(page.contains("</span>Paid</span>"), "{page}");
    let refunds = format!("/payments/{}/refund", payment["id"].as_str().unwrap());
    api.post(&refunds, &json!({"reason": "defect"})).await.ok(202);
    api.wait_for(&payment, "refunded").await;
    let page = owner.get(place).await.text;
    assert!(
        page.contains("</span>Refunded</span>") && !page.contains("</span>Paid</span>"),
        "{page}"
    );
}

#[tokio::test]
async fn a_link_without_an_amount_asks_for_it_and_says_what_is_wrong_with_it() {
    let server = server(&[]);
    let owner = Visitor::owner(&server).await;
    let form = [
        ("subject", "Gift"),
        ("amount", ""),
        ("stock", ""),
        ("expires", ""),
    ];
    let made = owner.post("/admin/payment-links", &form).await;
    let page = owner.get(made.header("location").unwrap()).await;
    let address = address_in(&page.text);
    let token = address.rsplit('/').next().unwrap();
    let mut payer = Browser::open(&format!("{address}?lang=en")).await;
    for amount in ["", "0", "1e3", "9.999", "-1"] {
        payer
            .submit(
                "/ui/open_link",
                &[("token", token), ("amount", amount), ("lang", "en")],
            )
            .await;
        assert!(
            payer.page.text.contains("That is no amount"),
            "{amount}: {}",
            payer.page.text
        );
    }
    payer
        .submit(
            "/ui/open_link",
            &[("token", token), ("amount", "12.30"), ("lang", "en")],
        )
        .await;
    assert!(payer.page.text.contains("12.30") && payer.path.starts_with("/checkout/"));
}

#[tokio::test]
async fn an_order_by_hand_has_a_link_to_send_and_can_be_closed() {
    let server = server(&[]);
    let owner = Visitor::owner(&server).await;
    let form = [
        ("subject", "Repair"),
        ("amount", "120"),
        ("user", "walk-in"),
        ("minutes", ""),
    ];
    let made = owner.post("/admin/orders", &form).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let place = made.header("location").unwrap().to_owned();
    let address = address_in(&owner.get(&place).await.text);
    assert_eq!(Browser::open(&address).await.state(), "choose");
    let id = place.split('?').next().unwrap();
    let closed = owner
        .post(&format!("{id}/close"), &[("reason", "changed their mind")])
        .await;
    assert_eq!(closed.status, 303, "{}", closed.text);
    assert_eq!(Browser::open(&address).await.state(), "closed");
    let shown = owner.get(id).await.text;
    assert!(shown.contains("changed their mind") && !shown.contains("data-testid=\"address\""));
    for bad in [
        [("subject", ""), ("amount", "1"), ("user", "u"), ("minutes", "")],
        [("subject", "s"), ("amount", "0"), ("user", "u"), ("minutes", "")],
        [("subject", "s"), ("amount", "1"), ("user", "u"), ("minutes", "0")],
    ] {
        let refused = owner.post("/admin/orders", &bad).await;
        assert!(
            (400..500).contains(&refused.status),
            "{bad:?}: {}",
            refused.status
        );
    }
}
