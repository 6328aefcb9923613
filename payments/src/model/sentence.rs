//! Sentences of our own in the details of incidents and in the notes of pending statements. They are kept in English, as
//! programs read them, and found again to be shown in the reader's language. Words of gateways and reasons of technical
//! failures, which stand in them as values, stay as they are.

use std::fmt::Display;

domain::words! {
    /// Sentence of a detail; each `{}` stands for a value.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Sentence {
        // Payments.
        Surplus => "money for an order that does not need it",
        /// Both amounts in fen.
        WrongAmount => "asked {} fen, the gateway reports {}",
        TradeReused => "trade {} already pays another payment",
        PaymentOverdue => "still open, though its time ended at {}",
        PaymentUnanswered => "no question has had a usable answer since {}",
        OrderOverdue => "its payments do not explain its state; its time ended, or ends, at {}",
        // Refunds.
        RefundRevived => "the gateway had said that it failed, and now says that the money is back",
        RefundOverdue => "neither done nor failed since {}",
        // Notifications.
        OtherMerchant => "another merchant",
        OtherApp => "another app",
        OtherAuthorisedApp => "another authorised app",
        OtherSeller => "another seller",
        OtherCurrency => "another currency",
        UnpaidSuccess => "an event of success about a trade that is not paid",
        Contradiction => "an event whose type contradicts its content",
        UnknownTradeStatus => "an unknown trade status",
        UnknownPayment => "a notification about a payment we do not know",
        RefundOfUnknown => "a refund of a payment that we do not know",
        RefundOfUnpaid => "a refund of a payment that is not paid here",
        RefundNotAsked => "a refund that was not asked for here",
        RefundTooMuch => "more was given back than was asked for here",
        RefundOfOtherTrade => "a refund of another trade",
        RefundOfOtherSum => "a refund of another sum",
        RefundOfOtherTotal => "a refund of a trade with another sum",
        RefundHadFailed => "news about a refund that had failed",
        // Gateways and servers.
        GatewaySilent => "{} has given no answer that can be believed since {}",
        ForgedNotifications => "more than {} callbacks within an hour were not signed by {}",
        KeyExpiring => "the certificate {} ends at {}",
        ClockAhead => "the clock of this server is {} s ahead of the Date of {}'s answers",
        ClockBehind => "the clock of this server is {} s behind the Date of {}'s answers",
        JobOverdue => "the job {} has not ended well for {}",
        BackupFailed => "no backup was made at {}: {}",
        DatabaseRestored => "the newest change that the database holds is of {}, and this server has written until {}: payments and refunds in between are missing here",
        // Programs that are told of events.
        EndpointGone => "it answered 410 Gone",
        EndpointFailing => "every attempt has failed for five days; the last: {}",
        EventNotDelivered => "{} was not delivered: {}",
        EpayNotTold => "the epay merchant was not told of this order: {}",
        // Statements.
        Differences => "{} open differences; {}",
        /// One of them: kind, number, and both amounts in yuan.
        Difference => "{} {}: statement {}, books {}",
        StatementEmpty => "there is no bill for that day",
        StatementNotReady => "the bill is not made yet",
        BillUnusable => "the bill cannot be used: {}",
        StatementUnusable => "the statement cannot be used: {}",
        StatementUnread => "reading it failed",
        TradesMissing => "the gateway has no trade statement of this day, and the books have payments",
        TradesMissingBesideFunds => "the gateway has no trade statement of this day, and money moved in the fund-flow statement",
        FundsMissing => "the gateway has no fund-flow statement of this day, and there were trades",
        // Merchant accounts, and what a mini program sold.
        UnfinishedElsewhere => "{} payments or their refunds are unfinished at {} {}, which is not configured (the oldest is {})",
        PlayMoney => "{} users hold balances that were topped up in the simulator",
        LiveDatabase => "this database has served real money ({}), and the simulator is about to start on it",
        OpenidErased => "the payer's openid was erased before the upload",
        // Behind another sentence.
        /// Operation, time, number of calls, and the answer.
        LastWords => "Last words of the gateway: {} at {}, asked {} times:{}",
        NoWords => "The gateway has said nothing about it",
    }
}

