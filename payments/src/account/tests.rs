use domain::Channel;

use super::*;
use crate::Clock;
use crate::secrets::Secrets;
use crate::store::Db;
use crate::store::tests::{run_sql, urls};

fn services(db: Db) -> Services {
    let clock = Clock::fixed(Timestamp::from_millis(1_795_485_600_000), 3);
    let secrets = Secrets::new(clock.entropy());
    Services::new(db, clock, secrets)
}

fn accounts(wechat: Option<&str>, alipay: Option<&str>) -> Vec<(Channel, String)> {
    let named = |channel, account: Option<&str>| account.map(|account| (channel, account.to_owned()));
    [named(Channel::Wechat, wechat), named(Channel::Alipay, alipay)]
        .into_iter()
        .flatten()
        .collect()
}

fn live(wechat: Option<&str>, alipay: Option<&str>) -> Serving {
    Serving {
        is_live: true,
        accounts: accounts(wechat, alipay),
        simulated: accounts(Some("sim"), Some("simapp")),
    }
}

fn play() -> Serving {
    Serving {
        is_live: false,
        accounts: accounts(Some("sim"), Some("simapp")),
        ..live(None, None)
    }
}

/// Two finished payments, one open one and one refund in progress; `$` is the account of all WeChat payments.
const PAST: &str = "
    insert into orders (id, order_no, token, user_id, subject, amount, state, expires_at, created_at, updated_at)
    values ('o1', 'o1', 't1', 'ann', 's', 500, 'open', 9, 1, 1), ('o2', 'o2', 't2', 'bob', 's', 700, 'open', 9, 1, 1);
    insert into payments (id, payment_no, order_id, method, product, amount, state, settles, request, expires_at, created_at,
        updated_at, account)
    values ('p1', 'PAY1', 'o1', 'wechat', 'native', 500, 'pending', false, '{\"mchid\":\"A\"}', 9, 1, 1, $),
        ('p2', 'PAY2', 'o2', 'wechat', 'native', 700, 'closed', false, '{\"mchid\":\"A\"}', 9, 1, 1, $)";

async fn names(services: &Services, serving: &Serving) -> Vec<String> {
    let obstacles = find_obstacles(services, serving).await.unwrap();
    obstacles.iter().map(Obstacle::subject).collect()
}

#[tokio::test]
async fn a_new_database_records_the_first_account_served() {
    for (url, _directory) in urls().await {
        let services = services(Db::connect(&url).await.unwrap());
        assert!(names(&services, &play()).await.is_empty());
        stamp_accounts(&services, &live(Some("A"), None), &[])
            .await
            .unwrap();
        assert_eq!(names(&services, &play()).await, ["simulator on wechat A"]);
        assert!(names(&services, &live(Some("A"), None)).await.is_empty());
        // No payment is open: another merchant may be served.
        assert!(names(&services, &live(Some("B"), Some("app"))).await.is_empty());
        services.db.close().await;
    }
}

#[tokio::test]
async fn open_payments_of_another_account_stop_a_start_and_become_an_incident_when_that_is_accepted() {
    for old in ["null", "'A'"] {
        for (url, _directory) in urls().await {
            let services = services(Db::connect(&url).await.unwrap());
            stamp_accounts(&services, &live(Some("A"), None), &[])
                .await
                .unwrap();
            run_sql(&url, &PAST.replace('$', old)).await;
            assert!(names(&services, &live(Some("A"), Some("app"))).await.is_empty());
            let other = live(Some("B"), Some("app"));
            for serving in [&other, &live(None, Some("app"))] {
                let obstacles = find_obstacles(&services, serving).await.unwrap();
                let expected = Obstacle::Unfinished {
                    channel: Channel::Wechat,
                    account: "A".to_owned(),
                    n: 1,
                    first_no: "PAY1".to_owned(),
                };
                assert_eq!(obstacles, [expected], "{old}");
            }
            let accepted = find_obstacles(&services, &other).await.unwrap();
            stamp_accounts(&services, &other, &accepted).await.unwrap();
            // The next start still knows them, although B was the last one served.
            assert_eq!(names(&services, &other).await, ["wechat A"]);
            let raised = open_incidents(&services).await;
            assert_eq!(raised, ["wechat A"]);
            // Back at the right merchant there is no obstacle.
            assert!(names(&services, &live(Some("A"), None)).await.is_empty());
            stamp_accounts(&services, &live(Some("A"), None), &[])
                .await
                .unwrap();
            assert!(open_incidents(&services).await.is_empty());
            services.db.close().await;
        }
    }
}

async fn open_incidents(services: &Services) -> Vec<String> {
    let rows = services
        .db
        .snapshot(|tx| async move { incidents::list_open(tx, "", 10).await }.boxed())
        .await
        .unwrap();
    rows.into_iter().map(|row| row.subject).collect()
}

#[tokio::test]
async fn the_account_of_an_older_database_is_read_from_its_rows() {
    for (url, _directory) in urls().await {
        let services = services(Db::connect(&url).await.unwrap());
        run_sql(&url, &PAST.replace('$', "null")).await;
        assert_eq!(
            names(&services, &play()).await,
            ["simulator on wechat A", "wechat A"],
            "the recorded calls name the merchant A"
        );
        assert_eq!(names(&services, &live(Some("B"), None)).await, ["wechat A"]);
        assert!(names(&services, &live(Some("A"), None)).await.is_empty());
        services.db.close().await;
    }
}

#[tokio::test]
async fn balances_of_the_simulator_stop_a_live_start() {
    for (url, _directory) in urls().await {
        let services = services(Db::connect(&url).await.unwrap());
        stamp_accounts(&services, &play(), &[]).await.unwrap();
        assert!(names(&services, &live(Some("A"), None)).await.is_empty());
        run_sql(
            &url,
            "insert into balances (user_id, available, seq, updated_at) values ('ann', 5, 1, 1)",
        )
        .await;
        assert_eq!(names(&services, &live(Some("A"), None)).await, ["play money"]);
        assert!(names(&services, &play()).await.is_empty());
        services.db.close().await;
    }
}

#[test]
fn accounts_are_read_from_what_was_kept() {
    assert_eq!(
        merchant_of_request("{\"mchid\":\"1\",\"appid\":\"2\"}").as_deref(),
        Some("1")
    );
    assert_eq!(merchant_of_request("not json"), None);
    assert_eq!(
        app_of_notification(b"sign=x&app_id=2021&y=1").as_deref(),
        Some("2021")
    );
    assert_eq!(app_of_notification(b"\xff"), None);
}
