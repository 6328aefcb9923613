-- Orders by the last six signs of a number: what a payer reads out from a bill.
create index orders_by_last_digits on orders (substr(order_no, length(order_no) - 5));
create index payments_by_last_digits on payments (substr(payment_no, length(payment_no) - 5));
create index payments_by_last_trade_digits on payments (substr(transaction_id, length(transaction_id) - 5))
    where transaction_id is not null;
