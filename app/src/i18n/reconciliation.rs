//! Texts of the reconciliation pages, in Chinese and English.

use super::catalogue::catalogue;

catalogue! {
    // The calendar.
    text: "每天上午下载前一日的交易账单和资金账单，与本系统逐笔核对。点击状态查看当日对账。",
        "Every morning the statements of the day before are fetched and compared line by line. Open a state to see its day.";
    no_days: "还没有对账记录。配置收款渠道并有支付后，从次日起自动对账。",
        "Nothing to reconcile yet. With a gateway and its first payment it begins on the next day.";
    earlier_days: "更早的日期", "Earlier days";
    all_days: "全部日期", "All days";
    pending: "待账单", "Waiting for the statement";
    matched: "已对平", "Matched";
    differences_left: "有差异", "Differences";
    closed: "已关账", "Closed";
    changed: "关账后有变动", "Changed after the close";

    // One day.
    sums_of_day: "当日合计", "Sums of the day";
    unknown_day: "当日尚未对账，可点击“立即对账”，或上传手工下载的账单文件。",
        "This day has not been reconciled. Do it now, or upload a statement file.";
    pending_text: "暂无可用账单，将自动重试。原因：", "There is no usable statement yet; it is asked for again. Reason:";
    changed_text: "关账之后，本系统当日的数据或差异有变动，请核实。",
        "After the close, the books or the differences of this day have changed. Please check.";
    sum: "项目", "Sum";
    statement: "渠道账单", "Statement";
    books: "本系统", "Books";
    difference: "差额", "Difference";
    fees: "手续费", "Fees";
    statement_files: "账单明细文件：", "Lines of the statements: ";
    trade_statement: "交易账单", "Trade statement";
    fund_statement: "资金账单", "Fund-flow statement";
    checked_at: "对账时间", "Reconciled at";
    lines: "账单笔数", "Lines";
    discounts: "商家优惠（不结算）", "Merchant's own discounts";
    other_programs: "其他系统的交易", "Of other programs";
    fund_net: "资金账单净额", "Net of the fund-flow statement";
    asked_again_at: "下次重试", "Asked again at";
    by_itself: "自动", "by itself";

    // Differences.
    differences: "差异", "Differences";
    no_differences: "没有差异。", "No differences.";
    state: "状态", "State";
    kind: "类型", "Kind";
    evidence: "依据与处理建议", "Evidence, and what to do";
    open: "待处理", "Open";
    repaired: "已修复", "Repaired";
    explained: "已说明", "Explained";
    no_amount: "无", "none";
    kind_missing_in_books: "本系统缺少", "Missing in the books";
    kind_missing_in_statement: "账单缺少", "Missing in the statement";
    kind_amount: "金额不一致", "Amount";
    kind_status: "状态不一致", "Status";
    kind_fee: "手续费不一致", "Fee";
    kind_duplicate: "重复交易", "Duplicate";
    advice_missing_in_books: "本系统没有此编号的记录。请在商户平台核实；若为手工退款，请填写说明。",
        "Nothing here has this number. Look it up at the gateway; if it is a refund made there by hand, say so.";
    advice_missing_in_statement: "请在订单页查询渠道。渠道确认后仍缺少的，请联系渠道核实。",
        "Ask the gateway on the order's page. If it confirms and the statement still lacks it, ask the gateway's support.";
    advice_amount: "请核对订单金额与账单金额；未查明之前不要发货或退款。",
        "Compare the order's amount with the statement. Until it is clear, deliver and refund nothing.";
    advice_status: "已向渠道查询，结果仍不一致。请稍后再次对账，或在商户平台核实。",
        "The gateway was asked and it still differs. Reconcile again later, or look it up at the gateway.";
    advice_fee: "手续费与费率不符，或资金账单与交易账单不同。请向渠道核实费率。",
        "The fee is not rate × amount, or both statements disagree. Ask the gateway about the rate.";
    advice_duplicate: "同一编号下有两笔渠道交易，可能重复收款。请核实后退还多收的一笔。",
        "Two trades under one number: the payer may have paid twice. Check, and give the second back.";
    explanation: "说明", "Explanation";
    explain: "标记为已说明", "Mark as explained";

    // Acts.
    reconcile_now: "立即对账", "Reconcile now";
    file: "账单文件", "Statement file";
    file_text: "上传从商户平台下载的原始文件：文本、GZIP 或支付宝的 ZIP。最大 32 MB。",
        "The gateway's own file as it was downloaded: text, GZIP, or Alipay's ZIP. At most 32 MB.";
    upload: "上传并对账", "Upload and reconcile";
    too_large_title: "文件过大", "The file is too large";
    too_large_text: "账单文件最大 32 MB，没有做任何更改。请上传压缩后的原始文件，或在服务器上使用 tongqian reconcile --file。",
        "A statement file has 32 MB at most. Nothing was changed. Upload it packed, as it was downloaded, or use tongqian reconcile --file on the server.";
    close_day: "关账", "Close the day";
    close_text: "关账后，未处理的差异以此原因标记为已说明；之后的变动会单独提示。",
        "Open differences become explained by this reason; later changes of the day are shown as such.";
}
