-- Whether whoever holds the order's checkout link may see its user's balance and pay the order with it.
alter table orders add column allows_balance boolean not null default false;
