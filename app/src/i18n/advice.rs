//! Advice on incidents, in Chinese and English.

use super::catalogue::catalogue;

catalogue! {
    advice_new_key: "请所有者确认：不认识的密钥请立即吊销。只有所有者可以结束此项。", "For an owner: revoke a key you do not know. Only an owner can resolve this.";
    advice_other_account: "用原商户号的配置启动一次，待这些支付和退款完成；或在原商户后台处理后标记为已处理。",
        "Start once with that merchant's settings until they are finished, or finish them in its own console and resolve this.";
    advice_database_restored: "这段时间的支付和退款不在库中：各日账单会在次日上午自动对账，差异与未知支付的通知会成为异常事件；逐笔退款或手工入账。若是有意从头开始，可直接结束。", "What was paid and refunded in between is not here. The statements of these days are compared by themselves on the morning after; differences and callbacks about unknown payments become incidents: refund each, or enter it by hand. Resolve this one when all are done, or at once if you began anew on purpose.";
    advice_product_not_permitted: "在微信支付商户平台或支付宝开放平台开通该产品，或从 WECHAT_PRODUCTS / ALIPAY_PRODUCTS 中移除。付款人已自动改用其他产品。", "Apply for the product in the gateway's merchant console, or remove it from WECHAT_PRODUCTS / ALIPAY_PRODUCTS. Payers were offered the next product.";
    advice_clock_off: "校准服务器时间（NTP）。偏差超过五分钟时，平台会拒绝签名。恢复后自动结束。", "Set the server's clock right (NTP): five minutes off, and signatures are refused on both sides. Ends by itself.";
    advice_payment_overdue: "查看平台最后的答复；在平台商户后台核对该交易。关闭或到账后自动结束。", "Read the gateway's last words and look the trade up in its console. Ends by itself when the payment is closed or paid.";
    advice_payment_unanswered: "在平台商户后台核对该交易是否已付款。收到可信答复后自动结束。", "See in the gateway's console whether the trade is paid. Ends by itself with the first usable answer.";
    advice_refund_overdue: "查看平台最后的答复；必要时在平台商户后台完成退款。完成或失败后自动结束。",
        "Read the gateway's last words; finish it in the gateway's console if it must be. Ends by itself when it is done or has failed.";
    advice_order_overdue: "查看订单时间线，并运行 tongqian audit。恢复一致后自动结束。", "Read the order's timeline and run tongqian audit. Ends by itself when they agree.";
    advice_job_overdue: "查看日志中该任务的错误；必要时重启服务器。恢复后自动结束。", "Read the job's errors in the log; start the server again if it must be. Ends by itself when the job ends well.";
    advice_backup_failed: "检查 BACKUP_DIR 的磁盘空间与权限，然后执行 tongqian backup。下一次备份成功后自动结束。", "Look at the space and the rights of BACKUP_DIR, then run tongqian backup. Ends by itself with the next backup.";
    advice_webhook_failed: "查看该端点的投递记录，修复接收程序后重新投递。", "Read the deliveries of the endpoint; mend the receiving program, then redeliver.";
    advice_webhook_disabled: "修复接收程序，启用该端点，再重放停用期间的事件。", "Mend the receiving program, enable the endpoint, then replay the events since it was disabled.";
    advice_forged_notifications: "没有款项被误记。检查平台密钥是否已更换；若不是，请在防火墙按来源限制。",
        "Nothing was believed. See whether the gateway's key has changed; if not, shut the sender out at the firewall.";
    advice_gateway_silent: "检查网络与平台公告；恢复后系统会自动补查，并自动结束此项。",
        "Look at the network and the gateway's notices. What was missed is asked for again by itself, and this ends by itself.";
    advice_key_expiring: "在平台商户后台下载新证书并更新配置，然后重启。",
        "Get the new certificate from the gateway's console, put it into the settings, and start again.";
    advice_unknown: "查看日志和订单时间线。", "Read the log and the order's timeline.";
    advice_wrong_amount: "在平台商户后台核对该交易的实际金额，再决定补款或退款。",
        "Compare the trade in the gateway's own console, then have the rest paid or give it back.";
    advice_surplus: "系统已发起全额退款，确认退款成功即可。", "A full refund is on its way already; see that it succeeds.";
    advice_foreign_notification: "核对回调地址是否被其他商户或应用误用。", "See whether another merchant or app uses our callback address.";
    advice_unmatched_notification: "检查是否有其他系统共用此商户号，或数据库是否恢复自旧备份。",
        "See whether another system shares the merchant number, or the database is an old backup.";
    advice_trade_reused: "两笔支付引用同一交易，请在平台核对哪一笔是真实的。", "Find out at the gateway which of the two is real.";
    advice_unknown_refund: "可能在平台后台直接退款，或密钥泄露；请核对操作人。",
        "Somebody used the gateway's console, or our keys are known to others. Find out who.";
    advice_refund_mismatch: "在平台核对该退款的金额与单号。", "Compare sum and number of the refund at the gateway.";
    advice_refund_failed: "查看平台给出的原因，再决定重新退款。", "Read the gateway's reason, then refund again.";
    advice_refund_stuck: "在平台后台完成退款（如更换收款账户），再在此处理。", "Finish it in the gateway's console (another account), then resolve it here.";
    advice_refund_revived: "核对是否已另行退款，避免重复退款。", "See whether it was returned another way meanwhile.";
    advice_refused: "测试网关配置，确认密钥和商户号有效。", "Test the gateway: are keys and merchant number still good?";
    advice_reconciliation_difference: "请到“对账”页面查看当日差异的双方数据和处理建议。处理后再次对账，此事项会自动结束。",
        "See the day on the page Reconciliation: both sides' figures and what to do. It ends by itself once the day matches.";
    advice_statement_missing: "系统会继续重试。请在商户平台确认账单是否生成，或下载后在“对账”页面上传。",
        "It is asked for again. See at the gateway whether it exists, or upload it on the page Reconciliation.";
    advice_epay_notification_failed: "订单已支付，但商户网站没有收到通知。请检查其通知地址，然后在“易支付商户”页面重新发送。",
        "The order is paid, but the shop was not told. Look at its notification address, then send the notification again on the page of epay merchants.";
    advice_shipping_not_uploaded: "小程序支付的资金在发货信息上传前会被微信冻结。系统会继续重试；请按微信返回的原因检查小程序的 AppSecret、IP 白名单和发货方式，或在小程序后台“发货管理”手动录入。上传成功后此事项会自动结束。",
        "WeChat holds the money of this mini program payment back until its shipping information is uploaded, which is tried again. Read WeChat's reason: check the mini program's secret, its allowed addresses and WECHAT_SHIPPING, or enter it by hand in the mini program's console. It ends by itself once the upload succeeds.";
}
