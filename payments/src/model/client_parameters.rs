//! Parameters with which a merchant's own program opens a payment in the wallet.

use std::collections::BTreeMap;

/// Parameters by their names in the wallet's SDK.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct ClientParameters(BTreeMap<&'static str, String>);

impl ClientParameters {
    pub fn of<const N: usize>(pairs: [(&'static str, String); N]) -> ClientParameters {
        ClientParameters(BTreeMap::from(pairs))
    }
}
