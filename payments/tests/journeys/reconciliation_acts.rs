//! Acts of people on a reconciled day.

use domain::{Channel, Method};
use payments::Error;
use payments::console::{Actor, AuditQuery, ConsoleError, close_day, explain_difference, list_audit_entries};
use payments::reconciliation::{DifferenceKind, ReconciliationStatus, find_day};
use simulator::{Plant, PlantKind};

use crate::reconciliation::{count_events, open, opening_day, paid, reconcile, sleep_until_morning};
use crate::shop::{Shop, on_each_engine};

async fn count_acts(shop: &Shop) -> usize {
    let query = AuditQuery {
        limit: 100,
        ..AuditQuery::default()
    };
    let entries = list_audit_entries(&shop.services, &query).await.unwrap().data;
    let of_a_day = |action: &str| ["explain_difference", "close_day"].contains(&action);
    entries.iter().filter(|entry| of_a_day(&entry.action)).count()
}

#[tokio::test]
async fn an_act_that_was_done_before_changes_nothing() {
    on_each_engine(async |shop| {
        let actor = Actor::of_command("test");
        let of = (opening_day(), Channel::Wechat);
        let explain = async |kind, subject: &str| {
            explain_difference(&shop.services, &actor, of, (kind, subject), "顾客投诉").await
        };
        let read = async || {
            let day = find_day(&shop.services, of.0, of.1).await.unwrap();
            (day, count_events(shop).await, count_acts(shop).await)
        };
        let first = paid(shop, Method::Wechat, "49.90").await;
        let second = paid(shop, Method::Wechat, "20.00").await;
        let unknown = explain(DifferenceKind::Amount, "x").await;
        assert!(
            matches!(unknown, Err(ConsoleError::Core(Error::NotFound))),
            "{unknown:?}"
        );
        // The statement of today is not made yet.
        let pending = reconcile(shop, Channel::Wechat).await;
        assert_eq!(pending.row.status, ReconciliationStatus::Pending);
        let before = read().await;
        let unknown = explain(DifferenceKind::Amount, "x").await;
        assert!(
            matches!(unknown, Err(ConsoleError::Core(Error::NotFound))),
            "{unknown:?}"
        );
        assert_eq!(read().await, before);

        sleep_until_morning(shop).await;
        for payment in [&first, &second] {
            let number = payment.payment_no.as_str();
            shop.sim
                .plant(Plant::of_trade(PlantKind::Amount, number))
                .unwrap();
        }
        let found = open(&reconcile(shop, Channel::Wechat).await);
        let [(kind, subject), (other_kind, other_subject)] = <[_; 2]>::try_from(found).unwrap();
        explain(kind, &subject).await.unwrap();
        let before = read().await;
        assert_eq!(
            (before.0.n_open(), before.0.row.close.is_none(), before.2),
            (1, true, 1)
        );
        let again = explain(kind, &subject).await;
        assert!(matches!(again, Err(ConsoleError::DecidedAlready)), "{again:?}");
        let unknown = explain(other_kind, "x").await;
        assert!(
            matches!(unknown, Err(ConsoleError::Core(Error::NotFound))),
            "{unknown:?}"
        );
        assert_eq!(read().await, before);

        explain(other_kind, &other_subject).await.unwrap();
        let before = read().await;
        assert_eq!(
            (before.0.row.status, before.2),
            (ReconciliationStatus::Matched, 2)
        );
        assert!(before.0.row.close.is_some());
        let again = explain(other_kind, &other_subject).await;
        assert!(matches!(again, Err(ConsoleError::DecidedAlready)), "{again:?}");
        let closed = close_day(&shop.services, &actor, of, "顾客投诉").await;
        assert!(matches!(closed, Err(ConsoleError::DecidedAlready)), "{closed:?}");
        assert_eq!(read().await, before);
    })
    .await;
}

#[tokio::test]
async fn a_pending_day_is_closed_once_and_asked_for_no_more() {
    on_each_engine(async |shop| {
        let actor = Actor::of_command("test");
        let of = (opening_day(), Channel::Wechat);
        paid(shop, Method::Wechat, "49.90").await;
        let pending = reconcile(shop, Channel::Wechat).await;
        assert!(pending.row.due_at.is_some());
        close_day(&shop.services, &actor, of, "没有账单").await.unwrap();
        let closed = find_day(&shop.services, of.0, of.1).await.unwrap();
        assert_eq!(
            (closed.row.status, closed.row.due_at),
            (ReconciliationStatus::Pending, None)
        );
        assert!(closed.row.close.is_some());
        let again = close_day(&shop.services, &actor, of, "没有账单").await;
        assert!(matches!(again, Err(ConsoleError::DecidedAlready)), "{again:?}");
        assert_eq!(find_day(&shop.services, of.0, of.1).await.unwrap(), closed);
        assert_eq!((count_events(shop).await, count_acts(shop).await), (0, 1));
    })
    .await;
}
