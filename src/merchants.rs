//! Checks that this start may serve the database, which records the merchant accounts that used it.

use domain::Channel;
use payments::{Obstacle, Services, Serving};

use crate::Failure;
use crate::config::{Config, ConfigError, GatewayMode};

fn serving_now(config: &Config) -> Serving {
    let simulated = vec![
        (Channel::Wechat, simulator::WECHAT_MCH_ID.to_owned()),
        (Channel::Alipay, simulator::ALIPAY_APP_ID.to_owned()),
    ];
    let accounts = match &config.gateways {
        GatewayMode::Simulator => simulated.clone(),
        GatewayMode::Live(accounts) => {
            let wechat = accounts.wechat.as_ref();
            let alipay = accounts.alipay.as_ref();
            [
                wechat.map(|account| (Channel::Wechat, account.mch_id.clone())),
                alipay.map(|account| (Channel::Alipay, account.app_id.clone())),
            ]
            .into_iter()
            .flatten()
            .collect()
        }
    };
    Serving {
        is_live: config.is_live(),
        accounts,
        simulated,
    }
}

/// Refuses another merchant's database unless the operator accepts it; accepted reasons are logged.
pub async fn check_merchants(config: &Config, services: &Services) -> Result<Vec<Obstacle>, Failure> {
    let obstacles = payments::find_obstacles(services, &serving_now(config)).await?;
    let Some(first) = obstacles.first() else {
        return Ok(obstacles);
    };
    let reasons: Vec<String> = obstacles.iter().map(Obstacle::to_string).collect();
    let reasons = reasons.join("; ");
    if config.accepts_other_merchant {
        tracing::warn!("ACCEPT_OTHER_MERCHANT=yes: started although {reasons}");
        return Ok(obstacles);
    }
    let setting = match first {
        Obstacle::LiveDatabase { .. } => "GATEWAYS",
        Obstacle::Unfinished {
            channel: Channel::Wechat,
            ..
        } => "WECHAT_MCH_ID",
        Obstacle::Unfinished {
            channel: Channel::Alipay,
            ..
        } => "ALIPAY_APP_ID",
        Obstacle::PlayMoney { .. } => "DATABASE_URL",
    };
    Err(Failure::Config(ConfigError::new(
        setting,
        format!(
            "{reasons}. Start with the settings that belong to this database, with another DATABASE_URL, or with \
             ACCEPT_OTHER_MERCHANT=yes, which leaves those payments alone"
        ),
    )))
}

/// Does [`check_merchants`] for a server, and records its merchant accounts.
pub async fn stamp_database(config: &Config, services: &Services) -> Result<(), Failure> {
    let accepted = check_merchants(config, services).await?;
    payments::stamp_accounts(services, &serving_now(config), &accepted).await?;
    Ok(())
}
