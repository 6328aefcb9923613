//! The real server on a free port, with a directory and a database of its own: what programs, gateways and browsers
//! without JavaScript see.

#![expect(clippy::unwrap_used, reason = "the helpers of tests give up as tests do")]

mod alarms;
mod api;
mod api_limits;
mod assets;
mod backup;
mod balance;
mod bodies;
mod branding;
mod browser;
mod callbacks;
mod client_products;
mod commands;
mod console;
mod crowds;
mod database;
mod dead_endpoints;
mod defects;
mod demo_shop;
mod docs;
mod doctor;
mod epay;
mod guide;
mod handover;
mod headers;
mod journey;
mod lanes;
mod locks;
mod merchants;
mod metrics;
mod money;
mod nul;
mod outages;
mod past;
mod powers;
mod reconcile_command;
mod reconciliations;
mod refunds;
mod repeats;
mod restart;
mod server;
mod settings;
#[path = "../../payments/tests/journeys/shop.rs"]
#[expect(dead_code, reason = "the journeys use more of it")]
mod shop;
mod signed_products;
mod signed_return;
mod statements;
mod stopping;
mod traces;
mod webhooks;
mod wechat_pages;
mod wire;
