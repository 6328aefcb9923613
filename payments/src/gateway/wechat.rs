//! WeChat Pay APIv3.
#[derive(Debug)]
pub struct Wechat {}
