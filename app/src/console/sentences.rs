//! Our own sentences in the details of incidents and the notes of statements, in both languages. `{0}` is the first value.

use domain::{Method, Money};
use payments::console::{Operation, Sentence};
use payments::reconciliation::DifferenceKind;

use super::format;
use crate::i18n::{Language, fill};
use crate::view::money;

/// Shows a detail or a note: our own sentences in the reader's language, other words as they are.
pub(super) fn translate(detail: &str, language: Language) -> String {
    let Some(read) = Sentence::read(detail) else {
        return detail.to_owned();
    };
    let mut text = sentence_text(read.sentence, language).to_owned();
    for (place, value) in read.values.iter().enumerate() {
        let shown = show_value(read.sentence, place, value, language);
        text = fill(&text, &[(&place.to_string(), &shown)]);
    }
    let separator = match language {
        Language::Chinese => "",
        Language::English => " ",
    };
    if let Some(next) = read.rest.strip_prefix(". ") {
        return format!("{text}{separator}{}", translate(next, language));
    }
    match read.rest.strip_prefix(": ") {
        Some(facts) => format!("{text}{separator}{}", translate_facts(facts, language)),
        None => text,
    }
}

/// Formats a value of a sentence: amounts in yuan, gateways and kinds of differences by their names.
fn show_value(sentence: Sentence, place: usize, value: &str, language: Language) -> String {
    let words = language.reconciliation_words();
    match (sentence, place) {
        (Sentence::WrongAmount, _) => show_fen(value),
        (Sentence::GatewaySilent, 0)
        | (
            Sentence::ForgedNotifications
            | Sentence::ClockAhead
            | Sentence::ClockBehind
            | Sentence::UnfinishedElsewhere,
            1,
        ) => {
            let method = Method::parse(value);
            method
                .map_or(value, |method| format::method(method, language.console_words()))
                .to_owned()
        }
        (Sentence::Differences, 1) => {
            let all: Vec<String> = value.split("; ").map(|one| translate(one, language)).collect();
            all.join(language.list_words().item_separator)
        }
        (Sentence::Difference, 0) => {
            let kind = DifferenceKind::parse(value);
            kind.map_or(value, |kind| format::difference(kind, words))
                .to_owned()
        }
        (Sentence::Difference, 2 | 3) if value == "none" => words.no_amount.to_owned(),
        (Sentence::Difference, 2 | 3) => show_yuan(value),
        (Sentence::JobOverdue, 1) => show_span(value, language),
        (Sentence::LastWords, 0) => {
            let operation = Operation::parse(value);
            operation
                .map_or(value, |operation| {
                    format::operation(operation, language.console_words())
                })
                .to_owned()
        }
        (Sentence::LastWords, 3) => value.trim().to_owned(),
        _ => value.to_owned(),
    }
}

/// Formats yuan as the core writes them, which may be negative.
fn show_yuan(yuan: &str) -> String {
    match yuan.strip_prefix('-') {
        Some(size) => format!("-¥{size}"),
        None => format!("¥{yuan}"),
    }
}

/// Formats `15 min`.
fn show_span(span: &str, language: Language) -> String {
    let Some((n, unit)) = span.split_once(' ') else {
        return span.to_owned();
    };
    let words = language.list_words();
    let text = match unit {
        "s" => words.n_seconds,
        "min" => words.n_minutes,
        "h" => words.n_hours,
        _ => return span.to_owned(),
    };
    fill(text, &[("n", n)])
}

fn show_fen(fen: &str) -> String {
    let amount = fen.parse().ok().and_then(|fen| Money::from_fen(fen).ok());
    amount.map_or_else(|| fen.to_owned(), money::text)
}

/// Translates `payment P1, 990 fen, trade T1`: numbers and amount that a message named.
fn translate_facts(facts: &str, language: Language) -> String {
    let words = language.console_words();
    let shown = facts.split(", ").map(|fact| match fact.split_once(' ') {
        Some(("payment", number)) => format!("{} {number}", words.payment_no),
        Some(("refund", number)) => format!("{} {number}", words.refund_no),
        Some(("trade", number)) => format!("{} {number}", words.transaction),
        Some((fen, "fen")) => format!("{} {}", words.amount, show_fen(fen)),
        _ => fact.to_owned(),
    });
    let shown: Vec<String> = shown.collect();
    shown.join(language.list_words().list_separator)
}

