-- How often the second factor was guessed by somebody who knew the password, and when last.
alter table users add column code_tries bigint not null default 0;
alter table users add column code_tried_at bigint not null default 0;

-- The codes on paper of who has a second factor: ten places a person, each good once. A new set takes the places of the old.
create table recovery_codes (
    user_id text not null references users (id),
    n bigint not null,
    -- SHA-256 of the code, in hex: with 120 random bits it needs no salt and no slow hash.
    hash text not null,
    used_at bigint,
    primary key (user_id, n)
);

-- Whoever adds a line to the audit log holds this row until their commit: lines follow each other, and nobody loses a race.
-- The number is how many there are, so that a log whose end was cut off does not look whole.
create table audit_turn (
    one bigint primary key check (one = 1),
    n bigint not null
);

insert into audit_turn (one, n) select 1, count(*) from audit_log;
