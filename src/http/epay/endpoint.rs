//! Addresses of the epay protocol.

/// One address of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    SubmitV1,
    SubmitV2,
    Mapi,
    Api,
    Create,
    Query,
    Refund,
    RefundQuery,
    Close,
    Info,
    Orders,
    /// `/api/transfer/*`, which is not offered.
    Transfer,
}

pub const ENDPOINTS: [(&str, Endpoint); 12] = [
    ("/submit.php", Endpoint::SubmitV1),
    ("/mapi.php", Endpoint::Mapi),
    ("/api.php", Endpoint::Api),
    ("/api/pay/submit", Endpoint::SubmitV2),
    ("/api/pay/create", Endpoint::Create),
    ("/api/pay/query", Endpoint::Query),
    ("/api/pay/refund", Endpoint::Refund),
    ("/api/pay/refundquery", Endpoint::RefundQuery),
    ("/api/pay/close", Endpoint::Close),
    ("/api/merchant/info", Endpoint::Info),
    ("/api/merchant/orders", Endpoint::Orders),
    ("/api/transfer/{*call}", Endpoint::Transfer),
];

/// Whether an address belongs to the protocol, which reads and answers by rules of its own.
pub fn is_endpoint(path: &str) -> bool {
    find_endpoint(path).is_some()
}

/// Whether an address answers in JSON, also when something breaks before its handler.
pub fn is_json_endpoint(path: &str) -> bool {
    find_endpoint(path).is_some_and(|endpoint| !endpoint.is_for_browsers())
}

fn find_endpoint(path: &str) -> Option<Endpoint> {
    let path = path.strip_prefix("//").map_or(path, |_| &path[1..]);
    let is_known = |known: &str| match known.strip_suffix("{*call}") {
        Some(beginning) => path.starts_with(beginning),
        None => path == known,
    };
    let mut endpoints = ENDPOINTS.iter();
    let found = endpoints.find(|(known, _)| is_known(known));
    found.map(|(_, endpoint)| *endpoint)
}

impl Endpoint {
    /// A payer's browser is sent to a page; everything else is a program that reads JSON.
    pub const fn is_for_browsers(self) -> bool {
        matches!(self, Endpoint::SubmitV1 | Endpoint::SubmitV2)
    }
}
