//! Signatures of the epay protocol: MD5 with a shared key (V1), RSA with SHA-256 (V2).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use domain::hex_digits;
use md5::{Digest as _, Md5};
use secrecy::{ExposeSecret as _, SecretString};

use super::text::{Empties, Fields, signed_text};
use crate::gateway::{SigningKey, VerifyingKey};

/// The key follows the text directly. Lower-case hexadecimal digits, which some clients compare to the letter.
pub fn sign_with_md5(text: &str, key: &SecretString) -> String {
    let mut digest = Md5::new();
    digest.update(text);
    digest.update(key.expose_secret());
    hex_digits(&digest.finalize())
}

/// Whether `sign` is the MD5 signature of these parameters, by one of the three texts that clients make.
pub fn verify_md5(fields: &Fields, key: &SecretString, sign: &str) -> bool {
    let shown = sign.to_ascii_lowercase();
    let is_right = |empties| is_same(&sign_with_md5(&signed_text(fields, empties), key), &shown);
    // Without a short cut: how long it takes says nothing about which text was nearly right.
    Empties::ALL.map(is_right).contains(&true)
}

/// Whether `sign` is the RSA signature of these parameters. A `+` that the client forgot to escape arrives as a space.
pub fn verify_rsa(fields: &Fields, key: &VerifyingKey, sign: &str) -> bool {
    let shown = sign.replace(' ', "+");
    Empties::ALL
        .into_iter()
        .any(|empties| key.verifies(signed_text(fields, empties).as_bytes(), &shown))
}

/// Adds the signature of our key for this merchant.
pub fn sign_with_rsa(text: &str, key: &SigningKey) -> String {
    key.sign(text.as_bytes())
}

/// Compares secrets in constant time.
pub fn is_same(left: &str, right: &str) -> bool {
    verify_slices_are_equal(left.as_bytes(), right.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "tongqian-epay-vector-key-0123456789";
    /// From Python's `epay-sdk` 0.4.1, `epusdt` 0.4.0, the Rust crate `epay-sdk` 1.0.0 and go-epay.
    const VECTORS: [(&str, &str, &str); 6] = [
        (
            KEY,
            "money=1.00&name=VIP会员&notify_url=https://shop.example.com/notify_url.php&out_trade_no=20160806151343349&pid=1001&return_url=https://shop.example.com/return_url.php&type=alipay",
            "f9e0b4591665ebef4cbb11a16ba213e6",
        ),
        (
            KEY,
            "cid=7&device=pc&money=9.9&name=a+b 100% \"引号\" = 好 & more&notify_url=https://shop.example.com/n?shop=1&from=pay&out_trade_no=A.b_c-d|9&pid=1001&return_url=https://shop.example.com/r#top&sitename=店+铺&type=wxpay",
            "1baa8b9d92e6dcfffc8091048cb9a87e",
        ),
        (
            KEY,
            "money=1.00&name=VIP会员&out_trade_no=20160806151343349&param=a=1&b=2&pid=1001&trade_no=E0123456789ABCDEFGHJKMNPQRS&trade_status=TRADE_SUCCESS&type=alipay",
            "e96bfbc5007b4cf432dfd6c5f43abbc2",
        ),
        (
            KEY,
            "act=order&out_trade_no=20160806151343349&pid=1001",
            "37516389bbd1e142be643fd0995b6eb8",
        ),
        (
            "1234567",
            "device=devicev&money=moneyv",
            "3854cc9f022e0fb821bd2e002260245d",
        ),
        (
            "testkey123",
            "money=10.00&name=Test Product&notify_url=https://example.com/notify&out_trade_no=ORDER001&pid=1001&type=alipay",
            "22af0227eebf7a4095b64af5fa89ca6d",
        ),
    ];

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Fields::collect(owned).unwrap()
    }

    #[test]
    fn the_signatures_are_those_of_other_programs() {
        for (key, text, sign) in VECTORS {
            assert_eq!(sign_with_md5(text, &SecretString::from(key)), sign, "{text}");
        }
    }

    #[test]
    fn the_second_vector_is_made_from_its_parameters() {
        let (key, text, sign) = VECTORS[1];
        let sent = fields(&[
            ("type", "wxpay"),
            ("sitename", "店+铺"),
            ("return_url", "https://shop.example.com/r#top"),
            ("pid", "1001"),
            ("param", ""),
            ("out_trade_no", "A.b_c-d|9"),
            ("notify_url", "https://shop.example.com/n?shop=1&from=pay"),
            ("name", "a+b 100% \"引号\" = 好 & more"),
            ("money", "9.9"),
            ("device", "pc"),
            ("cid", "7"),
            ("sign", sign),
            ("sign_type", "MD5"),
        ]);
        assert_eq!(signed_text(&sent, Empties::LeftOut), text);
        let key = SecretString::from(key);
        assert!(verify_md5(&sent, &key, sign) && verify_md5(&sent, &key, &sign.to_uppercase()));
    }

    #[test]
    fn empty_and_blank_values_may_be_signed_or_not() {
        let key = SecretString::from(KEY);
        let sent = fields(&[("a", "1"), ("b", ""), ("c", "  ")]);
        for text in ["a=1&c=  ", "a=1", "a=1&b=&c=  "] {
            assert!(verify_md5(&sent, &key, &sign_with_md5(text, &key)), "{text}");
        }
        for (text, key_of_text) in [
            ("a=1&b=", key.clone()),
            ("a=1&c=", key.clone()),
            ("a=1", SecretString::from(format!("&key={KEY}"))),
            ("a=1", SecretString::from(KEY.to_uppercase())),
            ("a=2", key.clone()),
        ] {
            assert!(
                !verify_md5(&sent, &key, &sign_with_md5(text, &key_of_text)),
                "{text}"
            );
        }
        for sign in ["", "f9e0", "zz", &"0".repeat(33)] {
            assert!(!verify_md5(&sent, &key, sign), "{sign}");
        }
    }
}
