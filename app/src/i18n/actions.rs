//! Names of the acts in the audit log that have none in the timeline of an order.

use super::catalogue::catalogue;

catalogue! {
    log_in: "登录", "Logged in";
    fail_to_log_in: "登录失败", "Login failed";
    log_out: "退出", "Logged out";
    end_sessions: "退出其他会话", "Ended other sessions";
    confirm: "确认密码", "Confirmed the password";
    change_password: "修改密码", "Changed the password";
    enable_totp: "启用两步验证", "Turned the second factor on";
    disable_totp: "停用两步验证", "Turned the second factor off";
    renew_recovery_codes: "更换恢复码", "Replaced the recovery codes";
    use_recovery_code: "使用恢复码", "Used a recovery code";
    create_user: "添加人员", "Added a person";
    change_role: "更改角色", "Changed a role";
    disable_user: "停用人员", "Disabled a person";
    enable_user: "重新启用人员", "Enabled a person";
    reset_login: "重置密码和两步验证", "Reset a login";
    write_note: "添加备注", "Wrote a note";
    assign: "指派", "Assigned an incident";
    resolve: "标记为已处理", "Resolved an incident";
    test_gateway: "测试网关", "Tested a gateway";
    create_key: "新建 API 密钥", "Created an API key";
    revoke_key: "吊销 API 密钥", "Revoked an API key";
    export: "导出", "Exported";
    adjust_balance: "调整余额", "Adjusted a balance";
    export_user: "导出用户数据", "Exported a user's data";
    forget_user: "清除用户数据", "Erased a user's data";
    create_epay_merchant: "新建易支付商户", "Created an epay merchant";
    rotate_epay_key: "更换易支付密钥", "Replaced an epay key";
    disable_epay_merchant: "停用易支付商户", "Disabled an epay merchant";
    enable_epay_merchant: "启用易支付商户", "Enabled an epay merchant";
    send_epay_notification: "重发易支付通知", "Sent an epay notification again";
}
