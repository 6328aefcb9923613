//! A precreated bill and the trade that scanning makes of it.

use serde_json::json;

use crate::books::Gateway;
use crate::dice::Dice;
use crate::faults::{Endpoint, FaultKind, Faults};
use crate::letter::alipay_frame;
use crate::payer::{self, Payer, Refusal, Standing};
use crate::post::{Content, Notice};
use crate::time::{DAY_MS, SECOND_MS, beijing_text, compact};
use crate::wire::yuan;
use crate::world::World;

/// After the refund window a paid trade is final.
const FINISH_MS: i64 = 90 * DAY_MS;

#[derive(Debug)]
pub(crate) struct Bill {
    pub(crate) out_trade_no: String,
    pub(crate) subject: String,
    pub(crate) body: Option<String>,
    pub(crate) passback_params: Option<String>,
    pub(crate) total_fen: i64,
    pub(crate) notify_url: Option<String>,
    pub(crate) code: String,
    pub(crate) created_ms: i64,
    pub(crate) code_dies_ms: i64,
    pub(crate) pay_by_ms: i64,
    pub(crate) trade: Option<Trade>,
}

#[derive(Debug, Clone)]
pub(crate) struct Trade {
    pub(crate) trade_no: String,
    pub(crate) buyer: String,
    pub(crate) created_ms: i64,
    pub(crate) status: Status,
    pub(crate) paid_ms: Option<i64>,
    pub(crate) closed_ms: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    WaitBuyerPay,
    Success,
    Finished,
    Closed,
}

impl Status {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Status::WaitBuyerPay => "WAIT_BUYER_PAY",
            Status::Success => "TRADE_SUCCESS",
            Status::Finished => "TRADE_FINISHED",
            Status::Closed => "TRADE_CLOSED",
        }
    }
}

impl Trade {
    pub(super) fn buyer_id(&self) -> String {
        use sha2::Digest as _;
        let digest = sha2::Sha256::digest(self.buyer.as_bytes());
        let digits: String = digest.iter().map(|byte| char::from(b'0' + byte % 10)).collect();
        format!("2088{}", &digits[..12])
    }

    pub(super) fn buyer_logon_id(&self) -> String {
        format!(
            "{}***@sandbox.example",
            self.buyer.chars().take(3).collect::<String>()
        )
    }
}

impl Bill {
    pub(crate) fn look(&self) -> payer::Bill {
        payer::Bill {
            gateway: Gateway::Alipay,
            out_trade_no: self.out_trade_no.clone(),
            code: self.code.clone(),
            subject: self.subject.clone(),
            total_fen: self.total_fen,
            created_ms: self.created_ms,
            standing: match self.trade.as_ref().map(|trade| trade.status) {
                None | Some(Status::WaitBuyerPay) => Standing::Open,
                Some(Status::Success | Status::Finished) => Standing::Paid,
                Some(Status::Closed) => Standing::Closed,
            },
        }
    }

    pub(crate) fn is_payable(&self, now_ms: i64) -> bool {
        match &self.trade {
            None => now_ms < self.code_dies_ms,
            Some(trade) => trade.status == Status::WaitBuyerPay && now_ms < self.pay_by_ms,
        }
    }

    pub(super) fn next_lapse_ms(&self) -> Option<i64> {
        let trade = self.trade.as_ref()?;
        match trade.status {
            Status::WaitBuyerPay => Some(self.pay_by_ms),
            Status::Success => trade.paid_ms.map(|paid_ms| paid_ms + FINISH_MS),
            Status::Finished | Status::Closed => None,
        }
    }
}

/// Closes unpaid trades at their deadline and finishes old paid ones; both are announced.
pub(crate) fn lapse(world: &mut World, now_ms: i64) {
    loop {
        let lapsed = world.alipay.bills.values_mut().find_map(|bill| {
            let at_ms = bill.next_lapse_ms().filter(|at_ms| *at_ms <= now_ms)?;
            let trade = bill.trade.as_mut()?;
            if trade.status == Status::WaitBuyerPay {
                trade.status = Status::Closed;
                trade.closed_ms = Some(at_ms);
            } else {
                trade.status = Status::Finished;
            }
            Some((at_ms, bill.out_trade_no.clone()))
        });
        let Some((at_ms, out_trade_no)) = lapsed else {
            return;
        };
        announce(world, at_ms, &out_trade_no);
    }
}

/// Scanning is what creates the trade, and it belongs to the first buyer.
pub(crate) fn scan(
    world: &mut World,
    now_ms: i64,
    out_trade_no: &str,
    payer: &Payer<'_>,
) -> Result<(), Refusal> {
    let bill = world
        .alipay
        .bills
        .get_mut(out_trade_no)
        .ok_or(Refusal::UnknownCode)?;
    if let Some(trade) = &bill.trade {
        return match trade.status {
            Status::Success | Status::Finished => Err(Refusal::AlreadyPaid),
            Status::Closed => Err(Refusal::Closed),
            Status::WaitBuyerPay if trade.buyer == payer.name => Ok(()),
            Status::WaitBuyerPay => Err(Refusal::OtherPayer),
        };
    }
    let is_code = payer.prompt != out_trade_no;
    if now_ms >= bill.code_dies_ms || (is_code && payer.prompt != bill.code) {
        return Err(Refusal::CodeExpired);
    }
    bill.trade = Some(open_trade(&mut world.dice, now_ms, payer.name));
    Ok(())
}

