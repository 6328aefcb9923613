-- One text for SQLite and PostgreSQL: ids and states are text, times are bigint milliseconds UTC, money is bigint fen.

create table orders (
    id text primary key,
    order_no text not null unique,
    -- The secret in the checkout link.
    token text not null unique,
    user_id text not null,
    subject text not null,
    amount bigint not null check (amount > 0 and amount <= 10000000000),
    state text not null check (state in ('open', 'paid', 'cancelled')),
    return_url text,
    metadata text,
    expires_at bigint not null,
    paid_at bigint,
    cancel_reason text,
    created_at bigint not null,
    updated_at bigint not null,
    leased_until bigint not null default 0,
    version bigint not null default 0
);

create index orders_by_user on orders (user_id, id);
create index orders_open_by_deadline on orders (expires_at) where state = 'open';

create table payments (
    id text primary key,
    -- out_trade_no: what the gateway knows the payment by.
    payment_no text not null unique,
    order_id text not null references orders (id),
    method text not null check (method in ('wechat', 'alipay', 'balance')),
    product text not null check (product in ('native', 'h5', 'jsapi', 'qr', 'wap', 'page', 'balance')),
    amount bigint not null check (amount > 0 and amount <= 10000000000),
    state text not null check (state in ('created', 'pending', 'paid', 'closed', 'declined')),
    -- The payment that pays its order; a paid one that does not is surplus.
    settles boolean not null default false,
    transaction_id text,
    -- The exact bytes of the create call: a retry sends them again.
    request text not null,
    -- The content of the QR code, or the URL to open.
    prompt text,
    failure_reason text,
    expires_at bigint not null,
    paid_at bigint,
    ended_at bigint,
    created_at bigint not null,
    updated_at bigint not null,
    -- The row is the job: when to ask the gateway next, and who is asking.
    due_at bigint,
    leased_until bigint not null default 0,
    n_asked bigint not null default 0,
    asked_at bigint not null default 0,
    watched_until bigint not null default 0,
    -- Somebody is sending the create call.
    calling_until bigint not null default 0,
    version bigint not null default 0,
    check (settles = false or state = 'paid'),
    check (state <> 'paid' or (transaction_id is not null and paid_at is not null))
);

create index payments_by_order on payments (order_id);
create unique index payments_one_open_per_order on payments (order_id) where state in ('created', 'pending');
create unique index payments_one_settles_per_order on payments (order_id) where settles;
create unique index payments_one_per_trade on payments (method, transaction_id) where transaction_id is not null;
create index payments_due on payments (due_at) where due_at is not null;
create index payments_open_by_deadline on payments (expires_at) where state in ('created', 'pending');

create table refunds (
    id text primary key,
    -- out_refund_no / out_request_no: fixed here, sent unchanged on every try.
    refund_no text not null unique,
    payment_id text not null references payments (id),
    amount bigint not null check (amount > 0 and amount <= 10000000000),
    reason text not null,
    state text not null check (state in ('requested', 'pending', 'succeeded', 'failed', 'stuck')),
    gateway_refund_id text,
    failure_reason text,
    created_at bigint not null,
    finished_at bigint,
    due_at bigint,
    leased_until bigint not null default 0,
    version bigint not null default 0
);

create index refunds_by_payment on refunds (payment_id);

-- Every authentic message of a gateway, as it came.
create table notices (
    channel text not null check (channel in ('wechat', 'alipay')),
    notice_id text not null,
    payment_no text not null,
    headers text not null,
    body text not null,
    verdict text not null,
    received_at bigint not null,
    primary key (channel, notice_id)
);

create index notices_by_payment on notices (payment_no);

-- What a person must look at.
create table incidents (
    id text primary key,
    kind text not null,
    -- One row per thing that is wrong, however often it is reported.
    subject text not null,
    payment_id text,
    detail text not null,
    created_at bigint not null,
    resolved_at bigint,
    unique (kind, subject)
);

create table idempotency_keys (
    route text not null,
    key text not null,
    fingerprint text not null,
    status bigint not null,
    body text not null,
    created_at bigint not null,
    primary key (route, key)
);

create table api_keys (
    id text primary key,
    name text not null,
    -- SHA-256 of the key in hex; the key itself is shown once and not kept.
    hash text not null unique,
    last4 text not null,
    scopes text not null,
    created_at bigint not null,
    revoked_at bigint
);

create table users (
    id text primary key,
    email text not null unique,
    password_hash text not null,
    role text not null check (role in ('owner', 'finance', 'support', 'developer', 'viewer')),
    created_at bigint not null
);
