//! Sentences in the details of incidents, in both languages. `{0}` is the first value.

use payments::console::Sentence;

use crate::i18n::Language;

/// Returns the text of a sentence. One that is missing here does not compile.
pub(super) fn sentence_text(sentence: Sentence, language: Language) -> &'static str {
    let (chinese, english) = texts(sentence);
    match language {
        Language::Chinese => chinese,
        Language::English => english,
    }
}

const fn texts(sentence: Sentence) -> (&'static str, &'static str) {
    match sentence {
        Sentence::Surplus => ("订单不再需要这笔款项。", "The order does not need this money."),
        Sentence::WrongAmount => (
            "应付 {0}，平台报告 {1}。",
            "{0} was asked for, the gateway reports {1}.",
        ),
        Sentence::TradeReused => (
            "平台交易 {0} 已用于另一笔支付。",
            "The gateway's trade {0} already pays another payment.",
        ),
        Sentence::PaymentOverdue => (
            "支付已于 {0} 到期，但仍未结束。",
            "It is still open, though its time ended at {0}.",
        ),
        Sentence::PaymentUnanswered => (
            "自 {0} 起，平台的查询应答均不可用。",
            "No query has had a usable answer since {0}.",
        ),
        Sentence::OrderOverdue => (
            "订单状态与其支付不一致，到期时间：{0}。",
            "Its payments do not explain its state; its time ended, or ends, at {0}.",
        ),
        Sentence::RefundRevived => (
            "平台曾答复退款失败，现在答复已退款。",
            "The gateway had said that the refund failed, and now says that it succeeded.",
        ),
        Sentence::RefundOverdue => (
            "退款自 {0} 起既未成功也未失败。",
            "It has neither succeeded nor failed since {0}.",
        ),
        Sentence::OtherMerchant => ("通知属于其他商户号。", "It is for another merchant."),
        Sentence::OtherApp => ("通知属于其他应用。", "It is for another app."),
        Sentence::OtherAuthorisedApp => ("通知属于其他授权应用。", "It is for another authorised app."),
        Sentence::OtherSeller => ("通知属于其他卖家。", "It is for another seller."),
        Sentence::OtherCurrency => ("通知中的币种不是人民币。", "It is in another currency."),
        Sentence::UnpaidSuccess => (
            "通知称支付成功，但其中的交易并未支付。",
            "It tells of a success, but its trade is not paid.",
        ),
        Sentence::Contradiction => (
            "通知的类型与内容不符。",
            "The type of the callback contradicts its content.",
        ),
        Sentence::UnknownTradeStatus => ("通知中的交易状态未知。", "Its trade status is not known."),
        Sentence::UnknownPayment => (
            "通知中的支付单号不在本系统中。",
            "It is about a payment that is not known here.",
        ),
        Sentence::RefundOfUnknown => (
            "退款所属的支付不在本系统中。",
            "It is about a refund of a payment that is not known here.",
        ),
        Sentence::RefundOfUnpaid => (
            "退款所属的支付在本系统中尚未支付。",
            "It is about a refund of a payment that is not paid here.",
        ),
        Sentence::RefundNotAsked => (
            "该退款不是由本系统发起的。",
            "This refund was not requested here.",
        ),
        Sentence::RefundTooMuch => (
            "平台退款总额超过本系统发起的金额。",
            "More was refunded than was requested here.",
        ),
        Sentence::RefundOfOtherTrade => (
            "退款通知中的平台交易与记录不符。",
            "The refund names another trade.",
        ),
        Sentence::RefundOfOtherSum | Sentence::RefundOfOtherTotal => {
            ("退款通知中的金额与记录不符。", "The refund names another amount.")
        }
        Sentence::RefundHadFailed => (
            "平台通知了一笔已失败的退款。",
            "It is about a refund that had failed.",
        ),
        Sentence::GatewaySilent => (
            "自 {1} 起，{0}没有给出可信的应答。",
            "{0} has given no answer that can be believed since {1}.",
        ),
        Sentence::ForgedNotifications => (
            "一小时内有超过 {0} 个回调不是由{1}签名的。",
            "More than {0} callbacks within an hour were not signed by {1}.",
        ),
        Sentence::KeyExpiring => ("证书 {0} 将于 {1} 到期。", "The certificate {0} ends at {1}."),
        Sentence::ClockAhead => (
            "本服务器的时钟比{1}应答中的时间快 {0} 秒。",
            "The clock of this server is {0} s ahead of the answers of {1}.",
        ),
        Sentence::ClockBehind => (
            "本服务器的时钟比{1}应答中的时间慢 {0} 秒。",
            "The clock of this server is {0} s behind the answers of {1}.",
        ),
        Sentence::JobOverdue => (
            "后台任务“{0}”已 {1} 未正常完成。",
            "The job {0} has not ended well for {1}.",
        ),
        Sentence::BackupFailed => ("{0} 的备份没有完成：{1}", "No backup was made at {0}: {1}"),
        Sentence::DatabaseRestored => (
            "数据库中最新的变更时间为 {0}，而本服务器曾写入至 {1}：其间的支付和退款在此缺失。",
            "The newest change in the database is of {0}, and this server has written until {1}: payments and refunds in between are missing here.",
        ),
        Sentence::EndpointGone => ("端点答复 410，表示已停用。", "The endpoint answered 410 Gone."),
        Sentence::EndpointFailing => (
            "五天内的所有投递均失败，最近一次：{0}",
            "Every attempt has failed for five days; the last: {0}",
        ),
        Sentence::EventNotDelivered => ("事件 {0} 未能送达：{1}", "{0} was not delivered: {1}"),
        Sentence::EpayNotTold => (
            "未能通知易支付商户：{0}",
            "The epay merchant was not told of this order: {0}",
        ),
        Sentence::Differences => ("{0} 笔差异未处理：{1}", "{0} open differences: {1}"),
        Sentence::Difference => (
            "{0} {1}（账单 {2}，本系统 {3}）",
            "{0} {1} (statement {2}, books {3})",
        ),
        Sentence::LastWords => ("平台最后的应答：{0}", "Last words of the gateway: {0}"),
        Sentence::NoWords => ("平台未对此作出应答。", "The gateway has said nothing about it."),
    }
}
