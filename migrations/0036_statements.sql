-- Statements of the gateways as they were downloaded or brought by a person, compressed: the evidence of a day.
create table statements (
    day text not null,
    channel text not null,
    kind text not null check (kind in ('trade', 'fund_flow')),
    source text not null check (source in ('gateway', 'file')),
    -- SHA-256 of the file as it came.
    sum text not null,
    file bytea not null,
    received_at bigint not null,
    primary key (day, channel, kind)
);
