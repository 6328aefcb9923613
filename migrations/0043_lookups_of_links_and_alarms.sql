-- Lookups of payment links and of alarms.

-- A payer's own orders behind a link, for each tap. The index by link alone is a prefix of it.
create index payment_link_orders_by_visitor on payment_link_orders (link_id, visitor_hash);
drop index payment_link_orders_by_link;

-- Incidents of which operators have yet to be told, asked for every few seconds.
create index incidents_untold on incidents (kind) where resolved_at is null and not is_told;
