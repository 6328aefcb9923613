//! Approvals: refunds and credits that wait for a second person, and past decisions.

use domain::Money;
use leptos::prelude::*;
use payments::console::{Approval, CreditRequest, Operator, Permission, RefundApproval};

use super::parts::{
    Column::{Figures, Text},
    empty, heading, panel, table,
};
use crate::console::{ConsoleContext, format};
use crate::i18n::{ConsoleWords, fill};
use crate::view::money;

/// Pending requests, and decided ones.
pub type Requests<T> = (Vec<T>, Vec<T>);

pub fn approvals(
    context: &ConsoleContext,
    operator: &Operator,
    (refunds, refunds_decided): Requests<RefundApproval>,
    (credits, credits_decided): Requests<CreditRequest>,
) -> AnyView {
    let words = context.words();
    let is_empty = refunds.is_empty() && credits.is_empty();
    let refunds: Vec<_> = refunds
        .iter()
        .map(|approval| render_refund_card(context, operator, approval))
        .collect();
    let credits: Vec<_> = credits
        .iter()
        .map(|credit| render_credit_card(context, operator, credit))
        .collect();
    let refunds_decided = render_decided(
        words,
        words.decided,
        words.order_no,
        render_refund_rows(words, refunds_decided),
    );
    let credits_decided = render_decided(
        words,
        words.credits_decided,
        words.user,
        render_credit_rows(words, credits_decided),
    );
    view! {
        {heading(words.approvals, ().into_any())}
        {is_empty.then(|| view! { <section class="panel">{empty(words.no_approvals)}</section> })}
        {refunds}
        {credits}
        {refunds_decided}
        {credits_decided}
    }
    .into_any()
}

/// Request of one person that another has to approve.
struct Question<'a> {
    id: &'a str,
    sentence: &'static str,
    amount: Money,
    user: &'a str,
    reason: &'a str,
    approval: &'a Approval,
    /// Address that the decision is posted to.
    path: String,
    needed: Permission,
}

fn render_refund_card(context: &ConsoleContext, operator: &Operator, request: &RefundApproval) -> AnyView {
    let words = context.words();
    let question = Question {
        id: &request.id,
        sentence: words.refund_question,
        amount: request.amount,
        user: &request.user_id,
        reason: &request.reason,
        approval: &request.approval,
        path: format!("/admin/refunds/{}", request.id),
        needed: Permission::ApproveRefund,
    };
    let order =
        view! { <a class="act" href=format!("/admin/orders/{}", request.order_id)>{words.open_order}</a> };
    render_card(context, operator, &question, order.into_any())
}

fn render_credit_card(context: &ConsoleContext, operator: &Operator, credit: &CreditRequest) -> AnyView {
    let words = context.words();
    let question = Question {
        id: &credit.id,
        sentence: words.credit_question,
        amount: credit.amount,
        user: &credit.user_id,
        reason: &credit.note,
        approval: &credit.approval,
        path: format!("/admin/credits/{}", credit.id),
        needed: Permission::AdjustBalance,
    };
    render_card(context, operator, &question, ().into_any())
}

fn render_card(
    context: &ConsoleContext,
    operator: &Operator,
    question: &Question<'_>,
    link: AnyView,
) -> AnyView {
    let words = context.words();
    let is_own = question.approval.asked_by == operator.email;
    let acts = match (context.may(question.needed), is_own) {
        (false, _) => ().into_any(),
        (true, true) => view! { <p class="small">{words.own_approval}</p> }.into_any(),
        (true, false) => render_decisions(words, &question.path),
    };
    let amount = money::text(question.amount);
    let values = [("amount", amount.as_str()), ("user", question.user)];
    view! {
        <section class="panel" id=question.id.to_owned()>
            <h2 class="panel__title">{fill(question.sentence, &values)}</h2>
            <p>{question.reason.to_owned()}</p>
            <p class="small">
                {words.asked_by} " " {question.approval.asked_by.clone()} " · " {format::time(question.approval.asked_at)}
            </p>
            <div class="acts">
                {link}
                {acts}
            </div>
        </section>
    }
    .into_any()
}

fn render_decisions(words: &'static ConsoleWords, path: &str) -> AnyView {
    view! {
        <form method="post" action=format!("{path}/approve")>
            <button class="act act--primary">{words.approve}</button>
        </form>
        <form class="inline" method="post" action=format!("{path}/reject")>
            <label class="field field--wide">
                <span class="field__label">{words.why_not}</span>
                <input class="field__input" name="why" maxlength="200" required/>
            </label>
            <button class="act act--bad">{words.reject}</button>
        </form>
    }
    .into_any()
}

fn render_decided(
    words: &'static ConsoleWords,
    title: &'static str,
    first: &'static str,
    rows: Vec<AnyView>,
) -> Option<AnyView> {
    let columns = [
        Text(first),
        Figures(words.amount),
        Text(words.reason),
        Text(words.asked_by),
        Text(words.decision),
        Text(words.who),
        Text(words.when),
    ];
    (!rows.is_empty()).then(|| panel(title, table(title, &columns, rows)))
}

/// Cells of an approval: who asked, the decision, who decided, and when.
fn render_approval_cells(words: &'static ConsoleWords, approval: Approval) -> AnyView {
    let badge = if approval.is_approved == Some(true) {
        format::badge("ok", words.approved)
    } else {
        format::badge("neutral", words.rejected)
    };
    view! {
        <td>{approval.asked_by}</td>
        <td>{badge} " " {approval.note}</td>
        <td>{approval.decided_by}</td>
        <td>{format::maybe_time(approval.decided_at)}</td>
    }
    .into_any()
}

fn render_refund_rows(words: &'static ConsoleWords, decided: Vec<RefundApproval>) -> Vec<AnyView> {
    let row = |refund: RefundApproval| {
        view! {
            <tr>
                <td><a class="reference" href=format!("/admin/orders/{}", refund.order_id)>{refund.order_no}</a></td>
                <td class="amount-cell num">{money::text(refund.amount)}</td>
                <td>{refund.reason}</td>
                {render_approval_cells(words, refund.approval)}
            </tr>
        }
        .into_any()
    };
    decided.into_iter().map(row).collect()
}

fn render_credit_rows(words: &'static ConsoleWords, decided: Vec<CreditRequest>) -> Vec<AnyView> {
    let row = |credit: CreditRequest| {
        view! {
            <tr>
                <td class="reference">{credit.user_id}</td>
                <td class="amount-cell num">{money::text(credit.amount)}</td>
                <td>{credit.note}</td>
                {render_approval_cells(words, credit.approval)}
            </tr>
        }
        .into_any()
    };
    decided.into_iter().map(row).collect()
}
