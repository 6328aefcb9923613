//! Pages, one file each: a page loads one view struct and places it.

mod checkout;
mod failed;
mod link;
mod receipt;
mod reference;
mod shop;
mod states;

pub use checkout::{CheckoutPage, LoadedView, load_checkout};
pub use failed::NotFoundPage;
pub use link::LinkPage;
pub use receipt::ReceiptPage;
pub use reference::ReferencePage;
pub use shop::ShopPage;
