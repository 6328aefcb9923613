-- The audit groups by it, and a person who looks into a doubled refund searches by it.
create index refunds_by_cause on refunds (cause);
