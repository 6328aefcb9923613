//! Texts of files for accountants, in Chinese and English: their page, and the headings of their columns.

use super::catalogue::catalogue;

catalogue! {
    files_text: "按支付时间、退款成功时间或记账时间（北京时间）取整天数据；账本分录不分支付方式。手续费来自渠道账单，对账后才有。",
        "Whole days in Beijing, by the time of payment, of the end of a refund, or of the entry. Entries of the ledger have no method. Fees come from the statements, once they are reconciled.";
    files_numbers: "XLSX 中的单号为文本。CSV 中像数字或日期的单号末尾带制表符，避免被表格软件改写，程序读取时请去除首尾空白。",
        "Numbers are text in XLSX. In CSV a number that a spreadsheet would change ends with a tab; programs trim it.";
    file: "文件", "File";
    totals: "合计", "Totals";
    totals_of_newest: "订单很多，仅合计最近的 {n} 笔；完整合计见“报表”。", "There are many orders: only the newest {n} are summed. Files has the whole.";
    total: "合计", "Total";
    n_orders: "笔数", "Orders";
    n_payments: "支付笔数", "Payments";
    n_refunds: "退款笔数", "Refunds";
    paid_orders: "已付订单", "Paid orders";
    product: "产品", "Product";
    product_code: "扫码", "QR code";
    product_phone: "手机网页", "Phone browser";
    product_inside_wechat: "微信内网页", "Inside WeChat";
    product_desktop: "电脑网页", "Desktop browser";
    product_app: "App", "App";
    product_mini: "小程序", "Mini program";
    amount_cny: "金额（元）", "Amount (CNY)";
    refunded_cny: "已退（元）", "Refunded (CNY)";
    net_cny: "净额（元）", "Net (CNY)";
    fee_cny: "手续费（元）", "Fee (CNY)";
    fee_returned_cny: "退还手续费（元）", "Fee returned (CNY)";
    fee: "手续费", "fee";
    fee_returned: "退还手续费", "fee returned";
    fees: "手续费", "Fees";
    days: "每日对账合计", "Daily totals";
    day_pending: "待账单", "Waiting for the statement";
    day_matched: "已对平", "Matched";
    day_differs: "有差异", "Differences";
    statement_payments_cny: "账单收款（元）", "Statement: payments (CNY)";
    statement_refunds_cny: "账单退款（元）", "Statement: refunds (CNY)";
    statement_fees_cny: "账单手续费（元）", "Statement: fees (CNY)";
    statement_net_cny: "账单净额（元）", "Statement: net (CNY)";
    book_payments_cny: "本系统收款（元）", "Books: payments (CNY)";
    book_refunds_cny: "本系统退款（元）", "Books: refunds (CNY)";
    book_fees_cny: "本系统手续费（元）", "Books: fees (CNY)";
    book_net_cny: "本系统净额（元）", "Books: net (CNY)";
    fund_net_cny: "资金账单净额（元）", "Fund flow: net (CNY)";
    foreign_net_cny: "其他系统净额（元）", "Other programs: net (CNY)";
    closed_at_beijing: "关账时间（GMT+8）", "Closed (GMT+8)";
    statement_lines: "账单明细", "Statement lines";
    fund_lines: "资金账单明细", "Fund-flow lines";
    line_payment: "收款", "payment";
    line_refund: "退款", "refund";
    line_other: "其他", "other";
    at_beijing: "时间（GMT+8）", "Time (GMT+8)";
    at_utc: "时间（UTC）", "Time (UTC)";
    refund_state: "退款状态", "Refund status";
    refund_done: "成功", "done";
    refund_in_progress: "处理中", "in progress";
    refund_failed: "失败", "failed";
    settled_cny: "结算金额（元）", "Settled (CNY)";
    rate: "费率", "Rate";
    program: "系统", "Program";
    program_own: "本系统", "this one";
    program_other: "其他系统", "another one";
    flow_no: "资金流水号", "Flow number";
    business_no: "渠道业务单号", "Gateway's number";
    fee_inside_cny: "含手续费（元）", "Fee inside (CNY)";
    created_at_beijing: "创建时间（GMT+8）", "Created (GMT+8)";
    paid_at_beijing: "支付时间（GMT+8）", "Paid (GMT+8)";
    paid_at_utc: "支付时间（UTC）", "Paid (UTC)";
    finished_at_beijing: "退款成功时间（GMT+8）", "Finished (GMT+8)";
    finished_at_utc: "退款成功时间（UTC）", "Finished (UTC)";
    booked_at_beijing: "记账时间（GMT+8）", "Booked (GMT+8)";
    booked_at_utc: "记账时间（UTC）", "Booked (UTC)";
    entry_kind: "类型", "Kind";
    ledger_account: "科目", "Ledger account";
    reference_number: "关联单号", "Reference number";
    journal: "凭证", "Journal";
}
