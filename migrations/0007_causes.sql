-- What was said to a gateway about a payment and what came back, without secrets, for people who want to know why. Money never
-- depends on it.
create table gateway_calls (
    -- A hash of all that makes two calls the same: one question with one answer is one row, however often it was asked.
    id text primary key,
    channel text not null check (channel in ('wechat', 'alipay')),
    operation text not null check (operation in ('create', 'query', 'close', 'cancel', 'refund', 'query_refund')),
    payment_no text not null,
    -- Method and path, or the method's name where all go to one path.
    line text not null,
    request text not null,
    -- The status of HTTP; none when nothing came back.
    status bigint,
    answer text not null,
    verdict text not null check (verdict in ('signed', 'unsigned', 'not_believed', 'no_answer')),
    -- Why it was not believed, or why there is none.
    reason text,
    n bigint not null,
    first_at bigint not null,
    last_at bigint not null,
    shortest_ms bigint not null,
    longest_ms bigint not null
);

create index gateway_calls_by_payment on gateway_calls (payment_no);
create index gateway_calls_by_last on gateway_calls (last_at);

-- Who looks after it, by address.
alter table incidents add column assigned_to text;

-- Callbacks that a gateway did not sign, counted over all servers in spans of ten minutes: a flood costs one write in a
-- while.
create table forged_notices (
    channel text not null check (channel in ('wechat', 'alipay')),
    since bigint not null,
    n bigint not null,
    primary key (channel, since)
);
