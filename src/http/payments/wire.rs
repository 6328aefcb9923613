//! Payments as JSON, both ways.

use std::net::IpAddr;

use domain::{Method, Money, OrderId, Product};
use payments::views::methods;
use payments::{Initiator, Services, StartPayment};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use crate::http::error::Problem;
use crate::http::orders::parse_return_url;
use crate::listen::Peer;

/// WeChat's limit of an openid.
const OPENID_BYTES: usize = 128;
/// Alipay's limit of a return URL.
pub const ALIPAY_RETURN_URL_BYTES: usize = 256;

/// A new payment of an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = StartPayment)]
pub struct StartPaymentBody {
    order_id: String,
    #[schema(schema_with = methods)]
    method: String,
    /// One of the method's; by default `native` for WeChat and `qr` for Alipay.
    #[schema(schema_with = chosen_products)]
    product: Option<String>,
    /// Must be the order's when it is sent.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 10_000_000_000_i64)]
    amount: Option<Money>,
    /// `h5`, `wap`, `page`: where the gateway sends the payer's browser. By default the order's checkout page.
    /// What the gateway appends to it proves nothing.
    return_url: Option<String>,
    /// `h5`: the address of the payer's phone. By default the address that this call comes from.
    #[schema(example = "203.0.113.7")]
    payer_ip: Option<String>,
    /// `jsapi`, `mini`, and needed there: the wallet's name for the payer in the merchant's app. For Alipay also a user id (2088…).
    #[schema(min_length = 1, max_length = 128)]
    openid: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QueryPayment {
    pub payment_no: String,
}

impl StartPaymentBody {
    /// Checks everything that does not need the order. The caller adds the default return URL.
    pub fn check(self, services: &Services, peer: Option<Peer>) -> Result<StartPayment, Problem> {
        let product = self.product(services)?;
        let return_url = self.return_url.map(parse_return_url).transpose()?;
        let is_alipay_page = matches!(product, Product::Wap | Product::Page);
        if is_alipay_page
            && return_url
                .as_ref()
                .is_some_and(|url| url.len() > ALIPAY_RETURN_URL_BYTES)
        {
            return Err(Problem::invalid(
                "returnUrl",
                format!("must have at most {ALIPAY_RETURN_URL_BYTES} characters for this product"),
            ));
        }
        let payer_ip = self.payer_ip.as_deref().map(parse_payer_ip).transpose()?;
        let openid = self.openid.map(parse_openid).transpose()?;
        if product.names_payer() && openid.is_none() {
            let message = format!("is missing: {} needs it", product.name());
            return Err(Problem::invalid("openid", message));
        }
        Ok(StartPayment {
            order_id: OrderId::parse(&self.order_id).ok_or_else(Problem::not_found)?,
            product,
            amount: self.amount,
            return_url,
            payer_ip: payer_ip.or(peer.map(|peer| peer.0)),
            openid,
            initiator: Initiator::Merchant,
        })
    }

    fn product(&self, services: &Services) -> Result<Product, Problem> {
        let method = Method::parse(&self.method)
            .ok_or_else(|| Problem::invalid("method", "must be wechat, alipay or balance"))?;
        let product = match self.product.as_deref() {
            None => method.default_product(),
            Some(word) => Product::of_method(method, word)
                .ok_or_else(|| Problem::invalid("product", format!("is not a product of {method}")))?,
        };
        // The balance needs no gateway, so it is always configured.
        let Some(channel) = method.channel() else {
            return Ok(product);
        };
        let gateway = services
            .gateways
            .get(channel)
            .ok_or_else(|| Problem::invalid("method", format!("{method} cannot be used to pay here")))?;
        if gateway.offers(product) {
            Ok(product)
        } else {
            Err(Problem::invalid(
                "product",
                format!("{} is not offered here", product.name()),
            ))
        }
    }
}

fn parse_payer_ip(text: &str) -> Result<IpAddr, Problem> {
    text.parse::<IpAddr>()
        .map(|address| address.to_canonical())
        .map_err(|_| Problem::invalid("payerIp", "must be an IPv4 or IPv6 address"))
}

fn parse_openid(text: String) -> Result<String, Problem> {
    let is_fine =
        (1..=OPENID_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_fine {
        Ok(text)
    } else {
        Err(Problem::invalid(
            "openid",
            format!("must be 1 to {OPENID_BYTES} visible ASCII characters"),
        ))
    }
}

fn chosen_products() -> Object {
    let words = Product::NAMES.into_iter().map(Some);
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .enum_values(Some(words.chain([None])))
        .description(Some(
            "One of the method's; by default `native` for WeChat and `qr` for Alipay",
        ))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payer_ip_and_openid_are_validated() {
        for (text, address) in [
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(parse_payer_ip(text).unwrap().to_string(), address);
        }
        for text in [
            "",
            "localhost",
            "203.0.113.7:80",
            "203.0.113.7, 10.0.0.1",
            " 1.2.3.4",
        ] {
            let problem = parse_payer_ip(text).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some("payerIp"), "{text:?}");
        }
        assert!(parse_openid("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o".to_owned()).is_ok());
        for text in ["", "o p", "支付", &"o".repeat(129)] {
            assert!(parse_openid(text.to_owned()).is_err(), "{text:?}");
        }
    }
}
