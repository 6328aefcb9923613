//! Entry of a statement: one payment, or one refund, with what each table says of it.

/// Days or months of a statement, and the time at which the gateway made it: later changes are not in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Period {
    pub(crate) from_ms: i64,
    pub(crate) until_ms: i64,
    pub(crate) made_ms: i64,
}

impl Period {
    pub(crate) fn has(&self, at_ms: i64) -> bool {
        (self.from_ms..self.until_ms).contains(&at_ms)
    }

    /// The period of the same length before this one.
    pub(crate) fn before(self) -> Period {
        let length_ms = self.until_ms - self.from_ms;
        Period {
            from_ms: self.from_ms - length_ms,
            until_ms: self.from_ms,
            ..self
        }
    }
}

/// Amounts are positive for payments and for refunds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Time of payment; of the refund call at WeChat, of the refund's end at Alipay.
    pub(crate) at_ms: i64,
    pub(crate) created_ms: i64,
    pub(crate) out_trade_no: String,
    /// `transaction_id`, `trade_no`.
    pub(crate) gateway_no: String,
    pub(crate) title: String,
    pub(crate) attach: String,
    pub(crate) store: String,
    /// Device at WeChat, terminal at Alipay.
    pub(crate) device: String,
    pub(crate) payer: String,
    /// WeChat's `trade_type`.
    pub(crate) product: &'static str,
    /// Amount of the order, or amount asked back.
    pub(crate) fen: i64,
    /// Part that the gateway paid, or takes back.
    pub(crate) coupon_fen: i64,
    /// Part that the merchant gave away: it is neither received nor paid back.
    pub(crate) merchant_coupon_fen: i64,
    /// Taken for a payment, given back for a refund.
    pub(crate) fee_fen: i64,
    pub(crate) rate: i64,
    pub(crate) refund: Option<RefundPart>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefundPart {
    /// `out_refund_no`, `out_request_no`.
    pub(crate) refund_no: String,
    /// WeChat's `refund_id`; empty at Alipay.
    pub(crate) gateway_no: String,
    pub(crate) state: RefundWord,
    pub(crate) ended_ms: Option<i64>,
}

/// State of a refund in WeChat's trade statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundWord {
    Success,
    Processing,
    /// The payer's account takes no money; a person must act.
    Change,
    Fail,
}

impl RefundWord {
    pub(crate) fn word(self) -> &'static str {
        match self {
            RefundWord::Success => "SUCCESS",
            RefundWord::Processing => "PROCESSING",
            RefundWord::Change => "CHANGE",
            RefundWord::Fail => "FAIL",
        }
    }
}

impl Entry {
    /// Amount that the merchant really receives, or pays back.
    pub(crate) fn settled_fen(&self) -> i64 {
        self.fen - self.merchant_coupon_fen
    }

    pub(crate) fn is_refund(&self) -> bool {
        self.refund.is_some()
    }
}

/// Rate of fees until another one is set: 0.60 %, in hundredths of a percent.
pub(crate) fn usual_rate() -> i64 {
    60
}

/// Fee of a sum at a rate in hundredths of a percent, rounded to the nearest fen.
pub(crate) fn fee_of(fen: i64, rate: i64) -> i64 {
    (fen * rate + 5_000) / 10_000
}

/// `0.60%`
pub(crate) fn rate_text(rate: i64) -> String {
    format!("{}.{:02}%", rate / 100, rate % 100)
}

/// Part of `whole` that belongs to `fen` of `total`, rounded down: parts of growing sums add up to the whole.
pub(crate) fn part_of(whole: i64, fen: i64, total: i64) -> i64 {
    let exact = i128::from(fen) * i128::from(whole) / i128::from(total);
    i64::try_from(exact).expect("a part of a sum is no larger than the sum")
}
