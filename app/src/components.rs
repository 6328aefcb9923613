//! Components of pages. They take plain values and decide nothing.
//!
//! The larger ones end in `into_any`: a page would otherwise be one type, too deep for the compiler.

mod code;
mod facts;
mod forms;
mod frame;
mod guide;
mod handover;
pub mod icons;
mod methods;
mod result;
mod spending;
mod summary;

pub use code::{CodeCard, DeadlineLine};
pub use facts::Facts;
pub use forms::{ActionForm, CheckAgain, HiddenLanguage};
pub use frame::{Frame, Scripts};
pub use guide::{Correction, GuideNote, OtherWayButton};
pub use handover::HandoverButton;
pub use methods::{MethodForm, SwitchMethod};
pub use result::{Alert, ResultCard};
pub use spending::SpendingCard;
pub use summary::{OrderDetails, OrderSummary};
