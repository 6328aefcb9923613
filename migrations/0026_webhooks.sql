-- Webhooks: the endpoints of merchants' programs, and what is delivered to them.
create table webhook_endpoints (
    id text primary key,
    url text not null,
    -- `*`, or the words of the wanted types with a comma before and after each.
    events text not null,
    description text,
    status text not null check (status in ('enabled', 'disabled')),
    -- Sealed (payments/src/secrets.rs).
    secret text not null,
    -- Signs beside the present secret until its time is over.
    previous_secret text,
    previous_until bigint,
    -- Since when every attempt has failed.
    failing_since bigint,
    -- Made by WEBHOOK_URL.
    is_from_settings boolean not null default false,
    created_at bigint not null,
    updated_at bigint not null
);

-- Of two servers that start at once, one makes it.
create unique index webhook_endpoints_of_settings on webhook_endpoints (url) where is_from_settings;

-- What is delivered to addresses that are not ours: the row is the job.
create table deliveries (
    -- To what: a webhook endpoint, or another receiver of notifications. Each target has a lane of its own.
    target text not null,
    -- What it tells of: an event, or the object of another notification.
    subject text not null,
    kind text not null,
    status text not null check (status in ('pending', 'succeeded', 'failed')),
    -- Attempts in all, and since it was last put in the queue by a person or a program.
    attempt bigint not null default 0,
    n_tries bigint not null default 0,
    -- When the next attempt is due; while one is under way, when its lease ends. Null: none is.
    due_at bigint,
    leased_by text,
    version bigint not null default 0,
    -- The last attempt: head of the request, and what came back.
    attempted_at bigint,
    request text,
    response_status bigint,
    response_headers text,
    response_body text,
    duration_ms bigint,
    error text,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (target, subject)
);

create index deliveries_due on deliveries (target, due_at) where due_at is not null;
create index deliveries_by_status on deliveries (target, status, subject);
create index deliveries_by_subject on deliveries (subject);

-- Ranges of events that are to be sent again, worked off in batches.
create table webhook_replays (
    endpoint_id text primary key references webhook_endpoints (id),
    -- Event ids: after the first, below the second.
    after_id text not null,
    below_id text not null,
    created_at bigint not null
);
