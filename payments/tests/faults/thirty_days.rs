//! Thirty days of one order in seconds: opened every day, paid late, refunded in parts, once with a fault.

use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::{OrderId, Product};
use simulator::{Fault, FaultKind, Faults, RefundOutcome};

use crate::executor::Owner;
use crate::life::{OPENING, Stage};
use crate::peek::runtime;
use crate::people::Code;
use crate::plan::Plan;
use crate::simulation::Simulation;

const DAY: Duration = Duration::from_hours(24);
/// The jobs run every twenty minutes instead of every five seconds: a month has half a million of those.
const SLOWDOWN: u64 = 240;

#[test]
fn thirty_days_of_an_order_pass_in_seconds() {
    let _runtime = runtime().enter();
    let plan = Plan {
        payment_ttl: Duration::from_mins(15),
        order_ttl: DAY * 31,
        ..Plan::calm(30)
    };
    let mut stage = Stage::open(plan);
    let simulation = stage.simulation.clone();
    simulation.gateways(|gateways, _| gateways.faults(&Faults::none()));
    simulation.slowdown.store(SLOWDOWN, Ordering::SeqCst);
    simulation.spawn(Owner::Outside, "courier", simulation.clone().courier());
    simulation.spawn(Owner::Outside, "story", simulation.clone().story());
    stage.executor.run_until(OPENING + DAY * 30);
    assert_eq!(simulation.failures(), Vec::<String>::new());
    assert_eq!(simulation.differences(), Vec::<String>::new());
    simulation.check_safety();
    assert_eq!(simulation.failures(), Vec::<String>::new());
    assert!(simulation.facts().is_told, "the story came to its end");
    let due = "select payment_no from payments where due_at is not null union all select refund_no from refunds where due_at is not null";
    assert_eq!(
        simulation.peek().all::<(String,)>(due),
        [],
        "a month later nothing is left to ask about"
    );
    stage.close();
}

impl Simulation {
    async fn story(self) {
        let order = self.order("month", "ann", false).await.unwrap();
        for day in 0..9 {
            let product = if day % 2 == 0 {
                Product::Native
            } else {
                Product::Qr
            };
            let code = self.code(&order, product).await.unwrap();
            self.sleep(DAY).await;
            assert_eq!(self.state_of(&code), "closed", "day {day}");
        }
        let code = self.code(&order, Product::Native).await.unwrap();
        self.pay(&code);
        self.sleep(DAY).await;
        assert_eq!(self.state_of(&code), "paid");

        self.refund(&code, "R-month-1", Some(1)).await;
        self.sleep(DAY * 3).await;
        assert_eq!(self.refund_state("R-month-1"), "succeeded");

        // The payer's card accepts no refund: a person has to act, and does so after a week.
        let trouble = Faults::none().with(Fault::new(FaultKind::RefundAbnormal).times(1));
        self.gateways(|gateways, _| gateways.faults(&trouble));
        self.refund(&code, "R-month-2", Some(1)).await;
        self.sleep(DAY * 7).await;
        assert_eq!(self.refund_state("R-month-2"), "stuck");
        self.gateways(|gateways, now_ms| gateways.settle_refund(now_ms, "R-month-2", RefundOutcome::Success))
            .unwrap();
        self.sleep(DAY).await;
        assert_eq!(self.refund_state("R-month-2"), "succeeded");

        self.refund(&code, "R-month-3", None).await;
        self.sleep(DAY * 2).await;
        assert_eq!(self.refund_state("R-month-3"), "succeeded");
        assert!(self.is_all_back(&order));
        self.facts().is_told = true;
    }

    fn state_of(&self, code: &Code) -> String {
        self.peek().payment_state(&code.payment_no).unwrap()
    }

    fn refund_state(&self, refund_no: &str) -> String {
        let sql = "select state from refunds where refund_no = $1";
        self.peek().text(sql, refund_no).unwrap()
    }

    fn is_all_back(&self, order: &OrderId) -> bool {
        let sql = "select o.amount - sum(r.amount) from orders o join payments p on p.order_id = o.id
            join refunds r on r.payment_id = p.id where o.id = $1 and r.state = 'succeeded' group by o.amount";
        self.peek().number(sql, order.as_str()) == Some(0)
    }
}
