-- Shipping information (发货信息) of paid payments in a mini program that WeChat is to be told of: the row is the job.
create table shipping_uploads (
    payment_id text primary key references payments (id),
    -- Null: it has ended.
    due_at bigint,
    leased_until bigint not null default 0,
    leased_by text,
    n_tries bigint not null default 0,
    -- WeChat's words at the last try that was refused, or the reason why there was no answer.
    detail text,
    outcome text check (outcome in ('done', 'refunded', 'given_up')),
    created_at bigint not null,
    ended_at bigint,
    check ((due_at is null) = (outcome is not null))
);

create index shipping_uploads_due on shipping_uploads (due_at) where due_at is not null;
