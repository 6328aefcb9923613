-- Logins whose password was right and whose code of the second factor is still to come.

create table held_logins (
    hash text not null primary key,
    user_id text not null references users (id),
    created_at bigint not null
);
create index held_logins_by_age on held_logins (created_at);
create index held_logins_by_user on held_logins (user_id);
