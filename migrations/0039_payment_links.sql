-- Payment links: an address behind which an order opens at the tap of each payer.
create table payment_links (
    id text primary key,
    -- The capability in the address.
    token text not null unique,
    subject text not null,
    -- Null: the payer enters it.
    amount bigint,
    -- Null: without end.
    stock bigint,
    expires_at bigint,
    created_by text not null,
    created_at bigint not null,
    closed_at bigint,
    -- Taps that led to an order: each holds the row until its commit.
    n_taps bigint not null default 0
);

-- Orders that were opened behind a link.
create table payment_link_orders (
    order_id text primary key references orders (id),
    link_id text not null references payment_links (id),
    -- SHA-256 of the payer's cookie, in hex: a second press gets the same order.
    visitor_hash text
);

create index payment_link_orders_by_link on payment_link_orders (link_id);
