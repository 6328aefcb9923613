//! Creates the gateways from the settings: the live ones, or the simulator.

use domain::Channel;
use payments::Clock;
use payments::gateway::{Gateway, Gateways, alipay, wechat};
use secrecy::SecretString;
use simulator::Simulator;

use crate::Failure;
use crate::config::{AlipayAccount, Config, ConfigError, GatewayMode, PublicUrl, WechatAccount};

/// The gateways, and the simulator behind them in simulator mode.
#[derive(Debug)]
pub struct Links {
    pub gateways: Gateways,
    pub simulator: Option<Simulator>,
}

pub async fn link(config: &Config, public_url: &PublicUrl) -> Result<Links, Failure> {
    match &config.gateways {
        GatewayMode::Live(_) => Ok(Links {
            gateways: live(config, public_url)?,
            simulator: None,
        }),
        GatewayMode::Simulator => {
            let (key_dir, books_file) = crate::bootstrap::simulator_files(config).unzip();
            let simulator = Simulator::start(simulator::Settings {
                listen: config.simulator_listen,
                key_dir,
                books_file,
                ..simulator::Settings::default()
            })
            .await
            .map_err(simulator_failure)?;
            let gateways = simulated_gateways(&simulator, config, public_url)?;
            Ok(Links {
                gateways,
                simulator: Some(simulator),
            })
        }
    }
}

/// Maps a start error: the simulator's files are beside the database, so only the port has a setting of its own.
fn simulator_failure(error: simulator::StartError) -> Failure {
    let setting = match &error {
        simulator::StartError::Listen { .. } => "SIMULATOR_LISTEN",
        simulator::StartError::Files { .. } => "DATABASE_URL",
    };
    Failure::setting(setting, "the gateway simulator cannot start")(error)
}

/// Returns the configured gateways; none in simulator mode, where the simulator runs in the server's process.
pub fn live(config: &Config, public_url: &PublicUrl) -> Result<Gateways, Failure> {
    let GatewayMode::Live(accounts) = &config.gateways else {
        return Ok(Gateways::default());
    };
    Ok(Gateways {
        wechat: accounts
            .wechat
            .as_ref()
            .map(|account| open_wechat(wechat_settings(account, public_url)))
            .transpose()?,
        alipay: accounts
            .alipay
            .as_ref()
            .map(|account| open_alipay(alipay_settings(account, config.alipay_qr_product, public_url)))
            .transpose()?,
    })
}

/// Settings of the client, from those of the operator.
pub fn wechat_settings(account: &WechatAccount, public_url: &PublicUrl) -> wechat::Settings {
    wechat::Settings {
        app_id: account.app_id.clone(),
        mini_app_id: account.mini_app_id.clone(),
        mobile_app_id: account.mobile_app_id.clone(),
        mch_id: account.mch_id.clone(),
        serial_no: account.serial_no.clone(),
        api_v3_key: account.api_v3_key.clone(),
        private_key: account.private_key.clone(),
        verify: account.verify(),
        gateway_url: account.gateway_url.clone(),
        backup_url: account.backup_url.clone(),
        notify_url: public_url.notification_address(Channel::Wechat),
        oauth: account
            .app_secret
            .clone()
            .map(|app_secret| wechat::OauthSettings {
                app_secret,
                authorize_url: account.oauth_url.clone(),
                api_url: account.oauth_api.clone(),
            }),
        mini_api: account
            .mini_app_secret
            .clone()
            .map(|app_secret| wechat::MiniApiSettings {
                app_secret,
                api_url: account.oauth_api.clone(),
            }),
    }
}

pub fn alipay_settings(
    account: &AlipayAccount,
    qr_product: alipay::QrProduct,
    public_url: &PublicUrl,
) -> alipay::Settings {
    alipay::Settings {
        app_id: account.app_id.clone(),
        private_key: account.private_key.clone(),
        verify: account.verify(),
        seller_id: account.seller_id.clone(),
        mini_app_id: account.mini_app_id.clone(),
        qr_product,
        gateway_url: account.gateway_url.clone(),
        notify_url: public_url.notification_address(Channel::Alipay),
    }
}

fn simulated_gateways(
    simulator: &Simulator,
    config: &Config,
    public_url: &PublicUrl,
) -> Result<Gateways, Failure> {
    let account = simulator.credentials();
    let key = account.wechat_public_key.clone();
    let verify = match &account.wechat_public_key_id {
        Some(id) => wechat::Verify::PublicKey { id: id.clone(), key },
        None => wechat::Verify::Certificate { pem: key },
    };
    let wechat = open_wechat(wechat::Settings {
        app_id: account.wechat_app_id.clone(),
        mini_app_id: Some(account.wechat_mini_app_id.clone()),
        mobile_app_id: Some(account.wechat_mobile_app_id.clone()),
        mch_id: account.wechat_mch_id.clone(),
        serial_no: account.wechat_serial_no.clone(),
        api_v3_key: SecretString::from(account.wechat_api_v3_key.as_str()),
        private_key: SecretString::from(account.wechat_private_key.as_str()),
        verify,
        gateway_url: simulator.wechat_url(),
        backup_url: Some(simulator.wechat_backup_url()),
        notify_url: public_url.notification_address(Channel::Wechat),
        oauth: Some(wechat::OauthSettings {
            app_secret: SecretString::from(account.wechat_app_secret.as_str()),
            authorize_url: simulator.base_url(),
            api_url: simulator.base_url(),
        }),
        mini_api: Some(wechat::MiniApiSettings {
            app_secret: SecretString::from(account.wechat_mini_app_secret.as_str()),
            api_url: simulator.base_url(),
        }),
    })?;
    let alipay = open_alipay(alipay::Settings {
        app_id: account.alipay_app_id.clone(),
        private_key: SecretString::from(account.alipay_private_key.as_str()),
        verify: alipay::Verify::PublicKey {
            key: account.alipay_public_key.clone(),
        },
        seller_id: Some(account.alipay_seller_id.clone()),
        mini_app_id: Some(account.alipay_mini_app_id.clone()),
        qr_product: config.alipay_qr_product,
        gateway_url: simulator.alipay_url(),
        notify_url: public_url.notification_address(Channel::Alipay),
    })?;
    Ok(Gateways {
        wechat: Some(wechat),
        alipay: Some(alipay),
    })
}

fn open_wechat(settings: wechat::Settings) -> Result<Gateway, Failure> {
    let wechat = wechat::Wechat::new(settings, Clock::System)
        .map_err(|error| ConfigError::new(error.setting, error.message))?;
    Ok(wechat.into())
}

fn open_alipay(settings: alipay::Settings) -> Result<Gateway, Failure> {
    let alipay = alipay::Alipay::new(settings, Clock::System)
        .map_err(|error| ConfigError::new(error.setting, error.message))?;
    Ok(alipay.into())
}
