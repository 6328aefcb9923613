//! Texts for payers, in Chinese and English, side by side so that one is not changed without the other.
//!
//! Three things are never worded alike: *waiting*, *not confirmed yet*, *not paid*.

macro_rules! catalogue {
    ($($key:ident: $chinese:literal, $english:literal;)+) => {
        /// Texts of one language. `{names}` in braces are filled with [`super::fill`].
        #[derive(Debug)]
        pub struct Words { $(pub $key: &'static str,)+ }

        pub static CHINESE: Words = Words { $($key: $chinese,)+ };
        pub static ENGLISH: Words = Words { $($key: $english,)+ };

        #[cfg(test)]
        pub const ALL: &[(&str, &str, &str)] = &[$((stringify!($key), $chinese, $english),)+];
    };
}

pub(super) use catalogue;

catalogue! {
    // The frame of every page.
    test_stripe: "测试环境：不会产生真实扣款", "Test mode: no real money moves";
    open_wallet: "打开模拟钱包", "Open the simulated wallet";
    wallet_help: "没有真实扣款：请用模拟钱包扫描此二维码付款。", "Nothing is real here: scan this code with the simulated wallet.";
    skip: "跳到支付内容", "Skip to the payment";
    language: "语言", "Language";
    contact: "需要帮助？联系商家", "Need help? Contact the merchant";
    privacy: "付款在微信或支付宝内完成，本页不会获取您的支付密码和银行卡信息。",
        "You pay in your own app; this page never sees your password or your card.";

    // What is bought.
    summary: "订单信息", "Your order";
    amount: "应付金额", "Amount due";
    order_no: "订单号", "Order number";
    leave: "返回", "Back";
    copy: "复制", "Copy";
    payee: "收款方", "Paid to";
    ordered_at: "下单时间", "Ordered at";
    order_details: "订单详情", "Order details";
    copied: "已复制", "Copied";
    pay_before: "请在 {time} 前支付（GMT+8）", "Pay before {time} (GMT+8)";
    time_left: "剩余", "Time left";
    five_minutes_left: "还剩五分钟", "Five minutes left";
    one_minute_left: "还剩一分钟", "One minute left";
    time_is_over: "支付时间已到", "The time is over";

    // Methods.
    method: "支付方式", "Payment method";
    wechat: "微信支付", "WeChat Pay";
    wechat_help: "用微信扫一扫", "Scan with WeChat";
    wechat_scan: "打开微信，点“扫一扫”，核对金额 {amount} 后付款",
        "Open WeChat, tap Scan, and check that it asks for {amount}";
    alipay: "支付宝", "Alipay";
    alipay_help: "用支付宝扫一扫", "Scan with Alipay";
    wechat_open_help: "打开微信付款", "Opens WeChat on this phone";
    wechat_elsewhere_help: "用另一台手机的微信扫一扫", "Scan with WeChat on another phone";
    wechat_here_help: "在微信内直接付款", "Pays right here inside WeChat";
    alipay_elsewhere_help: "用另一台手机的支付宝扫一扫", "Scan with Alipay on another phone";
    alipay_page_help: "在支付宝网页付款", "Pays on Alipay's own page";
    alipay_open_help: "打开支付宝付款", "Opens Alipay on this phone";
    alipay_scan: "打开支付宝，点“扫一扫”，核对金额 {amount} 后付款",
        "Open Alipay, tap Scan, and check that it asks for {amount}";
    balance: "账户余额", "Account balance";
    balance_help: "从账户余额支付", "Pay from your balance";
    balance_has: "可用 {amount}", "{amount} available";
    balance_lacks: "可用 {amount}，还差 {missing}", "{amount} available, {missing} short";
    pay_amount: "支付 {amount}", "Pay {amount}";
    use_other: "改用{method}", "Use {method} instead";
    scan_here: "改为扫码支付", "Scan a code instead";
    scan_elsewhere: "用另一台手机扫码支付", "Scan with another phone instead";
    open_wechat_here: "在本机打开微信支付", "Open WeChat on this phone";
    open_alipay_here: "在本机打开支付宝", "Open Alipay on this phone";
    open_alipay_page: "登录支付宝网页付款", "Pay on Alipay's own page";
    inside_wechat_guide: "您正在微信中打开本页，微信里不能长按识别支付二维码，也不能打开支付宝。请点右上角“…”选择“在浏览器打开”，或复制链接到浏览器。",
        "You opened this page inside WeChat, where a payment code cannot be read by a long press and Alipay cannot be opened. Tap … at the top and choose to open it in your browser, or copy the link.";
    inside_alipay_guide: "您正在支付宝中打开本页，这里不能打开微信。要用微信支付，请复制链接到浏览器打开。",
        "You opened this page inside Alipay, where WeChat cannot be opened. To pay with WeChat, copy the link and open it in your browser.";
    nothing_here_guide: "此设备上没有可用的支付方式。请复制链接，在电脑上打开后扫码支付。",
        "No payment method works on this device. Copy the link and open it on a computer to pay by scanning a code.";
    nothing_on_desk_guide: "电脑上没有可用的支付方式。请复制链接发到手机，在手机上打开后支付。",
        "No payment method works on a computer. Copy the link and open it on your phone to pay.";
    copy_link: "复制链接", "Copy the link";
    show_as_phone: "正在手机上付款？切换到手机版", "Paying on a phone? Show the page for phones";
    show_as_desk: "切换到电脑版，用另一台手机扫码", "Show the page for computers, with codes to scan";
    show_everything: "显示全部支付方式", "Show all methods";
    qr_label: "{method}支付二维码，{amount}", "{method} code for {amount}";

    // States of the checkout page.
    choose_title: "选择支付方式", "Choose how to pay";
    choose_text: "下一步会显示支付二维码。", "The next step shows a code to scan.";
    choose_open_text: "下一步会打开所选的支付 App。", "The next step opens the app you choose.";
    choose_nothing_title: "此处无法支付", "You cannot pay here";
    choose_nothing_text: "没有扣款。请按下面的提示换一种方式打开本页。", "You were not charged. Open this page in another way, as described below.";
    spending_title: "用账户余额支付", "Pay from your balance";
    spending_text: "确认后立即从余额扣款 {amount}。", "As soon as you confirm, {amount} is taken from your balance.";
    available: "可用余额", "Available";
    left_afterwards: "支付后余额", "Left afterwards";
    missing: "还差", "Short by";
    confirm_payment: "确认支付 {amount}", "Confirm and pay {amount}";
    short_title: "余额不足，还差 {amount}", "Balance is short by {amount}";
    short_text: "没有扣款。可以先充值，或换一种支付方式。",
        "Nothing was taken. Top it up first, or choose another method.";
    top_up: "充值 {amount}", "Top up {amount}";
    back_from_topup: "继续支付", "Continue to payment";
    waiting_title: "请扫码支付", "Scan to pay";
    waiting_text: "付款后本页会自动更新。", "This page changes by itself once you have paid.";
    leave_title: "前往{method}完成支付", "Go to {method} to pay";
    leave_text: "付款页面由{method}打开，请核对金额 {amount}。付款后本页会自动更新。",
        "{method} opens its own page: check that it asks for {amount}. This page changes by itself once you have paid.";
    go_to_wechat: "去微信支付 {amount}", "Pay {amount} with WeChat";
    go_to_alipay: "去支付宝支付 {amount}", "Pay {amount} with Alipay";
    elsewhere_title: "请在商家的 App 或小程序中付款", "Pay in the merchant's app";
    elsewhere_text: "请回到商家的 App 或小程序完成付款，核对金额 {amount}，付款后本页会自动更新。也可以在这里换一种支付方式。",
        "Go back to the merchant's app and check that it asks for {amount}. This page changes by itself once you have paid. You can also choose a method here.";
    inside_title: "在微信中支付", "Pay inside WeChat";
    inside_text: "请在微信中打开本页，再点按钮付款。付款后本页会自动更新。",
        "Open this page inside WeChat, then press the button. This page changes by itself once you have paid.";
    inside_here_text: "请核对金额 {amount}，付款后本页会自动更新。",
        "Check that WeChat asks for {amount}. This page changes by itself once you have paid.";
    inside_sent: "正在向微信确认支付结果，请勿重复支付。", "We are asking WeChat how it ended. Do not pay again.";
    inside_cancelled: "您已取消，没有扣款。可以再试一次。", "You left without paying. You can try again.";
    inside_failed: "未能调起微信支付，请重试，或换一种支付方式。",
        "WeChat did not open the payment. Try again, or choose another method.";
    outside: "请在微信中打开本页完成支付。可以复制本页链接。",
        "This is not WeChat. Copy the address of this page and open it inside WeChat to pay.";
    busy: "正在处理，请稍候", "Working on it";
    connection_lost: "连接已中断，本页暂不更新，正在重试。如已付款，请勿重复支付。",
        "The connection is lost, so this page is not up to date; trying again. If you have paid, do not pay again.";
    i_have_paid: "我已支付", "I have paid";
    confirming_title: "正在确认支付结果", "Confirming your payment";
    confirming_text: "还没有收到支付结果。如果您已付款，请勿重复支付；结果到达后本页会自动更新。",
        "We have not heard yet. If you have paid, do not pay again: this page changes by itself when we hear.";
    check_again: "再次查询", "Check again";
    show_code: "返回付款", "Back to the payment";
    paid_title: "支付成功", "Payment received";
    paid_text: "订单已支付，可以关闭本页。", "Your order is paid. You can close this page.";
    back: "返回商家", "Back to merchant";
    returning_to_merchant: "{n} 秒后返回商家", "Back to the merchant in {n} s";
    continuing: "{n} 秒后继续支付", "On to the payment in {n} s";
    stay_here: "留在本页", "Stay here";
    expired_title: "二维码已过期", "Code expired";
    expired_text: "获取新二维码即可继续支付。如果刚刚已付款，请稍候，本页会自动更新。",
        "Get a new code to go on. If you have just paid, wait a moment: this page changes by itself.";
    new_code: "获取新二维码", "New code";
    lapsed_title: "本次支付已超时", "The time for this attempt is over";
    lapsed_text: "重新发起即可继续支付。如果刚刚已付款，请稍候，本页会自动更新。",
        "Start again to go on. If you have just paid, wait a moment: this page changes by itself.";
    start_again: "重新支付", "Start again";
    closed_title: "订单已关闭", "Order closed";
    closed_text: "该订单已取消，没有扣款。", "This order was cancelled. You were not charged.";
    closed_late_text: "该订单已超过支付时限，没有扣款。如您已付款，款项将原路退回。",
        "The time to pay for this order is over, and you were not charged. If you did pay, your money is refunded to the original payment method.";
    unavailable_title: "该支付方式暂不可用", "This method is unavailable";
    unavailable_text: "没有扣款。请换一种支付方式，或稍后再试。",
        "You were not charged. Choose another method, or try again in a moment.";
    late_title: "订单已关闭，款项将原路退回", "Order was closed; your money is being returned";
    late_text: "您的付款在订单关闭后到账，{amount} 将全额原路退回至{account}，预计 1–3 个工作日到账，无需任何操作。",
        "Your {amount} arrived after the order was closed. All of it is being refunded to {account}, usually within 1 to 3 working days; there is nothing you need to do.";
    late_done_title: "订单已关闭，款项已原路退回", "Order was closed; your money has been returned";
    late_done_text: "{amount} 已全额原路退回至{account}。", "All of your {amount} was refunded to {account}.";
    twice_title: "已重复支付，多余款项原路退回", "Paid twice; the extra payment is being returned";
    twice_text: "订单已支付。重复支付的 {amount} 将全额原路退回至{account}，预计 1–3 个工作日到账，无需任何操作。",
        "Your order is paid. The extra {amount} is being refunded to {account}, usually within 1 to 3 working days; there is nothing you need to do.";
    twice_done_title: "已重复支付，多余款项已退回", "Paid twice; the extra payment has been returned";
    twice_done_text: "订单已支付。重复支付的 {amount} 已全额原路退回至{account}。",
        "Your order is paid. The extra {amount} was refunded to {account}.";
    refunding_title: "退款处理中", "Your refund is on its way";
    refunding_text: "{amount} 正在原路退回至{account}，预计 1–3 个工作日到账。退款完成后本页会自动更新。",
        "{amount} is being refunded to {account}, usually within 1 to 3 working days. This page changes by itself when it is done.";
    account_wechat: "付款时使用的微信零钱或银行卡", "the WeChat balance or bank card that you paid with";
    account_alipay: "付款时使用的支付宝余额或银行卡", "the Alipay balance or bank card that you paid with";
    account_balance: "您的账户余额", "your account balance";
    account_unknown: "付款账户", "the original payment method";
    refunded_title: "已退款 {amount}", "Refunded {amount}";
    refunded_text: "款项已全额原路退回至{account}，银行卡可能稍后入账。", "All of it was refunded to {account}; a bank may show it a little later.";
    part_refunded_text: "订单已支付，其中 {amount} 已原路退回至{account}，银行卡可能稍后入账。",
        "Your order is paid, and {amount} of it was refunded to {account}; a bank may show it a little later.";

    // Facts about money that moved.
    details: "支付详情", "Details";
    paid_at: "支付时间", "Paid at";
    transaction: "交易单号", "Transaction";
    paid_amount: "支付金额", "Amount paid";
    returned: "已退款", "Refunded";
    returning: "退款中", "Being refunded";

    // The receipt.
    receipt: "支付凭证（不作为发票）", "Receipt (not a tax invoice)";
    view_refund: "查看退款", "View refund";
    view_receipt: "查看支付凭证", "View receipt";
    record: "款项记录", "Payment record";
    refunds: "退款", "Refunds";
    receipt_status: "订单状态", "Status";
    status_paid: "已支付", "Paid";
    status_part_refunded: "部分退款", "Partly refunded";
    status_refunded: "已退款", "Refunded";
    status_closed: "已关闭", "Closed";
    total_refunded: "退款合计", "Refunded in total";
    net_total: "退款后实付", "Total after refunds";
    refund_in_hand: "商家正在处理", "The merchant is seeing to it";
    extra_payment: "重复支付", "Duplicate payment";
    payment_no: "支付单号", "Payment number";
    print_hint: "可用浏览器打印或存为 PDF。", "Print it, or save it as a PDF, with your browser.";
    on_roll: "改为 80 毫米小票", "Fit it to an 80 mm roll";
    on_a4: "改为 A4", "Fit it to A4";
    back_to_order: "返回订单", "Back to the order";

    // What went wrong, what happened to the money, what to do.
    error_choose_method: "请先选择一种支付方式。", "Choose a payment method first.";
    error_unavailable: "该支付方式暂不可用，没有扣款。请换一种支付方式。",
        "This method cannot be used right now. You were not charged; choose another one.";
    error_not_authorized: "微信未能确认付款人，没有扣款。请重试，或用另一台手机的微信扫码支付。",
        "WeChat did not say who pays. You were not charged; try again, or scan the code with WeChat on another phone.";
    error_declined: "支付平台没有接受这笔订单，没有扣款。请换一种支付方式。",
        "The payment service did not take this order. You were not charged; choose another method.";
    error_unreachable: "支付平台没有回应。如果您已付款，请勿重复支付；否则请稍后再试。",
        "The payment service did not answer. If you have paid, do not pay again; otherwise try again in a moment.";
    error_payer_paying: "您正在微信中支付这笔订单，请先在微信中完成或取消，再换支付方式。",
        "You are paying this order in WeChat at this moment: finish or cancel it there before you choose another method.";
    error_not_payable: "该订单已不能支付。", "This order can no longer be paid.";
    error_rate_limited: "操作太频繁，没有扣款。请稍等片刻再试。",
        "That was too often; nothing was charged. Please wait a moment and try again.";
    error_malformed: "请求有误，没有扣款。请重试。",
        "We could not read that request. You were not charged; try again.";
    error_out_of_service: "系统暂时无法处理，请稍后再试。如您已付款，款项不会丢失，请勿重复支付。",
        "We cannot do this at the moment; try again in a while. If you have paid, your money is safe and you need not pay again.";
    error_internal: "我们这边出了问题。如果您已付款，款项不会丢失，请勿重复支付；否则请稍后再试。",
        "Something broke on our side. If you have paid, your money is safe and you need not pay again; otherwise try again in a moment.";
    not_found_title: "找不到页面", "Page not found";
    not_found_text: "链接可能不完整，请回到商家页面重新打开。",
        "The link may be incomplete. Open it again from the merchant's page.";
    broken_title: "出了点问题", "Something went wrong";
    reference: "参考编号", "Reference";
    try_again: "重试", "Try again";

    error_bad_amount: "金额有误，没有扣款。请填写 0.01 元以上的金额，例如 9.90。",
        "That is no amount; nothing was charged. Enter at least 0.01, such as 9.90.";

    // Payment links.
    link_pay: "去支付", "Continue to payment";
    link_amount: "付款金额（元）", "Amount (yuan)";
    link_left: "剩余 {n} 份", "{n} left";
    link_sold_out_title: "已售罄。", "Sold out.";
    link_reserved_title: "名额正在支付中。", "Being paid by others.";
    link_reserved_text: "没有扣款。最后几份正在由其他顾客支付，如有人放弃，几分钟后可再试。",
        "You were not charged. Others are paying for the last ones; if somebody leaves, you can try again in a few minutes.";
    link_expired_title: "收款链接已过期。", "This payment link has expired.";
    link_closed_title: "收款已结束。", "This payment link was closed.";
    link_ended_text: "没有扣款，如有疑问请联系商家。", "You were not charged. Ask the merchant if you have questions.";

    // The demo shop.
    shop_title: "选择套餐", "Choose a plan";
    shop_text: "这是演示商店：下单后用模拟钱包付款，体验完整流程。",
        "A demo shop: place an order, then pay it with the simulated wallet.";
    told_title: "商家程序收到的通知", "What the shop's program was told";
    told_text: "付款后，系统用 Webhook 通知商家程序；程序验证签名后才采信。刷新本页可看到新的通知。",
        "After a payment a webhook tells the shop's program, which believes it once the signature is verified. Reload to see new ones.";
    told_nothing: "还没有通知。先购买一个套餐并付款。", "Nothing yet: buy a plan and pay for it.";
    told_payment_succeeded: "付款成功", "Payment succeeded";
    told_order_paid: "订单已支付", "Order paid";
    told_order_cancelled: "订单已取消", "Order cancelled";
    told_order_refunded: "订单已退款", "Order refunded";
    told_signature: "签名正确", "signature right";
    told_refused: "另有 {n} 条通知签名不对，未采信。", "{n} with a wrong signature were not believed.";
    docs_title: "接口文档", "API reference";
    docs_guide: "接入指南", "Integration guide";
    docs_generated: "以下说明由本服务的接口描述自动生成，目前只有英文；接入指南有中文版。",
        "Generated from this server's own description.";
    docs_server: "服务地址：", "Server:";
    docs_parameters: "参数", "Parameters";
    docs_body: "请求体", "Body";
    docs_answers: "响应", "Answers";
    docs_objects: "对象", "Objects";
    docs_required: "必填", "required";
    per_month: "每月", "a month";
    buy: "购买", "Buy";
    starter: "入门版", "Starter";
    starter_text: "一个人，先试试看", "For one person, to try it out";
    team: "团队版", "Team";
    team_text: "十个人，一起工作", "For ten people who work together";
    business: "企业版", "Business";
    business_text: "不限人数，优先支持", "For everybody, with support first";
    subject: "{plan}套餐，一个月", "{plan} plan, one month";
}
