//! Operators are told of incidents: once for all of a kind, by every robot, and of their end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::routing::post;
use domain::Method;
use payments::alarm::{QuietHours, Robot, Robots, SignedRobot, gather_alarms};
use payments::api_keys::{KeyDraft, KeyLimits, Scope, create_api_key};
use payments::console::{
    Actor, AuditQuery, IncidentKind, list_audit_entries, list_open_incidents, list_robots, resolve_incident,
    test_alarms,
};
use payments::users::Role;
use payments::{Services, deliver_webhooks};
use serde_json::{Value, json};
use simulator::{Endpoint, Fault, FaultKind};

use crate::shop::{Shop, employ, on_each_engine, visit_of};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// Robots of all platforms, which take everything but what DingTalk is told.
#[derive(Clone, Default)]
struct Groups {
    told: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Groups {
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new()
            .route("/{robot}", post(take))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }

    /// Texts of the messages that a robot got.
    fn told(&self, robot: &str) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let of_robot = told.iter().filter(|(name, _)| name == robot);
        of_robot.map(|(_, body)| body.to_string()).collect()
    }
}

async fn take(
    State(groups): State<Groups>,
    Path(robot): Path<String>,
    Json(body): Json<Value>,
) -> Json<Value> {
    let answer = match robot.as_str() {
        "feishu" => json!({"code": 0, "msg": "success"}),
        "dingtalk" => json!({"errcode": 310_000, "errmsg": "sign not match"}),
        _ => json!({"errcode": 0, "errmsg": "ok"}),
    };
    groups.told.lock().unwrap().push((robot, body));
    Json(answer)
}

fn with_robots(shop: &Shop, robots: Robots) -> Services {
    Services {
        outbox: shop.services.outbox.clone().with_robots(robots),
        ..shop.services.clone()
    }
}

fn signed(url: &str) -> Option<SignedRobot> {
    Some(SignedRobot {
        url: url.into(),
        secret: "SEC1".into(),
    })
}

fn wecom(base: &str) -> Robots {
    Robots {
        wecom: Some(format!("{base}/wecom?key=hush").into()),
        ..Robots::default()
    }
}

/// Raises an incident of the kind `new_key`, when it is not the first key.
async fn make_key(services: &Services) {
    let draft = KeyDraft {
        name: "密钥",
        scopes: &[Scope::Read],
        limits: KeyLimits::default(),
    };
    create_api_key(services, &Actor::of_command("test"), &draft)
        .await
        .unwrap();
}

/// Tells what there is to tell; how many messages were made.
async fn tell(services: &Services) -> usize {
    let n_made = gather_alarms(services).await.unwrap();
    deliver_webhooks(services).await.unwrap();
    n_made
}

#[tokio::test]
async fn incidents_of_a_kind_are_one_message_and_so_is_their_end() {
    on_each_engine(async |shop| {
        let groups = Groups::default();
        let services = &with_robots(shop, wecom(&groups.listen().await));
        make_key(services).await;
        assert_eq!(tell(services).await, 0);
        for _ in 0..3 {
            make_key(services).await;
        }
        assert_eq!((tell(services).await, tell(services).await), (1, 0));
        let told = groups.told("wecom");
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("opened new_key x3"), "{told:?}");
        assert!(
            told[0].contains("https://shop.example/admin/attention"),
            "{told:?}"
        );
        assert!(!told[0].contains("密钥"), "{told:?}");
        make_key(services).await;
        assert_eq!(tell(services).await, 0, "the next one about a kind waits");
        shop.sleep(10 * MINUTE).await;
        assert_eq!(tell(services).await, 1);
        assert!(groups.told("wecom")[1].contains("opened new_key x1"));
        let owner = employ(services, "owner@example.com", Role::Owner).await;
        for incident in list_open_incidents(services, None, 100).await.unwrap().data {
            resolve_incident(services, &owner, &visit_of(&owner), &incident.id, "known")
                .await
                .unwrap();
        }
        assert_eq!((tell(services).await, tell(services).await), (1, 0));
        assert!(groups.told("wecom")[2].contains("resolved new_key x4"));
    })
    .await;
}

