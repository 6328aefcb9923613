//! Alarms: messages that tell operators of incidents, sent to the robots of WeCom, DingTalk and Feishu and as e-mail.
//!
//! The incidents say what has to be told ([`gather_alarms`]): those of one kind are one message, which stands in the queue of
//! each robot as a delivery of its own lane ([`crate::delivery`]). A message that is given up is a log line and no incident:
//! the robots would be told of it.

mod deliver;
mod gather;
mod message;
mod quiet;
mod robot;
mod wire;

pub(crate) use self::deliver::{describe_failure, is_success, masked_url, note_failure, prepare_alarm};
pub use self::gather::gather_alarms;
pub(crate) use self::gather::queue_test;
pub use self::message::Message;
pub use self::quiet::QuietHours;
pub use self::robot::{Mailer, Robot, Robots, SignedRobot, parse_mailbox, parse_mailboxes};
pub use crate::model::alarm::{Alarm, Occasion};
