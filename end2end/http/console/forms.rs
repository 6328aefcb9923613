//! Forms that come back as they were typed, forms that act once, and questions before an act.

use serde_json::Value;

use crate::api::{Answer, Api, client, pay, send};
use crate::console::visitor::{OWNER, Visitor, let_passwords_grow_old, server};
use crate::server::Server;

/// Value of an input of the page.
fn value_of(page: &str, name: &str) -> String {
    let mark = format!("name=\"{name}\"");
    let tag = page
        .split('<')
        .find(|tag| tag.starts_with("input") && tag.contains(&mark))
        .unwrap_or_else(|| panic!("no {name} in {page}"));
    let (_, rest) = tag.split_once(" value=\"").unwrap_or(("", ""));
    rest.split('"').next().unwrap().to_owned()
}

fn is_ticked(page: &str, name: &str) -> bool {
    let mark = format!("name=\"{name}\"");
    page.split('<')
        .any(|tag| tag.contains(&mark) && tag.contains(" checked"))
}

/// A refused form is shown again, and says at one field what is wrong with it.
fn names(page: &Answer, field: &str, problem: &str) {
    assert_eq!(page.status, 422, "{}", page.text);
    let mark = format!("id=\"problem-{field}\"");
    let (_, rest) = page
        .text
        .split_once(&mark)
        .unwrap_or_else(|| panic!("{field}: {}", page.text));
    let told = rest.split(['>', '<']).nth(1).unwrap();
    assert!(told.contains(problem), "{field}: {told}");
}

#[tokio::test]
async fn refused_forms_keep_what_was_typed_and_name_the_field() {
    let server = server(&[]);
    let owner = Visitor::owner(&server).await;

    let weak = [
        ("email", "ann@example.com"),
        ("role", "finance"),
        ("password", "short"),
    ];
    let page = owner.post("/admin/people", &weak).await;
    names(&page, "password", "at least 8 characters");
    assert_eq!(value_of(&page.text, "email"), "ann@example.com");
    assert_eq!(value_of(&page.text, "password"), "");
    assert!(
        page.text.contains("<option selected value=\"finance\"")
            || page.text.contains("value=\"finance\" selected")
    );
    let no_email = [("email", "ann"), ("role", "finance"), ("password", "long enough")];
    names(
        &owner.post("/admin/people", &no_email).await,
        "email",
        "email address",
    );

    let no_scope = [("name", "the shop"), ("most_per_day", "100")];
    let page = owner.post("/admin/keys", &no_scope).await;
    names(&page, "scopes", "at least one scope");
    assert_eq!(value_of(&page.text, "name"), "the shop");
    assert_eq!(value_of(&page.text, "most_per_day"), "100");
    assert!(!is_ticked(&page.text, "read"));
    let no_amount = [("name", "the shop"), ("refund", "on"), ("most_per_day", "a lot")];
    let page = owner.post("/admin/keys", &no_amount).await;
    names(&page, "most_per_day", "Enter an amount");
    assert!(is_ticked(&page.text, "refund") && page.text.contains("a lot"));

    let no_change = [
        ("user", "ann"),
        ("number", "n1"),
        ("amount", "12.3.4"),
        ("note", "goodwill"),
    ];
    let page = owner.post("/admin/balances/adjust", &no_change).await;
    names(&page, "amount", "Enter an amount");
    assert_eq!(value_of(&page.text, "note"), "goodwill");
    assert_eq!(value_of(&page.text, "number"), "n1");

    let free = [
        ("subject", "Repair"),
        ("amount", "0"),
        ("user", "walk-in"),
        ("minutes", ""),
    ];
    let page = owner.post("/admin/orders", &free).await;
    names(&page, "amount", "Enter an amount");
    assert_eq!(value_of(&page.text, "user"), "walk-in");
    let past = [
        ("subject", "Tickets"),
        ("amount", "9.90"),
        ("stock", ""),
        ("expires", "2020-01-01"),
    ];
    let page = owner.post("/admin/payment-links", &past).await;
    names(&page, "expires", "today or a later day");

    let inside = [
        ("url", "http://169.254.169.254/"),
        ("description", "mine"),
        ("order.paid", "on"),
    ];
    let page = owner.post("/admin/webhooks", &inside).await;
    names(&page, "url", "public internet");
    assert_eq!(value_of(&page.text, "description"), "mine");
    assert!(is_ticked(&page.text, "order.paid"));
    let no_key = [("name", "forum"), ("public_key", "not a key")];
    let page = owner.post("/admin/epay", &no_key).await;
    names(&page, "public_key", "Not an RSA public key");
    assert!(page.text.contains(">not a key</textarea>"), "{}", page.text);

    let differ = [
        ("old", OWNER.1),
        ("password", "my own password"),
        ("again", "my own pasword"),
    ];
    names(
        &owner.post("/admin/account/password", &differ).await,
        "again",
        "not the same",
    );
}

#[tokio::test]
async fn a_form_is_as_it_was_typed_after_the_password_was_given_again() {
    let server = server(&[]);
    let owner = Visitor::owner(&server).await;
    let_passwords_grow_old(&server).await;
    let cookie = Visitor::cookie_of(&server, OWNER.0, OWNER.1).await;
    let_passwords_grow_old(&server).await;
    let request = client()
        .post(format!("{}/admin/keys", server.url))
        .header("origin", &server.url)
        .header("sec-fetch-site", "same-origin")
        .header("referer", format!("{}/admin/keys", server.url))
        .header("cookie", cookie)
        .form(&[("name", "the shop & more"), ("pay", "on"), ("once", "abc")]);
    let door = send(request).await;
    assert_eq!(door.status, 303);
    let place = door.header("location").unwrap().to_owned();
    let page = owner.get(&place).await;
    let next = value_of(&page.text, "next").replace("&amp;", "&");
    assert!(!next.contains("abc"), "{next}");
    let page = owner
        .submit("/admin/confirm", &[("password", OWNER.1), ("next", &next)])
        .await;
    assert_eq!(value_of(&page.text, "name"), "the shop &amp; more");
    assert!(is_ticked(&page.text, "pay") && !is_ticked(&page.text, "read"));
}

