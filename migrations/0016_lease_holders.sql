-- The server that holds a row's lease: when that server dies, others take the row up at once and wait for no lease to end.
alter table payments add column leased_by text;
alter table payments add column calling_by text;
alter table orders add column leased_by text;
alter table refunds add column leased_by text;

-- The servers that share this database. A living one moves its beat every two seconds; the others judge by its moving and by
-- their own clocks, never by a time that is written here.
create table servers (
    id text primary key,
    beat bigint not null,
    started_at bigint not null,
    seen_at bigint not null
);

-- Each gateway's questions are claimed apart from the other's.
drop index payments_due;
create index payments_due on payments (method, due_at) where due_at is not null;
