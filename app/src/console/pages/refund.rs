//! The refund dialog, and its second step.

use domain::{Money, Payment};
use leptos::prelude::*;
use payments::console::RefundPlan;
use url::form_urlencoded::Serializer;

use super::fields::{TextField, filled_field, refusal};
use super::parts::{empty, fact, heading};
use crate::console::{ConsoleContext, format};
use crate::i18n::{ConsoleWords, fill};
use crate::view::money;

/// Form fields as typed.
#[derive(Debug, Clone)]
pub struct RefundForm {
    /// Empty: everything that is refundable.
    pub amount: String,
    pub reason: RefundReason,
    pub words: String,
}

domain::words! {
    /// Refund reasons; the payer and the gateway read them too.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum RefundReason {
        Wish => "wish",
        Twice => "twice",
        Defect => "defect",
        Stock => "stock",
        Other => "other",
    }
}

impl RefundReason {
    const fn name(self, words: &ConsoleWords) -> &'static str {
        match self {
            RefundReason::Wish => words.reason_approval,
            RefundReason::Twice => words.reason_twice,
            RefundReason::Defect => words.reason_defect,
            RefundReason::Stock => words.reason_stock,
            RefundReason::Other => words.reason_other,
        }
    }
}

impl RefundForm {
    /// Returns the reason as it is recorded and sent.
    pub fn text(&self, words: &ConsoleWords) -> String {
        let name = self.reason.name(words);
        match (self.reason, self.words.as_str()) {
            (_, "") => name.to_owned(),
            (RefundReason::Other, typed) => typed.to_owned(),
            (_, typed) => format!("{name}: {typed}"),
        }
    }
}

impl RefundForm {
    /// Returns the query string of the form filled in like this.
    pub fn query(&self) -> String {
        Serializer::new(String::new())
            .append_pair("amount", &self.amount)
            .append_pair("reason", self.reason.as_str())
            .append_pair("words", &self.words)
            .finish()
    }
}

/// Address that the form of a payment is sent to.
pub fn path_of_check(payment: &Payment) -> String {
    format!("/admin/payments/{}/refund/check", payment.id)
}

pub fn refund(context: &ConsoleContext, plan: &RefundPlan, form: &RefundForm) -> AnyView {
    let words = context.words();
    let title = format!("{} · {}", words.refund, plan.order.order_no);
    let content = if plan.left.is_zero() {
        empty(words.nothing_left)
    } else {
        render_dialog(context, plan, form)
    };
    view! {
        {heading(&title, ().into_any())}
        <section class="panel panel--narrow">
            <dl class="facts">{render_sums(words, plan)}</dl>
            {content}
            <p><a class="act" href=format!("/admin/orders/{}", plan.order.id)>{words.back_to_order}</a></p>
        </section>
    }
    .into_any()
}

fn render_sums(words: &'static ConsoleWords, plan: &RefundPlan) -> Vec<AnyView> {
    let sum = |money: Money| money::text(money).into_any();
    let mut sums = vec![
        fact(words.paid_sum, sum(plan.payment.amount)),
        fact(words.returned, sum(plan.payment.refunded)),
        fact(words.returning, sum(plan.payment.refunding)),
    ];
    if !plan.waiting.is_zero() {
        sums.push(fact(words.waiting_sum, sum(plan.waiting)));
    }
    sums.push(fact(words.left, sum(plan.left)));
    sums
}

fn render_dialog(context: &ConsoleContext, plan: &RefundPlan, form: &RefundForm) -> AnyView {
    let words = context.words();
    let action = path_of_check(&plan.payment);
    let typed = context.typed(&action);
    let is_first = form.amount.is_empty() && typed.problem().is_none();
    let amount = if is_first {
        plan.left.to_yuan()
    } else {
        form.amount.clone()
    };
    let reasons = RefundReason::ALL.map(|reason| {
        let is_chosen = reason == form.reason;
        view! { <option value=reason.as_str() selected=is_chosen>{reason.name(words)}</option> }
    });
    let labels = [("amount", words.refund_amount), ("words", words.reason_words)];
    let own_words = TextField::line("words", words.reason_words, "60").optional();
    view! {
        {refusal(context, typed, &labels)}
        <form class="form" method="post" action=action.clone()>
            {filled_field(context, typed, TextField::amount("amount", words.refund_amount), amount)}
            <label class="field">
                <span class="field__label">{words.reason}</span>
                <select class="field__input" name="reason">{reasons.collect_view()}</select>
            </label>
            {filled_field(context, typed, own_words, form.words.clone())}
            <button class="button button--primary">{words.look_again}</button>
        </form>
    }
    .into_any()
}

/// Second step, which repeats the sum and the payer: a refund cannot be undone.
pub fn refund_check(
    context: &ConsoleContext,
    plan: &RefundPlan,
    form: &RefundForm,
    amount: Money,
    needs_approval: bool,
) -> AnyView {
    let words = context.words();
    let sum = money::text(amount);
    let values = [("amount", sum.as_str()), ("user", plan.order.user_id.as_str())];
    let facts = vec![
        fact(words.order_no, format::reference(plan.order.order_no.as_str())),
        fact(words.subject_of_order, plan.order.subject.clone().into_any()),
        fact(words.user, plan.order.user_id.clone().into_any()),
        fact(
            words.method,
            format::method(plan.payment.method(), words).into_any(),
        ),
        fact(words.refund_amount, sum.clone().into_any()),
        fact(words.reason, form.text(words).into_any()),
    ];
    let label = if needs_approval {
        words.ask_colleague
    } else {
        words.refund_now
    };
    let button = fill(label, &values);
    let back = format!("/admin/payments/{}/refund?{}", plan.payment.id, form.query());
    view! {
        {heading(&fill(words.refund_question, &values), ().into_any())}
        <section class="panel panel--narrow">
            <dl class="facts">{facts}</dl>
            {needs_approval.then(|| view! { <p class="notice notice--warn">{words.needs_approval}</p> })}
            <p><a class="act" href=back data-action="change">{words.no_go_back}</a></p>
            <form class="form" method="post" action=format!("/admin/payments/{}/refund", plan.payment.id)>
                <input type="hidden" name="refund_no" value=plan.refund_no.to_string()/>
                <input type="hidden" name="amount" value=amount.to_yuan()/>
                <input type="hidden" name="reason" value=form.reason.as_str()/>
                <input type="hidden" name="words" value=form.words.clone()/>
                <button class="button button--danger">{button}</button>
            </form>
        </section>
    }
    .into_any()
}
