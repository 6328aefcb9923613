-- Operations that the check of `operation`, which SQLite cannot widen, does not list: there, such a call has the nearest one.
alter table gateway_calls add column newer_operation text check (newer_operation in ('upload_shipping'));
