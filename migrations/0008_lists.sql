-- How much of an order is back with its payer, kept beside the refunds and checked against them: a list by status would
-- have to add up the refunds of every order it passes.
alter table orders add column refunded bigint not null default 0 check (refunded >= 0);

update orders
set refunded = (
    select coalesce(sum(r.amount), 0)
    from refunds r join payments p on p.id = r.payment_id
    where p.order_id = orders.id and p.settles and r.state = 'succeeded')
where id in (
    select p.order_id
    from refunds r join payments p on p.id = r.payment_id
    where p.settles and r.state = 'succeeded');

-- The status that people see (store/orders.rs spells it alike), in place of the state that is stored.
drop index orders_by_state;
create index orders_by_status on orders (
    (case when state = 'open' then 'pending'
        when state = 'cancelled' then 'cancelled'
        when refunded = 0 then 'paid'
        when refunded < amount then 'partially_refunded'
        else 'refunded' end),
    id);

create index incidents_resolved on incidents (resolved_at, id) where resolved_at is not null;

-- The figures of a day, without a look at its payments.
drop index payments_by_paid_at;
create index payments_by_paid_at on payments (paid_at, method, amount) where paid_at is not null;

-- When a gateway last called back.
create index notices_by_channel on notices (channel, received_at);
