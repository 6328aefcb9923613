//! Robots and mailboxes that tell operators of incidents. Nothing is sent to a robot: the console has a button for that.

use payments::alarm::SignedRobot;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::Report;
use crate::config::{Config, PublicUrl};

const MAIL: &str = "SMTP_URL";

/// Platform, and the form of the addresses that it gives for robots.
struct Platform {
    setting: &'static str,
    hosts: &'static [&'static str],
    /// Beginning of path and query.
    path: &'static str,
}

const WECOM: Platform = Platform {
    setting: "NOTIFY_WECOM_URL",
    hosts: &["qyapi.weixin.qq.com"],
    path: "/cgi-bin/webhook/send?key=",
};
const DINGTALK: Platform = Platform {
    setting: "NOTIFY_DINGTALK_URL",
    hosts: &["oapi.dingtalk.com"],
    path: "/robot/send?access_token=",
};
const FEISHU: Platform = Platform {
    setting: "NOTIFY_FEISHU_URL",
    hosts: &["open.feishu.cn", "open.larksuite.com"],
    path: "/open-apis/bot/v2/hook/",
};

pub fn check(config: &Config, report: &mut Report) {
    let robots = &config.robots;
    if robots.is_empty() {
        return report.ok(
            "alarms",
            "no robot and no mailbox is set: incidents are shown in the console only",
        );
    }
    let signed = |robot: &Option<SignedRobot>| robot.as_ref().map(|robot| robot.url.clone());
    for (platform, url) in [
        (WECOM, robots.wecom.clone()),
        (DINGTALK, signed(&robots.dingtalk)),
        (FEISHU, signed(&robots.feishu)),
    ] {
        if let Some(url) = url {
            check_robot(&platform, &url, report);
        }
    }
    if let Some(mailer) = &robots.email {
        let name = mailer.server.name();
        if mailer.server.is_protected() {
            report.ok(MAIL, format!("{name}, {} recipients", mailer.to.len()));
        } else {
            report.warn(
                MAIL,
                format!("{name} is not encrypted: use smtps://, or smtp:// without tls=none"),
            );
        }
    }
}

/// An address of another host is a relay, or a mistake.
fn check_robot(platform: &Platform, url: &SecretString, report: &mut Report) {
    let Ok(url) = Url::parse(url.expose_secret()) else {
        return report.fail(platform.setting, "is not an absolute URL");
    };
    let host = url.host_str().unwrap_or_default();
    let rest = &url[url::Position::BeforePath..];
    if url.scheme() != "https" {
        report.warn(
            platform.setting,
            format!("{host} is called without encryption: everybody in between learns the key of the robot"),
        );
    } else if !platform.hosts.contains(&host) {
        let usual = platform.hosts.join(" or ");
        report.warn(
            platform.setting,
            format!("leads to {host} and not to {usual}: make sure that it passes messages on"),
        );
    } else if !rest.starts_with(platform.path) || rest.len() == platform.path.len() {
        report.fail(
            platform.setting,
            format!("must go on with {} and the key of the robot", platform.path),
        );
    } else {
        report.ok(platform.setting, host);
    }
}

/// Greets the mail server and logs in, without a mail.
pub async fn check_mail_server(config: &Config, public_url: &PublicUrl, report: &mut Report) {
    let Some(mailer) = &config.robots.email else {
        return;
    };
    let url = Url::parse(public_url.as_str()).ok();
    let hello = url.as_ref().and_then(Url::host_str).unwrap_or("localhost");
    let name = mailer.server.name();
    match config.webhooks.guard().check_mail(&mailer.server, hello).await {
        Ok(()) => report.ok(MAIL, format!("{name} greets and takes the login")),
        Err(problem) => report.fail(MAIL, format!("{name}: {problem}")),
    }
}
