-- Reconciliation of one Beijing day with the statements of one gateway. The row is the job.
create table reconciliations (
    -- 2026-11-27
    day text not null,
    channel text not null check (channel in ('wechat', 'alipay')),
    status text not null check (status in ('pending', 'matched', 'differences')),
    -- Reason why there is no usable statement yet.
    note text,
    -- In fen, of our own payments and refunds: what the statement says.
    statement_payments bigint not null default 0,
    statement_refunds bigint not null default 0,
    statement_fees bigint not null default 0,
    n_payments bigint not null default 0,
    n_refunds bigint not null default 0,
    -- Part of the payments, without that of the refunds, that the merchant's own coupons paid.
    discounts bigint not null default 0,
    -- The same of the books.
    book_payments bigint not null default 0,
    book_refunds bigint not null default 0,
    book_fees bigint not null default 0,
    -- Payments of other programs on the same merchant number.
    n_foreign bigint not null default 0,
    foreign_net bigint not null default 0,
    -- What the payments, refunds and fees of the fund-flow statement come to; null without one.
    fund_net bigint,
    -- Rate of the fees in millionths, where the gateway does not tell it and the day shows it.
    rate bigint,
    attempts bigint not null default 0,
    due_at bigint,
    leased_until bigint not null default 0,
    leased_by text,
    planned_at bigint not null,
    finished_at bigint,
    -- Null closed_by: closed by itself, when everything matched.
    closed_at bigint,
    closed_by text,
    close_reason text,
    -- Something changed after the day was closed.
    changed_at bigint,
    updated_at bigint not null,
    version bigint not null default 0,
    primary key (day, channel)
);

create index reconciliations_due on reconciliations (due_at) where due_at is not null;
