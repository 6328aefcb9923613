//! A database that was restored from an older backup.

use std::time::Duration;

use payments::Services;
use payments::console::{IncidentKind, list_open_incidents};
use payments::reconciliation::{DifferenceKind, find_day, run_statements};
use payments::restore::{find_last_change, note_restored};
use payments::store::Db;

use crate::reconciliation::{open, opening_day, paid, sleep_until_morning};
use crate::shop::{BOTH, Engine, Shop};

#[tokio::test]
async fn a_restored_database_is_noticed_and_a_payment_that_it_lost_is_found_by_the_statement() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    for (method, _) in BOTH {
        paid(&shop, method, "1.00").await;
    }
    let directory = tempfile::tempdir().unwrap();
    let backup = directory.path().join("old.db");
    payments::backup::copy_sqlite(shop.database(), &backup)
        .await
        .unwrap();
    let before = find_last_change(&shop.services).await.unwrap().unwrap();
    shop.sleep(Duration::from_mins(1)).await;
    let mut lost = Vec::new();
    for (method, _) in BOTH {
        lost.push(paid(&shop, method, "49.90").await);
    }
    let remembered = find_last_change(&shop.services).await.unwrap().unwrap();

    assert!(!note_restored(&shop.services, &remembered).await.unwrap());
    let db = Db::connect(&format!("sqlite://{}", backup.display()))
        .await
        .unwrap();
    let restored = &Services {
        db,
        ..shop.services.clone()
    };
    assert!(
        !note_restored(restored, &before).await.unwrap(),
        "that change is in the copy"
    );
    for _ in 0..2 {
        assert!(note_restored(restored, &remembered).await.unwrap());
    }
    let incidents = list_open_incidents(restored, None, 9).await.unwrap().data;
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert_eq!(incidents[0].kind, Some(IncidentKind::DatabaseRestored));

    // The statements of today are not there yet, whatever the schedule.
    assert_eq!(run_statements(restored, None).await.unwrap(), 0);
    sleep_until_morning(&shop).await;
    assert_eq!(run_statements(restored, None).await.unwrap(), 2);
    for payment in &lost {
        let channel = payment.method().channel().unwrap();
        let day = find_day(restored, opening_day(), channel).await.unwrap();
        let number = payment.payment_no.as_str().to_owned();
        assert_eq!(
            open(&day),
            [(DifferenceKind::MissingInBooks, number)],
            "{channel}"
        );
    }
    restored.db.close().await;
    shop.close().await;
}
