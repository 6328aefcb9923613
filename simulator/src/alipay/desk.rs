//! Settings of the merchant for tests: its account, and how Alipay signs to it.

use serde::{Deserialize, Serialize};

use super::bill::Bill;
use crate::keys::Keys;
use crate::outbox::{Content, Notification};
use crate::settings::{AlipayNotifications, AlipaySigning};
use crate::statement::usual_rate;

/// The merchant's account, as a test may set it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Funds {
    /// None pays every refund.
    pub(crate) balance_fen: Option<i64>,
    /// Time until an accepted refund succeeds.
    pub(crate) refund_takes_ms: i64,
    /// Rate of the service fee from now on, in hundredths of a percent.
    #[serde(default = "usual_rate")]
    pub(crate) rate: i64,
    /// Refunds give the fee back; most contracts keep it.
    #[serde(default)]
    pub(crate) returns_fees: bool,
}

impl Default for Funds {
    fn default() -> Funds {
        Funds {
            balance_fen: None,
            refund_takes_ms: 0,
            rate: usual_rate(),
            returns_fees: false,
        }
    }
}

const CERT_SN: &str = "alipay_cert_sn";

impl AlipaySigning {
    pub(super) fn cert_sn(&self, keys: &Keys) -> String {
        keys.alipay_certificates().own(self.certificate).sn.clone()
    }

    /// Adds the certificate's serial number to a notification that is to have one.
    pub(super) fn mark(&self, keys: &Keys, bill: &Bill, notification: &mut Notification) {
        let is_wanted = match self.notifications {
            AlipayNotifications::AsAsked => bill.has_certificates,
            AlipayNotifications::PublicKey => false,
            AlipayNotifications::Certificate | AlipayNotifications::UnsignedSerial => true,
        };
        if !is_wanted {
            return;
        }
        if let Content::Alipay(fields) = &mut notification.content {
            fields.push((CERT_SN.to_owned(), self.cert_sn(keys)));
        }
        if self.notifications == AlipayNotifications::UnsignedSerial {
            notification.unsigned = vec![CERT_SN.to_owned()];
        }
    }
}
