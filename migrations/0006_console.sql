-- What the operator's console keeps: who is in, what was done, and what people wrote.

-- The seed of a second factor, once its owner has shown that it works; the last step that was used, so that no code works twice.
alter table users add column totp_secret text;
alter table users add column totp_step bigint not null default 0;
alter table users add column disabled_at bigint;

create table sessions (
    id text primary key,
    -- SHA-256 of what the cookie holds, in hex.
    hash text not null unique,
    user_id text not null references users (id),
    ip text,
    agent text not null,
    created_at bigint not null,
    seen_at bigint not null,
    -- When the password was last given in this session.
    confirmed_at bigint not null,
    ended_at bigint
);

create index sessions_by_user on sessions (user_id, created_at);

-- How often somebody tried to come in, by a hash of who and a window of time.
create table login_attempts (
    key text not null,
    ends_at bigint not null,
    n bigint not null,
    primary key (key, ends_at)
);

create index login_attempts_by_end on login_attempts (ends_at);

-- Who did what: written once, each line sealed by the hash of the line before.
create table audit_log (
    seq bigint primary key,
    at bigint not null,
    actor text not null,
    action text not null,
    -- The id of what was acted on.
    subject text not null,
    detail text not null,
    ip text not null,
    request_id text not null,
    previous_hash text not null,
    hash text not null unique
);

create index audit_log_by_subject on audit_log (subject, seq);

create table notes (
    id text primary key,
    order_id text not null references orders (id),
    author text not null,
    text text not null,
    created_at bigint not null
);

create index notes_by_order on notes (order_id, id);

-- A refund that one person asked for and another decides on.
create table refund_requests (
    id text primary key,
    payment_id text not null references payments (id),
    amount bigint not null check (amount > 0 and amount <= 10000000000),
    reason text not null,
    -- The number of the refund that an approval makes: fixed here, so that approving twice makes one.
    refund_no text not null unique,
    state text not null check (state in ('waiting', 'approved', 'rejected')),
    asked_by text not null,
    asked_at bigint not null,
    decided_by text,
    decided_at bigint,
    decision_note text,
    version bigint not null default 0,
    check (decided_by is null or decided_by <> asked_by)
);

create index refund_requests_by_payment on refund_requests (payment_id);
create index refund_requests_waiting on refund_requests (id) where state = 'waiting';

alter table incidents add column resolved_by text;
alter table incidents add column resolution text;

create index incidents_open on incidents (id) where resolved_at is null;
create index incidents_by_payment on incidents (payment_id);

alter table api_keys add column last_used_at bigint;

-- The search box: every number leads to its order, and lists are read from an index in their own order.
create index orders_by_amount on orders (amount, id);
create index orders_by_state on orders (state, id);
create index payments_by_transaction on payments (transaction_id) where transaction_id is not null;
create index refunds_by_gateway_id on refunds (gateway_refund_id) where gateway_refund_id is not null;
create index notices_by_time on notices (received_at, channel, notice_id);
create index payments_by_method on payments (method, order_id, id);

-- Figures of a day are read from its own rows.
create index payments_by_paid_at on payments (paid_at) where paid_at is not null;
create index refunds_by_finish on refunds (finished_at) where finished_at is not null;