#[tokio::test]
async fn what_ends_before_it_was_told_of_is_told_of_never() {
    on_each_engine(async |shop| {
        let groups = Groups::default();
        let services = &with_robots(shop, wecom(&groups.listen().await));
        make_key(services).await;
        make_key(services).await;
        let owner = employ(services, "owner@example.com", Role::Owner).await;
        let open = list_open_incidents(services, None, 100).await.unwrap().data;
        resolve_incident(services, &owner, &visit_of(&owner), &open[0].id, "known")
            .await
            .unwrap();
        assert_eq!(tell(services).await, 0);
        assert!(groups.told("wecom").is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_dead_robot_delays_no_other_and_raises_nothing() {
    on_each_engine(async |shop| {
        let groups = Groups::default();
        let base = groups.listen().await;
        let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let dead_url = format!("http://{}/wecom?key=hush", dead.local_addr().unwrap());
        drop(dead);
        let robots = Robots {
            wecom: Some(dead_url.into()),
            dingtalk: signed(&format!("{base}/dingtalk?access_token=hush")),
            feishu: signed(&format!("{base}/feishu")),
            ..Robots::default()
        };
        let services = &with_robots(shop, robots);
        make_key(services).await;
        make_key(services).await;
        assert_eq!(tell(services).await, 1);
        assert_eq!(
            (groups.told("feishu").len(), groups.told("dingtalk").len()),
            (1, 1)
        );
        for _ in 0..10 {
            shop.sleep(HOUR).await;
            assert_eq!(tell(services).await, 0);
        }
        assert_eq!(groups.told("dingtalk").len(), 7, "given up after two hours");
        assert_eq!(groups.told("feishu").len(), 1);
        let open = list_open_incidents(services, None, 100).await.unwrap().data;
        assert_eq!(open.len(), 1, "{open:?}");
        assert_eq!(open[0].kind, Some(IncidentKind::NewKey));
        let states = list_robots(services).await.unwrap();
        let status = |robot: Robot| {
            let found = states.iter().find(|state| state.robot == robot).unwrap();
            let last = found.last.clone().unwrap();
            (last.status, last.error.unwrap_or_default())
        };
        assert_eq!(status(Robot::Feishu), ("succeeded".to_owned(), String::new()));
        let (dingtalk, wecom) = (status(Robot::Dingtalk), status(Robot::Wecom));
        assert_eq!((dingtalk.0.as_str(), wecom.0.as_str()), ("failed", "failed"));
        assert!(dingtalk.1.contains("310000: sign not match"), "{dingtalk:?}");
        assert!(!wecom.1.contains("hush"), "{wecom:?}");
    })
    .await;
}

#[tokio::test]
async fn a_message_about_money_names_the_sum_and_quiet_hours_hold_it_back() {
    on_each_engine(async |shop| {
        let groups = Groups::default();
        let robots = Robots {
            // The shop opens at 10:00.
            quiet_hours: QuietHours::parse("09:00-12:00"),
            ..wecom(&groups.listen().await)
        };
        let services = &with_robots(shop, robots);
        shop.sim.fault(Fault::new(FaultKind::LatePay).at(Endpoint::Close));
        let order = shop.order("8.00").await;
        let payment = shop.start(&order, Method::Wechat).await;
        shop.pass(31 * MINUTE).await;
        shop.sim.pay(payment.prompt.as_deref().unwrap()).await.unwrap();
        shop.run_jobs().await;
        let open = list_open_incidents(services, None, 100).await.unwrap().data;
        assert!(
            open.iter()
                .any(|incident| incident.kind == Some(IncidentKind::Surplus)),
            "{open:?}"
        );
        assert_eq!(tell(services).await, 0, "it is quiet");
        shop.sleep(2 * HOUR).await;
        assert_eq!(tell(services).await, 1);
        let told = groups.told("wecom");
        assert!(
            told[0].contains("opened surplus x1") && told[0].contains("amount: 8.00"),
            "{told:?}"
        );
        assert!(told[0].contains(order.id.as_str()), "{told:?}");
        assert!(
            !told[0].contains(&order.subject) && !told[0].contains("ann"),
            "{told:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn two_servers_make_one_message() {
    on_each_engine(async |shop| {
        let groups = Groups::default();
        let services = &with_robots(shop, wecom(&groups.listen().await));
        for _ in 0..5 {
            make_key(services).await;
        }
        let (one, other) = tokio::join!(gather_alarms(services), gather_alarms(services));
        assert_eq!(one.unwrap() + other.unwrap(), 1);
        deliver_webhooks(services).await.unwrap();
        assert_eq!(groups.told("wecom").len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_test_message_is_in_the_audit_log_and_a_robot_that_is_gone_is_told_nothing() {
    on_each_engine(async |shop| {
        let groups = Groups::default();
        let base = groups.listen().await;
        let services = &with_robots(shop, wecom(&base));
        let owner = employ(services, "owner@example.com", Role::Owner).await;
        test_alarms(services, &visit_of(&owner)).await.unwrap();
        deliver_webhooks(services).await.unwrap();
        assert!(groups.told("wecom")[0].contains("test"));
        let query = AuditQuery {
            limit: 10,
            ..AuditQuery::default()
        };
        let entries = list_audit_entries(services, &query).await.unwrap();
        assert!(
            entries
                .data
                .iter()
                .any(|entry| entry.action == "test_alarms" && entry.subject == "wecom"),
            "{entries:?}"
        );
        test_alarms(services, &visit_of(&owner)).await.unwrap();
        let without = &with_robots(shop, Robots::default());
        deliver_webhooks(without).await.unwrap();
        deliver_webhooks(services).await.unwrap();
        assert_eq!(groups.told("wecom").len(), 1);
        assert!(test_alarms(without, &visit_of(&owner)).await.is_err());
    })
    .await;
}
