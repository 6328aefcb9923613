//! The fifty-seven traps of the two protocols, each with a test that falls into it when the product does.
//!
//! Here stand those that need a gateway, a simulator or a vector; the others stand beside what they are about:
//!
//! | trap | shown by |
//! | --- | --- |
//! | T-16 | `t_16_the_return_url_is_signed_with_sign_type_and_does_not_prove_payment` (`simulator/tests`); we read nothing of it |
//! | T-24 | `t_24_returning_from_a_gateway_proves_nothing` (`end2end/http/handover.rs`) |
//! | T-30 | `t_30_only_a_reported_success_makes_a_refund_succeed` (`domain/tests/refunds.rs`) |
//! | T-33 | `t_33_a_busy_gateway_has_not_refused_a_refund` (`gateway/wechat/refusal.rs`), and with effect below |
//! | T-34 | `t_34_a_trade_that_is_not_seen_yet_is_asked_for_again` (`gateway/wechat/refusal.rs`), and over the wire below |
//! | T-46 | `without_its_database_the_server_is_unready_and_acknowledges_nothing` and `t_46_an_acknowledged_payment_survives_a_kill` (`end2end/http`) |
//! | T-47 | `t_47_…` (`gateway/wechat/bill.rs`, `gateway/alipay/bill.rs`) |
//! | T-48 | `t_48_…` (`gateway/wechat/refusal.rs`, `gateway/alipay/wire.rs`) |
//! | T-53, T-54 | `payments/tests/journeys/ambiguous_notifications.rs`, on both engines |
//! | T-55 | `t_55_texts_are_cut_by_bytes_between_characters` (`gateway/text.rs`), and over the wire in `no_text_to_a_gateway_is_refused_and_the_order_keeps_its_own` |
//! | T-56 | `payments/tests/journeys/repeated_calls.rs`, on both engines |
//! | T-57 | `t_57_…` (`payments/tests/vectors/alipay.rs`, `gateway/alipay/sign.rs`, `gateway/wechat/wire.rs`) |
//! | T-52 | cannot happen by construction: keys come from the environment or a file that it names, are read by `src/config` alone, and what a browser gets is built without `payments` (`the_browser_bundle_has_no_server_crates`, `end2end/tidy.rs`) |

#![expect(clippy::unwrap_used, reason = "a helper of a test fails with it")]

mod bytes;
mod forms;
#[path = "../vectors/harness.rs"]
#[expect(dead_code, reason = "the vectors use more of it")]
mod harness;
mod keys;
mod logs;
mod money;
mod orders;
mod refunds;
#[path = "../journeys/shop.rs"]
#[expect(dead_code, reason = "journeys use more of it")]
mod shop;
