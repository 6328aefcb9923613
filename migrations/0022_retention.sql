-- The turn of the job that erases old data: one row, so that of several servers one does it.
create table retention_turn (
    one bigint primary key check (one = 1),
    leased_until bigint not null,
    done_at bigint not null
);

insert into retention_turn (one, leased_until, done_at) values (1, 0, 0);

-- What is erased is found by its age.
create index notices_to_erase on notices (received_at) where body <> '';
create index idempotency_keys_by_age on idempotency_keys (created_at);
create index sessions_by_age on sessions (created_at);
create index login_devices_by_age on login_devices (seen_at);
create index payments_to_erase on payments (created_at)
    where request <> '' and state in ('paid', 'closed', 'declined');
