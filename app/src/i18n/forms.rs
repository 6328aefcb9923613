//! Texts of the console's forms: refused fields, questions before an act that cannot be undone, and the login's steps.

use super::catalogue::catalogue;

catalogue! {
    // Refused fields.
    form_refused: "未保存，请修改标出的一项：{field}", "Nothing was saved. Change the marked field: {field}";
    form_refused_somewhere: "未保存，请检查填写的内容。", "Nothing was saved. Check what you entered.";
    problem_missing: "请填写此项。", "Fill this in.";
    problem_unreadable: "内容过长，或含有无法显示的字符。", "Too long, or with characters that cannot be shown.";
    problem_no_amount: "请输入金额，例如 79.50。", "Enter an amount, such as 79.50.";
    problem_too_much: "金额格式不对，或超过可退金额。", "Not an amount, or more than can be refunded.";
    problem_weak_password: "密码至少 8 个字符。", "A password has at least 8 characters.";
    problem_same_password: "请换一个与当前密码不同的密码。", "Choose a password that differs from the current one.";
    problem_different: "两次输入的密码不一致。", "The two passwords are not the same.";
    problem_wrong_password: "当前密码不正确。", "The current password is not right.";
    problem_too_many_attempts: "尝试次数过多，请稍后再试。", "Too many attempts. Try again in a moment.";
    problem_no_email: "请输入邮箱地址。", "Enter an email address.";
    problem_known_email: "该邮箱已存在。", "This address is known already.";
    problem_no_scope: "请至少选择一项权限。", "Choose at least one scope.";
    problem_no_address: "请输入可从公网访问的地址，例如 https://example.com/webhook。",
        "Enter an address on the public internet, such as https://example.com/webhook.";
    problem_no_number: "请输入范围内的整数。", "Enter a whole number within the limits.";
    problem_no_future_day: "请选择今天或以后的日期。", "Choose today or a later day.";
    problem_no_public_key: "不是 RSA 公钥（PEM）。", "Not an RSA public key (PEM).";
    filters: "筛选", "Filters";
    filters_set: "筛选（已设置）", "Filters (set)";
    menu: "菜单", "Menu";
    sent_before: "这个表单已经提交过，没有重复执行。密钥只显示一次；如未保存，请在列表中吊销或更换。",
        "This form was sent before and did nothing more. Secrets are shown once; revoke or replace one that you did not keep.";

    // The login.
    second_step_title: "输入动态验证码", "Enter your code";
    second_step: "需要验证器 App 的动态验证码，或一个恢复码。如果该账户未启用两步验证，则邮箱或密码不正确。",
        "A code from the authenticator app is needed, or a recovery code. If the account does not use two-step verification, the email or the password is not right.";
    try_password_again: "重新输入密码", "Enter the password again";
    wrong_code_or_late: "验证码不正确，或等待过久。请使用新的验证码，或重新输入密码。",
        "This code is not right, or it took too long. Use a new code, or enter the password again.";
    forgot_password: "忘记密码", "Forgot your password";
    forgot_password_text: "请所有者在“人员”页面重置密码。没有其他所有者时，在服务器上运行：",
        "Ask an owner to reset it under Users. Without another owner, run this on the server:";
    first_password_title: "请设置您自己的密码", "Choose your own password";
    first_password_text: "当前密码由他人设置。设置新密码后才能继续使用后台。",
        "Another person set the current password. Choose one of your own before you go on.";
    must_change: "初始密码", "first password";

    // Questions before an act.
    keep: "不，返回", "No, go back";
    effect: "影响", "What it does";
    revoke_key: "吊销密钥“{name}”？", "Revoke the key “{name}”?";
    revoke_key_effect: "使用此密钥的程序立即无法调用接口（401），且无法恢复。", "Programs with this key are refused at once (401), and it cannot be undone.";
    revoke_key_now: "吊销密钥", "Revoke the key";
    disable_user: "停用 {email}？", "Disable {email}?";
    disable_user_effect: "该人员立即退出登录，且不能再登录；其操作记录保留。之后可重新启用。",
        "They are logged out at once and cannot log in. What they did stays recorded. They can be enabled again.";
    disable_user_now: "停用人员", "Disable the person";
    enable_user: "重新启用 {email}？", "Enable {email} again?";
    enable_user_effect: "该人员可以用原来的密码和两步验证登录，并恢复原来的角色：",
        "They can log in with their former password and second factor, in their former role:";
    enable_user_now: "重新启用", "Enable the person";
    enable: "重新启用", "Enable again";
    flash_user_enabled: "人员已重新启用。", "The person was enabled again.";
    reset_login: "重置 {email} 的密码和两步验证？", "Reset password and two-step verification of {email}?";
    reset_login_effect: "该人员立即退出登录，原密码、两步验证和恢复码全部失效。请把下面的初始密码当面或通过可靠渠道告知对方，首次登录必须修改。",
        "They are logged out at once; their password, two-step verification and recovery codes stop working. Tell them this first password in a safe way: they must change it at their first login.";
    reset_login_now: "重置密码和两步验证", "Reset password and two-step verification";
    rotate_epay: "更换商户 {pid} 的 MD5 密钥？", "Replace the MD5 key of merchant {pid}?";
    rotate_epay_effect: "旧密钥立即失效：在网站换上新密钥之前，它的下单请求会被拒绝，通知无法通过验签。",
        "The old key stops working at once: until the shop has the new one its orders are refused and it cannot verify notifications.";
    disable_epay: "停用商户 {pid}？", "Disable merchant {pid}?";
    disable_epay_effect: "该商户的请求立即被拒绝；已有订单仍可支付并通知。之后可重新启用。",
        "Its requests are refused at once; orders that exist can still be paid and are told of. It can be enabled again.";
    delete_webhook: "删除 Webhook 端点？", "Delete the webhook endpoint?";
    delete_webhook_effect: "不再向此地址发送事件，投递记录一并删除，且无法恢复。如需暂停，请改用停用。",
        "Nothing is sent to this address any more, its deliveries are deleted, and it cannot be undone. To pause it, turn it off instead.";
    delete_webhook_now: "删除端点", "Delete the endpoint";
    rotate_secret: "轮换签名密钥？", "Rotate the signing secret?";
    rotate_secret_effect: "新密钥只显示一次。24 小时内新旧密钥同时签名，之后旧密钥失效。",
        "The new secret is shown once. For 24 hours both secrets sign, then the old one stops.";
    adjust_balance: "将 {user} 的余额调整 {change}？", "Adjust the balance of {user} by {change}?";
    adjust_balance_effect: "调整立即记入账本，无法删除，只能用另一笔调整冲回；超过审批线时，另一位同事批准后才会生效。",
        "It is posted to the ledger at once and cannot be deleted, only reversed by another adjustment; above the threshold another person must approve it first.";
    close_day: "对 {day} 的{gateway}账单关账？", "Close {day} of {gateway}?";
    close_link: "结束收款链接“{subject}”？", "Close the payment link “{subject}”?";
    close_order: "关闭订单 {number}？", "Close order {number}?";
    turn_off_totp: "停用两步验证？", "Turn two-step verification off?";
    turn_off_totp_effect: "之后仅凭密码即可登录您的账户，恢复码同时作废。", "A password alone will open your account, and your recovery codes stop working.";
    new_recovery_codes: "更换恢复码？", "Replace the recovery codes?";
    new_recovery_codes_effect: "原有恢复码立即作废，新的一组只显示一次。", "The codes that you have stop working at once; the new ones are shown once.";
}
