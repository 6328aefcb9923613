-- Merchant account at which a payment was opened. Null in rows of before, and for a balance: then it is the account that
-- the database served at the time.
alter table payments add column account text;
