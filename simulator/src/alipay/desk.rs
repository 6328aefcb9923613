//! What a test may set about this merchant: its account, and how Alipay signs to it.

use serde::{Deserialize, Serialize};

use super::bill::Bill;
use crate::keys::Keys;
use crate::post::{Content, Notice};
use crate::settings::{AlipayNotices, AlipaySigning};

/// What a test may set about the merchant's account.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Till {
    /// None pays every refund.
    pub(crate) balance_fen: Option<i64>,
    /// How long an accepted refund is on its way.
    pub(crate) refund_takes_ms: i64,
}

const CERT_SN: &str = "alipay_cert_sn";

impl AlipaySigning {
    pub(super) fn cert_sn(&self, keys: &Keys) -> String {
        keys.alipay_certificates().own(self.certificate).sn.clone()
    }

    /// Adds the certificate's serial number where this notice is to have one.
    pub(super) fn mark(&self, keys: &Keys, bill: &Bill, notice: &mut Notice) {
        let is_wanted = match self.notices {
            AlipayNotices::AsAsked => bill.has_certificates,
            AlipayNotices::PublicKey => false,
            AlipayNotices::Certificate | AlipayNotices::UnsignedSerial => true,
        };
        if !is_wanted {
            return;
        }
        if let Content::Alipay(fields) = &mut notice.content {
            fields.push((CERT_SN.to_owned(), self.cert_sn(keys)));
        }
        if self.notices == AlipayNotices::UnsignedSerial {
            notice.unsigned = vec![CERT_SN.to_owned()];
        }
    }
}
