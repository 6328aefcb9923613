//! Products that the merchant has signed with the gateways: pages offer nothing else.

use domain::{Channel, Product, Products};
use payments::gateway::alipay::QrProduct;

use super::source::{ConfigError, Source};

const WECHAT: &str = "WECHAT_PRODUCTS";
const ALIPAY: &str = "ALIPAY_PRODUCTS";
/// Products that every merchant of a gateway gets without asking, or that its documents expect.
const USUAL: [Product; 4] = [Product::Native, Product::Qr, Product::Wap, Product::Page];

/// Reads both lists. Without a list the simulator has signed everything, and a live merchant the usual products.
pub(super) fn read(source: &Source, is_simulator: bool) -> Result<Products, ConfigError> {
    let usual = if is_simulator {
        Products::all()
    } else {
        Products::of(&USUAL)
    };
    let mut all = Products::default();
    for (name, channel) in [(WECHAT, Channel::Wechat), (ALIPAY, Channel::Alipay)] {
        let listed = source.parsed(name, |text| parse_products(text, channel))?;
        let of_channel = usual.of_method(channel.method());
        let of_channel: Vec<Product> = of_channel.filter(|product| !product.is_for_clients()).collect();
        all = all.union(listed.unwrap_or_else(|| Products::of(&of_channel)));
    }
    Ok(all)
}

pub(super) fn read_qr_product(source: &Source) -> Result<QrProduct, ConfigError> {
    let product = source.parsed("ALIPAY_QR_PRODUCT", |text| {
        let mut known = QrProduct::ALL.into_iter();
        known
            .find(|product| product.code() == text)
            .ok_or_else(|| "must be QR_CODE_OFFLINE or FACE_TO_FACE_PAYMENT".to_owned())
    })?;
    Ok(product.unwrap_or_default())
}

fn parse_products(text: &str, channel: Channel) -> Result<Products, String> {
    let known = Products::all().of_method(channel.method());
    // Pages offer no product of an app or a mini program: a program asks for it by the API.
    let known: Vec<Product> = known.filter(|product| !product.is_for_clients()).collect();
    let words: Vec<&str> = known.iter().map(|product| product.as_str()).collect();
    let mut listed = Vec::new();
    for word in text.split(',').map(str::trim) {
        let product = known.iter().find(|product| product.as_str() == word);
        let product =
            product.ok_or_else(|| format!("must be a list of {}, separated by commas", words.join(", ")))?;
        if listed.contains(product) {
            return Err(format!("names {word} twice"));
        }
        listed.push(*product);
    }
    Ok(Products::of(&listed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(products: Products) -> String {
        let words: Vec<&str> = products.iter().map(Product::as_str).collect();
        words.join(",")
    }

    #[test]
    fn lists_have_the_defaults_of_their_mode() {
        let none = Source::of(&[]);
        assert_eq!(words(read(&none, false).unwrap()), "native,qr,wap,page");
        assert_eq!(words(read(&none, true).unwrap()), "native,h5,jsapi,qr,wap,page");
        let given = Source::of(&[(WECHAT, "native, h5"), (ALIPAY, "wap")]);
        for is_simulator in [true, false] {
            assert_eq!(words(read(&given, is_simulator).unwrap()), "native,h5,wap");
        }
    }

    #[test]
    fn a_bad_list_is_refused_by_its_name() {
        for (name, text) in [
            (WECHAT, "native,qr"),
            (WECHAT, "native;h5"),
            (WECHAT, "native,native"),
            (WECHAT, "NATIVE"),
            (WECHAT, ","),
            (WECHAT, "app"),
            (ALIPAY, "page,"),
            (ALIPAY, "balance"),
        ] {
            let error = read(&Source::of(&[(name, text)]), true).unwrap_err();
            assert_eq!(error.name, name, "{text}");
        }
    }
}
