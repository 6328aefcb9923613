-- A key is claimed in the transaction that writes the effect of its request down, before the answer is known. Until then
-- `status` and `body` say that nothing is known, which is what an older server beside this one repeats.
alter table idempotency_keys add column is_answered boolean not null default true;
-- The id of what the request wrote down or found; null while it only makes room for it.
alter table idempotency_keys add column effect text;
-- Whether the request made it.
alter table idempotency_keys add column is_new boolean not null default false;
