//! The second factor: on the account page, at login, and with recovery codes.

use payments::console::Totp;

use crate::api::{Answer, client, send};
use crate::console::visitor::{OWNER, Visitor, server, tells_of};
use crate::server::Server;

/// A code of the step after this one: it is good already, and was not used to switch the second factor on.
fn next_code(totp: &Totp) -> String {
    let now = payments::Clock::System.now();
    totp.code_at(now + std::time::Duration::from_secs(30)).unwrap()
}

fn marked<'a>(page: &'a str, testid: &str) -> Vec<&'a str> {
    let mark = format!("data-testid=\"{testid}\"");
    let text = |rest: &'a str| rest.split(['>', '<']).nth(1).unwrap();
    page.split(mark.as_str()).skip(1).map(text).collect()
}

/// Switches it on, as the page says; returns the recovery codes.
async fn switch_on(owner: &Visitor) -> (Totp, Vec<String>) {
    let page = owner.get("/admin/account/totp").await;
    let (_, rest) = page.text.split_once("name=\"secret\" value=\"").unwrap();
    let totp = Totp::parse(rest.split('"').next().unwrap()).unwrap();
    let code = totp.code_at(payments::Clock::System.now()).unwrap();
    let fields = [("secret", totp.secret()), ("code", &code)];
    let on = owner.post("/admin/account/totp", &fields).await;
    assert_eq!(on.status, 200, "{}", on.text);
    assert_eq!(on.header("cache-control"), Some("private, no-store"));
    assert!(on.text.contains("The second factor is on."), "{}", on.text);
    let codes = codes_on(&on);
    (totp, codes)
}

fn codes_on(page: &Answer) -> Vec<String> {
    let codes = marked(&page.text, "recovery-code");
    assert_eq!(codes.len(), 10, "{}", page.text);
    codes.into_iter().map(str::to_owned).collect()
}

async fn knock(server: &Server, code: &str) -> Answer {
    let fields = [("email", OWNER.0), ("password", OWNER.1), ("code", code)];
    Visitor::of(server).post("/admin/login", &fields).await
}

#[tokio::test]
async fn a_recovery_code_replaces_the_phone_and_codes_can_be_renewed() {
    let server = server(&[]);
    let owner = Visitor::owner(&server).await;
    let (totp, codes) = switch_on(&owner).await;
    let account = owner.get("/admin/account").await;
    assert_eq!(marked(&account.text, "codes-left"), ["10"]);
    assert!(!account.text.contains(&codes[0]), "they are not shown again");

    assert_eq!(knock(&server, "").await.status, 401);
    let code = next_code(&totp);
    assert_eq!(knock(&server, &code).await.status, 303);
    assert_eq!(knock(&server, &code).await.status, 401, "a code opens once");
    assert_eq!(knock(&server, &codes[0]).await.status, 303);
    assert_eq!(
        knock(&server, &codes[0]).await.status,
        401,
        "and so does one on paper"
    );
    let account = owner.get("/admin/account").await;
    assert_eq!(marked(&account.text, "codes-left"), ["9"]);

    let new = owner.post("/admin/account/recovery-codes", &[]).await;
    assert_eq!(new.status, 200, "{}", new.text);
    let new = codes_on(&new);
    assert_eq!(knock(&server, &codes[1]).await.status, 401);
    assert_eq!(knock(&server, &new[1]).await.status, 303);
    let trail = owner.get("/admin/audit-log").await.text;
    for action in ["enable_totp", "use_recovery_code", "renew_recovery_codes"] {
        assert!(tells_of(&trail, action), "{action}");
    }
    assert!(
        trail.contains("9 left") && trail.contains("wrong code"),
        "{trail}"
    );
    assert!(!trail.contains(&codes[0]) && !trail.contains(&new[1]));
}

#[tokio::test]
async fn ten_wrong_codes_from_ten_addresses_block_the_right_one() {
    let server = server(&[("TRUSTED_PROXIES", "127.0.0.1")]);
    let owner = Visitor::owner(&server).await;
    let (totp, codes) = switch_on(&owner).await;
    let knock_from = async |n: u32, password: &str, code: &str| {
        let request = client()
            .post(format!("{}/admin/login", server.url))
            .header("x-forwarded-for", format!("203.0.{n}.7"))
            .form(&[("email", OWNER.0), ("password", password), ("code", code)]);
        send(request).await
    };
    // Without the password no number of tries locks the account.
    for n in 0..12 {
        assert_eq!(knock_from(n, "wrong horse battery", "000000").await.status, 401);
    }
    for n in 0..10 {
        assert_eq!(knock_from(n, OWNER.1, "000000").await.status, 401, "{n}");
    }
    for code in [&next_code(&totp), &codes[0]] {
        let shut = knock_from(99, OWNER.1, code).await;
        let wrong = knock_from(98, "wrong horse battery", code).await;
        assert_eq!(
            (shut.status, shut.header("retry-after")),
            (wrong.status, wrong.header("retry-after")),
            "nobody learns that the password was right"
        );
        assert_eq!(shut.status, 401);
    }
    assert_eq!(owner.get("/admin").await.status, 200, "who is in stays in");
}

/// First step of a login; returns the number of the second.
async fn give_password(visitor: &Visitor, email: &str, password: &str) -> (String, String) {
    let page = visitor.log_in(email, password).await;
    assert_eq!(page.status, 401, "{}", page.text);
    let (_, rest) = page.text.split_once("name=\"number\" value=\"").unwrap();
    let number = rest.split('"').next().unwrap().to_owned();
    let id = page.header("x-request-id").unwrap();
    let text = page.text.replace(&number, "").replace(email, "").replace(id, "");
    (number, text)
}

#[tokio::test]
async fn the_code_is_asked_for_in_a_step_that_tells_nothing_of_the_password() {
    let server = server(&[]);
    let owner = Visitor::owner(&server).await;
    let (totp, _) = switch_on(&owner).await;
    let stranger = Visitor::of(&server);
    let (number, right) = give_password(&stranger, OWNER.0, OWNER.1).await;
    let (other, wrong) = give_password(&stranger, OWNER.0, "wrong horse battery").await;
    let (_, unknown) = give_password(&stranger, "nobody@example.com", OWNER.1).await;
    assert_eq!(right, wrong);
    assert_eq!(right, unknown);
    assert_eq!(number.len(), other.len());

    let code = next_code(&totp);
    let answer = async |email: &str, number: &str, code: &str| {
        let fields = [
            ("email", email),
            ("number", number),
            ("code", code),
            ("next", "/admin/orders"),
        ];
        stranger.post("/admin/login/code", &fields).await
    };
    for (email, number, code) in [
        (OWNER.0, number.as_str(), "000000"),
        (OWNER.0, &other, &code),
        ("nobody@example.com", &number, &code),
        ("nobody@example.com", "", &code),
    ] {
        let refused = answer(email, number, code).await;
        assert_eq!(refused.status, 401, "{email} {number}");
        assert!(refused.header("set-cookie").is_none());
        assert!(
            refused.text.contains("This code is not right"),
            "{}",
            refused.text
        );
    }
    let open = answer(OWNER.0, &number, &code).await;
    assert_eq!(
        (open.status, open.header("location")),
        (303, Some("/admin/orders"))
    );
    assert_eq!(stranger.get("/admin/orders").await.status, 200);
    assert_eq!(
        answer(OWNER.0, &number, &code).await.status,
        401,
        "a login is held once"
    );
}
