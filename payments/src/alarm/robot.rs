//! Robots and mailboxes of operators, as the settings give them.

use std::fmt;

use lettre::message::Mailbox;
use secrecy::SecretString;

use super::QuietHours;
use super::message::{Message, describe_plainly};
use crate::model::alarm::Alarm;
use crate::outbound::MailServer;

domain::words! {
    /// Receiver of messages.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Robot {
        Wecom => "wecom",
        Dingtalk => "dingtalk",
        Feishu => "feishu",
        Email => "email",
    }
}

impl Robot {
    /// Lane of its deliveries.
    pub const fn target(self) -> &'static str {
        match self {
            Robot::Wecom => "alarm:wecom",
            Robot::Dingtalk => "alarm:dingtalk",
            Robot::Feishu => "alarm:feishu",
            Robot::Email => "alarm:email",
        }
    }

    pub(super) fn of_target(target: &str) -> Option<Robot> {
        Robot::ALL.into_iter().find(|robot| robot.target() == target)
    }
}

/// Receivers of messages, and how messages are made.
#[derive(Clone)]
pub struct Robots {
    /// Address with its key, which lets anybody write to the group.
    pub wecom: Option<SecretString>,
    pub dingtalk: Option<SignedRobot>,
    pub feishu: Option<SignedRobot>,
    pub email: Option<Mailer>,
    pub quiet_hours: Option<QuietHours>,
    /// Writes the text of a message in the languages of the operator.
    pub describe: fn(&Alarm) -> Message,
}

/// A robot whose requests are signed.
#[derive(Debug, Clone)]
pub struct SignedRobot {
    pub url: SecretString,
    pub secret: SecretString,
}

#[derive(Debug, Clone)]
pub struct Mailer {
    pub server: MailServer,
    pub from: Mailbox,
    pub to: Vec<Mailbox>,
}

impl Default for Robots {
    fn default() -> Robots {
        Robots {
            wecom: None,
            dingtalk: None,
            feishu: None,
            email: None,
            quiet_hours: None,
            describe: describe_plainly,
        }
    }
}

impl fmt::Debug for Robots {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Robots")
            .field("receivers", &self.list())
            .field("quiet_hours", &self.quiet_hours)
            .finish_non_exhaustive()
    }
}

impl Robots {
    /// The receivers that there are.
    pub fn list(&self) -> Vec<Robot> {
        let has = |robot: &Robot| match robot {
            Robot::Wecom => self.wecom.is_some(),
            Robot::Dingtalk => self.dingtalk.is_some(),
            Robot::Feishu => self.feishu.is_some(),
            Robot::Email => self.email.is_some(),
        };
        Robot::ALL.into_iter().filter(has).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.list().is_empty()
    }
}

/// Parses `ops@example.com` or `Tongqian <ops@example.com>`.
pub fn parse_mailbox(text: &str) -> Option<Mailbox> {
    text.trim().parse().ok()
}

/// Parses mailboxes with commas between them.
pub fn parse_mailboxes(text: &str) -> Option<Vec<Mailbox>> {
    text.split(',').map(parse_mailbox).collect()
}
