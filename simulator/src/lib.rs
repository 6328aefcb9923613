//! WeChat Pay and Alipay as other people's servers.
mod books;
mod dice;
mod faults;
mod settings;

pub use books::{BookedNotice, BookedTrade, Books, Gateway};
pub use faults::{Endpoint, Fault, FaultKind, Faults, When};
pub use settings::{Clock, Credentials, Settings, WechatKeys};

#[derive(Debug)]
pub struct Simulator {
    base_url: String,
    credentials: Credentials,
}

impl Simulator {
    pub async fn start(settings: Settings) -> std::io::Result<Simulator> {
        let _ = settings;
        Err(std::io::Error::other("the simulator is being built"))
    }
    pub fn base_url(&self) -> String {
        self.base_url.clone()
    }
    pub fn wechat_url(&self) -> String {
        self.base_url.clone()
    }
    pub fn alipay_url(&self) -> String {
        format!("{}/gateway.do", self.base_url)
    }
    pub fn wallet_url(&self) -> String {
        format!("{}/wallet", self.base_url)
    }
    pub fn control_url(&self) -> String {
        format!("{}/_control", self.base_url)
    }
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }
    pub async fn pay(&self, _prompt_or_trade_no: &str) -> Result<(), String> {
        Ok(())
    }
    pub async fn refuse(&self, _prompt_or_trade_no: &str) -> Result<(), String> {
        Ok(())
    }
    pub async fn scan(&self, _prompt_or_trade_no: &str) -> Result<(), String> {
        Ok(())
    }
    pub async fn advance(&self, _ms: i64) {}
    pub fn faults(&self, _faults: Faults) {}
    pub fn fault(&self, _fault: Fault) {}
    pub fn books(&self) -> Books {
        Books::default()
    }
    pub async fn stop(self) {}
}
