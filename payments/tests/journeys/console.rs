//! Console logins: length of sessions, rate limits, and the audit log.

use std::net::IpAddr;
use std::time::Duration;

use payments::console::{
    Actor, AuditQuery, Browser, ChainCheck, ConsoleError, EntryRange, Operator, Totp, admit_login,
    check_audit_chain, confirm_session, enable_totp, end_other_sessions, find_credentials, find_operator,
    list_audit_entries, open_session,
};
use payments::users::Role;

use super::shop::{Shop, employ, on_each_engine};

const EMAIL: &str = "ann@example.com";

fn actor() -> Actor {
    Actor {
        email: EMAIL.to_owned(),
        ip: Some("203.0.113.7".parse().unwrap()),
        request_id: "r1".to_owned(),
    }
}

/// Logs in after a correct password; returns the content of the cookie.
async fn come_in(shop: &Shop, code: &str) -> Result<String, ConsoleError> {
    let services = &shop.services;
    employ(services, EMAIL, Role::Finance).await;
    let who = find_credentials(services, EMAIL).await.unwrap().unwrap();
    open_session(
        services,
        &who,
        &actor(),
        &Browser::unknown(services, "a browser"),
        code,
    )
    .await
}

fn unknown(shop: &Shop) -> Browser {
    Browser::unknown(&shop.services, "a browser")
}

async fn who_is(shop: &Shop, token: &str) -> Option<Operator> {
    find_operator(&shop.services, token).await.unwrap()
}

fn lines(below: Option<i64>, limit: u32) -> AuditQuery {
    AuditQuery {
        below,
        limit,
        ..AuditQuery::default()
    }
}

const fn minutes(n: u64) -> Duration {
    Duration::from_mins(n)
}

#[tokio::test]
async fn an_idle_session_ends_and_so_does_a_long_one() {
    on_each_engine(async |shop| {
        let token = come_in(shop, "").await.unwrap();
        shop.services.clock.advance(minutes(29));
        assert!(who_is(shop, &token).await.is_some());
        shop.services.clock.advance(minutes(29));
        assert!(who_is(shop, &token).await.is_some(), "being there counts");
        shop.services.clock.advance(minutes(31));
        assert!(who_is(shop, &token).await.is_none());

        let token = come_in(shop, "").await.unwrap();
        for _ in 0..35 {
            shop.services.clock.advance(minutes(20));
            assert!(who_is(shop, &token).await.is_some());
        }
        shop.services.clock.advance(minutes(20));
        assert!(
            who_is(shop, &token).await.is_none(),
            "after twelve hours, however busy"
        );
    })
    .await;
}

#[tokio::test]
async fn a_password_is_fresh_for_ten_minutes() {
    on_each_engine(async |shop| {
        let token = come_in(shop, "").await.unwrap();
        shop.services.clock.advance(minutes(9));
        assert!(who_is(shop, &token).await.unwrap().is_confirmed);
        shop.services.clock.advance(minutes(1));
        let operator = who_is(shop, &token).await.unwrap();
        assert!(!operator.is_confirmed);
        let who = find_credentials(&shop.services, EMAIL).await.unwrap().unwrap();
        confirm_session(&shop.services, &operator, &who, &actor(), &unknown(shop), "")
            .await
            .unwrap();
        assert!(who_is(shop, &token).await.unwrap().is_confirmed);
    })
    .await;
}

