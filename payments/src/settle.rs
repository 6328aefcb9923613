//! The one door for news about a payment.
