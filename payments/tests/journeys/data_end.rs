//! Retention and erasure: data erased after its time or for one user, data that stays, and secrets in a copy of the
//! database.

use std::time::Duration;

use domain::{Method, OrderStatus};
use futures_util::future::join_all;
use payments::console::{self, Actor, AuditQuery, ConsoleError, Totp, enable_totp, find_credentials};
use payments::secrets::{Secrets, SecretsError, seal_plain_secrets};
use payments::{Services, erase_old_data, export_user, forget_user};
use simulator::Alteration;

use super::shop::{BOTH, Shop, employ, on_each_engine, visit_of};
use payments::users::Role;

const DAY: Duration = Duration::from_hours(24);

async fn erase(shop: &Shop) -> usize {
    erase_old_data(&shop.services).await.unwrap()
}

#[tokio::test]
async fn messages_and_payers_are_erased_after_retention_and_a_late_duplicate_changes_nothing() {
    on_each_engine(async |shop| {
        let services = &shop.services;
        let mut sold = Vec::new();
        for (method, _) in BOTH {
            let order = shop.order("66.00").await;
            let payment = shop.start(&order, method).await;
            shop.scan_and_pay(&payment).await;
            shop.pass(Duration::from_secs(10)).await;
            let letter = shop
                .sim
                .letter(payment.payment_no.as_str(), &Alteration::default())
                .unwrap();
            assert_eq!(shop.deliver(&letter).await.as_u16(), 200);
            sold.push((order, payment, letter));
        }
        services.clock.advance(179 * DAY);
        erase(shop).await;
        let page = console::list_notifications(services, None, 50).await.unwrap();
        assert!(page.data.iter().all(|notification| !notification.body.is_empty()));
        let n_kept = page.data.len();
        services.clock.advance(2 * DAY);
        assert!(erase(shop).await >= n_kept);
        let page = console::list_notifications(services, None, 50).await.unwrap();
        assert_eq!(page.data.len(), n_kept, "the rows stay");
        for notification in &page.data {
            assert_eq!(
                (notification.headers.as_str(), notification.body.as_str()),
                ("", "")
            );
            let channel = notification.channel;
            let replayed =
                console::replay_notification(services, &Actor::of_command("test"), channel, &notification.id)
                    .await;
            assert!(
                matches!(replayed, Err(ConsoleError::Unverifiable)),
                "{replayed:?}"
            );
        }
        for (order, payment, letter) in &sold {
            assert!(
                console::open_file(services, &order.id)
                    .await
                    .unwrap()
                    .calls
                    .is_empty()
            );
            // The simulator's clock has not moved: for the server the notification is half a year late.
            shop.deliver(letter).await;
            assert_eq!(shop.status(order).await, OrderStatus::Paid);
            assert_eq!(requests_of(shop, payment.id.as_str()).await, 1);
        }
        services.clock.advance(185 * DAY);
        erase(shop).await;
        for (order, payment, _) in &sold {
            assert_eq!(
                requests_of(shop, payment.id.as_str()).await,
                0,
                "a year has passed"
            );
            assert_eq!(shop.status(order).await, OrderStatus::Paid);
        }
    })
    .await;
}

