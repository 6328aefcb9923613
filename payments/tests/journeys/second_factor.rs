//! Second factor: codes that work once, a limited number of guesses, and ten recovery codes.

use std::time::Duration;

use domain::Timestamp;
use futures_util::future::join_all;
use payments::console::{
    Actor, AuditQuery, Browser, ConsoleError, Operator, Totp, confirm_session, count_recovery_codes,
    disable_totp, enable_totp, find_credentials, find_operator, list_audit_entries, open_session,
    renew_recovery_codes, reset_login,
};
use payments::users::Role;

use secrecy::ExposeSecret as _;

use super::shop::{Shop, employ, on_each_engine};

const EMAIL: &str = "ann@example.com";
const STEP: Duration = Duration::from_secs(30);

fn visit_from(n: u32) -> Actor {
    Actor {
        email: EMAIL.to_owned(),
        ip: Some(format!("203.0.{n}.7").parse().unwrap()),
        request_id: "r1".to_owned(),
    }
}

fn unknown(shop: &Shop) -> Browser {
    Browser::unknown(&shop.services, "a browser")
}

/// Logs in after a correct password.
async fn come_in(shop: &Shop, n: u32, code: &str) -> Result<String, ConsoleError> {
    let who = find_credentials(&shop.services, EMAIL).await.unwrap().unwrap();
    open_session(&shop.services, &who, &visit_from(n), &unknown(shop), code).await
}

/// Ann, logged in, with her phone and her ten recovery codes.
async fn with_phone(shop: &Shop) -> (Operator, Totp, Vec<String>) {
    let services = &shop.services;
    employ(services, EMAIL, Role::Finance).await;
    let token = come_in(shop, 1, "").await.unwrap();
    let operator = find_operator(services, &token).await.unwrap().unwrap();
    let totp = Totp::new([7; 20]);
    let code = code_of(&totp, services.clock.now());
    let codes = enable_totp(services, &operator, &visit_from(1), &totp, &code)
        .await
        .unwrap();
    services.clock.advance(3 * STEP);
    let operator = find_operator(services, &token).await.unwrap().unwrap();
    (operator, totp, codes)
}

fn newest(limit: u32) -> AuditQuery {
    AuditQuery {
        limit,
        ..AuditQuery::default()
    }
}

fn code_of(totp: &Totp, at: Timestamp) -> String {
    totp.code_at(at).unwrap()
}

#[tokio::test]
async fn a_totp_code_works_in_its_step_and_the_two_beside_it_and_no_earlier_code_after_it() {
    on_each_engine(async |shop| {
        let (_, totp, _) = with_phone(shop).await;
        let clock = &shop.services.clock;
        let now = clock.now();
        for far in [now - 2 * STEP, now + 2 * STEP] {
            let refused = come_in(shop, 1, &code_of(&totp, far)).await;
            assert!(matches!(refused, Err(ConsoleError::WrongLogin)), "{far:?}");
        }
        let [before, here, after] = [now - STEP, now, now + STEP].map(|at| code_of(&totp, at));
        for code in [&before, &here, &after] {
            come_in(shop, 1, code).await.unwrap();
        }
        for used in [&before, &here, &after] {
            let refused = come_in(shop, 2, used).await;
            assert!(matches!(refused, Err(ConsoleError::WrongLogin)), "{used}");
        }
    })
    .await;
}

