//! What is the same for every visitor of one running server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::context::HasBundle;
use domain::Channel;
use leptos::prelude::LeptosOptions;
use payments::Services;
use simulator::Simulator;

use crate::config::{Config, PublicUrl};
use crate::proxies::Proxies;

/// The name under which the bundle is built.
const OUTPUT_NAME: &str = "tongqian";

#[derive(Debug)]
pub struct Site {
    pub public_url: PublicUrl,
    pub proxies: Proxies,
    pub leptos: LeptosOptions,
    /// What pages know of it.
    pub shown: Arc<app::context::Site>,
    pub has_bundle: HasBundle,
    /// `/pkg` on disk.
    pub pkg: PathBuf,
}

impl Site {
    pub fn new(
        config: &Config,
        public_url: PublicUrl,
        services: &Services,
        simulator: Option<&Simulator>,
    ) -> Site {
        let root = find_root(config.site_root.as_deref());
        let pkg = root.join("pkg");
        let has_bundle = ["tongqian.js", "tongqian_bg.wasm"]
            .iter()
            .all(|file| pkg.join(file).is_file());
        if !has_bundle {
            tracing::info!(
                "no browser bundle in {}: pages work with plain forms",
                pkg.display()
            );
        }
        let is_offered = |channel: &Channel| services.gateways.get(*channel).is_some();
        let shown = app::context::Site {
            merchant: config.merchant_name.clone(),
            public_url: public_url.as_str().to_owned(),
            is_simulator: simulator.is_some(),
            wallet_url: simulator.map(Simulator::wallet_url),
            methods: Channel::ALL
                .into_iter()
                .filter(is_offered)
                .map(Channel::method)
                .collect(),
        };
        let leptos = LeptosOptions::builder()
            .output_name(OUTPUT_NAME)
            .site_root(root.to_string_lossy().into_owned())
            .site_pkg_dir("pkg")
            .site_addr(config.listen)
            .build();
        Site {
            public_url,
            proxies: config.trusted_proxies.clone(),
            leptos,
            shown: Arc::new(shown),
            has_bundle: HasBundle(has_bundle),
            pkg,
        }
    }
}

/// Where `make` puts it, seen from the working directory or from the program; or where the operator says.
fn find_root(told: Option<&Path>) -> PathBuf {
    if let Some(told) = told {
        return told.to_owned();
    }
    let usual = PathBuf::from("target/site");
    let program = std::env::current_exe().ok();
    let beside = program.as_deref().and_then(Path::parent);
    let places = [
        Some(usual.clone()),
        beside.and_then(Path::parent).map(|target| target.join("site")),
        beside.map(|beside| beside.join("site")),
    ];
    places
        .into_iter()
        .flatten()
        .find(|place| place.join("pkg").is_dir())
        .unwrap_or(usual)
}
