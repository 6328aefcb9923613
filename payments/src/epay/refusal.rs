//! Refusals as epay clients read them: a negative code and a sentence.

use std::borrow::Cow;

use domain::RefundRefusal;

use crate::Error;
use crate::store::{FromStore, StoreError};

/// `code` of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// A value is wrong, or the order does not allow it.
    Refused,
    /// The operator has not switched refunds on.
    RefundsOff,
    /// An unknown merchant, a wrong key or a wrong signature.
    NotAuthentic,
    /// Something is missing, or there twice.
    Incomplete,
    /// There is no such call.
    UnknownCall,
}

/// Reason of a refused request; nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("{message}")]
    Told { code: Code, message: Cow<'static, str> },
    /// Something broke on our side; what was asked may have happened.
    #[error(transparent)]
    Broken(Error),
}

impl Code {
    pub const fn number(self) -> i64 {
        match self {
            Code::Refused => -1,
            Code::RefundsOff => -2,
            Code::NotAuthentic => -3,
            Code::Incomplete => -4,
            Code::UnknownCall => -5,
        }
    }
}

impl Refusal {
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::Told {
            code,
            message: message.into(),
        }
    }

    pub fn refused(message: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::new(Code::Refused, message)
    }

    pub fn incomplete(message: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::new(Code::Incomplete, message)
    }

    /// The same words for an unknown merchant, a wrong key and a wrong signature.
    pub fn not_authentic() -> Refusal {
        Refusal::new(
            Code::NotAuthentic,
            "商户不存在、密钥错误或签名校验失败 (unknown pid, wrong key or wrong sign)",
        )
    }

    /// The words 订单不存在 are part of the protocol: a client looks for them and asks by the other number.
    pub fn no_such_order() -> Refusal {
        Refusal::refused("订单不存在 (no such order)")
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        match error {
            Error::NotFound => Refusal::no_such_order(),
            Error::RefundRefused(refusal) => Refusal::refused(refund_words(refusal)),
            Error::Refused(refusal) => Refusal::refused(format!("订单状态不允许此操作 ({refusal})")),
            Error::Invalid { field, message } => Refusal::refused(format!("参数错误 ({field}: {message})")),
            Error::MethodUnavailable(_) => Refusal::refused("支付方式不可用 (this method is not offered)"),
            Error::Declined { .. } => Refusal::refused("支付渠道拒绝了请求 (declined by the gateway)"),
            Error::Unreachable { .. } | Error::RateLimited { .. } => {
                Refusal::refused("请稍后再试 (try again later)")
            }
            error => Refusal::Broken(error),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        Refusal::Broken(Error::Internal(error))
    }
}

impl FromStore for Refusal {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Refusal::Broken(Error::Internal(error)) => Some(error),
            Refusal::Broken(_) | Refusal::Told { .. } => None,
        }
    }
}

fn refund_words(refusal: RefundRefusal) -> &'static str {
    match refusal {
        RefundRefusal::NotPaid => "订单未支付，不能退款 (the order is not paid)",
        RefundRefusal::NothingLeft => "订单已全额退款 (all of it is returned already)",
        RefundRefusal::ExceedsPayment => "退款金额大于可退金额 (more than what is left)",
        RefundRefusal::TooLate => "超过退款期限 (too late for a refund)",
        RefundRefusal::TooMany => "退款次数已达上限 (too many refunds of this order)",
        RefundRefusal::OtherAccount => "收款账户已更换，不能退款 (paid to another account)",
        RefundRefusal::NumberReused => "退款单号已被使用 (this refund number is taken)",
        RefundRefusal::NotRetryable => "退款正在处理 (this refund is under way)",
    }
}
