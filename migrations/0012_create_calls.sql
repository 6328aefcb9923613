-- How often the right to send the create call was taken. A refusal of the second call does not prove that the first one was
-- refused too. What was there before, or is written by an older server beside this one, counts as sent once.
alter table payments add column n_calls bigint not null default 1;