fn open_trade(dice: &mut Dice, now_ms: i64, buyer: &str) -> Trade {
    Trade {
        trade_no: format!("{}22001{}", &compact(now_ms)[..8], dice.digits(15)),
        buyer: buyer.to_owned(),
        created_ms: now_ms,
        status: Status::WaitBuyerPay,
        paid_ms: None,
        closed_ms: None,
    }
}

pub(crate) fn pay(
    world: &mut World,
    now_ms: i64,
    out_trade_no: &str,
    payer: &Payer<'_>,
    late: bool,
) -> Result<(), Refusal> {
    match scan(world, now_ms, out_trade_no, payer) {
        Ok(()) => {}
        Err(Refusal::Closed | Refusal::CodeExpired) if late => {}
        Err(refusal) => return Err(refusal),
    }
    let World { alipay, dice, .. } = world;
    let bill = alipay.bills.get_mut(out_trade_no).ok_or(Refusal::UnknownCode)?;
    let trade = bill
        .trade
        .get_or_insert_with(|| open_trade(dice, now_ms, payer.name));
    trade.status = Status::Success;
    trade.paid_ms = Some(now_ms);
    trade.closed_ms = None;
    announce(world, now_ms, out_trade_no);
    Ok(())
}

/// How fresh a payment the next query does not see.
pub(super) fn unseen_ms(faults: &mut Faults, dice: &mut Dice) -> i64 {
    let stale = faults.strike(dice, Gateway::Alipay, Endpoint::Query, |kind| match kind {
        FaultKind::Stale { seconds } => Some(seconds.saturating_mul(SECOND_MS)),
        _ => None,
    });
    stale.unwrap_or(0)
}

/// Tells the merchant about the trade as it is now; without a notify_url nobody is told.
pub(super) fn announce(world: &mut World, now_ms: i64, out_trade_no: &str) {
    let World { alipay, dice, .. } = world;
    let Some(bill) = alipay.bills.get(out_trade_no) else {
        return;
    };
    let Some(trade) = &bill.trade else { return };
    if let Some(notice) = notice(dice, now_ms, bill, trade) {
        world.announce(now_ms, notice);
    }
}

/// What would be sent if this bill were paid now, though nobody pays.
pub(crate) fn pretend_notice(dice: &mut Dice, now_ms: i64, bill: &Bill) -> Option<Notice> {
    let mut trade = bill
        .trade
        .clone()
        .unwrap_or_else(|| open_trade(dice, now_ms, "one"));
    trade.status = Status::Success;
    trade.paid_ms = Some(now_ms);
    trade.closed_ms = None;
    notice(dice, now_ms, bill, &trade)
}

fn notice(dice: &mut Dice, now_ms: i64, bill: &Bill, trade: &Trade) -> Option<Notice> {
    let id = format!("{}{}", compact(now_ms), dice.digits(20));
    Some(Notice {
        out_trade_no: bill.out_trade_no.clone(),
        url: bill.notify_url.clone()?,
        about: trade.status.word().to_owned(),
        created_ms: now_ms,
        content: Content::Alipay(fields(bill, trade, &id)),
        id,
    })
}

fn fields(bill: &Bill, trade: &Trade, notify_id: &str) -> Vec<(String, String)> {
    let total = yuan(bill.total_fen);
    let mut fields = alipay_frame(notify_id);
    let mut add = |name: &str, value: String| fields.push((name.to_owned(), value));
    add("trade_no", trade.trade_no.clone());
    add("out_trade_no", bill.out_trade_no.clone());
    add("trade_status", trade.status.word().to_owned());
    add("total_amount", total.clone());
    add("subject", bill.subject.clone());
    if let Some(body) = &bill.body {
        add("body", body.clone());
    }
    if let Some(passback_params) = &bill.passback_params {
        add("passback_params", passback_params.clone());
    }
    add("buyer_id", trade.buyer_id());
    add("buyer_logon_id", trade.buyer_logon_id());
    add("gmt_create", beijing_text(trade.created_ms));
    if let Some(paid_ms) = trade.paid_ms {
        add("gmt_payment", beijing_text(paid_ms));
        for name in ["receipt_amount", "invoice_amount", "buyer_pay_amount"] {
            add(name, total.clone());
        }
        add("point_amount", "0.00".to_owned());
        add(
            "fund_bill_list",
            json!([{"amount": total, "fundChannel": "ALIPAYACCOUNT"}]).to_string(),
        );
    }
    if let Some(closed_ms) = trade.closed_ms {
        add("gmt_close", beijing_text(closed_ms));
    }
    fields
}
