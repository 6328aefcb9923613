//! The wallet in two languages.

use crate::payer::Refusal;

#[derive(Debug)]
pub(super) struct Words {
    pub(super) language: &'static str,
    pub(super) title: &'static str,
    pub(super) code: &'static str,
    pub(super) code_hint: &'static str,
    pub(super) look: &'static str,
    pub(super) payee: &'static str,
    pub(super) merchant: &'static str,
    pub(super) subject: &'static str,
    pub(super) amount: &'static str,
    pub(super) number: &'static str,
    pub(super) wechat: &'static str,
    pub(super) alipay: &'static str,
    pub(super) pay: &'static str,
    pub(super) refuse: &'static str,
    pub(super) later: &'static str,
    pub(super) open: &'static str,
    pub(super) none_open: &'static str,
    pub(super) paid: &'static str,
    pub(super) refused: &'static str,
    pub(super) left: &'static str,
    pub(super) already_paid: &'static str,
    pub(super) already_closed: &'static str,
    pub(super) failed: &'static str,
    pub(super) back: &'static str,
    pub(super) again: &'static str,
    pub(super) note: &'static str,
}

static CHINESE: Words = Words {
    language: "zh-CN",
    title: "模拟钱包",
    code: "二维码内容",
    code_hint: "粘贴二维码内容或商户订单号",
    look: "扫一扫",
    payee: "收款方",
    merchant: "模拟商户",
    subject: "商品",
    amount: "金额",
    number: "商户订单号",
    wechat: "微信支付",
    alipay: "支付宝",
    pay: "确认付款",
    refuse: "拒绝付款",
    later: "稍后再付",
    open: "待付款",
    none_open: "暂无待付款的二维码",
    paid: "付款成功",
    refused: "已拒绝付款",
    left: "已扫码，稍后付款",
    already_paid: "该订单已支付",
    already_closed: "该订单已关闭",
    failed: "无法付款",
    back: "返回钱包",
    again: "查看该订单",
    note: "这是模拟器，不会产生真实扣款。",
};

static ENGLISH: Words = Words {
    language: "en",
    title: "Simulated wallet",
    code: "Code",
    code_hint: "Paste what the QR code says, or an order number",
    look: "Scan",
    payee: "Pay to",
    merchant: "Simulated merchant",
    subject: "For",
    amount: "Amount",
    number: "Order number",
    wechat: "WeChat Pay",
    alipay: "Alipay",
    pay: "Pay",
    refuse: "Refuse",
    later: "Pay later",
    open: "Waiting to be paid",
    none_open: "No code is waiting",
    paid: "Paid",
    refused: "Refused",
    left: "Scanned, to be paid later",
    already_paid: "This order is paid already",
    already_closed: "This order is closed",
    failed: "Cannot pay",
    back: "Back to the wallet",
    again: "Show this order",
    note: "This is a simulator. No money moves.",
};

impl Words {
    /// The first of the reader's languages that is Chinese or English.
    pub(super) fn for_reader(accept_language: Option<&str>) -> &'static Words {
        let mut languages = accept_language.unwrap_or_default().split(',').map(str::trim);
        let known = languages.find(|language| language.starts_with("zh") || language.starts_with("en"));
        if known.is_some_and(|language| language.starts_with("zh")) {
            &CHINESE
        } else {
            &ENGLISH
        }
    }

    pub(super) fn why(&self, refusal: Refusal) -> String {
        if self.language == "zh-CN" {
            refusal.chinese().to_owned()
        } else {
            refusal.to_string()
        }
    }
}
