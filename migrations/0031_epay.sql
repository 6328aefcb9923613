-- The epay protocol: merchants, their attempts to have a number paid, and refunds that they asked for.
create table epay_merchants (
    pid bigint primary key check (pid >= 1 and pid <= 999999999),
    name text not null,
    -- The shared key of V1, sealed.
    md5_key text not null,
    -- Our RSA key for this merchant alone (PKCS#8 in base64, sealed), and its public half.
    platform_key text not null,
    platform_public_key text not null,
    -- The merchant's RSA key in base64. Null: speaks only V1.
    public_key text,
    created_at bigint not null,
    disabled_at bigint
);

-- One order of ours for a merchant's number. A number may get another one after the time of the last is over.
create table epay_attempts (
    order_id text primary key references orders (id),
    pid bigint not null references epay_merchants (pid),
    merchant_no text not null,
    attempt bigint not null check (attempt >= 1),
    -- Which signatures the merchant reads: 1 is MD5, 2 is RSA.
    version bigint not null check (version in (1, 2)),
    asked_type text not null,
    notify_url text not null,
    return_url text,
    name text not null,
    param text not null,
    client_ip text,
    unique (pid, merchant_no, attempt)
);

create index epay_attempts_by_merchant on epay_attempts (pid, order_id);

create table epay_refunds (
    refund_no text primary key,
    pid bigint not null references epay_merchants (pid),
    order_id text not null references epay_attempts (order_id),
    -- Null: the request had no number.
    out_refund_no text,
    amount bigint not null check (amount > 0),
    -- Hash of the signature of the V2 request, which is carried out once.
    sign_hash text,
    created_at bigint not null
);

create unique index epay_refunds_by_number on epay_refunds (pid, out_refund_no) where out_refund_no is not null;
create unique index epay_refunds_by_sign on epay_refunds (pid, sign_hash) where sign_hash is not null;
create index epay_refunds_by_order on epay_refunds (order_id, amount);
