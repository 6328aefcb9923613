-- Events: one row for each change that a merchant's program is told of, written in the transaction of the change.
create table events (
    id text primary key,
    type text not null,
    -- The object that changed, by its id: an order, a payment, a refund, an entry, an incident.
    subject text not null,
    order_id text,
    payment_id text,
    refund_id text,
    -- The object as JSON, as the API shows it at that moment. Addresses of checkout pages stand in it without their base.
    data text not null,
    -- Grows along cause and effect: a writer sees the rows of the changes before its own. Writers at the same time may draw
    -- the same number.
    seq bigint not null,
    -- Place in the feed. It is given after the commit, by one writer at a time, so that nothing can appear behind a cursor
    -- that was handed out.
    position bigint,
    -- The only endpoint that is sent a ping, which is in no feed.
    endpoint_id text,
    created_at bigint not null
);

create index events_by_seq on events (seq);
create index events_unnumbered on events (seq, id) where position is null and endpoint_id is null;
create unique index events_by_position on events (position) where position is not null;
create index events_by_type on events (type, position) where position is not null;

-- The last position that was given; held by the writer that gives positions.
create table event_turn (
    one bigint primary key check (one = 1),
    position bigint not null
);

insert into event_turn (one, position) values (1, 0);
