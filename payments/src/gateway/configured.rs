//! Configured gateways, and the lookup of a payment's gateway.

use domain::{Channel, Payment};

use super::breaker::Circuit;
use super::wechat::ShippingApi;
use super::{Gateway, GatewayError};
use crate::Metrics;
use crate::model::client_parameters::ClientParameters;

/// Configured gateways.
#[derive(Debug, Default)]
pub struct Gateways {
    pub wechat: Option<Gateway>,
    pub alipay: Option<Gateway>,
}

impl Gateways {
    /// From now on the calls of the gateways are counted there.
    #[must_use]
    pub fn counted_in(mut self, metrics: &Metrics) -> Gateways {
        for gateway in [&mut self.wechat, &mut self.alipay].into_iter().flatten() {
            gateway.count_into(metrics);
        }
        self
    }

    /// Returns the gateway of an existing payment, for the account where it was opened. The operator may have removed the
    /// settings since, or set another merchant's, whose "no such trade" would be true but say nothing about our payment.
    pub(crate) fn require(&self, payment: &Payment) -> Result<&Gateway, GatewayError> {
        let method = payment.method();
        let gateway = method.channel().and_then(|channel| self.get(channel));
        let gateway =
            gateway.ok_or_else(|| GatewayError::unknown(format!("{method} is not configured any more")))?;
        match payment.account.as_deref() {
            Some(account) if account != gateway.account() => Err(GatewayError::unknown(format!(
                "{} was opened at the {method} account {account}, and this server is configured for {}",
                payment.payment_no,
                gateway.account()
            ))),
            _ => Ok(gateway),
        }
    }

    /// Like [`Gateways::require`] for a call that a caller waits for: fails at once while the gateway is known not to
    /// answer.
    pub(crate) fn require_answering(&self, payment: &Payment) -> Result<&Gateway, GatewayError> {
        self.require_circuit(payment, Circuit::Others)
    }

    /// [`Gateways::require_answering`] for a create call.
    pub(crate) fn require_answering_creates(&self, payment: &Payment) -> Result<&Gateway, GatewayError> {
        self.require_circuit(payment, Circuit::Creates)
    }

    fn require_circuit(&self, payment: &Payment, circuit: Circuit) -> Result<&Gateway, GatewayError> {
        let gateway = self.require(payment)?;
        if gateway.breaker().may_call(circuit, gateway.clock().monotonic()) {
            Ok(gateway)
        } else {
            let method = payment.method();
            let reason = format!("{method} is not answering: it was not called, and will be tried again");
            Err(GatewayError::unknown(reason))
        }
    }

    /// WeChat app in which JSAPI payments are opened.
    pub fn wechat_app_id(&self) -> Option<&str> {
        match self.wechat.as_ref()? {
            Gateway::Wechat(wechat) => Some(wechat.app_id()),
            Gateway::Alipay(_) => None,
        }
    }

    /// Uploads of shipping information of WeChat's mini program; `None` without its secret.
    pub(crate) fn shipping(&self) -> Option<&ShippingApi> {
        self.wechat.as_ref()?.shipping()
    }

    /// Signs the parameters with which the merchant's own program opens an open payment. `None`: not of such a product, or it
    /// cannot be paid.
    pub fn client_parameters(&self, payment: &Payment) -> Option<ClientParameters> {
        let prompt = payment.prompt.as_deref().filter(|_| payment.state.is_open())?;
        self.require(payment)
            .ok()?
            .client_parameters(payment.product, prompt)
    }

    pub fn get(&self, channel: Channel) -> Option<&Gateway> {
        match channel {
            Channel::Wechat => self.wechat.as_ref(),
            Channel::Alipay => self.alipay.as_ref(),
        }
    }
}
