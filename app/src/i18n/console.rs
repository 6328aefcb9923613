//! Texts of the console, in Chinese and English.

use super::catalogue::catalogue;

catalogue! {
    // The frame.
    console: "收银后台", "Console";
    skip: "跳到内容", "Skip to the content";
    language: "语言", "Language";
    navigation: "导航", "Navigation";
    mode_test: "测试", "TEST";
    mode_live: "生产", "LIVE";
    overview: "概览", "Overview";
    all_times: "所有时间均为北京时间（GMT+8）。", "All times are Beijing's (GMT+8).";
    reference: "参考编号", "Reference";

    // Coming in and going out.
    log_in: "登录", "Log in";
    log_in_title: "登录收银后台", "Log in to the console";
    log_out: "退出", "Log out";
    email: "邮箱", "Email";
    password: "密码", "Password";
    first_password: "初始密码", "First password";
    code: "动态验证码（验证器 App）", "Code from the authenticator app";
    factor: "动态验证码或恢复码", "Code from the authenticator app, or a recovery code";
    wrong_login: "邮箱、密码或验证码不正确。", "Email, password or code is not right.";
    wrong_code: "验证码不正确，请用新的验证码再试。", "This code is not right. Try again with a new one.";
    too_many_attempts: "尝试次数过多，请稍后再试。", "Too many attempts. Try again in a moment.";
    confirm_title: "请再次输入密码", "Your password once more";
    confirm_text: "涉及密钥、人员和大额退款的操作，需要在十分钟内确认过密码。", "Keys, people and large refunds need a password that was given within the last ten minutes.";
    go_on: "继续", "Go on";

    // The account.
    account: "我的账户", "Your account";
    sessions: "登录会话", "Sessions";
    this_session: "（当前）", "(this one)";
    browser: "浏览器", "Browser";
    from_where: "来源", "From";
    since: "开始", "Since";
    last_seen: "最近活动", "Last seen";
    log_out_elsewhere: "退出其他会话", "Log out everywhere else";
    totp: "两步验证", "Second factor";
    totp_is_on: "已启用：登录时需要验证器 App 的动态验证码。", "On: logging in needs a code from the authenticator app.";
    totp_is_off: "未启用。启用后，仅有密码无法登录。", "Off. Once it is on, a password alone opens nothing.";
    totp_text: "用手机上的验证器 App 扫描二维码，再输入它显示的六位数字。",
        "Scan the code with an authenticator app, then type the six digits it shows.";
    recovery_codes: "恢复码", "Recovery codes";
    recovery_text: "手机不在身边时，可用其中一个代替动态验证码；每个只能用一次。请抄写或打印后妥善保存，离开本页后不再显示。",
        "When the phone is not at hand, one of these stands in for its code. Each works once. Write them down or print them: they are not shown again.";
    recovery_codes_left: "剩余恢复码：", "Recovery codes left:";
    new_recovery_codes: "换一组恢复码", "New recovery codes";
    turn_on: "启用", "Turn on";
    turn_off: "停用", "Turn off";

    // People and rights.
    users: "人员", "Users";
    role: "角色", "Role";
    rights: "权限表", "Who may do what";
    permission: "权限", "Permission";
    invite: "添加人员", "Add a person";
    change: "更改", "Change";
    disable: "停用", "Disable";
    reset_login: "重置密码和两步验证", "Reset password and two-step verification";
    disabled: "已停用", "disabled";
    acts: "操作", "Actions";
    yes: "是", "yes";
    no: "否", "no";
    role_owner: "所有者", "Owner";
    role_finance: "财务", "Finance";
    role_support: "客服", "Support";
    role_developer: "开发", "Developer";
    role_viewer: "只读", "Viewer";
    may_look: "查看订单与数据", "Look at orders and figures";
    may_read_messages: "查看回调原文", "Read the gateways' messages";
    may_export: "导出", "Export";
    may_handle: "查询网关、备注、处理异常", "Ask gateways, write notes, settle what needs attention";
    may_make_orders: "创建和关闭订单、收款链接", "Make and close orders and payment links";
    may_request_refund: "发起退款", "Request refunds";
    may_approve_refund: "审批退款", "Approve refunds";
    may_operate: "测试网关", "Test gateways";
    may_manage_keys: "管理 API 密钥", "Manage API keys";
    may_read_audit: "查看审计日志", "Read the audit log";
    may_manage_users: "管理人员", "Manage people";

    // The audit log.
    audit: "审计日志", "Audit log";
    audit_text: "只增不改；每一行带有上一行的哈希。tongqian audit 会检查整条链，下载后也可独立验证。",
        "Lines are only ever added. Each carries the hash of the one before; tongqian audit checks the whole chain, and so can whoever downloads it.";
    chain_holds: "哈希链完整", "The chain holds";
    chain_broken: "哈希链断裂", "The chain is broken";
    chain_checked: "已检查第 {first} 至 {last} 行，时间：", "Lines {first} to {last}, checked at";
    chain_broken_text: "第 {first} 至 {last} 行中有 {n} 处与上一行不衔接或缺失，检查时间：",
        "Lines {first} to {last}: {n} do not follow from the one before or are missing, checked at";
    check_whole_chain: "检查整条链", "Check the whole chain";
    download_chain: "下载整条链", "Download the chain";
    number: "编号", "No.";
    when: "时间（GMT+8）", "When (GMT+8)";
    who: "操作人", "Who";
    act: "操作类型", "Action";
    subject: "对象", "Subject";
    detail: "详情", "Detail";
    seal: "哈希", "Hash";
    older: "更早", "Older";
    nothing_yet: "暂无内容", "Nothing yet";

    // What a form did.
    flash_logged_out_elsewhere: "其他会话已全部退出。", "All other sessions are ended.";
    flash_totp_on: "两步验证已启用。", "The second factor is on.";
    flash_totp_off: "两步验证已停用。", "The second factor is off.";
    flash_user_invited: "人员已添加。", "The person was added.";
    flash_user_known: "该邮箱已存在。", "This address is known already.";
    flash_role_changed: "角色已更改，对方需要重新登录。", "The role was changed; they have to log in again.";
    flash_login_reset: "密码和两步验证已重置：请把初始密码告诉对方，首次登录必须修改。", "Password and two-step verification were reset. Tell them the first password; they must change it.";
    flash_user_disabled: "人员已停用。", "The person was disabled.";

    // What went wrong.
    missing_title: "找不到页面", "Page not found";
    missing_text: "这里没有内容，链接可能不完整。", "There is nothing here. The link may be incomplete.";
    malformed_title: "请求有误", "Invalid request";
    malformed_text: "有字段缺失或格式不对，未做任何更改。", "A field is missing or not in the right form. Nothing was changed.";
    forbidden_title: "没有权限", "Not permitted";
    forbidden_text: "您的角色不能进行此操作，请联系所有者。", "Your role may not do this. Ask an owner.";
    missing_permission: "缺少的权限：", "The permission you lack:";
    foreign_scope_text: "密钥的权限不能超过您自己的权限，请联系所有者创建。",
        "A key cannot have a scope that your role does not have. Ask an owner to make it.";
    refused_title: "操作未执行", "Not done";
    refused_text: "当前状态不允许此操作，未做任何更改。", "The current state does not allow this. Nothing was changed.";
    decided_text: "已有同事处理过，请刷新后查看。", "A colleague has decided this already. Look again.";
    own_text: "不能对自己执行此操作，需要另一位同事。", "You cannot do this to yourself; another person must.";
    gateway_title: "支付平台未完成该操作", "The gateway did not complete this";
    gateway_declined_text: "支付平台明确拒绝了请求。", "The gateway understood and said no.";
    gateway_silent_text: "支付平台未响应，结果未知；系统会继续查询。", "The gateway gave no answer. The outcome is unknown; we keep asking.";
    out_of_service_title: "系统暂时不可用", "Out of service for the moment";
    out_of_service_text: "数据库暂时无法读写，操作未执行或结果未知。请稍后再试，重复操作前请先核对。",
        "The database cannot be read or written at the moment: nothing was done, or it is not known. Try again later, and look before you repeat an act.";
    broken_title: "系统出错", "Something went wrong";
    broken_text: "请稍后再试；日志中可用参考编号找到原因。", "Try again in a moment. The reference leads to the reason in the log.";

    // Finding.
    orders: "订单", "Orders";
    order: "订单", "Order";
    search: "查找", "Search";
    search_hint: "任意单号、金额或用户", "Any number, amount or customer";
    clear: "清除", "Clear";
    this_week: "本周", "This week";
    the_week_before: "上周", "Last week";
    this_month: "本月", "This month";
    the_month_before: "上月", "Last month";
    this_quarter: "本季度", "This quarter";
    any: "不限", "Any";
    from_day: "从", "From day";
    to_day: "到", "To day";
    least: "最低金额", "At least ¥";
    most: "最高金额", "At most ¥";
    no_orders: "没有符合条件的订单", "No order fits";
    looked_back_to: "订单很多，此页只查看了此时间之后的订单，点“更早”继续查找：",
        "There are many orders. This page looked only at those since, and Older goes on from there:";
    order_no: "订单号", "Order number";
    subject_of_order: "商品", "Subject";
    user: "用户", "Customer";
    amount: "金额", "Amount";
    returned: "已退", "Returned";
    left: "可退", "Left";
    status: "状态", "Status";
    id: "标识", "Id";
    order_pending: "待支付", "Pending";
    order_paid: "已支付", "Paid";
    order_partially_refunded: "部分退款", "Partly refunded";
    order_refunded: "已退款", "Refunded";
    order_cancelled: "已关闭", "Cancelled";

    // One order.
    facts: "信息", "Facts";
    created_at: "创建时间", "Created";
    paid_at: "支付时间", "Paid";
    expires_at: "支付期限", "Pay before";
    finished_at: "完成时间", "Finished";
    reason: "原因", "Reason";
    expired_reason: "订单超时自动取消", "The time to pay was over";
    metadata: "商户数据", "Metadata";
    payments: "支付", "Payments";
    no_payments: "还没有支付", "No payment yet";
    payment_no: "支付单号", "Payment number";
    method: "方式", "Method";
    transaction: "平台交易号", "Gateway's number";
    wechat: "微信支付", "WeChat Pay";
    alipay: "支付宝", "Alipay";
    balance: "余额", "Balance";
    surplus: "重复支付", "Duplicate payment";
    payment_pending: "已记录", "Recorded";
    payment_processing: "待支付", "Pending";
    payment_success: "已支付", "Paid";
    payment_failed: "支付失败", "Declined";
    payment_cancelled: "已关闭", "Closed";
    payment_refunding: "退款中", "Refunding";
    payment_refunded: "已退款", "Refunded";
    refunds: "退款", "Refunds";
    no_refunds: "没有退款", "No refunds";
    refund_no: "退款单号", "Refund number";
    gateway_refund: "平台退款号", "Gateway's refund number";
    refund_requested: "已提交", "Requested";
    refund_pending: "处理中", "On its way";
    refund_succeeded: "退款成功", "Refunded";
    refund_failed: "失败", "Failed";
    refund_stuck: "需要处理", "Needs a person";
    support_text: "下载排查记录", "Download for support";
    ask_gateway: "立即查询网关", "Ask the gateway now";
    note: "备注", "Note";
    write_note: "保存备注", "Save note";

    // What happened, and why.
    timeline: "时间线", "Timeline";
    event_ordered: "创建订单 {amount}", "Ordered for {amount}";
    event_order_paid: "订单已支付", "The order is paid";
    event_order_cancelled: "订单已关闭", "The order was cancelled";
    event_payment_started: "发起{method}支付 {number}", "A {method} payment was started: {number}";
    event_payment_paid: "收到 {amount}：{number}", "{amount} arrived: {number}";
    event_payment_ended: "支付已关闭：{number}", "The payment ended unpaid: {number}";
    event_notification: "收到回调：{verdict}", "Notification received: {verdict}";
    event_refund_asked: "发起退款 {amount}：{number}", "A refund of {amount} was requested: {number}";
    event_refund_done: "退款 {amount} 成功：{number}", "{amount} refunded to the original payment method: {number}";
    event_refund_failed: "退款 {amount} 失败：{number}", "The refund of {amount} failed: {number}";
    event_posted: "记账（{kind}）{amount}：{from} → {to}", "Posted: {kind} {amount}, {from} → {to}";
    entry_payment: "收款", "payment";
    entry_topup: "充值", "top-up";
    entry_surplus: "重复支付", "duplicate payment";
    entry_refund_requested: "发起退款", "refund requested";
    entry_refund: "退款完成", "refund done";
    entry_refund_failed: "退款失败", "refund failed";
    entry_adjust: "调整", "adjustment";
    postings: "账本分录", "Postings";
    no_postings: "还没有记账", "Nothing is booked yet";
    from_account: "转出账户", "From account";
    to_account: "转入账户", "To account";
    cause_books: "账本", "the books";
    event_resolved: "异常已处理", "Settled by a person";
    event_called: "{method}{operation}：{verdict}", "{operation} at {method}: {verdict}";
    operation_create: "下单", "Payment created";
    operation_query: "查询支付", "Payment asked about";
    operation_close: "关单", "Payment closed";
    operation_cancel: "撤销交易", "Trade cancelled";
    operation_refund: "请求退款", "Refund sent";
    operation_query_refund: "查询退款", "Refund asked about";
    operation_upload_shipping: "录入发货信息", "Shipping information uploaded";
    call_signed: "应答 {status}，签名有效", "answer {status}, signature good";
    call_unsigned: "应答 {status}，未签名", "answer {status}, not signed";
    call_not_believed: "应答 {status}，不可信", "answer {status}, not believed";
    call_no_answer: "没有应答", "no answer";
    call_again: "共 {n} 次相同应答，最近一次 {time}", "{n} times the same answer, the last at {time}";
    cause_merchant: "商户或系统请求", "asked for by the merchant or a rule";
    by_api_key: "API 密钥 {name}（…{last4}）", "API key {name} (…{last4})";
    cause_payer: "付款人选择", "chosen by the payer";
    cause_rule: "系统规则", "by rule";
    cause_gateway: "支付平台", "the gateway's word";
    action_ask_gateway: "查询网关", "Asked the gateway";
    action_request_refund: "申请退款", "Requested a refund";
    action_retry_refund: "重试退款", "Tried the refund again";
    action_approve_refund: "批准退款", "Approved the refund";
    action_replay_notification: "重新处理回调", "Worked on a callback again";
    action_create_endpoint: "新建 Webhook 端点", "Made a webhook endpoint";
    action_update_endpoint: "修改 Webhook 端点", "Changed a webhook endpoint";
    action_delete_endpoint: "删除 Webhook 端点", "Deleted a webhook endpoint";
    action_rotate_secret: "轮换 Webhook 密钥", "Rotated a webhook secret";
    action_test_endpoint: "测试 Webhook 端点", "Tested a webhook endpoint";
    action_redeliver_event: "重新投递事件", "Redelivered an event";
    action_replay_events: "重放事件", "Replayed events";
    action_reject_refund: "驳回退款", "Rejected the refund";
    action_request_credit: "申请增加余额", "Asked for a credit";
    action_approve_credit: "批准增加余额", "Approved the credit";
    action_reject_credit: "驳回增加余额", "Rejected the credit";
    action_reconcile_day: "对账", "Reconciled a day";
    action_explain_difference: "说明差异", "Explained a difference";
    action_close_day: "关账", "Closed a day";

    // Callbacks.
    callbacks: "回调", "Callbacks";
    callback: "回调", "Callback";
    verdict: "结论", "Verdict";
    message: "内容（已脱敏）", "Message (masked)";
    message_inside: "解密内容（已脱敏）", "Decrypted content (masked)";
    replay: "重新处理", "Replay";
    flash_replayed: "这条回调已重新处理。重复处理不会重复入账。", "Replayed. Nothing counts twice.";
    unverifiable_text: "这条回调的签名已无法再次验证（密钥已更换）。请改用“查询网关”。",
        "Its signature cannot be checked any more: the key has changed. Ask the gateway about the order instead.";
    verdict_payment: "支付结果", "news of a payment";
    verdict_refund: "退款结果", "news of a refund";
    verdict_hint: "退款提示，已去查询", "a hint of a refund: asked the gateway";
    verdict_ambiguous: "签名文本有歧义，未采信，已去查询", "its signed text can be read in several ways: not believed, asked the gateway";
    verdict_known: "退款已知", "a refund that was known";
    verdict_other: "其他", "something else";

    // What needs a person.
    attention: "待处理", "Needs attention";
    all_clear: "没有需要处理的事项", "All clear";
    assigned_to: "负责人", "Assignee";
    nobody: "未指派", "Nobody";
    assign: "指派", "Assign";
    flash_assigned: "负责人已更新。", "The assignee was changed.";
    resolve: "标记为已处理", "Resolve";
    resolved: "最近处理", "Resolved lately";
    resolution: "处理结果", "What was done";
    open_order: "打开订单", "Open the order";
    age: "已等待", "Waiting for";
    cause: "原因", "Cause";
    newer: "较新", "Newer";
    minutes: "{n} 分钟", "{n} min";
    hours: "{n} 小时", "{n} h";
    days: "{n} 天", "{n} days";
    incident_unknown: "未知异常", "Something unknown";
    incident_wrong_amount: "金额不符", "Wrong amount";
    incident_surplus: "重复支付或逾期支付", "Duplicate or late payment";
    incident_foreign_notification: "不属于本商户的回调", "A callback for another merchant";
    incident_unmatched_notification: "找不到对应支付的回调", "A callback about no payment of ours";
    incident_trade_reused: "同一交易号用于两笔支付", "One trade claims two payments";
    incident_unknown_refund: "未登记的退款", "A refund nobody asked for here";
    incident_refund_mismatch: "退款信息不符", "A refund with other numbers";
    incident_refund_failed: "退款失败", "A refund failed";
    incident_refund_stuck: "退款卡住", "A refund is stuck";
    incident_refund_revived: "失败的退款又成功了", "A failed refund is done after all";
    incident_refused: "网关拒绝（未经验证）", "Refused in words that prove nothing";
    incident_forged_notifications: "大量伪造回调", "Many forged callbacks";
    incident_gateway_silent: "支付平台无应答", "A gateway does not answer";
    incident_key_expiring: "证书即将到期", "A certificate ends soon";
    incident_new_key: "新建了 API 密钥", "A new API key";
    incident_other_account: "其他商户号的未完成交易", "Unfinished payments of another merchant";
    incident_clock_off: "服务器时钟偏差", "A server's clock is off";
    incident_payment_overdue: "过期支付未关闭", "A payment is open after its time";
    incident_payment_unanswered: "支付长时间查询无果", "A payment's questions bring no usable answer";
    incident_refund_overdue: "退款超时未完成", "A refund takes too long";
    incident_order_overdue: "订单状态与支付不符", "An order that its payments do not explain";
    incident_job_overdue: "后台任务未运行", "A job does not run";
    incident_backup_failed: "备份失败", "The backup failed";
    incident_database_restored: "数据库是较早的副本", "The database is an older copy";
    incident_webhook_failed: "Webhook 投递失败", "A webhook delivery failed";
    incident_product_not_permitted: "支付产品未开通", "A payment product is not permitted";
    incident_webhook_disabled: "Webhook 端点已停用", "A webhook endpoint was disabled";
    flash_asked: "已查询网关，下面是最新结果。", "The gateway was asked. This is what is known now.";
    flash_note_written: "备注已保存。", "The note is saved.";
    flash_resolved: "已标记为处理。", "Marked as resolved.";

    flash_order_made: "订单已创建，请复制支付链接发给顾客。", "The order is made. Copy its checkout link and send it.";
    flash_order_closed: "订单已关闭。", "The order is closed.";
    flash_link_made: "收款链接已创建。", "The payment link is made.";
    flash_link_closed: "收款链接已结束。", "The payment link is closed.";
    action_create_order: "创建订单", "Create an order";
    action_close_order: "关闭订单", "Close an order";
    action_create_link: "创建收款链接", "Create a payment link";
    action_close_link: "结束收款链接", "Close a payment link";
    // Giving money back.
    refund: "退款", "Refund";
    refund_amount: "退款金额", "Refund amount";
    paid_sum: "已付", "Paid";
    returning: "退款中", "On its way";
    waiting_sum: "待审批", "Waiting for approval";
    nothing_left: "没有可退的金额", "There is nothing left to refund";
    reason_words: "补充说明（可选）", "In your own words (optional)";
    reason_approval: "用户申请退款", "The customer asked";
    reason_twice: "重复下单", "Ordered twice";
    reason_defect: "商品或服务问题", "Something was wrong with it";
    reason_stock: "无法交付", "Cannot be delivered";
    reason_other: "其他原因", "Another reason";
    look_again: "下一步：核对", "Next: check it once more";
    refund_question: "向 {user} 退款 {amount}？", "Refund {amount} to {user}?";
    refund_now: "确认退款 {amount}", "Refund {amount} now";
    ask_colleague: "提交审批 {amount}", "Ask a colleague to approve {amount}";
    no_go_back: "返回修改", "No, go back";
    back_to_order: "返回订单", "Back to the order";
    needs_approval: "金额超过审批线，需要另一位同事批准后才会退款。",
        "This is above the threshold: nothing moves before another person approves it.";
    retry: "重试", "Try again";
    approvals: "退款审批", "Approvals";
    no_approvals: "没有等待审批的退款", "No refund waits for a decision";
    asked_by: "申请人", "Requested by";
    own_approval: "自己的申请需要另一位同事审批。", "Another person must decide on your own request.";
    approve: "批准", "Approve";
    reject: "驳回", "Reject";
    why_not: "驳回原因", "Why not";
    decided: "最近决定", "Decided lately";
    decision: "决定", "Decision";
    approved: "已批准", "approved";
    rejected: "已驳回", "rejected";
    flash_refund_requested: "退款已提交，正在处理。", "The refund is on its way.";
    flash_refund_waiting: "已提交，等待另一位同事批准。", "Another person must approve this now.";
    flash_refund_approved: "已批准，退款正在处理。", "Approved. The refund is on its way.";
    flash_refund_rejected: "已驳回。", "Rejected.";
    flash_refund_retried: "已重试退款。", "The refund is tried again.";

    // Figures.
    today: "今天", "Today";
    yesterday: "昨天", "Yesterday";
    yesterday_until_now: "昨天截至此时", "Yesterday until this hour";
    last_week_until_now: "上周同期", "Same time last week";
    gross: "交易额", "Gross";
    net: "实收", "Net";
    success_rate: "支付成功率", "Orders paid";
    by_hour: "今日各小时交易额", "By the hour, today";
    by_method: "今日各方式交易额", "By method, today";
    as_table: "查看表格", "As a table";
    hour: "小时", "Hour";
    day: "日期", "Day";
    speed: "处理时效（各日最近 1000 笔）", "Speed (the last 1,000 of each day)";
    median_to_paid: "下单到付款（中位数）", "Order to money (median)";
    delay_p50: "回调延迟 p50", "Callback delay p50";
    delay_p95: "回调延迟 p95", "Callback delay p95";

    incident_reconciliation_difference: "对账有差异", "A statement differs from the books";
    incident_statement_missing: "账单迟迟不可用", "A statement is missing";
    incident_epay_notification_failed: "易支付通知失败", "An epay merchant was not told";
    incident_shipping_not_uploaded: "微信发货信息未上传", "WeChat was not told of a delivery";

    // Merchants of the epay protocol.
    epay: "易支付商户", "epay merchants";
    epay_state: "状态", "State";
    epay_on: "易支付接口已开启（EPAY=on），客户端填写的支付地址：", "The epay endpoints are open (EPAY=on). Address for clients:";
    epay_off: "易支付接口未开启，设置 EPAY=on 后可用。地址：", "The epay endpoints are closed; EPAY=on opens them. Address:";
    epay_refunds_on: "商户可以通过接口退款自己的订单（EPAY_REFUND=on）。", "Merchants may refund their own orders (EPAY_REFUND=on).";
    epay_refunds_off: "接口退款未开启（EPAY_REFUND=off）。", "Merchants may not refund (EPAY_REFUND=off).";
    epay_md5: "V1 用 MD5 签名，这是该协议规定的弱算法：密钥泄露或被猜中即可伪造订单和通知。请为每个站点单独创建商户；客户端支持时请使用 V2（RSA）。",
        "V1 is signed with MD5, a weak algorithm that the protocol prescribes: whoever has the key can forge orders and notifications. Make a merchant for each site, and use V2 (RSA) where the client can.";
    epay_versions: "版本", "Versions";
    epay_new: "新密钥", "New keys";
    epay_make: "新建商户", "Create a merchant";
    epay_make_text: "不填公钥时会为商户生成一对 RSA 密钥，私钥只显示一次。", "Without a public key an RSA pair is made, and its private key is shown once.";
    epay_public_key: "商户 RSA 公钥（V2，可不填）", "RSA public key of the merchant (V2, optional)";
    epay_rotate: "更换 MD5 密钥", "New MD5 key";
    epay_disable: "停用", "Disable";
    epay_enable: "启用", "Enable";
    epay_disabled: "已停用", "disabled";
    epay_notifications: "通知", "Notifications";
    epay_order: "订单", "Order";
    epay_answer: "对方的回答", "Answer";
    epay_next: "下次发送", "Next attempt";
    epay_send_again: "重新发送", "Send again";
    flash_day_reconciled: "对账已完成，结果如下。", "Reconciled; this is the result.";
    flash_day_pending: "未能对账，原因如下。", "Not reconciled, for the reason below.";
    flash_difference_explained: "已记录说明。", "The explanation is recorded.";
    flash_day_closed: "已关账。", "The day is closed.";
    flash_epay_notification_sent: "通知已重新加入发送队列。", "The notification is sent again.";
    flash_epay_merchant_disabled: "商户已停用，其请求不再被接受。", "The merchant is disabled: its requests are refused.";
    flash_epay_merchant_enabled: "商户已启用。", "The merchant is enabled.";
    action_test_alarms: "测试告警", "Tested the alarms";
    flash_alarm_test_queued: "测试消息已进入发送队列，稍后刷新本页查看结果。",
        "The test message is queued. Load this page again in a moment to see what became of it.";
    // Keys, gateways, balances, books.
    files: "报表", "Files";
    download: "下载", "Download";
    export: "导出 CSV", "Export CSV";
    keys: "API 密钥", "API keys";
    key_name: "名称", "Name";
    scopes: "权限范围", "Scopes";
    key_end: "尾号", "Ends in";
    key_limits: "限额（单笔 / 每日）", "Limits (refund / day)";
    most_per_refund: "单笔退款上限（元，可选）", "Largest refund, ¥ (optional)";
    most_per_day: "每日退款上限（元，可选）", "Refunds a day, ¥ (optional)";
    last_used: "最近使用", "Last used";
    revoke: "吊销", "Revoke";
    revoked: "已吊销", "revoked";
    make_key: "新建密钥", "Create a key";
    make_key_text: "轮换时先建新密钥，商户程序换用后再吊销旧的；两个可以同时有效。",
        "To rotate, create a new key, let the program use it, then revoke the old one: both work meanwhile.";
    new_key: "新密钥", "The new key";
    key_once: "请立即复制，之后不会再显示。", "Copy it now: it is not shown again.";
    gateways: "支付网关", "Gateways";
    unencrypted: "未使用 HTTPS，支付信息以明文传输，请修改设置：",
        "Without HTTPS payments travel in the clear. Change these settings:";
    findings: "启动检查（tongqian doctor）", "Checks of the start (tongqian doctor)";
    not_configured: "未配置", "Not configured";
    notify_url: "回调地址", "Callback address";
    last_callback: "最近回调", "Last callback";
    merchant_no: "商户号", "Merchant number";
    serial_no: "证书序列号", "Certificate serial number";
    own_fingerprint: "我方公钥指纹", "Fingerprint of our public key";
    gateway_url: "网关地址", "Gateway address";
    key_ends: "证书到期", "Certificate ends";
    expired_key: "已过期的平台证书", "Expired certificate of the gateway";
    test_gateway: "测试", "Test";
    test_works: "正常：签名被接受，应答验签通过，订单不存在。",
        "Works: our signature was taken, the answer's signature is right, and there is no such order.";
    step_sent: "已用我方密钥签名并发出", "Signed with our key and sent";
    step_answered: "已收到应答", "Answered";
    step_believed: "应答签名有效", "The answer's signature is good";
    step_taken: "我方签名、商户号与应用被接受", "Our signature, number and app are accepted";
    step_unknown: "订单不存在（符合预期）", "There is no such order, as expected";
    test_refused: "网关拒绝：", "The gateway refused us:";
    test_silent: "没有可信的应答：", "No answer that can be believed:";
    balances: "余额", "Balances";
    available: "可用", "Available";
    frozen: "冻结", "Frozen";
    entries: "明细", "Entries";
    balance_after: "变动后余额", "Balance after";
    adjust: "调整余额", "Adjust the balance";
    adjust_amount: "金额（可为负）", "Amount (+ or −)";
    books: "账目检查", "The books";
    books_text: "每条规则现在都重新核对", "Every rule, asked just now";
    holds: "成立", "holds";
    broken: "不成立", "BROKEN";
    rule: "规则", "Rule";
    may_adjust_balance: "调整余额", "Adjust balances";
    may_reconcile: "对账与关账", "Explain differences and close days";
    reconciliation: "对账", "Reconciliation";
    flash_key_revoked: "密钥已吊销。", "The key is revoked.";
    flash_balance_adjusted: "余额已调整。", "The balance was adjusted.";
    flash_credit_waiting: "金额超过审批线，已提交，等待另一位同事批准。", "This is above the threshold: another person must approve it now.";
    flash_credit_approved: "已批准，余额已增加。", "Approved. The balance was credited.";
    credit_question: "向 {user} 的余额增加 {amount}？", "Credit {amount} to the balance of {user}?";
    credits_decided: "最近决定的余额增加", "Credits decided lately";

    // The password.
    change_password: "修改密码", "Change the password";
    old_password: "当前密码", "Password so far";
    new_password: "新密码（至少 8 个字符）", "New password (8 characters or more)";
    new_password_again: "再输入一次", "Once more";
    flash_password_changed: "密码已修改，其他会话已全部退出。", "The password was changed, and all other sessions are ended.";

    // Webhooks.
    webhooks: "Webhook", "Webhooks";
    webhook: "Webhook 端点", "Webhook endpoint";
    webhook_url: "接收地址", "URL";
    webhook_events: "事件类型", "Event types";
    webhook_description: "备注", "Description";
    webhook_enabled: "已启用", "Enabled";
    webhook_disabled: "已停用", "Disabled";
    webhook_failing_since: "持续失败自", "Failing since";
    webhook_overlap_until: "旧密钥有效至", "Old secret signs until";
    webhook_secret: "签名密钥", "Signing secret";
    webhook_secret_once: "请立即保存此密钥，离开本页后不再显示。", "Save this secret now: it is not shown again.";
    webhook_choose_events: "只接收部分事件", "Only some types of events";
    make_webhook: "新建端点", "Add endpoint";
    make_webhook_text: "事件以 JSON 发送，并按 Standard Webhooks 签名；未选择类型时接收所有事件。",
        "Events are posted as JSON, signed as Standard Webhooks says. Without a choice the endpoint gets all types.";
    test_webhook: "发送测试事件", "Send a test event";
    rotate_secret: "轮换密钥", "Rotate secret";
    delete_webhook: "删除", "Delete";
    replay_events: "重放事件", "Replay events";
    replay_events_text: "把这些日期内的事件重新发送到此端点；接收方凭事件 ID 去重。",
        "Sends the events of these days to this endpoint again; the receiver knows them by their ids.";
    deliveries: "投递记录", "Deliveries";
    delivery: "投递", "Delivery";
    deliveries_pending: "等待中", "Pending";
    deliveries_failed: "已失败", "Failed";
    delivery_pending: "等待投递", "Pending";
    delivery_succeeded: "已送达", "Succeeded";
    delivery_failed: "投递失败", "Failed";
    delivery_attempts: "次数", "Attempts";
    delivery_answer: "响应", "Answer";
    delivery_request: "请求", "Request";
    delivery_ms: "耗时（毫秒）", "Duration (ms)";
    delivery_error: "错误", "Error";
    delivery_last: "上次投递", "Last attempt";
    delivery_next: "下次投递", "Next attempt";
    event: "事件", "Event";
    redeliver: "重新投递", "Redeliver";
    flash_ping_queued: "测试事件已进入投递队列。", "The test event is queued.";
    flash_endpoint_changed: "端点已修改。", "The endpoint was changed.";
    flash_endpoint_deleted: "端点已删除。", "The endpoint was deleted.";
    flash_delivery_queued: "该事件已重新进入投递队列。", "The event is queued again.";
    flash_replay_begun: "重放已开始。", "The replay has begun.";
}
