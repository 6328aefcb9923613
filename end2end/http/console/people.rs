//! Login, sessions, and the permissions of each role.

use std::time::{Duration, Instant};

use crate::api::client;
use crate::console::visitor::{OWNER, Visitor, employ, server, tells_of};
use crate::server::run;

#[tokio::test]
async fn the_console_requires_the_right_password() {
    let server = server(&[]);
    let visitor = Visitor::of(&server);
    let closed = visitor.get("/admin/people").await;
    assert_eq!(closed.status, 303);
    assert_eq!(
        closed.header("location"),
        Some("/admin/login?next=%2Fadmin%2Fpeople")
    );
    assert_eq!(visitor.post("/admin/people", &[]).await.status, 303);

    for (email, password) in [
        (OWNER.0, "wrong horse battery"),
        ("nobody@example.com", OWNER.1),
        ("no address", OWNER.1),
        (OWNER.0, ""),
    ] {
        let refused = visitor.log_in(email, password).await;
        assert_eq!(refused.status, 401, "{email}");
        assert!(refused.text.contains("the email or the password is not right."));
        assert!(refused.header("set-cookie").is_none());
    }
    let open = visitor
        .post(
            "/admin/login",
            &[
                ("email", "OWNER@example.com"),
                ("password", OWNER.1),
                ("next", "/admin/people"),
            ],
        )
        .await;
    assert_eq!(
        (open.status, open.header("location")),
        (303, Some("/admin/people"))
    );
    let cookie = open.header("set-cookie").unwrap();
    assert!(cookie.starts_with("admin=") && cookie.len() > 70, "{cookie}");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let page = visitor.get("/admin").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains(OWNER.0));
    assert_eq!(page.header("cache-control"), Some("private, no-store"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("script"),
        "{policy}"
    );
    assert!(!page.text.contains("<script"));
}

#[tokio::test]
async fn the_redirect_after_a_login_stays_in_the_console() {
    let server = server(&[]);
    let visitor = Visitor::of(&server);
    for next in [
        "https://evil.example",
        "//evil.example",
        "/admin//evil.example",
        "/\\evil.example",
    ] {
        let fields = [("email", OWNER.0), ("password", OWNER.1), ("next", next)];
        let open = visitor.post("/admin/login", &fields).await;
        assert_eq!(open.header("location"), Some("/admin"), "{next}");
    }
}

#[tokio::test]
async fn logging_out_ends_the_session_on_the_server() {
    let server = server(&[]);
    let visitor = Visitor::owner(&server).await;
    let session = |answer: &crate::api::Answer| {
        let cookie = answer.header("set-cookie").unwrap();
        cookie.split(';').next().unwrap().to_owned()
    };
    let again = visitor.log_in(OWNER.0, OWNER.1).await;
    let kept = session(&again);
    let thief = client();
    let look = async || {
        let request = thief.get(format!("{}/admin", server.url)).header("cookie", &kept);
        crate::api::send(request).await.status
    };
    assert_eq!(look().await, 200);
    let out = visitor.post("/admin/logout", &[]).await;
    assert_eq!(out.status, 303);
    assert!(out.header("clear-site-data").unwrap().contains("storage"));
    assert!(session(&out).ends_with("admin="));
    assert_eq!(visitor.get("/admin").await.status, 303);
    assert_eq!(look().await, 303, "the cookie of an ended session opens nothing");
}

#[tokio::test]
async fn a_session_can_end_all_others() {
    let server = server(&[]);
    let desk = Visitor::owner(&server).await;
    let phone = Visitor::owner(&server).await;
    let account = desk.get("/admin/account").await;
    assert_eq!(account.text.matches("<tr><td ").count(), 2, "{}", account.text);
    desk.submit("/admin/account/log-out-elsewhere", &[]).await;
    assert_eq!(phone.get("/admin").await.status, 303);
    assert_eq!(desk.get("/admin").await.status, 200);
}

#[tokio::test]
async fn a_password_change_ends_every_other_session() {
    const NEW: &str = "another horse battery";
    let server = server(&[]);
    let desk = Visitor::owner(&server).await;
    let phone = Visitor::owner(&server).await;
    for fields in [
        [("old", OWNER.1), ("password", NEW), ("again", "a typing mistake")],
        [("old", OWNER.1), ("password", "short"), ("again", "short")],
    ] {
        assert_eq!(desk.post("/admin/account/password", &fields).await.status, 422);
    }
    for old in ["", "wrong horse battery"] {
        let fields = [("old", old), ("password", NEW), ("again", NEW)];
        let refused = desk.post("/admin/account/password", &fields).await;
        assert_eq!(
            refused.status, 401,
            "the login was a moment ago, and it is asked all the same"
        );
    }
    let fields = [("old", OWNER.1), ("password", NEW), ("again", NEW)];
    let page = desk.submit("/admin/account/password", &fields).await;
    assert!(page.text.contains("The password was changed"), "{}", page.text);
    assert_eq!(phone.get("/admin").await.status, 303);
    assert_eq!(phone.log_in(OWNER.0, OWNER.1).await.status, 401);
    assert_eq!(phone.log_in(OWNER.0, NEW).await.status, 303);
}

