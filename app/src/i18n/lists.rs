//! Texts of the console's lists, of the order's timeline, of incidents and of the overview.

use super::catalogue::catalogue;

catalogue! {
    // The timeline.
    gateway_time: "支付平台记录的时间：{time}", "Time at the gateway: {time}";

    // The search for orders.
    search_help: "可以搜索：订单号、支付单号、退款单号、平台交易号，或其末尾至少六位；金额；用户；用户、商品或单号的一部分。",
        "You can search for an order, payment, refund or gateway number, or at least its last six digits; for an amount; for a user; and for a part of a user, a subject or a number.";
    as_user_or_amount: "这是用户为“{text}”或金额相同的订单。", "These are orders of the user “{text}”, or of that amount.";
    search_anywhere: "改为在用户、商品和单号中查找", "Search inside users, subjects and numbers instead";
    as_part: "这是用户、商品或单号中含有“{text}”的订单。", "These are orders that have “{text}” in their user, subject or number.";
    saved_views: "常用视图", "Views";
    view_pending: "待支付", "Pending";
    view_paid_today: "今日已支付", "Paid, of today";
    view_refunded_month: "本月已退款", "Refunded, of this month";
    view_attention: "有异常", "With incidents";
    view_bookmark: "筛选条件都在网址中，收藏本页即可保存视图。", "Every filter is in the address: bookmark this page to keep the view.";
    back_to_list: "返回列表", "Back to the list";
    newer_order: "上一笔", "Previous order";
    older_order: "下一笔", "Next order";
    receipt: "支付凭证", "Receipt";

    // Lists of payments, refunds and balances.
    all_payments: "支付记录", "Payments";
    all_refunds: "退款记录", "Refunds";
    no_payment_fits: "没有符合条件的支付", "No payment fits";
    no_refund_fits: "没有符合条件的退款", "No refund fits";
    looked_back_to: "记录很多，此页只查看了此时间之后的记录，点“更早”继续查找：", "There are many: this page looked back to this time. “Older” goes on from there:";
    looked_on_to: "记录很多，此页只查看了此时间之前的记录，点“更多”继续查找：", "There are many: this page looked up to this time. “More” goes on from there:";
    looked_down_to: "订单很多，此页只查看了不低于此金额的订单，点“更多”继续查找：", "There are many orders: this page looked down to this amount. “More” goes on from there:";
    columns: "显示的列", "Columns";
    sort: "排序", "Sort";
    sort_newest: "最新在前", "Newest first";
    sort_oldest: "最早在前", "Oldest first";
    sort_largest: "金额从高到低", "Largest amount first";
    list_help: "此列表可按状态、支付方式和日期筛选；按单号、平台交易号、金额或用户查找，请用页面顶部的搜索框。",
        "This list is narrowed by status, method and day. To find a number, a gateway's number, an amount or a user, use the search at the top of the page.";
    all_balances: "全部余额", "All balances";
    part_of_user: "用户的一部分", "Part of a user";
    more: "更多", "More";
    no_balance_fits: "没有符合条件的余额", "No balance fits";
    outcome: "处理结果", "Outcome";
    outcome_applied: "已入账", "Applied";
    outcome_problem: "处理失败", "Failed";
    no_callback_fits: "没有符合条件的回调", "No callback fits";
    forged_are_counted: "验签失败的回调不会保存，只计数，大量出现时会成为异常事件。", "Callbacks without a valid signature are not kept but counted; many of them become an incident.";

    // Incidents.
    n_seconds: "{n} 秒", "{n} s";
    n_minutes: "{n} 分钟", "{n} min";
    n_hours: "{n} 小时", "{n} h";
    list_separator: "，", ", ";
    item_separator: "；", "; ";
    stuck_funds: "商户账户可用余额不足，平台未退款。", "The merchant's account cannot cover the refund.";
    stuck_permission: "商户没有退款权限，或商户号不可用。", "The merchant lacks the permission for refunds, or its account cannot be used.";
    stuck_payer: "付款人的账户无法收款（如银行卡已注销）。", "The payer's account cannot take the money; a card may be closed.";
    advice_stuck_funds: "为商户账户充值（微信支付：商户平台的可用余额；支付宝：商家账户余额），然后点“重试”。将以原退款单号重新提交，不会重复退款。",
        "Top up the merchant's account at the gateway, then press “Try again”: the same refund number is sent, so nothing is refunded twice.";
    advice_stuck_permission: "在支付平台开通退款权限或恢复商户号，然后点“重试”。", "Get the permission or the account back at the gateway, then press “Try again”.";
    advice_stuck_payer: "在支付平台的商户后台处理这笔异常退款（改退到付款人的其他银行卡或商户账户），完成后在此标记为已处理。重试没有用。",
        "Settle it in the gateway's merchant console (another card of the payer, or back to you), then resolve it here. Trying again does not help.";

    // The overview.
    range: "时间范围", "Range";
    range_today: "今天", "Today";
    range_yesterday: "昨天", "Yesterday";
    range_7_days: "近 7 天", "Last 7 days";
    range_30_days: "近 30 天", "Last 30 days";
    range_show: "查看", "Show";
    range_title: "{from} 至 {to}", "{from} to {to}";
    before_range: "之前同样长的时间", "The same span before";
    by_day: "各日交易额", "By the day";
    day: "日期", "Day";
    share: "占比", "Share";
    range_by_method: "各方式交易额", "By method";
    rate_fell: "支付成功率为 {now}，昨天同一时段为 {before}。请查看未支付的订单和支付平台状态。",
        "{now} of the orders of today are paid; until this hour yesterday it was {before}. Look at pending orders and at the gateways.";
    live: "自动更新中，最近更新：{time}。", "Updates itself. Last update: {time}.";
    live_pause: "暂停更新，填写备注", "Pause, to write a note";
    live_ended: "自动更新已停止。", "Automatic updates have stopped.";
    live_resume: "继续自动更新", "Go on with updates";

    // Shipping information of a payment in a mini program.
    upload_waiting: "发货信息待上传至微信，下次尝试：{time}", "Shipping information waits for its upload to WeChat; next try at {time}";
    upload_failed: "发货信息上传失败，下次尝试：{time}", "The upload of shipping information failed; next try at {time}";
    upload_done: "发货信息已于 {time} 上传至微信", "Shipping information was uploaded to WeChat at {time}";
    upload_refunded: "已全额退款，无需上传发货信息", "Refunded in full: no shipping information is needed";
    upload_given_up: "发货信息未能上传，请在微信小程序后台录入", "Shipping information could not be uploaded: enter it in WeChat's console";
}
