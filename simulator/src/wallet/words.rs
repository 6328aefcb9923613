//! The wallet in two languages.

use crate::payer::Refusal;

#[derive(Debug)]
pub(super) struct Words {
    pub(super) language: &'static str,
    pub(super) title: &'static str,
    /// Actions of the first page.
    pub(super) start: &'static str,
    pub(super) note: &'static str,
    pub(super) how: &'static str,
    pub(super) code: &'static str,
    pub(super) code_hint: &'static str,
    pub(super) look: &'static str,
    pub(super) open: &'static str,
    pub(super) none_open: &'static str,
    pub(super) more: &'static str,
    pub(super) bill_title: &'static str,
    pub(super) payee: &'static str,
    pub(super) merchant: &'static str,
    pub(super) subject: &'static str,
    pub(super) amount: &'static str,
    pub(super) number: &'static str,
    pub(super) time: &'static str,
    pub(super) wechat: &'static str,
    pub(super) alipay: &'static str,
    pub(super) pay: &'static str,
    pub(super) refuse: &'static str,
    pub(super) later: &'static str,
    pub(super) others: &'static str,
    pub(super) coupon_amount: &'static str,
    pub(super) coupon_hint: &'static str,
    pub(super) coupon_pay: &'static str,
    pub(super) coupon: &'static str,
    pub(super) payer_total: &'static str,
    pub(super) poor: &'static str,
    pub(super) poor_hint: &'static str,
    pub(super) second: &'static str,
    pub(super) second_hint: &'static str,
    pub(super) second_phone: &'static str,
    pub(super) first: &'static str,
    pub(super) paid: &'static str,
    pub(super) refused: &'static str,
    pub(super) left: &'static str,
    pub(super) after_paid: &'static str,
    pub(super) after_unpaid: &'static str,
    pub(super) already_paid: &'static str,
    pub(super) shipped: &'static str,
    pub(super) already_closed: &'static str,
    pub(super) failed: &'static str,
    pub(super) back: &'static str,
    pub(super) again: &'static str,
}

static CHINESE: Words = Words {
    language: "zh-CN",
    title: "模拟钱包",
    start: "扫码付款",
    note: "模拟器，不会真实扣款",
    how: "在收银台复制二维码内容粘贴到这里，或直接点选待付款的订单。",
    code: "二维码内容",
    code_hint: "粘贴二维码内容或商户订单号",
    look: "扫一扫",
    open: "待付款",
    none_open: "暂无待付款的订单",
    more: "未列出：",
    bill_title: "确认付款信息",
    payee: "收款方",
    merchant: "模拟商户",
    subject: "商品",
    amount: "金额",
    number: "商户订单号",
    time: "下单时间",
    wechat: "微信支付",
    alipay: "支付宝",
    pay: "确认付款",
    refuse: "拒绝付款",
    later: "稍后再付",
    others: "其他情形",
    coupon_amount: "优惠金额（元）",
    coupon_hint: "由支付平台补贴：付款人少付，商户仍按全额收款。",
    coupon_pay: "使用优惠付款",
    coupon: "优惠",
    payer_total: "实付",
    poor: "余额不足时付款",
    poor_hint: "付款失败，订单仍可支付。",
    second: "换另一位付款人的手机",
    second_hint: "第一位付款人扫码后，其他人不能再付。",
    second_phone: "另一位付款人的手机",
    first: "换回第一位付款人的手机",
    paid: "付款成功",
    refused: "已拒绝付款",
    left: "已扫码，稍后付款",
    after_paid: "商户即将收到支付通知，可以关闭本页。",
    after_unpaid: "没有扣款，订单仍可支付。",
    already_paid: "该订单已支付",
    shipped: "商家已发货",
    already_closed: "该订单已关闭",
    failed: "付款未成功",
    back: "返回钱包",
    again: "查看该订单",
};

static ENGLISH: Words = Words {
    language: "en",
    title: "Simulated wallet",
    start: "Scan and pay",
    note: "Simulator: no money moves",
    how: "Paste what the QR code of a checkout says, or choose an order that waits to be paid.",
    code: "Code",
    code_hint: "What the QR code says, or an order number",
    look: "Scan",
    open: "Waiting to be paid",
    none_open: "No order is waiting",
    more: "Not listed:",
    bill_title: "Check and pay",
    payee: "Pay to",
    merchant: "Simulated merchant",
    subject: "For",
    amount: "Amount",
    number: "Order number",
    time: "Ordered at",
    wechat: "WeChat Pay",
    alipay: "Alipay",
    pay: "Pay",
    refuse: "Refuse",
    later: "Pay later",
    others: "Other outcomes",
    coupon_amount: "Coupon (yuan)",
    coupon_hint: "Given by the gateway: the payer pays less, the merchant's order is paid in full.",
    coupon_pay: "Pay with the coupon",
    coupon: "Coupon",
    payer_total: "Really paid",
    poor: "Pay without enough money",
    poor_hint: "The payment fails, the order stays payable.",
    second: "Use somebody else's phone",
    second_hint: "Once the first payer has scanned, nobody else can pay.",
    second_phone: "Somebody else's phone",
    first: "Back to the first phone",
    paid: "Paid",
    refused: "Refused",
    left: "Scanned, to be paid later",
    after_paid: "The merchant is about to be told. You can close this page.",
    after_unpaid: "Nothing was paid; the order can still be paid.",
    already_paid: "This order is paid already",
    shipped: "The merchant has delivered",
    already_closed: "This order is closed",
    failed: "Not paid",
    back: "Back to the wallet",
    again: "Show this order",
};

impl Words {
    /// Returns the reader's first language that is Chinese or English.
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