/// Minute of the clock: tries are counted anew in each.
fn minute() -> i64 {
    payments::Clock::System.now().seconds() / 60
}

#[tokio::test]
async fn login_throttling_cannot_be_bypassed_by_headers() {
    let server = server(&[]);
    let known = Visitor::owner(&server).await;
    let attacker = client();
    let guess = async |n: u32, email: &str, password: &str| {
        let request = attacker
            .post(format!("{}/admin/login", server.url))
            .header("x-forwarded-for", format!("203.0.113.{n}"))
            .header("x-real-ip", format!("203.0.113.{n}"))
            .header("forwarded", format!("for=203.0.113.{n}"))
            .form(&[("email", email), ("password", password)]);
        crate::api::send(request).await
    };
    let (statuses, refused, took) = loop {
        let began_in = minute();
        let mut statuses = Vec::new();
        for n in 0..6 {
            statuses.push(guess(n, OWNER.0, "wrong horse battery").await.status);
        }
        let asked_at = Instant::now();
        let refused = guess(99, OWNER.0, OWNER.1).await;
        if minute() == began_in {
            break (statuses, refused, asked_at.elapsed());
        }
    };
    let n_judged = statuses.iter().filter(|status| **status == 401).count();
    assert!(n_judged <= 5 && statuses.last() == Some(&429), "{statuses:?}");
    assert_eq!(refused.status, 429, "the right password is no way around either");
    assert!(took >= Duration::from_millis(100), "a flood waits");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3600).contains(&wait));
    // Others log in meanwhile, and so does a person from a known device.
    assert_eq!(known.log_in(OWNER.0, OWNER.1).await.status, 303);
    let (email, password) = employ(&server, "viewer");
    assert_eq!(guess(1, &email, password).await.status, 303);
}

#[tokio::test]
async fn cross_site_console_forms_are_refused() {
    let server = server(&[]);
    let visitor = Visitor::owner(&server).await;
    let fields = [
        ("email", "evil@example.com"),
        ("role", "owner"),
        ("password", "correct horse battery"),
    ];
    for (origin, site) in [
        ("https://evil.example", "cross-site"),
        ("null", "cross-site"),
        (server.url.as_str(), "same-site"),
        ("https://evil.example", "none"),
    ] {
        let answer = visitor.post_from(origin, site, "/admin/people", &fields).await;
        assert_eq!(answer.status, 403, "{origin} {site}");
    }
    let as_text = crate::api::send(
        client()
            .post(format!("{}/admin/login", server.url))
            .header("content-type", "text/plain")
            .body("email=owner@example.com"),
    )
    .await;
    assert_eq!(as_text.status, 422);
    assert!(
        !visitor
            .get("/admin/people")
            .await
            .text
            .contains("evil@example.com")
    );
}

const ANN: &str = "ann@example.com";

/// Replaces a first password; the one that is known to another person is refused.
async fn choose_password(visitor: &Visitor, first: &str, own: &str) {
    const PLACE: &str = "/admin/account/password";
    for path in ["/admin", "/admin/orders", "/admin/account", "/admin/account/totp"] {
        let kept_out = visitor.get(path).await;
        assert_eq!(kept_out.header("location"), Some(PLACE), "{path}");
    }
    let page = visitor.get(PLACE).await;
    assert!(page.text.contains("Choose your own password"), "{}", page.text);
    let same = [("old", first), ("password", first), ("again", first)];
    let refused = visitor.post(PLACE, &same).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text.contains("differs from the current one"),
        "{}",
        refused.text
    );
    let fields = [("old", first), ("password", own), ("again", own)];
    visitor.submit(PLACE, &fields).await;
    assert_eq!(visitor.get("/admin").await.status, 200);
}

/// A user is disabled after a question, and enabled again with the password of before.
async fn leaves_and_comes_back(owner: &Visitor, ann: &Visitor, id: &str) {
    let (disable, enable) = (
        format!("/admin/people/{id}/disable"),
        format!("/admin/people/{id}/enable"),
    );
    let question = owner.get(&disable).await;
    assert!(
        question.text.contains("Disable ann@example.com?") && question.text.contains("logged out at once"),
        "{}",
        question.text
    );
    assert_eq!(ann.get("/admin").await.status, 200, "the question does nothing");
    assert_eq!(owner.post(&enable, &[]).await.status, 409, "nothing to enable");
    owner.submit(&disable, &[]).await;
    assert_eq!(ann.get("/admin").await.status, 303);
    assert_eq!(ann.log_in(ANN, "my own password").await.status, 401);
    let list = owner.get("/admin/people").await;
    assert!(
        list.text.contains(&enable) && !list.text.contains(&disable),
        "{}",
        list.text
    );
    assert!(
        owner
            .get(&enable)
            .await
            .text
            .contains("Enable ann@example.com again?")
    );
    owner.submit(&enable, &[]).await;
    assert_eq!(ann.log_in(ANN, "my own password").await.status, 303);
    assert_eq!(ann.get("/admin/audit-log").await.status, 200);
    owner.submit(&disable, &[]).await;
}

