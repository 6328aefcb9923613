-- Where the gateway sends the payer's browser afterwards.
alter table payments add column return_url text;
-- An H5 address of WeChat's dies after five minutes, long before its payment: it is asked for again by then.
alter table payments add column prompted_at bigint;
