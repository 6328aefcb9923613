-- Operations that were added after `operation` got its list: there, such a call holds the nearest one that older servers read.
alter table gateway_calls add column newer_operation text check (newer_operation in ('upload_shipping'));
