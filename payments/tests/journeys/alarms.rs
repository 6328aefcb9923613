//! Incidents about a gateway as a whole: raised once, and settled when it has recovered.

use std::time::Duration;

use domain::Method;
use payments::console::{IncidentKind, list_open_incidents, list_resolved_incidents};
use simulator::{Alteration, Fault, FaultKind, Faults, SignedBy};

use super::shop::{BOTH, Shop, on_each_engine};

async fn open(shop: &Shop, kind: IncidentKind) -> Vec<String> {
    let page = list_open_incidents(&shop.services, None, 100).await.unwrap();
    page.data
        .into_iter()
        .filter(|incident| incident.kind == Some(kind))
        .map(|incident| incident.subject)
        .collect()
}

#[tokio::test]
async fn many_forged_callbacks_are_one_incident_a_day() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let order = shop.order("66.00").await;
            let payment = shop.start(&order, method).await;
            let forge = async |n: u32, signed_by: SignedBy| {
                for _ in 0..n {
                    let forged = Alteration {
                        signed_by,
                        new_id: true,
                        ..Alteration::default()
                    };
                    let letter = shop.sim.letter(payment.payment_no.as_str(), &forged).unwrap();
                    assert_eq!(shop.deliver(&letter).await, 401);
                }
                shop.run_jobs().await;
                open(shop, IncidentKind::ForgedNotifications).await
            };
            let before = open(shop, IncidentKind::ForgedNotifications).await.len();
            if method == Method::Wechat {
                assert_eq!(
                    forge(30, SignedBy::Probe).await.len(),
                    before,
                    "a probe is no forgery"
                );
            }
            assert_eq!(
                forge(20, SignedBy::Stranger).await.len(),
                before,
                "some are curiosity"
            );
            assert_eq!(forge(1, SignedBy::Stranger).await.len(), before + 1);
            assert_eq!(forge(30, SignedBy::Nobody).await.len(), before + 1, "one a day");
        }
        shop.sleep(Duration::from_hours(2)).await;
        shop.run_jobs().await;
        assert_eq!(
            open(shop, IncidentKind::ForgedNotifications).await.len(),
            2,
            "only a person ends it"
        );
    })
    .await;
}

#[tokio::test]
async fn a_silent_gateway_is_an_incident_until_it_answers() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let order = shop.order("66.00").await;
            let payment = shop.start(&order, method).await;
            // The other gateway has open payments too, and becomes silent with it.
            let told = async || {
                let mut all = open(shop, IncidentKind::GatewaySilent).await;
                all.retain(|subject| subject.starts_with(method.as_str()));
                all
            };
            shop.sim.fault(Fault::new(FaultKind::Html502));
            shop.pass(Duration::from_mins(1)).await;
            assert!(told().await.is_empty(), "a minute is nothing");
            shop.pass(Duration::from_mins(9)).await;
            assert_eq!(told().await.len(), 1);

            shop.sim.faults(Faults::none());
            payments::query_payment(&shop.services, &payment.payment_no, None)
                .await
                .unwrap();
            shop.run_jobs().await;
            assert!(told().await.is_empty());
            let over = list_resolved_incidents(&shop.services, 1).await.unwrap();
            assert_eq!(over[0].kind, Some(IncidentKind::GatewaySilent));
            assert_eq!(over[0].resolved_by, None, "nobody had to");
        }
    })
    .await;
}
