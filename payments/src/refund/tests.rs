//! Refunds that need a person, and those that recover by themselves.

use domain::{Money, PaymentId, Refund, RefundId, RefundNo, RefundState, Timestamp};
use futures_util::FutureExt;

use super::incident_of_change;
use crate::model::incident::IncidentKind;
use crate::store::incidents;
use crate::store::{Db, StoreError, on};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn refund(state: RefundState) -> Refund {
    Refund {
        id: RefundId::new(NOW, [1; 10]),
        refund_no: RefundNo::new(NOW, [1; 10]),
        payment_id: PaymentId::new(NOW, [1; 10]),
        amount: Money::from_fen(100).unwrap(),
        reason: "reason".to_owned(),
        state,
        gateway_refund_id: None,
        failure_reason: Some("words".to_owned()),
        created_at: NOW,
        updated_at: NOW,
        finished_at: None,
        version: 0,
    }
}

#[test]
fn only_refunds_that_need_a_person_raise_incidents() {
    use RefundState::{Failed, Stuck, Succeeded};
    for before in RefundState::ALL {
        for after in RefundState::ALL {
            let heard = incident_of_change(&refund(before), &refund(after)).map(|(kind, _)| kind);
            let expected = match (before, after) {
                (Failed, Succeeded) => Some(IncidentKind::RefundRevived),
                (before, Failed) if before != Failed => Some(IncidentKind::RefundFailed),
                (before, Stuck) if before != Stuck => Some(IncidentKind::RefundStuck),
                _ => None,
            };
            assert_eq!(heard, expected, "{before:?} {after:?}");
        }
    }
}

async fn open(db: &Db) -> Vec<(String, String)> {
    const SQL: &str = "select subject, detail from incidents where resolved_at is null order by id";
    db.snapshot(|tx| async move { on!(tx, SQL, fetch_all, |query| query) }.boxed())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_settled_incident_reopens_when_it_recurs() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/incidents.db", directory.path().display());
    let db = Db::connect(&url).await.unwrap();
    let happen = async |kind: IncidentKind, subject: &str, detail: &str| {
        let id = &domain::IncidentId::new(NOW, [u8::try_from(subject.len()).unwrap(); 10]);
        db.write(|tx| {
            async move {
                incidents::insert(tx, id, kind, subject, None, detail, NOW).await?;
                incidents::reopen(tx, kind, subject, detail, NOW).await
            }
            .boxed()
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    };
    let pair = |subject: &str, detail: &str| (subject.to_owned(), detail.to_owned());
    happen(IncidentKind::RefundStuck, "one", "no money").await;
    happen(IncidentKind::RefundStuck, "other", "no account").await;
    let settle = async |kind: IncidentKind| {
        db.write(|tx| incidents::settle(tx, kind, "one", NOW).boxed())
            .await
            .map_err(|error: StoreError| error)
            .unwrap();
    };
    settle(IncidentKind::RefundFailed).await;
    assert_eq!(open(&db).await.len(), 2, "another kind is another matter");
    settle(IncidentKind::RefundStuck).await;
    assert_eq!(open(&db).await, [pair("other", "no account")]);
    happen(IncidentKind::RefundStuck, "one", "again").await;
    assert_eq!(
        open(&db).await,
        [pair("one", "again"), pair("other", "no account")]
    );
}
