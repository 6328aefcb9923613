-- Following changes by lists: when a refund changed last, and indexes in the order of change.
alter table refunds add column updated_at bigint;

create index orders_by_update on orders (updated_at, id);
create index payments_by_update on payments (updated_at, id);
-- Refunds of before, and of an older server beside this one, have no time of their last change.
create index refunds_by_update on refunds (coalesce(updated_at, finished_at, created_at), id);
