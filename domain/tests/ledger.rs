//! Every way a payment can end leaves every account at its expected balance.

use std::collections::BTreeMap;

use domain::{
    Account, Change, Channel, Deal, EntryKind, Method, Money, OrderId, Payment, PaymentId, PaymentNo,
    PaymentState, Product, Purpose, Refund, RefundId, RefundNo, RefundState, Timestamp, Transfer,
};

const NOW: Timestamp = Timestamp::from_millis(1_795_485_600_000);

fn fen(fen: i64) -> Money {
    Money::from_fen(fen).expect("an amount")
}

fn payment(product: Product, settles: bool) -> Payment {
    Payment {
        id: PaymentId::new(NOW, [1; 10]),
        payment_no: PaymentNo::new(NOW, [1; 10]),
        order_id: OrderId::new(NOW, [1; 10]),
        product,
        amount: fen(990),
        state: PaymentState::Paid,
        settles,
        account: None,
        transaction_id: Some("t".to_owned()),
        request: String::new(),
        return_url: None,
        prompt: None,
        prompted_at: None,
        failure_reason: None,
        refunded: Money::ZERO,
        refunding: Money::ZERO,
        refund_reason: None,
        refunded_at: None,
        expires_at: NOW,
        paid_at: Some(NOW),
        created_at: NOW,
        updated_at: NOW,
        version: 1,
    }
}

fn refund(amount: i64) -> Refund {
    Refund {
        id: RefundId::new(NOW, [2; 10]),
        refund_no: RefundNo::new(NOW, [2; 10]),
        payment_id: PaymentId::new(NOW, [1; 10]),
        amount: fen(amount),
        reason: "unhappy".to_owned(),
        state: RefundState::Requested,
        gateway_refund_id: None,
        failure_reason: None,
        created_at: NOW,
        updated_at: NOW,
        finished_at: None,
        version: 0,
    }
}

#[derive(Default)]
struct Books(BTreeMap<String, i64>);

impl Books {
    fn post(&mut self, transfer: &Transfer<'_>) {
        let lines = transfer.lines();
        assert_eq!(lines.iter().map(|(_, amount)| amount).sum::<i64>(), 0);
        for (account, amount) in lines {
            *self.0.entry(account.to_string()).or_default() += amount;
        }
    }

    fn of(&self, account: Account<'_>) -> i64 {
        self.0.get(&account.to_string()).copied().unwrap_or(0)
    }
}

/// Every possible kind of payment: a top-up is never paid by balance, and money of a balance is never surplus.
fn deals() -> Vec<(Deal<'static>, Payment)> {
    let deal = |method: Method, purpose, settles| {
        let deal = Deal {
            method,
            purpose,
            settles,
            user_id: "ann",
        };
        (deal, payment(method.default_product(), settles))
    };
    let mut deals = vec![deal(Method::Balance, Purpose::Sale, true)];
    for method in [Method::Wechat, Method::Alipay] {
        for purpose in Purpose::ALL {
            deals.extend([true, false].map(|settles| deal(method, purpose, settles)));
        }
    }
    deals
}

#[test]
fn a_refund_that_is_done_undoes_its_payment() {
    for (deal, payment) in deals() {
        let mut books = Books::default();
        books.post(&deal.paid(&payment));
        assert_eq!(books.of(deal.owner()), 990, "{deal:?}");
        assert_eq!(books.of(deal.payer()), -990, "{deal:?}");
        let refund = refund(990);
        books.post(&deal.refund_requested(&refund));
        assert_eq!(books.of(deal.owner()), 0, "{deal:?}");
        assert_eq!(books.of(Account::RefundsDue), 990, "{deal:?}");
        books.post(&deal.refunded(&refund));
        assert!(books.0.values().all(|sum| *sum == 0), "{deal:?} {:?}", books.0);
    }
}

#[test]
fn a_refund_that_fails_leaves_the_money_where_it_was() {
    for (deal, payment) in deals() {
        let mut books = Books::default();
        books.post(&deal.paid(&payment));
        let before = books.0.clone();
        let refund = refund(490);
        books.post(&deal.refund_requested(&refund));
        books.post(&deal.refund_failed(&refund));
        assert_eq!(books.of(Account::RefundsDue), 0);
        assert_eq!(
            books.of(deal.owner()),
            before[&deal.owner().to_string()],
            "{deal:?}"
        );
        books.post(&deal.refund_revived(&refund, Account::Losses));
        assert_eq!(books.of(Account::Losses), -490);
        assert_eq!(books.of(deal.payer()), -500, "{deal:?}");
    }
}

#[test]
fn every_transfer_of_a_payment_and_a_refund_has_a_unique_name() {
    for (deal, payment) in deals() {
        let refund = refund(1);
        let names: std::collections::BTreeSet<String> = [
            deal.paid(&payment),
            deal.refund_requested(&refund),
            deal.refunded(&refund),
            deal.refund_failed(&refund),
            Transfer::adjust("ann", Change::from_fen(1).unwrap(), payment.id.as_str(), "note"),
        ]
        .into_iter()
        .map(|transfer| transfer.journal)
        .collect();
        assert_eq!(names.len(), 5);
        // The money of one refund is returned once, whether it had been called failed or not.
        assert_eq!(
            deal.refunded(&refund).journal,
            deal.refund_revived(&refund, deal.owner()).journal
        );
    }
}

#[test]
fn an_adjustment_has_either_sign_and_is_never_zero() {
    for (fen, from, to) in [
        (500, Account::Adjustments, Account::User("ann")),
        (-500, Account::User("ann"), Account::Adjustments),
    ] {
        let transfer = Transfer::adjust("ann", Change::from_fen(fen).unwrap(), "A-1", "gift");
        assert_eq!(
            (transfer.from, transfer.to, transfer.amount.fen()),
            (from, to, 500)
        );
    }
    for fen in [0, i64::MIN, i64::MAX, 10_000_000_001, -10_000_000_001] {
        assert!(Change::from_fen(fen).is_err(), "{fen}");
    }
    assert_eq!(Change::from_fen(-10_000_000_000).unwrap().size(), Money::MAX);
}

#[test]
fn accounts_and_kinds_have_unique_names() {
    let accounts = [
        Account::Gateway(Channel::Wechat),
        Account::Gateway(Channel::Alipay),
        Account::Sales,
        Account::Surplus,
        Account::User("sales"),
        Account::User("user:sales"),
        Account::RefundsDue,
        Account::Adjustments,
        Account::Losses,
    ];
    let names: std::collections::BTreeSet<String> = accounts.map(|account| account.to_string()).into();
    assert_eq!(names.len(), accounts.len());
    for kind in EntryKind::ALL {
        assert_eq!(EntryKind::parse(kind.as_str()), Some(kind));
    }
}