#[tokio::test]
async fn an_owner_adds_changes_and_disables_users_and_it_is_audited() {
    let server = server(&[]);
    let owner = Visitor::owner(&server).await;
    let fields = [
        ("email", "ann@example.com"),
        ("role", "viewer"),
        ("password", "a long password"),
    ];
    let page = owner.submit("/admin/people", &fields).await;
    assert!(page.text.contains("The person was added.") && page.text.contains("ann@example.com"));
    let known = owner.post("/admin/people", &fields).await;
    assert_eq!(known.status, 422);
    assert!(
        known.text.contains("This address is known already."),
        "{}",
        known.text
    );

    let ann = Visitor::logged_in(&server, ANN, "a long password").await;
    choose_password(&ann, "a long password", "my own password").await;
    let (_, rest) = page.text.split_once("/admin/people/usr_").unwrap();
    let id = format!("usr_{}", rest.split('/').next().unwrap());
    owner
        .submit(&format!("/admin/people/{id}/role"), &[("role", "finance")])
        .await;
    assert_eq!(
        ann.get("/admin").await.status,
        303,
        "another role is another session"
    );
    assert_eq!(ann.log_in(ANN, "my own password").await.status, 303);
    assert_eq!(ann.get("/admin/audit-log").await.status, 200);
    let reset = format!("/admin/people/{id}/reset");
    let question = owner.get(&reset).await;
    assert!(question.text.contains("logged out at once"), "{}", question.text);
    let short = owner.post(&reset, &[("password", "short")]).await;
    assert_eq!(short.status, 422);
    assert!(
        short.text.contains("A password has at least 8 characters."),
        "{}",
        short.text
    );
    owner
        .submit(&reset, &[("password", "another long password")])
        .await;
    assert_eq!(ann.get("/admin").await.status, 303, "whoever was in is out");
    assert_eq!(ann.log_in(ANN, "my own password").await.status, 401);
    assert_eq!(ann.log_in(ANN, "another long password").await.status, 303);
    let kept_out = ann.get("/admin").await;
    assert_eq!(
        kept_out.header("location"),
        Some("/admin/account/password"),
        "a first password opens nothing else"
    );
    choose_password(&ann, "another long password", "my own password").await;

    leaves_and_comes_back(&owner, &ann, &id).await;
    let trail = owner.get("/admin/audit-log").await;
    for action in [
        "create_user",
        "change_role",
        "reset_login",
        "disable_user",
        "enable_user",
        "fail_to_log_in",
    ] {
        assert!(tells_of(&trail.text, action), "{action}: {}", trail.text);
    }
    assert!(trail.text.contains("viewer -&gt; finance"), "{}", trail.text);
    let answer = owner
        .post(&format!("/admin/people/{}/disable", "usr_nobody"), &[])
        .await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn a_lost_login_is_reset_by_the_command_line_and_its_password_must_be_changed() {
    let server = server(&[]);
    let owner = Visitor::owner(&server).await;
    let args = ["admin", "reset", "--email", "OWNER@example.com"];
    let reset = run(server.dir.path(), &[], &args, "a first password\n");
    assert!(
        reset.status.success(),
        "{}",
        String::from_utf8_lossy(&reset.stderr)
    );
    assert_eq!(owner.get("/admin").await.status, 303, "whoever was in is out");
    assert_eq!(owner.log_in(OWNER.0, OWNER.1).await.status, 401);
    let owner = Visitor::logged_in(&server, OWNER.0, "a first password").await;
    choose_password(&owner, "a first password", "my own password").await;
    assert!(tells_of(&owner.get("/admin/audit-log").await.text, "reset_login"));

    let args = ["admin", "reset", "--email", "nobody@example.com"];
    let nobody = run(server.dir.path(), &[], &args, "a first password\n");
    assert_eq!(nobody.status.code(), Some(1));

    let args = [
        "admin",
        "create",
        "--email",
        ANN,
        "--role",
        "viewer",
        "--first-password",
    ];
    let made = run(server.dir.path(), &[], &args, "a long password\n");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let ann = Visitor::logged_in(&server, ANN, "a long password").await;
    choose_password(&ann, "a long password", "my own password").await;
}
