-- One index finds a trade and keeps it unique: each paid payment was written to two.
drop index payments_by_transaction;
drop index payments_one_per_trade;
create unique index payments_one_per_trade on payments (transaction_id, method) where transaction_id is not null;
