-- Fees of the gateways in the ledger, double entry like entries: what a gateway took for a payment, or gave back for a
-- refund, moves between fees:CHANNEL and gateway:CHANNEL. A table of its own, because entries cannot take another kind
-- without being rebuilt.
create table fee_entries (
    journal text not null,
    account text not null,
    amount bigint not null check (amount <> 0),
    kind text not null check (kind in ('fee', 'fee_returned')),
    -- Id of the payment or the refund.
    reference text not null,
    -- Day of the statement, and its gateway.
    day text not null,
    channel text not null,
    created_at bigint not null,
    primary key (journal, account)
);

create index fee_entries_by_reference on fee_entries (reference);
create index fee_entries_by_day on fee_entries (day, channel);

-- Day of the statement that lists the refund: a gateway's day may differ from ours around midnight.
alter table refunds add column statement_day text;

create index refunds_by_sending on refunds (sent_at) where sent_at is not null;