#[tokio::test]
async fn sessions_end_elsewhere_and_not_here() {
    on_each_engine(async |shop| {
        let here = come_in(shop, "").await.unwrap();
        let elsewhere = come_in(shop, "").await.unwrap();
        assert_ne!(here, elsewhere);
        let operator = who_is(shop, &here).await.unwrap();
        end_other_sessions(&shop.services, &operator, &actor())
            .await
            .unwrap();
        assert!(who_is(shop, &here).await.is_some());
        assert!(who_is(shop, &elsewhere).await.is_none());
        assert!(who_is(shop, &"0".repeat(64)).await.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_totp_code_works_once() {
    on_each_engine(async |shop| {
        let token = come_in(shop, "").await.unwrap();
        let operator = who_is(shop, &token).await.unwrap();
        let totp = Totp::new([7; 20]);
        let wrong = enable_totp(&shop.services, &operator, &actor(), &totp, "no").await;
        assert!(matches!(wrong, Err(ConsoleError::WrongLogin)));
        let code = totp.code_at(shop.services.clock.now()).unwrap();
        enable_totp(&shop.services, &operator, &actor(), &totp, &code)
            .await
            .unwrap();
        for refused in ["", code.as_str(), "000000"] {
            let outcome = come_in(shop, refused).await;
            assert!(matches!(outcome, Err(ConsoleError::WrongLogin)), "{refused}");
        }
        shop.services.clock.advance(Duration::from_mins(1));
        let code = totp.code_at(shop.services.clock.now()).unwrap();
        assert!(come_in(shop, &code).await.is_ok());
        assert!(matches!(
            come_in(shop, &code).await,
            Err(ConsoleError::WrongLogin)
        ));
    })
    .await;
}

#[tokio::test]
async fn guesses_are_counted_per_user_and_per_network() {
    on_each_engine(async |shop| {
        let ip = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        let services = &shop.services;
        for _ in 0..5 {
            admit_login(services, EMAIL, ip("203.0.113.7"), &unknown(shop))
                .await
                .unwrap();
        }
        let refused = admit_login(services, EMAIL, ip("203.0.113.7"), &unknown(shop)).await;
        let Err(ConsoleError::TooManyAttempts { wait }) = refused else {
            panic!("{refused:?}");
        };
        assert!(wait <= minutes(1));
        // Another person, and the same person from another address, are not locked out.
        admit_login(services, "bob@example.com", ip("203.0.113.7"), &unknown(shop))
            .await
            .unwrap();
        admit_login(services, EMAIL, ip("198.51.100.1"), &unknown(shop))
            .await
            .unwrap();
        services.clock.advance(minutes(1));
        admit_login(services, EMAIL, ip("203.0.113.7"), &unknown(shop))
            .await
            .unwrap();

        // Many user names from one network count as one attacker: 60 an hour.
        let mut n_admitted = 0;
        for n in 0..100 {
            let name = format!("user{n}@example.com");
            n_admitted += usize::from(
                admit_login(services, &name, ip("192.0.2.9"), &unknown(shop))
                    .await
                    .is_ok(),
            );
        }
        assert_eq!(n_admitted, 60);
        assert!(
            admit_login(services, "x@example.com", ip("192.0.2.250"), &unknown(shop))
                .await
                .is_err()
        );
        admit_login(services, "x@example.com", ip("192.0.3.1"), &unknown(shop))
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_successful_login_resets_its_counters() {
    on_each_engine(async |shop| {
        for _ in 0..20 {
            admit_login(&shop.services, EMAIL, actor().ip, &unknown(shop))
                .await
                .unwrap();
            come_in(shop, "").await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn the_audit_log_is_chained_and_cannot_be_changed() {
    on_each_engine(async |shop| {
        for _ in 0..3 {
            come_in(shop, "").await.unwrap();
        }
        let page = list_audit_entries(&shop.services, &lines(None, 2)).await.unwrap();
        let seqs: Vec<i64> = page.data.iter().map(|line| line.seq).collect();
        assert_eq!((seqs, page.next_cursor.as_deref()), (vec![4, 3], Some("3")));
        assert_eq!(page.data[0].action, "log_in");
        let rest = list_audit_entries(&shop.services, &lines(Some(3), 2))
            .await
            .unwrap();
        assert_eq!((rest.data.len(), rest.next_cursor), (2, None));
        assert_eq!(rest.data[1].action, "create_user");
        let at = shop.services.clock.now();
        for stretch in [EntryRange::Newest, EntryRange::Whole] {
            let found = check_audit_chain(&shop.services, stretch).await.unwrap();
            let whole = ChainCheck {
                first: 1,
                last: 4,
                n_broken: 0,
                at,
            };
            assert_eq!(found, whole);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_acts_follow_each_other_in_the_audit_log() {
    on_each_engine(async |shop| {
        come_in(shop, "").await.unwrap();
        let who = &find_credentials(&shop.services, EMAIL).await.unwrap().unwrap();
        let (actor, browser) = (&actor(), &unknown(shop));
        let all = (0..20).map(|_| open_session(&shop.services, who, actor, browser, ""));
        for outcome in futures_util::future::join_all(all).await {
            outcome.unwrap();
        }
        let page = list_audit_entries(&shop.services, &lines(None, 50))
            .await
            .unwrap();
        assert_eq!(page.data.len(), 22);
    })
    .await;
}