#[tokio::test]
async fn a_question_asks_for_the_password_first_and_comes_back_to_itself() {
    let server = server(&[]);
    let owner = Visitor::owner(&server).await;
    let made = owner
        .post("/admin/keys", &[("name", "shop"), ("read", "on")])
        .await;
    let (_, rest) = made.text.split_once("/admin/keys/key_").unwrap();
    let path = format!("/admin/keys/key_{}/revoke", rest.split('/').next().unwrap());
    let_passwords_grow_old(&server).await;
    let door = owner.get(&path).await;
    let place = door.header("location").unwrap().to_owned();
    let next = value_of(&owner.get(&place).await.text, "next");
    assert_eq!(next, path);
    let page = owner
        .submit("/admin/confirm", &[("password", OWNER.1), ("next", &next)])
        .await;
    assert!(page.text.contains("Revoke the key “shop”?"), "{}", page.text);
    assert!(page.text.contains("refused at once"), "{}", page.text);
    owner.submit(&path, &[]).await;
    assert_eq!(owner.get(&path).await.status, 409);
}

/// Numbers of keys, endpoints or merchants in the list.
fn count(page: &str, mark: &str) -> usize {
    page.matches(mark).count()
}

#[tokio::test]
async fn a_form_that_shows_a_secret_acts_once() {
    let server = server(&[]);
    let owner = Visitor::owner(&server).await;
    let once = value_of(&owner.get("/admin/keys").await.text, "once");
    let fields = [("once", once.as_str()), ("name", "shop"), ("read", "on")];
    let made = owner.post("/admin/keys", &fields).await;
    assert!(made.status == 200 && made.text.contains("data-testid=\"new-key\""));
    let n_keys = count(&made.text, "/revoke\"");
    let page = owner.submit("/admin/keys", &fields).await;
    assert!(page.text.contains("This form was sent before"), "{}", page.text);
    assert!(!page.text.contains("data-testid=\"new-key\""));
    assert_eq!(count(&page.text, "/revoke\""), n_keys);
    let unmade = [("once", "not a number of ours"), ("name", "shop"), ("read", "on")];
    assert_eq!(owner.post("/admin/keys", &unmade).await.status, 303);

    let once = value_of(&owner.get("/admin/webhooks").await.text, "once");
    let fields = [("once", once.as_str()), ("url", "https://example.com/hook")];
    let made = owner.post("/admin/webhooks", &fields).await;
    assert!(
        made.text.contains("data-testid=\"webhook-secret\""),
        "{}",
        made.text
    );
    let page = owner.submit("/admin/webhooks", &fields).await;
    assert_eq!(
        count(&page.text, ">https://example.com/hook<"),
        1,
        "{}",
        page.text
    );
    let (_, rest) = page.text.split_once("/admin/webhooks/").unwrap();
    let path = format!(
        "/admin/webhooks/{}/rotate-secret",
        rest.split('"').next().unwrap()
    );
    let once = value_of(&owner.get(&path).await.text, "once");
    let fields = [("once", once.as_str())];
    assert_eq!(owner.post(&path, &fields).await.status, 200);
    assert_eq!(
        owner.post(&path, &fields).await.status,
        303,
        "a reload must not end the secret that is still in use"
    );

    let once = value_of(&owner.get("/admin/epay").await.text, "once");
    let fields = [("once", once.as_str()), ("name", "forum")];
    let made = owner.post("/admin/epay", &fields).await;
    assert!(made.text.contains("data-testid=\"pid\""), "{}", made.text);
    let page = owner.submit("/admin/epay", &fields).await;
    assert_eq!(count(&page.text, "/rotate\""), 1, "{}", page.text);
}

async fn sell(server: &Server) -> Value {
    let api = Api::of(server);
    let payment = api.payment(&api.order().await, "wechat").await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    api.wait_for(&payment, "success").await
}

#[tokio::test]
async fn going_back_to_change_a_refund_keeps_its_amount_and_reason() {
    let server = server(&[]);
    let payment = sell(&server).await;
    let owner = Visitor::owner(&server).await;
    let form = format!("/admin/payments/{}/refund", payment["id"].as_str().unwrap());
    let fields = [("amount", "79.50"), ("reason", "defect"), ("words", "one & only")];
    let second = owner.post(&format!("{form}/check"), &fields).await;
    let back = second
        .text
        .split("href=\"")
        .map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"))
        .find(|href| href.starts_with(&format!("{form}?amount=")))
        .unwrap();
    let page = owner.get(&back).await;
    assert_eq!(value_of(&page.text, "amount"), "79.50");
    assert_eq!(value_of(&page.text, "words"), "one &amp; only");
    let tag = page
        .text
        .split('<')
        .find(|tag| tag.contains("value=\"defect\""))
        .unwrap();
    assert!(tag.contains(" selected"), "{tag}");

    for amount in ["", "a lot", "99.91"] {
        let fields = [("amount", amount), ("reason", "defect"), ("words", "")];
        let page = owner.post(&format!("{form}/check"), &fields).await;
        names(&page, "amount", "more than can be refunded");
        assert_eq!(
            value_of(&page.text, "amount"),
            amount,
            "not set back to the whole"
        );
    }
}
