//! Alipay OpenAPI 2.0.
#[derive(Debug)]
pub struct Alipay {}
