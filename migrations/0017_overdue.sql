-- When the questions about a payment began to stay without an answer that can be believed.
alter table payments add column unanswered_since bigint;
create index payments_unanswered on payments (unanswered_since) where unanswered_since is not null;
-- Refunds that have neither ended nor failed, whether they are due or not.
create index refunds_open on refunds (created_at) where state in ('requested', 'pending', 'stuck');
