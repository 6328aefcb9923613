-- Whether the gateway must be sent this refund (again) when it is due; otherwise it is asked about.
alter table refunds add column to_send boolean not null default true;
-- Written before the call: who finds it asks before anything is sent once more.
alter table refunds add column sent_at bigint;
alter table refunds add column n_answers bigint not null default 0;
-- Tries since the last answer that could be believed.
alter table refunds add column n_unanswered bigint not null default 0;
-- The request named no sum: all that was left.
alter table refunds add column takes_rest boolean not null default false;
-- The failed refund whose place this one takes.
alter table refunds add column replaces text references refunds (id);

create unique index refunds_one_replacement on refunds (replaces) where replaces is not null;
create index refunds_due on refunds (due_at) where due_at is not null;
