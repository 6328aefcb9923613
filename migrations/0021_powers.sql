-- Whose word moved money or ended an order: a person of the console or an API key. Orders, refunds and entries of a rule have
-- no row here.
create table requesters (
    kind text not null check (kind in ('refund', 'adjust', 'cancel')),
    -- The id of the refund or of the order, or the number of the adjustment.
    subject text not null,
    api_key_id text,
    -- The address of a person.
    person text,
    -- What it gives out, in fen: a refund or a credit; zero for everything else.
    amount bigint not null check (amount >= 0),
    -- The user whose balance was adjusted.
    user_id text,
    -- A second person decided: it counts in no sum.
    is_approved boolean not null default false,
    created_at bigint not null,
    primary key (kind, subject),
    check ((api_key_id is null) <> (person is null))
);

create index requesters_by_person on requesters (person, created_at) where person is not null;
create index requesters_by_key on requesters (api_key_id, created_at) where api_key_id is not null;
create index requesters_by_user on requesters (user_id, created_at) where user_id is not null;

-- A credit that one person asked for and another decides on.
create table credit_requests (
    id text primary key,
    user_id text not null,
    amount bigint not null check (amount > 0 and amount <= 10000000000),
    note text not null,
    -- The number of the adjustment that an approval makes: fixed here, so that approving twice makes one.
    adjustment_no text not null unique,
    state text not null check (state in ('waiting', 'approved', 'rejected')),
    asked_by text not null,
    asked_at bigint not null,
    decided_by text,
    decided_at bigint,
    decision_note text,
    check (decided_by is null or decided_by <> asked_by)
);

create index credit_requests_by_user on credit_requests (user_id);
create index credit_requests_waiting on credit_requests (id) where state = 'waiting';

-- What one key may give out at most, in fen: at once, and on one day in Beijing. Null: no limit of its own.
alter table api_keys add column most_per_refund bigint check (most_per_refund >= 0);
alter table api_keys add column most_per_day bigint check (most_per_day >= 0);

-- Browsers that have logged in before, by a hash of their cookie: guesses from elsewhere do not lock them out.
create table login_devices (
    user_id text not null references users (id),
    hash text not null,
    created_at bigint not null,
    seen_at bigint not null,
    primary key (user_id, hash)
);
