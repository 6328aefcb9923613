-- Alarms: messages to operators about incidents that open and close.

-- Whether operators have been told that it is open. Told and resolved: they have yet to be told that it is over.
alter table incidents add column is_told boolean not null default false;

create index incidents_told on incidents (kind) where is_told;

-- One message: what has become of the incidents of one kind. Its deliveries to robots and mail are rows of `deliveries`.
create table alarms (
    id text primary key,
    occasion text not null check (occasion in ('opened', 'resolved', 'test')),
    -- Kind of the incidents. Null: a test.
    kind text,
    n_incidents bigint not null,
    -- Sum of the payments concerned. Null: the incidents are not about money.
    amount bigint,
    -- Order of the only incident.
    order_id text,
    -- When the oldest of the incidents was opened.
    oldest_at bigint not null,
    created_at bigint not null
);

create index alarms_by_time on alarms (created_at);
