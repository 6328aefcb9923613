-- Why an order was cancelled, where it was not by request: its time was over.
alter table orders add column cancel_cause text check (cancel_cause in ('expired'));
