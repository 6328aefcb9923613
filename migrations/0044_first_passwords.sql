-- First passwords, which their users must change at the first login, and forms of the console that must act only once.

alter table users add column must_change_password boolean not null default false;

-- A form whose answer shows a secret once: sending it again (a reload) must not make another secret.
create table used_forms (
    id text not null primary key,
    used_at bigint not null
);
create index used_forms_by_age on used_forms (used_at);
