//! Floods of refused requests, which must not cost concurrent writers anything. And a refund without a number, which only
//! the outcome of its commit protects from being made twice.

use domain::{Money, PaymentId};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use payments::console::{Browser, ConsoleError, admit_login};
use payments::{Error, NewOrder, RefundRequest};

use crate::people::Code;
use crate::servers::is_unheard;
use crate::simulation::Simulation;

const AT_ONCE: u64 = 5;

impl Simulation {
    pub async fn crowd(self) {
        while self.in_trouble() {
            let nap = self.rng().millis(0, 4_000);
            self.sleep(nap).await;
            let requests: Vec<BoxFuture<'_, ()>> = (0..AT_ONCE)
                .map(|_| match self.rng().below(3) {
                    0 => self.knock().boxed(),
                    1 => self.take_number().boxed(),
                    _ => self.ask_too_much().boxed(),
                })
                .collect();
            join_all(requests).await;
        }
    }

    /// Guesses passwords.
    async fn knock(&self) {
        let answer = self.ask("log_in", |services| {
            async move {
                let browser = Browser::unknown(&services, "a guesser");
                admit_login(&services, "owner@example.com", None, &browser).await
            }
            .boxed()
        });
        match answer.await {
            Some(Err(ConsoleError::TooManyAttempts { .. })) => self.note_refusal(),
            Some(Err(ConsoleError::Core(error))) if !is_unheard(&error) => {
                self.fail(format!("admit_login: {error:?}"));
            }
            _ => {}
        }
    }

    /// Reuses a number that another order has already.
    async fn take_number(&self) {
        let taken: Vec<(String,)> = self.peek().all("select order_no from orders order by id limit 1");
        let Some((order_no,)) = taken.into_iter().next() else {
            return;
        };
        let new = NewOrder {
            order_no: Some(order_no),
            user_id: "mallory".to_owned(),
            subject: "other".to_owned(),
            amount: Money::from_fen(1).unwrap(),
            return_url: None,
            metadata: None,
            allows_balance: false,
            expires_in: None,
        };
        let answer = self.ask("create_order", move |services| {
            async move { payments::create_order(&services, new, None).await }.boxed()
        });
        match answer.await {
            Some(Err(Error::Refused(_))) => self.note_refusal(),
            Some(Ok(made)) => self.fail(format!("one number for two orders: {made:?}")),
            Some(Err(error)) if !is_unheard(&error) => self.fail(format!("create_order: {error:?}")),
            _ => {}
        }
    }

    /// Requests a refund of more than was paid.
    async fn ask_too_much(&self) {
        let paid: Vec<(String, i64)> = self
            .peek()
            .all("select id, amount from payments order by id limit 1");
        let Some((id, amount)) = paid.into_iter().next() else {
            return;
        };
        let request = RefundRequest {
            payment_id: PaymentId::parse(&id).unwrap(),
            amount: Some(Money::from_fen(amount + 1).unwrap()),
            reason: "too much".to_owned(),
            refund_no: None,
            by: payments::Requester::Rule,
        };
        let answer = self.ask("request_refund", move |services| {
            async move { payments::request_refund(&services, request, None).await }.boxed()
        });
        match answer.await {
            Some(Err(Error::RefundRefused(_) | Error::Refused(_))) => self.note_refusal(),
            Some(Ok(made)) => self.fail(format!("more than was paid is to go back: {made:?}")),
            Some(Err(error)) if !is_unheard(&error) => self.fail(format!("request_refund: {error:?}")),
            _ => {}
        }
    }

    /// Requests once, whatever the outcome: only the answer tells whether it happened.
    pub async fn refund_without_number(&self, code: &Code, fen: Option<i64>) {
        let request = RefundRequest {
            payment_id: PaymentId::parse(&code.payment_id).unwrap(),
            amount: fen.map(|fen| Money::from_fen(fen).unwrap()),
            reason: "改变主意".to_owned(),
            refund_no: None,
            by: payments::Requester::Rule,
        };
        let answer = self.ask("request_refund", move |services| {
            async move { payments::request_refund(&services, request, None).await }.boxed()
        });
        if let Some(Err(error @ Error::Internal(_))) = answer.await
            && !is_unheard(&error)
        {
            self.fail(format!("request_refund: {error:?}"));
        }
    }

    fn note_refusal(&self) {
        self.facts().n_refused += 1;
    }
}
