//! The doors from a checkout page to the gateway, for who pays on the same device.

use ::payments::gateway::Invocation;
use ::payments::{Made, Services, StartPayment, find_checkout, start_payment};
use app::context::Request as PageRequest;
use app::error::UiError;
use app::links::CheckoutLink;
use app::view::{Situation, referrer_policy};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, extract::rejection::ExtensionRejection};
use domain::{Payment, Product};

use super::Web;
use super::api::{Id, to_the_end};
use super::error::Problem;
use crate::listen::Peer;