/// Returns the text of a sentence. One that is missing here does not compile.
fn sentence_text(sentence: Sentence, language: Language) -> &'static str {
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
            "自 {0} 起，向平台查询该笔支付均未得到有效应答。",
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
            "平台就一笔此前已失败的退款发来了新通知，请核实是否已退款。",
            "It is about a refund that had failed.",
        ),
        Sentence::GatewaySilent => (
            "自 {1} 起，{0}没有给出可信的应答。",
            "{0} has given no answer that can be believed since {1}.",
        ),
        Sentence::ForgedNotifications => (
            "一小时内有超过 {0} 个{1}回调验签失败。",
            "More than {0} callbacks within an hour were not signed by {1}.",
        ),
        Sentence::KeyExpiring => ("证书 {0} 的到期时间为 {1}。", "The certificate {0} ends at {1}."),
        Sentence::ClockAhead => (
            "本服务器的时钟比{1}应答中的时间快 {0} 秒。",
            "The clock of this server is {0} s ahead of the answers of {1}.",
        ),
        Sentence::ClockBehind => (
            "本服务器的时钟比{1}应答中的时间慢 {0} 秒。",
            "The clock of this server is {0} s behind the answers of {1}.",
        ),
        Sentence::JobOverdue => (
            "后台任务“{0}”已 {1}未正常完成。",
            "The job {0} has not ended well for {1}.",
        ),
        Sentence::BackupFailed => ("{0} 的备份没有完成：{1}", "No backup was made at {0}: {1}"),
        Sentence::DatabaseRestored => (
            "数据库中最新的变更时间为 {0}，而本服务器曾写入至 {1}：其间的支付和退款在此缺失。",
            "The newest change in the database is of {0}, and this server has written until {1}: payments and refunds in between are missing here.",
        ),
        Sentence::EndpointGone => (
            "端点返回 410（Gone），表示该地址已不再使用。",
            "The endpoint answered 410 Gone.",
        ),
        Sentence::EndpointFailing => (
            "五天内的所有投递均失败，最近一次：{0}",
            "Every attempt has failed for five days; the last: {0}",
        ),
        Sentence::EventNotDelivered => ("事件 {0} 未能送达：{1}", "{0} was not delivered: {1}"),
        Sentence::EpayNotTold => (
            "未能通知易支付商户：{0}",
            "The epay merchant was not told of this order: {0}",
        ),
        Sentence::Differences => ("{0} 笔差异待处理：{1}", "{0} open differences: {1}"),
        Sentence::Difference => (
            "{0} {1}（账单 {2}，本系统 {3}）",
            "{0} {1} (statement {2}, books {3})",
        ),
        Sentence::StatementEmpty => ("平台没有该日的账单。", "There is no statement of that day."),
        Sentence::StatementNotReady => ("平台尚未生成该日的账单。", "The statement is not made yet."),
        Sentence::BillUnusable | Sentence::StatementUnusable => {
            ("账单不可用：{0}", "The statement cannot be used: {0}")
        }
        Sentence::StatementUnread => ("读取账单失败。", "Reading the statement failed."),
        Sentence::TradesMissing => (
            "平台没有该日的交易账单，而本系统有支付记录。",
            "The gateway has no trade statement of this day, and the books have payments.",
        ),
        Sentence::TradesMissingBesideFunds => (
            "平台没有该日的交易账单，而资金账单中有资金变动。",
            "The gateway has no trade statement of this day, and money moved in the fund-flow statement.",
        ),
        Sentence::FundsMissing => (
            "平台没有该日的资金账单，而该日有交易。",
            "The gateway has no fund-flow statement of this day, and there were trades.",
        ),
        Sentence::UnfinishedElsewhere => (
            "{1} {2} 有 {0} 笔支付或退款未完成，但该账号未配置（最早一笔：{3}）。",
            "{0} payments or their refunds are unfinished at {1} {2}, which is not configured (the oldest is {3}).",
        ),
        Sentence::PlayMoney => (
            "{0} 名用户持有在模拟器中充值的余额。",
            "{0} users hold balances that were topped up in the simulator.",
        ),
        Sentence::LiveDatabase => (
            "此数据库曾用于真实资金（{0}），而模拟器即将在其上启动。",
            "This database has served real money ({0}), and the simulator is about to start on it.",
        ),
        Sentence::OpenidErased => (
            "付款人的 openid 在上传前已被删除。",
            "The payer's openid was erased before the upload.",
        ),
        Sentence::LastWords => (
            "平台最后的应答（{0}，{1}，共 {2} 次）：{3}",
            "Last words of the gateway ({0}, {1}, asked {2} times): {3}",
        ),
        Sentence::NoWords => ("平台未对此作出应答。", "The gateway has said nothing about it."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_the_values_of_its_sentence() {
        for sentence in Sentence::ALL {
            let n_values = sentence.as_str().matches("{}").count();
            for language in Language::ALL {
                let text = sentence_text(sentence, language);
                for place in 0..=n_values {
                    let is_there = text.contains(&format!("{{{place}}}"));
                    assert_eq!(is_there, place < n_values, "{sentence:?}: {text}");
                }
            }
        }
    }
}
