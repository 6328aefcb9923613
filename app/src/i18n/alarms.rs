//! Texts of the messages that tell operators of incidents, and of their receivers in the console, in Chinese and English.

use super::catalogue::catalogue;

catalogue! {
    urgent: "【紧急】{kind}", "Urgent: {kind}";
    notice: "【提醒】{kind}", "Notice: {kind}";
    resolved: "【已解决】{kind}", "Resolved: {kind}";
    test: "【测试】告警测试", "Test of the alarms";
    test_text: "这是一条测试消息，无需处理。", "This is a test. Nothing is wrong.";
    since: "最早发生于 {time}（北京时间）。", "Since {time} in Beijing.";
    amount: "涉及支付金额 ¥{amount}。", "It concerns payments of ¥{amount}.";
    order: "订单 {order}", "Order {order}";
    link: "打开收银后台", "Open the console";
    receivers: "告警接收", "Who is told";
    receivers_text: "异常出现和结束时，消息会发送到以下接收方，同类异常合并为一条。接收方由 NOTIFY_* 与 SMTP_URL 设置。",
        "Told when something needs attention and when it is over, one message for all of a kind. Set by NOTIFY_* and SMTP_URL.";
    no_receivers: "尚未设置接收方：异常只显示在本页。",
        "Nobody is told: what needs attention is shown on this page only.";
    receiver: "接收方", "Receiver";
    wecom: "企业微信机器人", "WeCom robot";
    dingtalk: "钉钉机器人", "DingTalk robot";
    feishu: "飞书机器人", "Feishu robot";
    email: "邮件", "E-mail";
    last_message: "最近一条消息", "Last message";
    send_test: "发送测试消息", "Send a test message";
}