/// 1 while the request of the create call is stored.
async fn requests_of(shop: &Shop, payment_id: &str) -> u64 {
    shop.meddle(format!(
        "update payments set version = version where id = '{payment_id}' and request <> ''"
    ))
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_several_servers_erases_once_an_hour() {
    on_each_engine(async |shop| {
        for n in 0..30 {
            shop.meddle(format!(
                "insert into idempotency_keys (route, key, fingerprint, status, body, created_at)
                values ('POST /orders', 'k{n}', '', 200, '', 0)"
            ))
            .await;
        }
        let runs = join_all((0..8).map(|_| erase(shop))).await;
        assert_eq!(runs.iter().sum::<usize>(), 30, "{runs:?}");
        assert_eq!(runs.iter().filter(|n| **n > 0).count(), 1, "{runs:?}");
        shop.meddle(
            "insert into idempotency_keys (route, key, fingerprint, status, body, created_at)
            values ('POST /orders', 'late', '', 200, '', 0)"
                .to_owned(),
        )
        .await;
        assert_eq!(erase(shop).await, 0, "not twice within an hour");
        shop.services.clock.advance(Duration::from_hours(1));
        assert_eq!(erase(shop).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_user_is_exported_and_erased_and_the_ledger_stays() {
    on_each_engine(async |shop| {
        let services = &shop.services;
        let actor = Actor::of_command("root");
        let order = shop.order("66.00").await;
        let payment = shop.start(&order, Method::Wechat).await;
        let open = shop.order("5.00").await;
        shop.start(&open, Method::Alipay).await;
        shop.scan_and_pay(&payment).await;
        shop.pass(Duration::from_secs(10)).await;
        console::write_note(services, &actor, &order.id, "lives at number 7")
            .await
            .unwrap();
        let copy = export_user(services, &actor, "ann").await.unwrap();
        assert_eq!(copy["orders"].as_array().unwrap().len(), 2, "{copy}");
        assert!(copy.to_string().contains("lives at number 7"), "{copy}");
        let nobody = export_user(services, &actor, "nobody").await.unwrap();
        assert_eq!(nobody["orders"].as_array().unwrap().len(), 0);

        let erased = forget_user(services, &actor, "ann").await.unwrap();
        assert_eq!((erased.n_orders, erased.n_open), (2, 1));
        let file = console::open_file(services, &order.id).await.unwrap();
        assert!(file.notes.is_empty() && file.calls.is_empty());
        assert!(
            file.notifications
                .iter()
                .all(|notification| notification.body.is_empty())
        );
        assert_eq!(requests_of(shop, payment.id.as_str()).await, 0);
        assert!(!file.postings.is_empty());
        assert_eq!(shop.status(&order).await, OrderStatus::Paid);
        let again = forget_user(services, &actor, "ann").await.unwrap();
        assert_eq!(again, erased);
        for action in [console::Action::ExportUser, console::Action::ForgetUser] {
            let query = AuditQuery {
                action: Some(action),
                actor: Some("os:root".to_owned()),
                limit: 5,
                ..AuditQuery::default()
            };
            assert!(
                !console::list_audit_entries(services, &query)
                    .await
                    .unwrap()
                    .data
                    .is_empty()
            );
        }
    })
    .await;
}

async fn seed_of(services: &Services, email: &str) -> Option<Totp> {
    find_credentials(services, email).await.ok()??.totp
}

#[tokio::test]
async fn a_second_factor_lies_sealed_in_its_own_row() {
    on_each_engine(async |shop| {
        let services = &shop.services;
        let ann = employ(services, "ann@example.com", Role::Finance).await;
        let bob = employ(services, "bob@example.com", Role::Viewer).await;
        let seeds = [Totp::new([7; 20]), Totp::new([8; 20])];
        for (who, seed) in [&ann, &bob].into_iter().zip(&seeds) {
            let code = seed.code_at(services.clock.now()).unwrap();
            enable_totp(services, who, &visit_of(who), seed, &code)
                .await
                .unwrap();
        }
        let n_plain = shop
            .meddle(
                "update users set totp_step = totp_step where totp_secret not like 'sealed:1:%'".to_owned(),
            )
            .await;
        assert_eq!(n_plain, 0);
        let known = seed_of(services, &ann.email).await.unwrap();
        assert_eq!(known.secret(), seeds[0].secret());
        assert_eq!(seal_plain_secrets(services).await.unwrap(), Ok(()));
        let stranger = Services {
            secrets: Secrets::new([9; 32]),
            ..services.clone()
        };
        assert_eq!(
            seal_plain_secrets(&stranger).await.unwrap(),
            Err(SecretsError::OtherKey)
        );

        // A secret that an earlier version wrote in plain text is encrypted at the next start; one moved to another row
        // does not decrypt.
        shop.meddle(format!(
            "update users set totp_secret = '{}' where email = 'ann@example.com'",
            seeds[0].secret()
        ))
        .await;
        assert_eq!(seal_plain_secrets(services).await.unwrap(), Ok(()));
        let n_sealed = shop
            .meddle("update users set totp_step = totp_step where totp_secret like 'sealed:1:%'".to_owned())
            .await;
        assert_eq!(n_sealed, 2);
        assert_eq!(
            seed_of(services, &ann.email).await.unwrap().secret(),
            seeds[0].secret()
        );
        shop.meddle(
            "update users set totp_secret = (select totp_secret from users where email = 'bob@example.com')
            where email = 'ann@example.com'"
                .to_owned(),
        )
        .await;
        assert!(find_credentials(services, &ann.email).await.is_err());
        assert_eq!(
            seal_plain_secrets(services).await.unwrap(),
            Err(SecretsError::Damaged)
        );
    })
    .await;
}
