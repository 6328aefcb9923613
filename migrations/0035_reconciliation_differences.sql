-- Differences between a gateway's statement of a day and the books. A settled one stays, as a record.
create table reconciliation_differences (
    day text not null,
    channel text not null,
    kind text not null check (kind in
        ('missing_in_books', 'missing_in_statement', 'amount', 'status', 'fee', 'duplicate')),
    -- Number of the refund, of the payment, or of the trade: what the difference is about.
    subject text not null,
    payment_no text,
    refund_no text,
    transaction_id text,
    statement_amount bigint,
    book_amount bigint,
    state text not null check (state in ('open', 'repaired', 'explained')),
    evidence text not null,
    explanation text,
    explained_by text,
    found_at bigint not null,
    settled_at bigint,
    primary key (day, channel, kind, subject),
    foreign key (day, channel) references reconciliations (day, channel)
);