#[tokio::test]
async fn ten_wrong_codes_lock_the_login_for_an_hour_from_every_address() {
    on_each_engine(async |shop| {
        let (operator, totp, codes) = with_phone(shop).await;
        let clock = &shop.services.clock;
        // Nine, and a right one: the count begins anew. An empty field is no guess.
        for round in 0..2 {
            for n in 0..9 {
                let wrong = come_in(shop, 10 * round + n, "000000").await;
                assert!(matches!(wrong, Err(ConsoleError::WrongLogin)));
                assert!(come_in(shop, n, "").await.is_err());
            }
            clock.advance(3 * STEP);
            come_in(shop, 1, &code_of(&totp, clock.now())).await.unwrap();
        }

        for n in 0..10 {
            let wrong = come_in(shop, n, "000000").await;
            assert!(matches!(wrong, Err(ConsoleError::WrongLogin)), "{wrong:?}");
        }
        clock.advance(Duration::from_mins(59));
        for code in [code_of(&totp, clock.now()), codes[0].clone()] {
            let refused = come_in(shop, 99, &code).await;
            assert!(
                matches!(refused, Err(ConsoleError::WrongLogin)),
                "the answer is that of a wrong password: {refused:?}"
            );
        }
        // Confirming the password inside the console has the same limit.
        let who = find_credentials(&shop.services, EMAIL).await.unwrap().unwrap();
        let code = code_of(&totp, clock.now());
        let confirmed = confirm_session(
            &shop.services,
            &operator,
            &who,
            &visit_from(1),
            &unknown(shop),
            &code,
        )
        .await;
        assert!(matches!(confirmed, Err(ConsoleError::WrongLogin)));
        let entries = list_audit_entries(&shop.services, &newest(50))
            .await
            .unwrap()
            .data;
        let locks = entries
            .iter()
            .filter(|line| line.detail == "wrong code: locked for an hour");
        assert_eq!(locks.count(), 1);

        clock.advance(Duration::from_mins(1));
        come_in(shop, 1, &code_of(&totp, clock.now())).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_at_the_same_time_are_not_more_than_ten() {
    on_each_engine(async |shop| {
        with_phone(shop).await;
        let all = join_all((0..30).map(|n| come_in(shop, n, "000000"))).await;
        let is_refused = |one: &Result<String, _>| matches!(one, Err(ConsoleError::WrongLogin));
        assert!(all.iter().all(is_refused), "{all:?}");
        let entries = list_audit_entries(&shop.services, &newest(50))
            .await
            .unwrap()
            .data;
        let judged = entries
            .iter()
            .filter(|line| line.detail.starts_with("wrong code"));
        assert_eq!(judged.count(), 10, "only what was looked at is a wrong code");
    })
    .await;
}

#[tokio::test]
async fn each_of_ten_codes_on_paper_opens_once_until_there_is_a_new_set() {
    on_each_engine(async |shop| {
        let services = &shop.services;
        let (operator, totp, codes) = with_phone(shop).await;
        assert_eq!(
            (
                codes.len(),
                count_recovery_codes(services, &operator).await.unwrap()
            ),
            (10, 10)
        );
        come_in(shop, 1, &codes[3].to_lowercase()).await.unwrap();
        let again = come_in(shop, 1, &codes[3]).await;
        assert!(matches!(again, Err(ConsoleError::WrongLogin)));
        let who = find_credentials(services, EMAIL).await.unwrap().unwrap();
        confirm_session(
            services,
            &operator,
            &who,
            &visit_from(1),
            &unknown(shop),
            &codes[4],
        )
        .await
        .unwrap();
        assert_eq!(count_recovery_codes(services, &operator).await.unwrap(), 8);
        let entries = list_audit_entries(services, &newest(50)).await.unwrap().data;
        let used: Vec<&str> = entries
            .iter()
            .filter(|line| line.action == "use_recovery_code")
            .map(|line| line.detail.as_str())
            .collect();
        assert_eq!(used, ["8 left", "9 left"]);
        let written = format!("{entries:?}");
        assert!(!codes.iter().any(|code| written.contains(code)));

        let new = renew_recovery_codes(services, &operator, &visit_from(1))
            .await
            .unwrap();
        assert_eq!(count_recovery_codes(services, &operator).await.unwrap(), 10);
        assert!(
            come_in(shop, 1, &codes[0]).await.is_err(),
            "the old set opens nothing"
        );
        come_in(shop, 1, &new[0]).await.unwrap();

        // Codes of another person do not work.
        employ(services, "bob@example.com", Role::Viewer).await;
        let bob = find_credentials(services, "bob@example.com")
            .await
            .unwrap()
            .unwrap();
        let token = open_session(services, &bob, &visit_from(2), &unknown(shop), "")
            .await
            .unwrap();
        let bob_inside = find_operator(services, &token).await.unwrap().unwrap();
        assert!(
            renew_recovery_codes(services, &bob_inside, &visit_from(2))
                .await
                .is_err(),
            "without a phone there is nothing to recover"
        );
        let seed = Totp::new([8; 20]);
        let code = code_of(&seed, services.clock.now());
        enable_totp(services, &bob_inside, &visit_from(2), &seed, &code)
            .await
            .unwrap();
        let bob = find_credentials(services, "bob@example.com")
            .await
            .unwrap()
            .unwrap();
        let stolen = open_session(services, &bob, &visit_from(2), &unknown(shop), &new[1]).await;
        assert!(matches!(stolen, Err(ConsoleError::WrongLogin)));

        disable_totp(services, &operator.user_id, &visit_from(1))
            .await
            .unwrap();
        assert_eq!(count_recovery_codes(services, &operator).await.unwrap(), 0);
        let code = code_of(&totp, services.clock.now());
        enable_totp(services, &operator, &visit_from(1), &totp, &code)
            .await
            .unwrap();
        assert!(
            come_in(shop, 1, &new[1]).await.is_err(),
            "a set ends with its second factor"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_browsers_with_one_code_on_paper_one_gets_in() {
    on_each_engine(async |shop| {
        let (operator, _, codes) = with_phone(shop).await;
        for code in &codes[..5] {
            let both = join_all((0..2).map(|n| come_in(shop, n, code))).await;
            assert_eq!(both.iter().filter(|one| one.is_ok()).count(), 1, "{both:?}");
        }
        assert_eq!(count_recovery_codes(&shop.services, &operator).await.unwrap(), 5);
    })
    .await;
}

#[tokio::test]
async fn an_owner_resets_the_login_of_a_person() {
    on_each_engine(async |shop| {
        let services = &shop.services;
        let (ann, totp, codes) = with_phone(shop).await;
        let owner = employ(services, "owner@example.com", Role::Owner).await;
        let own = reset_login(services, &ann, &visit_from(1), &ann.user_id, "new").await;
        assert!(matches!(own, Err(ConsoleError::OwnRequest)));
        let inside = come_in(shop, 1, &code_of(&totp, services.clock.now()))
            .await
            .unwrap();
        assert!(find_operator(services, &inside).await.unwrap().is_some());
        for n in 0..10 {
            assert!(come_in(shop, n, "000000").await.is_err());
        }
        reset_login(services, &owner, &visit_from(2), &ann.user_id, "new")
            .await
            .unwrap();
        let who = find_credentials(services, EMAIL).await.unwrap().unwrap();
        assert_eq!(who.password_hash.expose_secret(), "new");
        assert!(find_operator(services, &inside).await.unwrap().is_none());
        let token = come_in(shop, 1, "").await.unwrap();
        let back = find_operator(services, &token).await.unwrap().unwrap();
        assert!(!back.has_totp);
        assert_eq!(count_recovery_codes(services, &back).await.unwrap(), 0);
        // The old phone and the old recovery codes do not work any more, also once there is a new phone.
        let new_totp = Totp::new([8; 20]);
        let code = code_of(&new_totp, services.clock.now());
        enable_totp(services, &back, &visit_from(1), &new_totp, &code)
            .await
            .unwrap();
        services.clock.advance(3 * STEP);
        for lost in [code_of(&totp, services.clock.now()), codes[0].clone()] {
            let refused = come_in(shop, 1, &lost).await;
            assert!(matches!(refused, Err(ConsoleError::WrongLogin)), "{lost}");
        }
    })
    .await;
}