/// Sentence at the beginning of a detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadSentence<'d> {
    pub sentence: Sentence,
    pub values: Vec<&'d str>,
    /// Text behind it, with the punctuation between.
    pub rest: &'d str,
}

impl Sentence {
    /// Writes the sentence with its values, in their order.
    pub(crate) fn with(self, values: &[&dyn Display]) -> String {
        let mut literals = self.as_str().split("{}");
        debug_assert_eq!(
            literals.clone().count(),
            values.len() + 1,
            "{self:?} has other values"
        );
        let mut text = literals.next().unwrap_or_default().to_owned();
        for (value, literal) in values.iter().zip(literals) {
            text.push_str(&value.to_string());
            text.push_str(literal);
        }
        text
    }

    /// Finds the sentence that a detail begins with, and its values. `None`: the words are not ours.
    pub fn read(detail: &str) -> Option<ReadSentence<'_>> {
        Sentence::ALL
            .into_iter()
            .find_map(|sentence| sentence.read_from(detail))
    }

    fn read_from(self, detail: &str) -> Option<ReadSentence<'_>> {
        let mut literals = self.as_str().split("{}");
        let opening = literals.next()?;
        let mut rest = detail.strip_prefix(opening)?;
        let mut values = Vec::new();
        for literal in literals {
            let (value, behind) = if literal.is_empty() {
                rest.split_at(end_of_value(rest))
            } else {
                rest.split_once(literal)?
            };
            values.push(value);
            rest = behind;
        }
        // A value at the beginning is one word, so that no sentence is found in the middle of other words.
        if opening.is_empty() && values.first().is_some_and(|value: &&str| value.contains(' ')) {
            return None;
        }
        let is_whole = rest.is_empty() || rest.starts_with(": ") || rest.starts_with(". ");
        is_whole.then_some(ReadSentence {
            sentence: self,
            values,
            rest,
        })
    }
}

/// End of a value at the end of its sentence: another sentence of ours may follow.
fn end_of_value(text: &str) -> usize {
    let follows = [Sentence::LastWords, Sentence::NoWords].map(|sentence| {
        let beginning = sentence.as_str().split("{}").next().unwrap_or_default();
        text.find(&format!(". {beginning}"))
    });
    follows.into_iter().flatten().min().unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_is_found_again_with_its_values() {
        let values: [&dyn Display; 4] = [&"a", &"2026-11-29", &"9.90", &"-1.00"];
        for sentence in Sentence::ALL {
            let n_values = sentence.as_str().matches("{}").count();
            let written = sentence.with(&values[..n_values]);
            let wanted: Vec<String> = values[..n_values].iter().map(ToString::to_string).collect();
            let read = Sentence::read(&written).unwrap_or_else(|| panic!("{written}"));
            assert_eq!((read.sentence, read.rest), (sentence, ""), "{written}");
            assert_eq!(read.values, wanted, "{written}");
        }
    }

    #[test]
    fn text_behind_a_sentence_is_kept() {
        let overdue = "neither done nor failed since 2026-11-29 10:00:00. Last words of the gateway: refund at 2026-11-29 10:05:00, asked 3 times: 500. No";
        let read = Sentence::read(overdue).unwrap();
        assert_eq!(read.values, ["2026-11-29 10:00:00"]);
        let words = Sentence::read(read.rest.trim_start_matches(". ")).unwrap();
        assert_eq!(
            (words.sentence, words.values.as_slice()),
            (
                Sentence::LastWords,
                ["refund", "2026-11-29 10:05:00", "3", " 500. No"].as_slice()
            )
        );
        let unknown = Sentence::read("another merchant: payment P1, 990 fen").unwrap();
        assert_eq!(
            (unknown.sentence, unknown.rest),
            (Sentence::OtherMerchant, ": payment P1, 990 fen")
        );
        assert_eq!(Sentence::read("NOT_ENOUGH: 余额不足"), None);
        assert_eq!(Sentence::read("another merchants"), None);
        assert_eq!(Sentence::read("SYSTEM_ERROR: it was not delivered: busy"), None);
    }
}
